"""The rows that samplers draw: how many, how often, together with which others."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

import steepest as st
from steepest.errors import ConfigurationError
from steepest.train.samplers import SAMPLERS, Draw, FreshSubsets, InOrder, Sampler, WithReplacement

pytestmark = pytest.mark.row("P2")

NAMES = list(SAMPLERS)
AT_RANDOM = [name for name in NAMES if name != "in_order"]
Array = Anything = Any


def rows(of: str | Sampler, n: int, size: int, epoch: int = 0, **draw: int) -> Array:
    chosen = SAMPLERS[of]() if isinstance(of, str) else of
    given = {"seed": 0, "member": 0, "epoch": epoch, **draw}
    return chosen.rows(st.Batches(n, size), Draw(**given))


def steps(of: str, n: int, size: int, epochs: int) -> Array:
    """The rows of many steps of equal size."""
    return np.concatenate([rows(of, n, size, epoch).reshape(-1, size) for epoch in range(epochs)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "size"), [(10, 3), (12, 4), (9, 4), (7, 7), (5, 1), (1, 1)])
def test_an_epoch_has_equally_many_steps_for_all(name: str, n: int, size: int) -> None:
    extents = SAMPLERS[name]().extents(st.Batches(n, size))
    drawn = rows(name, n, size)
    assert len(extents) == len(st.Batches(n, size).extents)
    assert len(drawn) == sum(extents)
    assert drawn.dtype == np.uint32
    assert drawn.min() >= 0
    assert drawn.max() < n


@pytest.mark.parametrize("name", AT_RANDOM)
def test_rows_are_a_function_of_seed_member_and_epoch(name: str) -> None:
    first = rows(name, 100, 20)
    np.testing.assert_array_equal(first, rows(name, 100, 20))
    for other in ({"seed": 1}, {"member": 1}, {"epoch": 1}):
        assert not np.array_equal(first, rows(name, 100, 20, **other))


@pytest.mark.parametrize("name", ["disjoint", "in_order"])
def test_every_row_comes_once_an_epoch(name: str) -> None:
    for epoch in range(5):
        assert sorted(rows(name, 103, 10, epoch).tolist()) == list(range(103))


def test_in_order_is_the_same_each_epoch() -> None:
    for epoch in range(3):
        np.testing.assert_array_equal(rows(InOrder(), 10, 3, epoch), np.arange(10))


@pytest.mark.parametrize(("n", "size"), [(20, 5), (1000, 40), (50, 49), (64, 33)])
def test_a_fresh_subset_holds_no_row_twice(n: int, size: int) -> None:
    for step in steps("fresh_subsets", n, size, 20):
        assert len(set(step.tolist())) == size


def test_all_subsets_are_equally_likely() -> None:
    """15 subsets of 4 of 6 rows, in 1,200 steps: a χ² test."""
    drawn = steps("fresh_subsets", 6, 4, 600)
    counts = Counter(tuple(sorted(step)) for step in drawn.tolist())
    assert len(counts) == math.comb(6, 4)
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize("name", AT_RANDOM)
def test_each_place_of_a_step_may_hold_any_row(name: str) -> None:
    """The marginal distribution of the first and the last place of every step: uniform."""
    drawn = steps(name, 12, 4, 400)
    for place in (0, -1):
        counts = np.bincount(drawn[:, place], minlength=12)
        assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("name", AT_RANDOM)
def test_the_gradient_of_a_step_is_right_on_average(name: str) -> None:
    """Of least squares: (1/B) Σ xᵢ (xᵢ·w − yᵢ), over 800 epochs' second steps."""
    random = np.random.default_rng(1)
    x, y, w = random.normal(size=(23, 3)), random.normal(size=23), np.array([1.0, -1.0, 0.5])
    each = x * (x @ w - y)[:, None]
    seconds = np.stack([rows(name, 23, 5, epoch)[5:10] for epoch in range(800)])
    gradients = each[seconds].mean(axis=1)
    errors = gradients.mean(axis=0) - each.mean(axis=0)
    assert np.all(np.abs(errors) < 4 * gradients.std(axis=0) / math.sqrt(800))


