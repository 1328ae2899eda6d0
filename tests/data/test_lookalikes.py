"""Text that a person reads as numbers or dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steepest.data import infer_schema, read_table
from steepest.errors import DataError

LABELS = ["no", "yes"] * 12

WRITTEN = {
    "commas": [f"{row},{row + 100}.50" for row in range(1, 25)],
    "points": [f"{row}.{row + 100},13" for row in range(1, 25)],
    "points and whole": [f"{row}.{row + 100}.000" for row in range(1, 25)],
    "blanks": [f"{row} {row + 100}" for row in range(1, 25)],
    "apostrophes": [f"{row}'{row + 100}.5" for row in range(1, 25)],
    "dollars": [f"${row + 0.5}" for row in range(24)],
    "dollars and groups": [f"${row},{row + 100}.50" for row in range(1, 25)],
    "euros behind": [f"{row},50 €" for row in range(24)],
    "currency code": [f"USD {row}" for row in range(24)],
    "negative": [f"-{row},{row + 100}" for row in range(1, 25)],
    "percent": [f"{row}%" for row in range(24)],
    "only the large ones": [f"{90.5 * row:,.2f}" for row in range(24)],
    "with words": [*(f"{row},{row + 100}" for row in range(1, 21)), "a", "b", "c", "a"],
    "one, the rest numbers": [*(str(row) for row in range(23)), "1,001"],
}

TEXT: dict[str, list[Any]] = {
    "words": ["a", "b", "c"] * 8,
    "mostly words": ["a", "b", "1,001"] * 8,
    "ranges": ["10-20", "20-30", "1"] * 8,
    "telephone": ["555-1234", "555-1235"] * 12,
    "codes": ["A12", "B1,000", "C3"] * 8,
    "product codes": ["ABC 123", "STD27"] * 12,
    "leading zero": ["020 794", "030 113"] * 12,
    "versions": ["1.2.3", "10.20.30"] * 12,
    "addresses": ["10.0.0.1", "192.168.1.10"] * 12,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_written_numbers_are_refused_as_feature_and_as_target(name: str) -> None:
    values = WRITTEN[name]
    table = read_table({"price": values, "x": list(range(24)), "y": LABELS})
    with pytest.raises(DataError, match="'price'") as caught:
        infer_schema(table, "y")
    message = str(caught.value)
    row = values.index("1,001") if "1,001" in values else 0
    if name != "only the large ones":
        assert f"row {row + 1}" in message
        assert repr(values[row]) in message
    assert "--types price=categorical or --drop price" in message
    for task in (None, "regression"):
        with pytest.raises(DataError, match="--task classification"):
            infer_schema(table, "price", task=task)
    with pytest.raises(DataError, match="looks like a number"):
        infer_schema(table, "y", types={"price": "numeric"})


@pytest.mark.parametrize("name", WRITTEN)
def test_who_says_so_gets_categories(name: str) -> None:
    table = read_table({"price": WRITTEN[name] * 2, "x": list(range(48)), "y": LABELS * 2})
    schema = infer_schema(table, "y", types={"price": "categorical"})
    assert schema.features[0].kind == "categorical"
    assert infer_schema(table, "y", drop=["price"]).left_out[0].name == "price"
    twice = infer_schema(table.take(slice(0, 48)), "price", task="classification")
    assert twice.target.task == "classification"


@pytest.mark.parametrize("name", TEXT)
def test_text_stays_text(name: str) -> None:
    table = read_table({"kind": TEXT[name], "x": list(range(24)), "y": LABELS})
    feature = infer_schema(table, "y").features[0]
    assert (feature.kind, feature.reason) == ("categorical", "text")
    assert "dates" not in feature.detail


def test_three_decimals_are_no_groups() -> None:
    values = [*(f"{row}.000" for row in range(1, 24)), "oops"]
    table = read_table({"size": values, "y": LABELS})
    with pytest.raises(DataError, match="row 24, column 'size': 'oops' stands in a column where"):
        infer_schema(table, "y")


@pytest.mark.parametrize(
    "pattern", ["2024-03-{:02}", "{}.3.2024", "3/{}/24", "2024/03/{} 12:30", "2024-03-{:02}T01:02"]
)
def test_dates_are_called_so(pattern: str) -> None:
    dates = [pattern.format(1 + row % 20) for row in range(24)]
    table = read_table({"day": dates, "x": list(range(24)), "y": LABELS})
    schema = infer_schema(table, "y")
    feature = schema.features[0]
    assert (feature.kind, feature.reason) == ("categorical", "text that looks like dates")
    assert "looks like dates" in schema.describe()
    distinct = read_table({"day": dates[:20], "x": list(range(20)), "y": LABELS[:20]})
    assert "looks like dates" in infer_schema(distinct, "y").left_out[0].reason


def test_a_file_with_decimal_commas_and_groups_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    rows = [
        f"{row},5;{'1.609,13' if row == 7 else f'{row}47,75'};{'ab'[row % 2]}\n"
        for row in range(20)
    ]
    path.write_text("size;price;sort\n" + "".join(rows))
    with pytest.raises(DataError) as caught:
        infer_schema(read_table(path, text_columns=["price"]), "price")
    for words in ("line 9", "'price'", "'1.609,13'", "1234,5"):
        assert words in str(caught.value)


def test_a_header_of_numbers_is_taken_for_a_row_where_the_target_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("39,State-gov,77516,<=50K\n" * 3)
    with pytest.raises(DataError, match="--no-header"):
        infer_schema(read_table(path), "income")
    path.write_text("age,work,weight,sex,race,2,3\n" + "39,State-gov,77516,M,W,1,<=50K\n" * 3)
    with pytest.raises(DataError) as caught:
        infer_schema(read_table(path), "income")
    assert "--no-header" not in str(caught.value)
