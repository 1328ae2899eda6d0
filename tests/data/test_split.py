"""Splits: every row once, classes by share, the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from steepest.data import split
from steepest.errors import ConfigurationError, DataError


@given(
    labels=st.lists(st.integers(0, 4), min_size=4, max_size=200),
    validation=st.floats(0, 0.6),
    test=st.floats(0, 0.39),
    seed=st.integers(0, 2**32 - 1),
    stratified=st.booleans(),
)
def test_every_row_once_and_classes_by_share(
    labels: list[int], validation: float, test: float, seed: int, stratified: bool
) -> None:
    rows = len(labels)
    stratify = labels if stratified else None
    try:
        parts = split(rows, validation=validation, test=test, seed=seed, stratify=stratify)
    except DataError:
        assume(False)
        raise
    joined = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(joined.tolist()) == list(range(rows))
    assert len(parts.validation) == round(validation * rows)
    assert len(parts.test) == round(test * rows)
    for part in (parts.train, parts.validation, parts.test):
        assert (np.diff(part) > 0).all()
    if stratified:
        kinds = np.array(labels)
        for kind in set(labels):
            assert (kinds[parts.train] == kind).any()


def test_shares_are_as_near_as_whole_rows_allow() -> None:
    labels = np.repeat(["a", "b", "c"], [600, 300, 101])
    parts = split(1001, validation=0.1, test=0.2, seed=3, stratify=labels)
    for part, fraction in ((parts.test, 0.2), (parts.validation, 0.1)):
        for label, count in (("a", 600), ("b", 300), ("c", 101)):
            assert abs((labels[part] == label).sum() - fraction * count) <= 1


def test_a_class_of_two_rows_stays_in_training() -> None:
    labels = ["a"] * 50 + ["b"] * 2
    for seed in range(30):
        parts = split(52, validation=0.3, test=0.3, seed=seed, stratify=labels)
        assert any(labels[row] == "b" for row in parts.train)


def test_a_full_class_gives_its_turn_to_another() -> None:
    labels = ["a"] * 10 + ["b"] * 2  # shares of 10 rows: 8.33 and 1.67
    parts = split(12, validation=0.84, seed=0, stratify=labels)
    assert sorted(labels[row] for row in parts.train) == ["a", "b"]


def test_the_test_part_does_not_depend_on_the_validation_part() -> None:
    one = split(100, validation=0.1, test=0.2, seed=5)
    two = split(100, validation=0.3, test=0.2, seed=5)
    np.testing.assert_array_equal(one.test, two.test)
    assert split(100, test=0.2, seed=6).test.tolist() != one.test.tolist()


def test_a_split_is_fixed_for_ever() -> None:
    parts = split(12, validation=0.25, test=0.25, seed=0)
    assert (parts.validation.tolist(), parts.test.tolist()) == ([3, 5, 11], [1, 2, 9])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rows": 4, "validation": 0.1}, "4 rows are too few for a validation part of 0.1"),
        ({"rows": 2, "test": 0.2}, "too few for a test part of 0.2"),
        ({"rows": 0}, "no rows to split"),
        ({"rows": 3, "validation": 0.4, "test": 0.55}, "training keeps one row"),
        (
            {"rows": 4, "validation": 0.75, "stratify": [0, 0, 1, 1]},
            r"training keeps one row of each class \(2\)",
        ),
        ({"rows": 4, "stratify": [0, 1]}, "stratify has shape"),
    ],
)
def test_too_few_rows(options: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        split(**options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"validation": 1.0}, "validation must be at least 0 and less than 1, not 1.0"),
        ({"test": -0.1}, "test must be"),
        ({"validation": float("nan")}, "validation must be"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing for training"),
        ({"seed": -1}, "a seed is a whole number from 0"),
        ({"seed": 2**32}, "a seed is a whole number from 0"),
    ],
)
def test_impossible_options(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        split(100, **options)


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    seed=st.integers(0, 9),
    part=st.data(),
)
def test_classes_get_rows_by_the_largest_remainders(
    sizes: list[int], seed: int, part: st.DataObject
) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    size = part.draw(st.integers(0, len(labels) - len(sizes)))
    expected = [size * each / len(labels) for each in sizes]
    shares = [int(each) for each in expected]
    while sum(shares) < size:
        room = [k for k, each in enumerate(sizes) if shares[k] < each - 1]
        shares[max(room, key=lambda k: (expected[k] - shares[k], sizes[k], -k))] += 1
    held_out = split(len(labels), validation=size / len(labels), test=0, seed=seed, stratify=labels)
    assert np.bincount(labels[held_out.validation], minlength=len(sizes)).tolist() == shares
