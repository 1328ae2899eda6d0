"""Suspected leaks and repeated rows, against pandas, formulas and real tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from sklearn import datasets

from steepest.data import Table, infer_schema, read_table
from steepest.data.leaks import LEAK, explained, suspected_leaks
from steepest.data.repeats import repeated
from steepest.data.table import number_column, text_column

REAL = Path(__file__).parents[3] / "shared" / "data"


def leaks(frame: pd.DataFrame, target: str) -> list[str]:
    table = read_table(frame)
    return [leak.column for leak in suspected_leaks(table, infer_schema(table, target))]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_no_false_alarm_on_the_tables_of_scikit_learn(name: str) -> None:
    data: Any = getattr(datasets, f"load_{name}")(as_frame=True)
    assert leaks(data.frame, "target") == []


@pytest.mark.parametrize(
    ("file", "target", "options"),
    [
        ("adult/adult-train.csv", "14", {"header": None, "na_values": " ?"}),
        ("penguins/penguins.csv", "species", {}),
        ("diamonds/diamonds.csv", "price", {}),
        ("california-housing/housing.csv", "median_house_value", {}),
    ],
)
def test_no_false_alarm_on_real_tables(file: str, target: str, options: dict[str, Any]) -> None:
    if not (REAL / file).is_file():
        pytest.skip(f"{file} is not here")
    frame = pd.read_csv(REAL / file, **options)
    frame.columns = [str(name) for name in frame.columns]
    assert leaks(frame, target) == []


def _planted(rows: int = 600) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    label = generator.choice(["no", "yes", "maybe"], rows)
    price = generator.lognormal(size=rows)
    wrong = generator.random(rows) < 0.01
    return pd.DataFrame(
        {
            "noise": generator.normal(size=rows),
            "level": generator.choice(list("abcdefgh"), rows),
            "label": label,
            "copied": np.where(wrong, "no", np.char.upper(label)),
            "coded": np.array(pd.Categorical(label).codes) + generator.uniform(0, 0.4, rows),
            "price": price,
            "taxed": -np.sqrt(price) + generator.normal(0, 1e-3, rows),
        }
    )


def test_planted_leaks_are_named() -> None:
    frame = _planted()
    assert leaks(frame.drop(columns=["price", "taxed"]), "label") == ["copied", "coded"]
    assert leaks(frame[["noise", "level", "price", "taxed"]], "price") == ["taxed"]
    told = suspected_leaks(read_table(frame), infer_schema(read_table(frame), "price"))
    assert str(told[0]).startswith("suspected leak: 'taxed' alone explains 99.")
    assert str(told[0]).endswith("leave it out (--drop taxed)")
    assert leaks(frame.head(49), "label") == []
    written = frame[["noise", "price"]].assign(
        paid=[f"${1000 * price:,.2f}" for price in frame["price"]],
        until=[str(np.datetime64("2020-01-01") + int(900 * price)) for price in frame["price"]],
    )
    assert leaks(written, "price") == ["paid", "until"]


def test_an_identifier_explains_nothing() -> None:
    generator = np.random.default_rng(1)
    label = generator.integers(0, 2, 400)
    each = text_column([f"row {row}" for row in range(400)])
    assert explained(each, label, 2) < 0.01
    pairs = text_column([f"patient {row // 10}" for row in range(400)])
    assert explained(pairs, np.repeat(generator.integers(0, 2, 40), 10), 2) > 0.8


@given(
    seed=st.integers(0, 1000), rows=st.integers(50, 300), levels=st.integers(1, 9),
    classes=st.sampled_from([0, 2, 3]),
)  # fmt: skip
def test_the_share_explained_is_what_five_folds_give(
    seed: int, rows: int, levels: int, classes: int
) -> None:
    generator = np.random.default_rng(seed)
    x = generator.integers(0, levels, rows)
    y = generator.integers(0, classes, rows) if classes else generator.normal(size=rows)
    ranks = (pd.Series(y).rank() / rows).to_numpy()[:, None]
    truth = (y[:, None] == np.arange(classes)).astype(float) if classes else ranks
    errors = 0.0
    for row in range(rows):
        others = np.arange(rows) % 5 != row % 5
        same = others & (x == x[row])
        guess = (truth[same].sum(0) + truth[others].mean(0)) / (same.sum() + 1)
        errors += ((truth[row] - guess) ** 2).sum()
    spread = ((truth - truth.mean(0)) ** 2).sum()
    expected = 1 - errors / spread if spread > 1e-12 else 0.0
    column = text_column([str(value) + "x" for value in x])
    np.testing.assert_allclose(explained(column, y, classes), expected, atol=1e-9)


def test_missing_values_may_be_the_leak() -> None:
    label = np.arange(500) % 2
    x = np.where(label == 1, np.nan, np.random.default_rng(0).normal(size=500))
    assert explained(number_column(x), label, 2) > LEAK


Cells: TypeAlias = list[tuple[str | None, str | None]]
cells = st.sampled_from([None, "a", "b", "1", "1.0", "-0.0", "0"])


@given(
    known=st.lists(st.tuples(cells, cells), min_size=1, max_size=12),
    rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=12),
)
def test_repeated_rows_are_those_that_pandas_finds(known: Cells, rows: Cells) -> None:
    def same(cell: str | None) -> object:
        try:
            return "nothing" if cell is None else float(cell) + 0.0
        except ValueError:
            return cell

    def parts(cells: Cells) -> Table:
        return read_table({"x": [a for a, _ in cells], "y": [b for _, b in cells]})

    seen = {(same(a), same(b)) for a, b in known}
    expected = [(same(a), same(b)) in seen for a, b in rows]
    assert repeated(parts(known), parts(rows), ["x", "y"]).tolist() == expected


def test_numbers_and_their_places_count() -> None:
    known = read_table({"x": [1.5, np.nan], "y": [2.0, 3.0]})
    rows = read_table({"x": [1.5, 2.0, None, 1.5], "y": [2.0, 1.5, 3.0, 2.5]})
    assert repeated(known, rows, ["x", "y"]).tolist() == [True, False, True, False]
    assert repeated(known, rows, ["x"]).tolist() == [True, False, True, True]
