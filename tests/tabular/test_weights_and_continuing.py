"""Rows that count more, and fits that go on from where one ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as some

from steepest.data import read_table
from steepest.tabular.configuration import Configuration
from steepest.tabular.continued import continued, fine_tuning, without_rows
from steepest.tabular.fit import fit_prepared
from steepest.tabular.options import from_plain
from steepest.tabular.prepare import prepare
from steepest.tabular.prepared import prepare_table
from steepest.tabular.weights import as_weighted, repetitions

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=80)
TABLE = read_table({"x": X.tolist(), "z": (X**2).tolist(), "y": np.tanh(X).tolist()})


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        ([2, 0, 1], [2, 0, 1]),
        ([0.2, 0.1, 0.1], [2, 1, 1]),
        ([0.3, 0.3], [1, 1]),
        ([3, 3, 3], [3, 3, 3]),
        ([1e300, 1e300, 5.0], [12, 12, 1]),
        ([1e-320, 1.0, 0.5], [1, 16, 8]),
    ],
)
def test_rows_stand_as_often_as_their_weights_say(weights: list[float], counts: list[int]) -> None:
    assert repetitions(np.array(weights, dtype=float)).tolist() == counts


@settings(max_examples=50, deadline=None)
@given(some.lists(some.floats(0.0, 1e6), min_size=1, max_size=30).filter(any))
def test_no_row_with_a_weight_is_lost_and_few_are_added(weights: list[float]) -> None:
    counts = repetitions(np.array(weights))
    assert ((counts > 0) == (np.array(weights) > 0)).all()
    assert counts.sum() <= 9 * len(weights)
    order = np.argsort(weights)
    assert (np.diff(counts[order]) >= 0).all()


def test_the_preprocessing_of_weights_is_that_of_repeated_rows() -> None:
    values, weights = [1.0, 5.0, 9.0, 100.0], [3, 1, 2, 0]
    columns: dict[str, Any] = {"x": values, "y": [0.5, 1.5, 2.5, 3.5]}
    weighted = read_table({**columns, "w": weights})
    options = from_plain({"data": {"target": "y", "sample_weight": "w", "validation": 0}})
    repeated = as_weighted(weighted, options)
    assert repeated.column("x").texts() == ["1.0"] * 3 + ["5.0"] + ["9.0"] * 2
    fitted = prepare_table(prepare(weighted, options)).preprocessor
    rows = read_table({name: np.repeat(each, weights) for name, each in columns.items()})
    plain = from_plain({"data": {"target": "y", "validation": 0}})
    other = prepare_table(prepare(rows, plain)).preprocessor
    assert fitted.columns == other.columns
    assert fitted.target_scales == other.target_scales


def configuration(epochs: int, **optimizer: str | float) -> Configuration:
    constant: dict[str, Any] = {"schedule": "constant", "warm_up": 0.0, **optimizer}
    return from_plain(
        {
            "data": {"target": "y", "validation": 0},
            "network": {"hidden_layer_sizes": [8]},
            "optimizer": constant,
            "training": {"max_epochs": epochs},
        }
    )


@pytest.mark.parametrize("name", ["adamw", "momentum", "lbfgs"])
def test_two_fits_are_one(name: str) -> None:
    backend = "native" if name == "adamw" else "reference"
    whole = prepare(TABLE, configuration(6, name=name))
    expected = fit_prepared(prepare_table(whole, backend), whole)
    part = prepare(TABLE, configuration(3, name=name))
    begun = prepare_table(part, backend)
    fit_prepared(begun, part)
    found = fit_prepared(continued(without_rows(begun), part), part)
    np.testing.assert_array_equal(found.predict(TABLE), expected.predict(TABLE))
    assert [row["epoch"] for row in found.history] == [4, 5, 6]


def test_other_optimisers_begin_with_the_weights() -> None:
    part = prepare(TABLE, configuration(3))
    begun = prepare_table(part)
    before = fit_prepared(begun, part).predict(TABLE)
    other = prepare(TABLE, configuration(1, name="sgd", learning_rate=1e-9))
    after = fit_prepared(continued(begun, other), other)
    np.testing.assert_allclose(after.predict(TABLE), before, rtol=1e-5)
    tuned = fit_prepared(fine_tuning(after, other), other)
    np.testing.assert_allclose(tuned.predict(TABLE), before, rtol=1e-5)


def test_a_schedule_begins_anew() -> None:
    cosine = configuration(4, schedule="cosine")
    part = prepare(TABLE, cosine)
    begun = prepare_table(part, "reference")
    first = fit_prepared(begun, part).history
    second = fit_prepared(continued(begun, part), part).history
    rates = [[row["learning_rate"] for row in rows] for rows in (first, second)]
    np.testing.assert_allclose(rates[1], rates[0])
    plateau = prepare(TABLE, configuration(2, schedule="plateau"))
    assert fit_prepared(continued(begun, plateau), plateau).history[0]["learning_rate"] > 0
