"""Numbers as people write them: groups, currencies, per cent."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from steepest.data import Preprocessor, infer_schema, read_table
from steepest.data.written import parse_written
from steepest.errors import ConfigurationError, DataError

ROWS = range(1, 25)
LABELS = ["no", "yes"] * 12


def thousands(row: int) -> float:
    return 1000.0 * row if row > 3 else float(row)


def above_three(row: int) -> float:
    return float(row) if row > 3 else 0.0


def one_large(row: int) -> float:
    return 1001.0 if row == 24 else float(row)


WRITTEN: dict[str, tuple[list[str], Callable[[int], float]]] = {
    "commas": ([f"{row},{row + 100}.50" for row in ROWS], lambda row: 1001 * row + 100.5),
    "points": ([f"{row}.{row + 100},13" for row in ROWS], lambda row: 1001 * row + 100.13),
    "points and whole": (
        [f"{row}.{row + 100}.000" for row in ROWS],
        lambda row: 1_001_000.0 * row + 100_000,
    ),
    "blanks": ([f"{row} {row + 100}" for row in ROWS], lambda row: 1001.0 * row + 100),
    "narrow blanks": ([f"{row}\u202f{row + 100},5" for row in ROWS], lambda r: 1001 * r + 100.5),
    "apostrophes": ([f"{row}'{row + 100}.5" for row in ROWS], lambda row: 1001 * row + 100.5),
    "dollars": ([f"${row + 0.5}" for row in ROWS], lambda row: row + 0.5),
    "dollars and groups": ([f"${r},{r + 100}.50" for r in ROWS], lambda r: 1001 * r + 100.5),
    "euros behind": ([f"{row},50 €" for row in ROWS], lambda row: row + 0.5),
    "euros, groups alone": ([f"{r}.000 €" if r > 3 else f"{r} €" for r in ROWS], thousands),
    "currency code": ([f"USD {row}" for row in ROWS], float),
    "in brackets": ([f"({row}.5)" for row in ROWS], lambda row: -row - 0.5),
    "minus": ([f"-${row}.5" for row in ROWS], lambda row: -row - 0.5),
    "long minus": ([f"−{row}.5" for row in ROWS], lambda row: -row - 0.5),
    "percent": ([f"{row}%" for row in ROWS], float),
    "percent with a blank": ([f"{row},5 %" for row in ROWS], lambda row: row + 0.5),
    "percent and nought": ([f"{row}%" if row > 3 else "0" for row in ROWS], above_three),
    "only the large ones": ([f"{90.5 * row:,.2f}" for row in ROWS], lambda row: 90.5 * row),
    "one, the rest numbers": ([*(str(r) for r in range(1, 24)), "1,001"], one_large),
    "decimal commas": ([f"{row},5" for row in ROWS], lambda row: row + 0.5),
    "sums with and without a sign": ([f"${r}" if r % 2 else f"{r}" for r in ROWS], float),
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
def test_written_numbers_are_converted_and_said(name: str) -> None:
    values, meaning = WRITTEN[name]
    expected = np.array([meaning(row) for row in ROWS])
    table = read_table({"price": values, "x": list(range(24)), "y": LABELS})
    schema = infer_schema(table, "y")
    feature = schema.features[0]
    assert (feature.kind, feature.reason) == (
        "numeric",
        "all values are numbers as people write them",
    )
    largest = values[int(np.argmax(np.abs(expected)))]
    assert f"{largest!r} is read as" in schema.describe()
    fitted = Preprocessor.fit(table, schema, scaling="none")
    np.testing.assert_allclose(fitted.transform(table)["numeric"][:, 0], expected, rtol=1e-6)
    assert "price" in fitted.text_columns
    # An extract of the file may look otherwise; it is read as the whole was.
    few = fitted.transform(read_table({"price": [values[23], None], "x": [1, 2]}))
    np.testing.assert_allclose(few["numeric"][0, 0], expected[23], rtol=1e-6)
    again = Preprocessor.from_json(json.loads(json.dumps(fitted.to_json())))
    assert again == fitted


@pytest.mark.parametrize("name", WRITTEN)
def test_written_numbers_are_converted_in_a_target(name: str) -> None:
    values, meaning = WRITTEN[name]
    table = read_table({"price": values, "x": list(range(24))})
    for task in (None, "regression"):
        schema = infer_schema(table, "price", task=task)
        assert schema.task == "regression"
        assert "is read as" in schema.target.reason
        fitted = Preprocessor.fit(table, schema)
        found = fitted.inverse_target(fitted.transform_target(table))
        np.testing.assert_allclose(found, [meaning(row) for row in ROWS], rtol=1e-9)
        assert "price" in fitted.text_columns


@pytest.mark.parametrize("name", WRITTEN)
def test_who_says_so_gets_categories(name: str) -> None:
    table = read_table({"price": WRITTEN[name][0] * 2, "x": list(range(48)), "y": LABELS * 2})
    schema = infer_schema(table, "y", types={"price": "categorical"})
    assert schema.features[0].kind == "categorical"
    assert infer_schema(table, "y", drop=["price"]).left_out[0].name == "price"
    twice = infer_schema(table, "price", task="classification")
    assert twice.target.task == "classification"


REFUSED: dict[str, tuple[list[str], list[str]]] = {
    "groups or decimals": (["1,234", "2,345"] * 12, ["row 1", "'1,234'", "1234 or 1.234"]),
    "groups or decimals, with a sign": (
        ["€ 1.234", "€ 2.345"] * 12,
        ["'€ 1.234'", "numeric:comma"],
    ),
    "both": (["1,5 €", "1,234.5 €"] * 12, ["row 2", "'1,5 €'", "opposite signs"]),
    "two currencies": (["$1", "2 €"] * 12, ["row 2", "'2 €'", "another unit than '$1'"]),
    "shares and per cent": (["12%", "0.5"] * 12, ["row 2", "'0.5'", "another unit"]),
    "with words": (
        [*[f"{r},{r + 100}.5" for r in range(1, 21)], *"abca"],
        ["row 21", "'a'", "20 of 24"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_unclear_is_refused(name: str) -> None:
    values, told = REFUSED[name]
    table = read_table({"price": values, "x": list(range(24)), "y": LABELS})
    with pytest.raises(DataError) as caught:
        infer_schema(table, "y")
    for words in (*told, "--types price=categorical or --drop price"):
        assert words in str(caught.value)
    with pytest.raises(DataError, match="--task classification"):
        infer_schema(table, "price")


@pytest.mark.parametrize(("how", "expected"), [("point", 1234.0), ("comma", 1.234)])
def test_who_says_what_the_signs_are_is_heard(how: str, expected: float) -> None:
    table = read_table({"price": ["1,234", "2,345"] * 12, "y": LABELS})
    schema = infer_schema(table, "y", types={"price": f"numeric:{how}"})
    fitted = Preprocessor.fit(table, schema, scaling="none")
    assert fitted.transform(table)["numeric"][0, 0] == pytest.approx(expected)
    with pytest.raises(ConfigurationError, match="numeric:point or numeric:comma"):
        infer_schema(table, "y", types={"price": "numeric:dot"})


@given(
    value=st.decimals(-(10**9), 10**9, places=2, allow_nan=False),
    swapped=st.booleans(),
    around=st.sampled_from(["{}", "${}", "{} €", "{}%", "CHF {}"]),
)
def test_what_python_writes_is_read_back(value: Decimal, swapped: bool, around: str) -> None:
    text = f"{value:,.2f}"
    if swapped:
        text = text.translate(str.maketrans(",.", ".,"))
    expected = float(value)
    assert parse_written(around.format(text), "comma" if swapped else "point") == expected
    if value < 0:
        assert parse_written(f"({text[1:]})", "comma" if swapped else "point") == expected


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


def test_a_file_with_decimal_commas_and_groups(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    rows = [
        f"{row},5;{'1.609,13' if row == 7 else f'{row}47,75'};{'ab'[row % 2]}\n"
        for row in range(20)
    ]
    path.write_text("size;price;sort\n" + "".join(rows))
    table = read_table(path, text_columns=["price"])
    schema = infer_schema(table, "price")
    assert schema.task == "regression"
    assert "'1947,75' is read as 1947.75" in schema.target.reason
    fitted = Preprocessor.fit(table, schema)
    assert fitted.inverse_target(fitted.transform_target(table))[7] == pytest.approx(1609.13)


def test_a_header_of_numbers_is_taken_for_a_row_where_the_target_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("39,State-gov,77516,<=50K\n" * 3)
    with pytest.raises(DataError, match="--no-header"):
        infer_schema(read_table(path), "income")
    path.write_text("age,work,weight,sex,race,2,3\n" + "39,State-gov,77516,M,W,1,<=50K\n" * 3)
    with pytest.raises(DataError) as caught:
        infer_schema(read_table(path), "income")
    assert "--no-header" not in str(caught.value)
