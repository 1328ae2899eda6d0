"""Schedules as numbers, against their formulas; and the same ones traced."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError

S = st.optim.schedules
TIMES = [0, 1, 2, 5, 9, 10, 11, 50, 99, 100, 101, 1000]


def cosine(t: float) -> float:
    return 0.001 + 0.5 * (0.1 - 0.001) * (1 + math.cos(math.pi * min(t, 100) / 100))


def warmed(t: float) -> float:
    return 0.1 * (t + 1) / 11 if t < 10 else cosine(t - 10)


FORMULAS: dict[str, tuple[S.Schedule, Callable[[float], float]]] = {
    "constant": (S.Constant(0.3), lambda t: 0.3),
    "cosine": (S.CosineAnnealing(0.1, steps=100, low=0.001), cosine),
    "linear": (
        S.LinearAnnealing(0.5, 0.99, steps=10),
        lambda t: 0.5 + 0.49 * min(t, 10) / 10,
    ),
    "warm-up into a number": (
        S.WarmUp(0.1, steps=10),
        lambda t: 0.1 * min(t + 1, 11) / 11,
    ),
    "warm-up into cosine": (
        S.WarmUp(S.CosineAnnealing(0.1, steps=100, low=0.001), steps=10),
        warmed,
    ),
    "per epoch": (S.PerEpoch(S.CosineAnnealing(0.1, steps=100, low=0.001)), cosine),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_numbers(name: str) -> None:
    schedule, formula = FORMULAS[name]
    for t in TIMES:
        assert schedule(t) == pytest.approx(formula(t), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", FORMULAS)
def test_traced_it_is_the_same(name: str) -> None:
    schedule, _ = FORMULAS[name]
    times = np.array(TIMES, np.float64)
    found = st.vmap(lambda t: schedule.at(st.optim.Time(t, t)) + 0.0 * t)(st.tensor(times)).numpy()
    np.testing.assert_allclose(found, [schedule(t) for t in TIMES], rtol=1e-13, atol=1e-17)


def test_ends_of_the_cosine() -> None:
    schedule = S.CosineAnnealing(0.1, steps=100, low=0.02)
    assert schedule(0) == 0.1
    assert schedule(100) == pytest.approx(0.02, rel=1e-14)
    assert schedule(50) == pytest.approx(0.06, rel=1e-14)


def test_schedules_count_steps_and_per_epoch_counts_epochs() -> None:
    seen: dict[str, list[float]] = {}
    for name, schedule in (
        ("steps", S.LinearAnnealing(1.0, 0.0, steps=12)),
        ("epochs", S.PerEpoch(S.LinearAnnealing(1.0, 0.0, steps=3))),
    ):
        with st.random.stream(0):
            model = st.nn.Linear(2, 1)
        rates: list[float] = []
        trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(schedule))
        trainer.fit(
            np.zeros((8, 2)),
            np.zeros(8),
            epochs=3,
            batch_size=2,
            callbacks=[st.EverySteps(1, lambda now, rates=rates: rates.append(now.learning_rate))],
        )
        seen[name] = rates
    np.testing.assert_allclose(seen["steps"], 1 - np.arange(12) / 12)
    np.testing.assert_allclose(seen["epochs"], np.repeat([1, 2 / 3, 1 / 3], 4))


BAD: list[Callable[[], Any]] = [
    lambda: S.Constant(-0.1),
    lambda: S.Constant(math.nan),
    lambda: S.CosineAnnealing(-0.1, steps=10),
    lambda: S.CosineAnnealing(0.1, steps=0),
    lambda: S.CosineAnnealing(0.1, steps=10, low=-1.0),
    lambda: S.CosineAnnealing(0.1, steps=2.5),  # type: ignore[arg-type]
    lambda: S.LinearAnnealing(0.1, -1.0, steps=10),
    lambda: S.WarmUp(-0.1, steps=10),
    lambda: S.WarmUp(0.1, steps=0),
]


@pytest.mark.parametrize("make", BAD)
def test_impossible_values_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError, match="number from"):
        make()
