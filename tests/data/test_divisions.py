"""Divisions: nothing leaks from one part to another, whatever the rows are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from steepest.data import Table, read_table
from steepest.data.divisions import DIVISIONS, Grouped, Ordered, Shuffled
from steepest.errors import ConfigurationError, DataError
from steepest.tabular.options import options

SHARES = st.tuples(st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.0, 0.2, 0.4]))


def table(**columns: Sequence[object] | NDArray[Any]) -> Table:
    return read_table(columns)


def test_every_division_is_an_option_and_stands_on_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "honesty.md").read_text(encoding="utf-8")
    for name in DIVISIONS:
        assert options()[f"data.{name}"].flag is not None
        assert f"| `--{name} COLUMN` |" in page, "docs/honesty.md lacks its row"


@pytest.mark.parametrize("option", DIVISIONS)
@given(
    values=st.lists(st.integers(0, 12), min_size=8, max_size=120),
    classes=st.booleans(),
    shares=SHARES,
    seed=st.integers(0, 2**32 - 1),
    folds=st.integers(2, 4),
)
def test_no_value_of_the_column_is_in_two_parts(
    option: str,
    values: list[int],
    classes: bool,
    shares: tuple[float, float],
    seed: int,
    folds: int,
) -> None:
    labels = np.arange(len(values)) % 2 if classes else None
    rows = DIVISIONS[option](table(c=values), "c", labels)
    try:
        parts = rows.split(validation=shares[0], test=shares[1], seed=seed)
        held = rows.folds(folds, seed=seed)
    except (DataError, ConfigurationError) as error:
        assume("too few" not in str(error) and "no group" not in str(error))
        assume("cross-validation" not in str(error))
        raise
    three = [parts.train, parts.validation, parts.test]
    assert sorted(np.concatenate(three).tolist()) == list(range(len(values)))
    assert [len(part) > 0 for part in three] == [True, shares[0] > 0, shares[1] > 0]
    numbers = np.array(values)
    found = [set(numbers[part]) for part in three]
    assert len(set().union(*found)) == sum(map(len, found))
    assert len(held) == folds
    for training, validation in held:
        assert min(len(training), len(validation)) > 0
        assert not set(numbers[training]) & set(numbers[validation])
    if labels is not None and option == "group":
        assert set(labels[parts.train]) == set(labels)


def test_groups_keep_the_share_of_rows_and_of_classes() -> None:
    generator = np.random.default_rng(0)
    group = generator.integers(0, 150, 3000)
    label = generator.random(3000) < generator.beta(1, 3, 150)[group]  # some groups have many
    rows = Grouped(table(g=group), "g", label)
    for seed in range(5):
        parts = rows.split(validation=0.1, test=0.2, seed=seed)
        for part, share in ((parts.validation, 0.1), (parts.test, 0.2)):
            assert len(part) == pytest.approx(share * 3000, rel=0.15)
            assert label[part].mean() == pytest.approx(label.mean(), rel=0.15)
    tests = {tuple(rows.split(validation=0.1, test=0.2, seed=seed).test) for seed in range(5)}
    assert len(tests) == 5
    for training, validation in rows.folds(5, seed=0):
        assert len(validation) == pytest.approx(600, rel=0.1)
        assert label[training].mean() == pytest.approx(label.mean(), rel=0.05)


def test_folds_of_groups_are_as_even_as_those_of_scikit_learn() -> None:
    group = np.repeat(np.arange(30), np.arange(30) + 1)
    ours = sorted(len(held) for _, held in Grouped(table(g=group), "g").folds(4, seed=1))
    theirs = sorted(len(held) for _, held in GroupKFold(4).split(group, groups=group))
    assert np.ptp(ours) <= np.ptp(theirs) + 1


@pytest.mark.parametrize("count", [2, 3, 5])
def test_folds_of_time_are_those_of_scikit_learn(count: int) -> None:
    generator = np.random.default_rng(count)
    times = generator.permutation(60).astype(float)
    order = np.argsort(times)
    ours = Ordered(table(t=times), "t").folds(count, seed=0)
    for (training, held), (first, second) in zip(
        ours, TimeSeriesSplit(count).split(times), strict=True
    ):
        assert sorted(order[first]) == training.tolist()
        assert sorted(order[second]) == held.tolist()


def test_the_oldest_train_and_the_newest_test() -> None:
    days = [f"2024-{month:02d}-{day:02d}" for month in (3, 1, 2) for day in range(1, 11)]
    rows = Ordered(table(day=days), "day")
    parts = rows.split(validation=0.2, test=0.3, seed=7)
    first, second, third = (
        [days[row] for row in part] for part in (parts.train, parts.validation, parts.test)
    )
    assert max(first) < min(second)
    assert max(second) < min(third)
    assert (len(first), len(second), len(third)) == (15, 6, 9)
    assert rows.told(parts) == (
        "divided by 'day': train 2024-01-01 to 2024-02-05, validate 2024-02-06 to 2024-03-01, "
        "test 2024-03-02 to 2024-03-10"
    )


def test_dates_are_in_order_however_they_are_written() -> None:
    days = ["25.12.2023", "1.2.2024", "3.1.2024", "24.12.2023 18:30"]
    assert Ordered(table(t=days), "t").times.argsort().tolist() == [3, 0, 2, 1]


def test_folds_drawn_at_random_hold_each_class() -> None:
    labels = np.repeat(["a", "b"], [60, 20])
    for training, held in Shuffled(80, labels).folds(4, seed=0):
        assert (labels[held] == "b").sum() == 5
        assert len(training) == 60


@pytest.mark.parametrize(
    ("division", "told"),
    [
        (lambda: Grouped(table(g=["a", None, "b", None]), "g"), r"row 2, column 'g': the group is"),
        (lambda: Ordered(table(t=[1.0, None]), "t"), "row 2, column 't': the time is missing"),
        (
            lambda: Ordered(table(t=["2024-01-01", "spring"]), "t"),
            "row 2, column 't': 'spring' is no number, date or time",
        ),
        (
            lambda: Ordered(table(t=["1/3/2024", "2/3/2024"]), "t"),
            "row 1, column 't': '1/3/2024' may begin with its day or with its month",
        ),
        (
            lambda: Grouped(table(g=list("aabb")), "g").split(validation=0.2, test=0.2, seed=0),
            "'g' has 2 different values, too few for training and validation and test",
        ),
        (
            lambda: Ordered(table(t=[1, 1, 2, 2]), "t").split(validation=0.2, test=0.2, seed=0),
            "'t' has 2 different times, too few for training and validation and test",
        ),
        (
            lambda: Grouped(table(g=list("aabb")), "g", [0, 0, 1, 1]).split(
                validation=0.4, test=0, seed=0
            ),
            "no group of 'g' can be taken for validation",
        ),
    ],
)
def test_impossible_divisions_are_refused(division: Callable[[], object], told: str) -> None:
    with pytest.raises(DataError, match=told):
        division()


@pytest.mark.parametrize("option", DIVISIONS)
@pytest.mark.parametrize(
    ("method", "options", "told"),
    [
        ("folds", {"count": 1, "seed": 0}, "not 1"),
        ("folds", {"count": 9, "seed": 0}, "not 9"),
        ("split", {"validation": 1.0, "test": 0, "seed": 0}, "validation must be"),
        ("split", {"validation": 0.5, "test": 0.5, "seed": 0}, "leave nothing for training"),
    ],
)
def test_impossible_shares_and_folds(
    option: str, method: str, options: dict[str, Any], told: str
) -> None:
    rows = DIVISIONS[option](table(c=[1, 2, 3, 4]), "c", None)
    with pytest.raises(ConfigurationError, match=told):
        getattr(rows, method)(**options)


def test_what_a_table_of_its_own_shares_is_told() -> None:
    training = table(g=["a", "b", "c"], t=[1, 2, 3])
    other = table(g=["c", "d"], t=[3, 4])
    assert "1 of 2 rows of the test table have a 'g'" in Grouped(training, "g").mixed("test", other)
    assert "1 of 2 rows of the test table are no newer" in Ordered(training, "t").mixed(
        "test", other
    )
    apart = table(g=["x"], t=[9])
    assert not Grouped(training, "g").mixed("test", apart)
    assert not Ordered(training, "t").mixed("test", apart)
    assert not Shuffled(3).mixed("test", other)