@pytest.mark.parametrize(
    ("name", "correction"),
    [("disjoint", True), ("fresh_subsets", True), ("with_replacement", False)],
)
def test_the_variance_of_a_mean_of_rows(name: str, correction: bool) -> None:
    """σ²/B with replacement, times (n − B)/(n − 1) without."""
    values = np.random.default_rng(2).exponential(size=20)
    means = values[steps(name, 20, 10, 700)].mean(axis=1)
    expected = values.var() / 10 * (10 / 19 if correction else 1.0)
    assert means.var() == pytest.approx(expected, rel=0.12)


def test_with_replacement_repeats_rows_as_often_as_chance_does() -> None:
    drawn = steps("with_replacement", 30, 10, 200)
    repeats = np.mean([len(step) - len(set(step)) for step in drawn.tolist()])
    assert repeats == pytest.approx(10 - 30 * (1 - (29 / 30) ** 10), rel=0.05)


def test_steps_of_an_epoch_are_drawn_apart() -> None:
    for name in ("fresh_subsets", "with_replacement"):
        first, second = rows(name, 1000, 500).reshape(2, 500)
        shared = len(set(first.tolist()) & set(second.tolist()))
        assert 100 < shared < 300, name  # disjoint ones would share none


def test_a_row_of_choices_begins_alike_however_long_it_is() -> None:
    short = st.random.choices(50, (3, 4), seed=5)
    long = st.random.choices(50, (3, 9), seed=5)
    np.testing.assert_array_equal(short, long[:, :4])
    np.testing.assert_array_equal(short[2:], st.random.choices(50, (1, 4), seed=5, first=2))


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("name", NAMES)
def test_a_trainer_sees_the_rows_of_the_sampler(name: str, backend: Anything) -> None:
    """The loss of a batch tells which rows it held: the weight does not move."""
    x = 2.0 ** np.arange(10)
    model = st.nn.Linear(1, 1, bias=False).astype(np.float64)
    trainer = st.Trainer(
        model, st.losses.Unchecked(lambda f, y: y + 0.0 * f[:, 0]), "sgd", seed=3, backend=backend
    )
    seen: list[float] = []
    history = trainer.fit(
        x[:, None],
        x,
        epochs=2,
        batch_size=4,
        sampler=name,
        callbacks=[st.EverySteps(1, lambda now: seen.append(now.metrics["loss"]))],
    )
    expected: list[float] = []
    for epoch in range(2):
        drawn, start = rows(name, 10, 4, epoch, seed=3), 0
        for extent in SAMPLERS[name]().extents(st.Batches(10, 4)):
            expected.append(float(x[drawn[start : start + extent]].mean()))
            start += extent
        of_epoch = x[drawn]
        assert history.rows[epoch]["loss"] == pytest.approx(of_epoch.mean())
    assert seen == pytest.approx(expected)


def test_a_sampler_may_be_given_itself() -> None:
    trainer = st.Trainer(st.nn.Linear(1, 1), "half_squared_error", "sgd")
    x = np.arange(6.0)
    history = trainer.fit(x[:, None], x, epochs=1, batch_size=2, sampler=WithReplacement())
    assert history.rows[0]["step"] == 3


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        ("disjont", "there is no sampler 'disjont'; did you mean 'disjoint'"),
        (FreshSubsets, r"write st.samplers.FreshSubsets\(\)"),
        (False, "sampler is one of st.samplers or its name"),
    ],
)
def test_what_is_no_sampler_is_refused(sampler: Anything, message: str) -> None:
    trainer = st.Trainer(st.nn.Linear(1, 1), "half_squared_error", "sgd")
    with pytest.raises(ConfigurationError, match=message):
        trainer.fit(np.ones((4, 1)), np.ones(4), epochs=1, batch_size=2, sampler=sampler)


@pytest.mark.row("P1")
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_full_batch_gradient_descent_takes_its_closed_path(backend: Anything) -> None:
    """Of a quadratic: w_t = w* + (I − η H)^t (w₀ − w*), whatever the sampler."""
    random = np.random.default_rng(4)
    x, y = random.normal(size=(30, 3)), random.normal(size=30)
    hessian = x.T @ x / 30
    best = np.linalg.solve(hessian, x.T @ y / 30)
    model = st.nn.Linear(3, 1, bias=False).astype(np.float64)
    start = model.weight.value.numpy()[0].copy()
    trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(0.3), backend=backend)
    trainer.fit(x, y, epochs=12, batch_size=None)
    decay = np.linalg.matrix_power(np.eye(3) - 0.3 * hessian, 12)
    np.testing.assert_allclose(
        model.weight.value.numpy()[0], best + decay @ (start - best), rtol=1e-11
    )
