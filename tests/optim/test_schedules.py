"""Schedules as numbers, against their formulas; the same ones traced, and in a compiled step."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError
from steepest.transform.executable import Backend

S = st.optim.schedules
TIMES = [0, 1, 2, 5, 9, 10, 11, 29, 30, 31, 50, 69, 70, 71, 99, 100, 101, 1000]
SLOW = 0.001
pytestmark = pytest.mark.row("P3", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9")


def cosine(t: float) -> float:
    return 0.001 + 0.5 * (0.1 - 0.001) * (1 + math.cos(math.pi * min(t, 100) / 100))


def warmed(t: float) -> float:
    return 0.1 * (t + 1) / 11 if t < 10 else cosine(t - 10)


def restarts(t: float, cycle: float, factor: float) -> float:
    """A loop over the cycles."""
    while t >= cycle:
        t, cycle = t - cycle, cycle * factor
    return 0.02 + 0.5 * (0.1 - 0.02) * (1 + math.cos(math.pi * t / cycle))


def one_cycle(t: float) -> float:
    if t < 30:
        return 0.1 * (0.04 + 0.96 * (1 - math.cos(math.pi * t / 30)) / 2)
    part = min((t - 30) / 70, 1)
    return 0.1 * (4e-6 + (1 - 4e-6) * (1 + math.cos(math.pi * part)) / 2)


def flat_then_cosine(t: float) -> float:
    return 0.1 if t < 60 else 0.05 * (1 + math.cos(math.pi * min((t - 60) / 40, 1)))


def coslog4(t: float) -> float:
    return 0.05 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * min(t, 100) / 100)))


# A name is registered, or that of a class in words; more words tell the cases apart.
FORMULAS: dict[str, tuple[S.Schedule, Callable[[float], float]]] = {
    "constant": (S.Constant(0.3), lambda t: 0.3),
    "linear": (S.LinearAnnealing(0.5, 0.99, steps=10), lambda t: 0.5 + 0.49 * min(t, 10) / 10),
    "halving": (S.HalveEachEpoch(0.8), lambda t: 0.8 / 2**t),
    "step_decay": (
        S.StepDecay(0.3, milestones=[10, 30, 31], factor=0.5),
        lambda t: 0.3 * 0.5 ** sum(m <= t for m in (10, 30, 31)),
    ),
    "exponential": (S.Exponential(0.3, decay=0.02), lambda t: 0.3 * math.exp(-0.02 * t)),
    "inverse_time": (S.InverseTime(0.3, decay=0.02), lambda t: 0.3 / (1 + 0.02 * t)),
    "plateau": (S.Plateau(S.CosineAnnealing(0.1, steps=100, low=0.001)), cosine),
    "cosine": (S.CosineAnnealing(0.1, steps=100, low=0.001), cosine),
    "warm_restarts": (
        S.WarmRestarts(0.1, cycle=10, factor=2.0, low=0.02),
        lambda t: restarts(t, 10, 2.0),
    ),
    "warm_restarts of equal length": (
        S.WarmRestarts(0.1, cycle=10, factor=1.0, low=0.02),
        lambda t: restarts(t, 10, 1.0),
    ),
    "warm_restarts by three": (
        S.WarmRestarts(0.1, cycle=1, factor=3.0, low=0.02),
        lambda t: restarts(t, 1, 3.0),
    ),
    "one_cycle": (S.OneCycle(0.1, steps=100), one_cycle),
    "flat_then_cosine": (S.FlatThenCosine(0.1, steps=100, flat=0.6), flat_then_cosine),
    "coslog4": (S.CosLog4(0.1, steps=100), coslog4),
    "warm_up": (S.WarmUp(0.1, steps=10), lambda t: 0.1 * min(t + 1, 11) / 11),
    "warm_up into cosine": (
        S.WarmUp(S.CosineAnnealing(0.1, steps=100, low=0.001), steps=10),
        warmed,
    ),
    "PerEpoch": (S.PerEpoch(S.CosineAnnealing(0.1, steps=100, low=0.001)), cosine),
    "Concatenated": (
        S.Concatenated([0.2, S.LinearAnnealing(0.2, 0.0, steps=20), 0.05], boundaries=[10, 70]),
        lambda t: 0.2 if t < 10 else max(0.0, 0.2 * (1 - (t - 10) / 20)) if t < 70 else 0.05,
    ),
    "Product": (
        S.Product([S.WarmUp(0.5, steps=10), 2.0, S.Exponential(1.0, decay=0.02)]),
        lambda t: min(t + 1, 11) / 11 * math.exp(-0.02 * t),
    ),
}


def test_every_schedule_has_its_formula_here() -> None:
    assert {name.split()[0] for name in FORMULAS} >= set(S.SCHEDULES)


@pytest.mark.parametrize("name", FORMULAS)
def test_numbers(name: str) -> None:
    schedule, formula = FORMULAS[name]
    for t in TIMES:
        assert schedule(t) == pytest.approx(formula(t), rel=1e-12, abs=1e-15), t


@pytest.mark.parametrize("name", FORMULAS)
def test_traced_it_is_the_same(name: str) -> None:
    schedule, _ = FORMULAS[name]
    times = np.array(TIMES, np.float64)
    found = st.vmap(lambda t: schedule.at(st.optim.Time(t, t)) + 0.0 * t)(st.tensor(times))
    np.testing.assert_allclose(found.numpy(), [schedule(t) for t in TIMES], rtol=1e-13, atol=1e-17)


@pytest.mark.parametrize("name", FORMULAS)
def test_compiled_it_is_the_same(name: str) -> None:
    """A model of one float64 number whose gradient is 1: each step moves it by the rate."""
    schedule, formula = FORMULAS[name]
    model = st.nn.Linear(1, 1, bias=False).astype(st.float64)
    model.weight.assign(np.zeros((1, 1)))
    places: list[float] = [0.0]
    trainer = st.Trainer(model, lambda f, y: f[:, 0], st.optim.SGD(schedule))
    trainer.fit(
        np.ones((2, 1)),
        np.zeros(2),
        epochs=72,
        batch_size=None,  # so that a step is an epoch
        callbacks=[lambda now: places.append(float(now.weights()["weight"][0, 0]))],
    )
    rates = -np.diff(places)
    if name != "plateau":
        np.testing.assert_allclose(rates, [formula(t) for t in range(72)], rtol=1e-9, atol=1e-12)


def test_a_restart_is_on_time_however_long_the_cycles_have_become() -> None:
    """The number of the cycle is a logarithm, which rounding must not put a step late."""
    for cycle, factor in ((1, 2.0), (3, 2.0), (7, 2.0), (10, 3.0), (1, 10.0), (100, 1.5)):
        schedule = S.WarmRestarts(1.0, cycle=cycle, factor=factor)
        began, length, before = 0.0, float(cycle), 1.0
        while began < 1e7:
            if began == int(began):
                assert schedule(began) == pytest.approx(1.0, abs=1e-12), (cycle, factor, began)
                assert before < 2 or schedule(began - 1) < 0.51, (cycle, factor, began)
            began, length, before = began + length, length * factor, length


def test_ends_of_the_cosine() -> None:
    schedule = S.CosineAnnealing(0.1, steps=100, low=0.02)
    assert schedule(0) == 0.1
    assert schedule(100) == pytest.approx(0.02, rel=1e-14)
    assert schedule(50) == pytest.approx(0.06, rel=1e-14)


def test_ends_of_one_cycle_and_of_coslog4() -> None:
    cycle, waves = S.OneCycle(1.0, steps=100), S.CosLog4(1.0, steps=1500)
    assert (cycle(30), round(cycle(100), 12)) == (1.0, 4e-6)
    assert [round(waves(t), 10) for t in (0, 100, 300, 700, 1500)] == [0.0] * 5
    tops = [100 * (2 ** (k + 0.5) - 1) for k in range(4)]
    assert [round(waves(t), 12) for t in tops] == [1.0] * 4


def rates_of(schedule: S.Schedule, epochs: int = 3) -> list[float]:
    """Those that a training of 4 steps an epoch reports."""
    with st.random.stream(0):
        model = st.nn.Linear(2, 1)
    rates: list[float] = []
    trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(schedule))
    trainer.fit(
        np.zeros((8, 2)),
        np.zeros(8),
        epochs=epochs,
        batch_size=2,
        callbacks=[st.EverySteps(1, lambda now: rates.append(now.learning_rate))],
    )
    return rates


def test_schedules_count_steps_or_epochs_and_both_at_once() -> None:
    linear = S.LinearAnnealing(1.0, 0.0, steps=12)
    np.testing.assert_allclose(rates_of(linear), 1 - np.arange(12) / 12)
    linear = S.LinearAnnealing(1.0, 0.0, steps=3)
    np.testing.assert_allclose(rates_of(S.PerEpoch(linear)), np.repeat([1, 2 / 3, 1 / 3], 4))
    np.testing.assert_allclose(rates_of(S.HalveEachEpoch(1.0)), np.repeat([1, 0.5, 0.25], 4))
    warm = S.WarmUp(S.HalveEachEpoch(1.0), steps=5)
    expected = np.repeat([1, 0.5, 0.25], 4) * np.minimum(np.arange(1, 13) / 6, 1)
    np.testing.assert_allclose(rates_of(warm), expected)


# ----------------------------------------------------------------------------------------- plateau


def lowered_by_hand(losses: list[float], factor: float, patience: int, least: float) -> list[float]:
    """The rate of each epoch, from the losses at the ends of the ones before."""
    rates, rate, best, waited = [], 1.0, math.inf, 0
    for loss in losses:
        rates.append(rate)
        if loss < best - least:
            best, waited = loss, 0
        else:
            waited += 1
        if waited == patience:
            rate, waited = rate * factor, 0
    return rates


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_plateau_lowers_the_rate_after_its_epochs(backend: Backend) -> None:
    """The model is a number that only grows, and validation wants −1: nothing ever improves."""
    schedule = S.Plateau(S.WarmUp(1.0, steps=4), factor=0.1, patience=2)
    model = st.nn.Linear(1, 1, bias=False).astype(st.float64)
    model.weight.assign(np.zeros((1, 1)))
    trainer = st.Trainer(model, "squared_error", st.optim.SGD(schedule), backend=backend, l2=0.0)
    places: list[float] = [0.0]
    options: dict[str, Any] = {
        "batch_size": 1,
        "validation_data": (np.ones((1, 1)), -np.ones(1)),
        "callbacks": [st.EverySteps(1, lambda now: places.append(now.weights()["weight"].item()))],
    }
    x, y = np.full((2, 1), 1e-3), np.full(2, 1e3)  # the slope is −2 y x + 2 x² w, about −2
    first = trainer.fit(x, y, epochs=4, **options)
    second = trainer.fit(x, y, epochs=3, **options)  # goes on where the first ended
    losses = [row["validation_loss"] for row in (*first.rows, *second.rows)]
    lowered = lowered_by_hand(losses, 0.1, 2, 0.0)
    assert lowered == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    expected = np.repeat(lowered, 2) * np.minimum(np.arange(1, 15) / 5, 1)
    np.testing.assert_allclose(np.diff(places) / 2, expected, rtol=1e-4)
    shown = [row["learning_rate"] for row in (*first.rows, *second.rows)]
    np.testing.assert_allclose(shown, expected[1::2])


def test_a_plateau_goes_on_after_an_interruption(tmp_path: Path) -> None:
    """Its factor, its best value and its patience are kept in a checkpoint, between any epochs."""
    x, y = np.random.default_rng(0).normal(size=(24, 2)), np.zeros(24)
    held_out = (x[:4], np.ones(4))  # which nothing that is learnt fits

    def trainer() -> st.Trainer:
        with st.random.stream(0):
            model = st.nn.Linear(2, 1)
        rule = st.optim.Momentum(S.Plateau(0.1, factor=0.5, patience=2))
        return st.Trainer(model, "half_squared_error", rule)

    options: dict[str, Any] = {"batch_size": 4, "validation_data": held_out}
    whole = trainer().fit(x, y, epochs=9, **options)
    assert len(set(whole.column("learning_rate"))) >= 3
    running = tmp_path / "running"

    def copy(now: st.Snapshot) -> None:
        """In the first step of an epoch the file is that of the epoch before."""
        if now.step % 6 == 1 and now.step > 6:
            shutil.copy(running, tmp_path / str(now.step // 6))

    trainer().fit(
        x, y, epochs=9, checkpoint=st.Checkpoint(running), callbacks=[st.EverySteps(1, copy)],
        **options,
    )  # fmt: skip
    for epoch in range(1, 9):
        again = trainer().fit(x, y, epochs=9, resume=tmp_path / str(epoch), **options)
        for name in ("learning_rate", "loss", "validation_loss"):
            assert again.column(name) == whole.column(name)


def test_a_plateau_watches_what_early_stopping_watches() -> None:
    """Accuracy is better when it is larger; a constant one never improves."""
    schedule = S.Plateau(0.5, factor=0.5, patience=1)
    trainer = st.Trainer(st.nn.Linear(2, 2), "cross_entropy", st.optim.SGD(schedule))
    x, y = np.zeros((6, 2)), np.array([0, 1, 0, 1, 0, 1])
    history = trainer.fit(
        x, y, epochs=5, batch_size=2, validation_data=(x, y), metrics=["accuracy"],
        early_stopping=st.EarlyStopping(patience=None, monitor="validation_accuracy"),
    )  # fmt: skip
    accuracies = [-row["validation_accuracy"] for row in history.rows]
    expected = [0.5 * rate for rate in lowered_by_hand(accuracies, 0.5, 1, 0.0)]
    np.testing.assert_allclose([row["learning_rate"] for row in history.rows], expected)


def test_a_plateau_in_a_loop_written_by_hand() -> None:
    model = st.nn.Linear(1, 1, bias=False).astype(st.float64)
    optimizer = st.optim.SGD(S.Plateau(1.0, patience=2, minimum_improvement=0.5)).attach(model)
    losses = [3.0, 2.9, 2.4, 2.3, 2.2, 1.0]
    moves: list[float] = []
    for loss in losses:
        before = model.weight.value.item()
        optimizer.step({"weight": st.ones((1, 1), dtype=st.float64)})
        moves.append(before - model.weight.value.item())
        optimizer.end_epoch(loss)
    np.testing.assert_allclose(moves, lowered_by_hand(losses, 0.1, 2, 0.5))
    with pytest.raises(ConfigurationError, match="looks at a loss"):
        optimizer.end_epoch()


# ------------------------------------------------------------------------- for a whole training


@pytest.mark.parametrize("name", S.SCHEDULES)
def test_every_schedule_fits_a_training_without_options(name: str) -> None:
    make: Any = S.SCHEDULES[name]
    schedule = make(0.1, **S.of_training(make, {}, steps=700))
    rates = [schedule(t, epoch=t / 100) for t in [*range(0, 699, 7), 699, 700]]
    assert max(rates) == pytest.approx(0.1, rel=1e-3)
    assert min(rates) >= 0
    if name not in ("constant", "plateau", "warm_up"):
        assert rates[-2] < 0.012


def test_options_count_epochs_where_a_schedule_counts_steps() -> None:
    def options(of: type[S.Schedule], **given: object) -> dict[str, Any]:
        return S.of_training(of, given, steps=1000, steps_per_epoch=50)

    assert options(S.StepDecay, milestones=[2, 5.5], factor=0.2) == {
        "milestones": (100, 275),
        "factor": 0.2,
    }
    assert options(S.WarmRestarts, cycle=4, factor=1.0) == {"cycle": 200, "factor": 1.0}
    assert options(S.Exponential, decay=0.5) == {"decay": 0.01}
    assert options(S.CosineAnnealing, steps=10, low=0.1) == {"steps": 500, "low": 0.1}
    assert options(S.LinearAnnealing, last=0.5) == {"last": 0.5, "steps": 1000}
    assert options(S.Plateau, patience=3) == {"patience": 3}


# ---------------------------------------------------------------------------------- what is refused

anything: Any = S
BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: S.Constant(-0.1), "number from 0 on"),
    (lambda: S.Constant(math.nan), "number from 0 on"),
    (lambda: S.CosineAnnealing(-0.1, steps=10), "number from 0 on"),
    (lambda: S.CosineAnnealing(0.1, steps=0), "whole number from 1 on"),
    (lambda: S.CosineAnnealing(0.1, steps=10, low=-1.0), "number from 0 on"),
    (lambda: anything.CosineAnnealing(0.1, steps=2.5), "whole number from 1 on"),
    (lambda: S.LinearAnnealing(0.1, -1.0, steps=10), "number from 0 on"),
    (lambda: S.HalveEachEpoch(-1.0), "HalveEachEpoch: high is a number from 0 on"),
    (lambda: S.StepDecay(0.1, milestones=[20, 10]), r"milestones rise.*\[20, 10\]"),
    (lambda: S.StepDecay(0.1, milestones=[10, 10]), "milestones rise"),
    (lambda: S.StepDecay(0.1, milestones=[0]), "whole number from 1 on"),
    (lambda: anything.StepDecay(0.1, milestones=10), "milestones are a list of steps"),
    (lambda: S.StepDecay(0.1, milestones=[10], factor=2.0), "factor is a number from 0 to 1"),
    (lambda: S.Exponential(0.1, decay=-1.0), "decay is a number from 0 on"),
    (lambda: S.InverseTime(0.1, decay=math.inf), "decay is a number from 0 on"),
    (lambda: S.Plateau(0.1, factor=1.5), "factor is a number from 0 to 1"),
    (lambda: S.Plateau(0.1, patience=0), "patience is a whole number from 1 on"),
    (lambda: S.Plateau(-0.1), "rate is a number from 0 on"),
    (lambda: S.Plateau(S.Plateau(0.1)), "cannot be a Plateau, which goes around it"),
    (lambda: S.Plateau(0.1, minimum_improvement=-1.0), "minimum_improvement"),
    (lambda: S.WarmRestarts(0.1, cycle=0), "cycle is a whole number from 1 on"),
    (lambda: S.WarmRestarts(0.1, cycle=10, factor=0.5), "factor is a number from 1 on"),
    (lambda: S.OneCycle(0.1, steps=100, rise=1.5), "rise is a number from 0 to 1"),
    (lambda: S.OneCycle(0.1, steps=100, start=-0.1), "start is a number from 0 to 1"),
    (lambda: S.FlatThenCosine(0.1, steps=100, flat=2.0), "flat is a number from 0 to 1"),
    (lambda: S.CosLog4(0.1, steps=-1), "steps is a whole number from 1 on"),
    (lambda: S.WarmUp(-0.1, steps=10), "into is a number from 0 on"),
    (lambda: S.WarmUp(0.1, steps=0), "steps is a whole number from 1 on"),
    (lambda: S.WarmUp(S.Plateau(0.1), steps=10), "cannot be a Plateau"),
    (lambda: S.PerEpoch(S.Plateau(0.1)), "cannot be a Plateau"),
    (lambda: S.Concatenated([0.1, 0.2], boundaries=[]), "2 schedules have 1 boundaries"),
    (lambda: S.Concatenated([0.1, 0.2, 0.3], boundaries=[20, 10]), "boundaries rise"),
    (lambda: S.Product([]), "at least one"),
    (lambda: anything.CosineAnnealing(0.1, step=10), "has no option 'step'; did you mean 'steps'"),
    (lambda: anything.StepDecay(0.1, gamma=0.1), "no option 'gamma'; valid: 'high', 'milestones'"),
    (lambda: S.Product([0.1, S.Plateau(0.1)]), "cannot be a Plateau"),
    (lambda: st.optim.Momentum(0.1, momentum=S.Plateau(0.9)), "lowers the learning rate"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), BAD)
def test_impossible_values_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
