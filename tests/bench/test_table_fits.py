"""Whole fits of tables: who gets which rows, and what is made of what came out."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, root_mean_squared_error

from steepest.bench import table_fits
from steepest.bench.clock import Turn
from steepest.bench.known_tables import KNOWN_TABLES, KnownTable, Rows
from steepest.bench.results import OURS
from steepest.bench.table_fits import BOOSTING, NETWORK, TableFits, fit_known_table, frame_of
from steepest.data import read_table
from steepest.errors import ConfigurationError, DataError
from steepest.tabular.options import from_plain

QUICK = from_plain({"training": {"max_epochs": 2}, "network": {"hidden_layer_sizes": [8]}})
SORTS = ("Adelie", "Chinstrap", "Gentoo")


def csv(rows: int, *, header: bool = True, stop: str = "") -> str:
    generator = np.random.default_rng(rows)
    lines = ["species,island,bill,price"] if header else []
    for row in range(rows):
        sort = row % 3
        bill = "" if row == 4 else f"{sort + generator.normal() / 4:.3f}"
        island = "" if row == 7 else "xyz"[(row // 2) % 3]
        lines.append(f"{SORTS[sort]}{stop},{island},{bill},{100 * sort + row / 7:.2f}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tables")
    (made / "penguins").mkdir()
    (made / "penguins" / "penguins.csv").write_text(csv(90))
    (made / "train.csv").write_text(csv(60, header=False))
    (made / "test.csv").write_text(csv(33, header=False, stop="."))
    return made


SPECIES = KnownTable("penguins/penguins.csv", "species", classes=True, source="here")
PRICE = KnownTable("penguins/penguins.csv", "price", classes=False, source="here")
OFFICIAL = KnownTable(
    "train.csv", "column_1", classes=True, source="here", header=False, test_file="test.csv"
)


@pytest.mark.parametrize("table", [SPECIES, PRICE])
def test_a_fifth_is_for_the_test_by_the_seed(folder: Path, table: KnownTable) -> None:
    rows = table.rows(folder, 0)
    numbers = [*rows.training.numbers.tolist(), *rows.test.numbers.tolist()]
    assert (len(rows.training), len(rows.test), len(set(numbers))) == (72, 18, 90)
    again, other = table.rows(folder, 0), table.rows(folder, 1)
    assert again.test.numbers.tolist() == rows.test.numbers.tolist()
    assert other.test.numbers.tolist() != rows.test.numbers.tolist()


def test_an_official_test_is_taken_as_it_is_but_for_full_stops(folder: Path) -> None:
    for seed in (0, 1):
        rows = OFFICIAL.rows(folder, seed)
        assert (len(rows.training), len(rows.test)) == (60, 33)
        assert set(rows.test.column("column_1").texts()) == set(SORTS)


def test_a_file_that_is_missing_is_told_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"penguins.csv is not there: it is penguins.csv of http"):
        KNOWN_TABLES["penguins"].rows(tmp_path, 0)


@pytest.mark.parametrize("table", [SPECIES, PRICE, OFFICIAL])
def test_everybody_is_fitted_to_the_same_rows_and_scored_on_the_same(
    folder: Path, table: KnownTable
) -> None:
    said: list[str] = []
    fits = fit_known_table("some", table, folder, 2, QUICK, said.append)
    assert said == ["some: a first fit", "some: seed 0", "some: seed 1"]
    assert list(fits.scores) == list(fits.turns) == [OURS, NETWORK, BOOSTING]
    assert {len(each) for each in (*fits.scores.values(), *fits.turns.values())} == {2}
    assert all(0 < score < 1000 for scores in fits.scores.values() for score in scores)
    assert all(turn.seconds > 0 for turns in fits.turns.values() for turn in turns)
    assert fits.training_rows + fits.test_rows == (93 if table is OFFICIAL else 90)
    document = json.loads(json.dumps(fits.document()))
    assert document["fits"][OURS]["mean"] == np.mean(fits.scores[OURS])


def test_the_scores_are_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    codes, prices = generator.integers(3, size=50), generator.normal(size=50)
    rows = read_table({"species": [SORTS[code] for code in codes], "price": prices, "x": prices**2})
    both = Rows(rows, rows)
    probabilities, numbers = generator.dirichlet([1, 1, 1], size=50), generator.normal(size=50)
    score: Any = table_fits._score  # pyright: ignore[reportPrivateUsage]
    ours = score(lambda: probabilities, both, SPECIES)
    assert ours == pytest.approx(log_loss(codes, probabilities))
    ours = score(lambda: numbers, both, PRICE)
    assert ours == pytest.approx(root_mean_squared_error(prices, numbers))


def test_a_frame_holds_the_table(folder: Path) -> None:
    table = SPECIES.rows(folder, 0).training
    frame = frame_of(table)
    assert list(frame.columns) == list(table.names)
    assert len(frame) == len(table)
    for name in table.names:
        np.testing.assert_array_equal(frame[name].isna(), table.column(name).missing)
    assert frame["species"].tolist() == table.column("species").texts()


def test_pandas_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match="pip install pandas"):
        fit_known_table("some", SPECIES, folder, 1, QUICK)


def test_what_is_said_of_fits() -> None:
    turns = {OURS: [Turn(3.0, 2.9), Turn(1.0, 1.0), Turn(2.0, 1.9)], "other": [Turn(4.0, 3.9)]}
    fits = TableFits("some", 10, 5, "rmse", {OURS: [1.0, 3.0, 5.0], "other": [2.0]}, turns, 9.0)
    assert (fits.mean(OURS), fits.seconds(OURS), fits.is_disturbed) == (3.0, 2.0, False)
    slow = {**turns, "other": [Turn(4.0, 2.0)] * 5}
    assert TableFits("some", 10, 5, "rmse", fits.scores, slow, 9.0).is_disturbed
    assert math.isclose(fits.document()["first_seconds"], 9.0)
