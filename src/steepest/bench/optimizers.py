"""L1's table of optimisation methods, measured: iterations to a loss, and time per iteration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast, final

import numpy as np

from steepest.ir.types import Array
from steepest.methods import implements
from steepest.nn import Linear
from steepest.optim import LBFGS, SGD, Driver, Newton, Rule
from steepest.optim.schedules import InverseTime
from steepest.tensor import random
from steepest.train.callbacks import EverySteps, Snapshot, Stop
from steepest.train.trainer import Trainer

GROWTH = 4  # times as much of one size, to see how the time grows with it
_L2 = 1e-3
_SAMPLES = 6  # of a time, at least
_CLOSE = 0.01  # of the way from the first loss to the least one, that may be left


@final
@dataclass(frozen=True)
class Sizes:
    """What the time of an iteration may depend on.

    Args:
        n: rows.
        d: weights.
        m: pairs that L-BFGS keeps.
        k: rows of a mini-batch.
    """

    n: int = 4096
    d: int = 128
    m: int = 10
    k: int = 32


@final
@dataclass(frozen=True)
class Problem:
    """Logistic regression with an L2 penalty, its rows as unequal as real ones often are."""

    x: Array
    y: Array

    @classmethod
    def of(cls, sizes: Sizes) -> Problem:
        """Columns with deviations from 1 to 0.1."""
        draw = np.random.default_rng(0)
        x = draw.normal(size=(sizes.n, sizes.d)) * np.geomspace(1.0, 0.1, sizes.d)
        score = x @ draw.normal(size=sizes.d) * 2.0 / math.sqrt(sizes.d)
        y = np.where(score + draw.logistic(size=sizes.n) > 0, 1, -1)
        return cls(np.asarray(x, np.float32), y)

    def objective(self, weight: Array) -> float:
        """F(w), in float64."""
        w = weight.ravel().astype(np.float64)
        losses = np.logaddexp(0.0, -self.y * (self.x.astype(np.float64) @ w))
        return float(np.mean(losses)) + 0.5 * _L2 * float(w @ w)

    def curvature(self, rows: int) -> float:
        """The largest curvature of the mean over so many rows that a step has to bear."""
        x: Array = self.x.astype(np.float64)
        squares: Array = np.sum(x**2, axis=1)
        whole: float = np.linalg.eigvalsh(x.T @ x)[-1].item() / len(x)
        return 0.25 * (whole + (float(np.mean(squares)) - whole) / rows) + _L2

    def trainer(self, optimizer: Rule | Driver) -> Trainer:
        """A linear model from zeros."""
        with random.stream(0):
            model = Linear(self.x.shape[1], 1, bias=False)
        model.weight.assign(np.zeros(model.weight.shape, np.float32))
        return Trainer(model, "binary_logistic", optimizer, l2=_L2)


@final
@dataclass(frozen=True)
class Method:
    """One of the table.

    Args:
        make: its optimiser.
        batch: its rows per step; None for all.
        sizes: the sizes its time may grow with.
        theory: time per iteration, as L1 has it.
    """

    make: Callable[[Problem, Sizes], Rule | Driver]
    batch: Callable[[Sizes], int | None]
    sizes: tuple[str, ...]
    theory: str


def _stochastic(problem: Problem, rows: int) -> Rule:
    rate = 0.5 / problem.curvature(rows)
    return SGD(InverseTime(rate, _L2 * rate))


METHODS: Mapping[str, Method] = {
    "Newton": Method(lambda p, s: Newton(), lambda s: None, ("n", "d"), "n d³"),
    "L-BFGS": Method(lambda p, s: LBFGS(memory=s.m), lambda s: None, ("n", "d", "m"), "n m d"),
    "gradient descent": Method(
        lambda p, s: SGD(1.0 / p.curvature(s.n)), lambda s: None, ("n", "d"), "n d"
    ),
    "SGD": Method(lambda p, s: _stochastic(p, 1), lambda s: 1, ("n", "d"), "d"),
    "mini-batch SGD": Method(
        lambda p, s: _stochastic(p, s.k), lambda s: s.k, ("n", "d", "k"), "k d"
    ),
}


@final
@dataclass(frozen=True)
class Measured:
    """What came of a method.

    Args:
        name: of the method.
        iterations: until 1 % of the way to the least objective was left; None: not reached.
        seconds: of an iteration.
        exponents: a for each size s that was made four times as large: seconds grow as s^a.
        theory: as L1 has it.
    """

    name: str
    iterations: int | None
    seconds: float
    exponents: Mapping[str, float] = field(default_factory=dict[str, float])
    theory: str = ""


@implements("P11", option="steepest bench --optimizers")
def compare_optimizers(
    sizes: Sizes | None = None,
    *,
    seconds: float = 0.5,
    say: Callable[[str], None] = lambda text: None,
) -> list[Measured]:
    """L1's comparison on logistic regression: iterations to a loss, time of one, and its growth.

    The growth in a size s is the exponent a of time ∝ s^a between s and 4 s, the others as they
    are: L1 has O(n d³) for Newton (n d² for the Hessian and d³ to solve is meant), O(n m d) for
    L-BFGS, O(n d) for gradient descent, O(k d) for mini-batches of k.

    Args:
        sizes: from which they grow.
        seconds: of each measurement, at least.
        say: gets a line before each part.

    Returns:
        A row for each method.

    Source: L1, "Optimization methods: a comparison".
    """
    base = sizes or Sizes()
    problem = Problem.of(base)
    least = problem.objective(_minimum(problem))
    rows: list[Measured] = []
    for name, method in METHODS.items():
        say(f"{name}: iterations")
        iterations = _iterations(problem, method, base, least)
        say(f"{name}: time")
        time = _time(problem, method, base, seconds)
        exponents: dict[str, float] = {}
        for size in method.sizes:
            larger = replace(base, **{size: GROWTH * getattr(base, size)})
            grown = _time(Problem.of(larger), method, larger, seconds)
            exponents[size] = math.log(grown / time) / math.log(GROWTH)
        rows.append(Measured(name, iterations, time, exponents, method.theory))
    return rows


def _minimum(problem: Problem) -> Array:
    trainer = problem.trainer(Newton(gradient_tolerance=1e-7))
    trainer.fit(problem.x, problem.y, epochs=50, batch_size=None)
    return trainer.model.states()["weight"].value.numpy()


def _iterations(problem: Problem, method: Method, sizes: Sizes, least: float) -> int | None:
    """How many steps until F − F* ≤ 1 % of F(0) − F*; looked at every so many of them."""
    size = method.batch(sizes)
    goal = least + _CLOSE * (problem.objective(np.zeros(sizes.d)) - least)
    reached: list[int] = []

    def look(now: Snapshot) -> Stop | None:
        if problem.objective(now.values["weight"]) > goal:
            return None
        reached.append(now.step)
        return Stop("reached")

    every = 1 if size is None else max(1, sizes.n // size // 16)
    problem.trainer(method.make(problem, sizes)).fit(
        problem.x,
        problem.y,
        epochs=2000 if size is None else 60,
        batch_size=size,
        callbacks=[EverySteps(every, look)],
    )
    return reached[0] if reached else None


def _time(problem: Problem, method: Method, sizes: Sizes, seconds: float) -> float:
    """The time of an iteration when nobody else uses the processor: that of the quickest tenth."""
    size = method.batch(sizes)
    made: Any = method.make(problem, sizes)
    if isinstance(made, Driver):  # as long as there is time
        made = replace(cast("Any", made), gradient_tolerance=0.0, function_tolerance=0.0)
    optimizer: Rule | Driver = made
    steps = 1 if size is None else sizes.n // size
    times: list[float] = []
    while len(times) < _SAMPLES or sum(times) * steps < seconds:
        history = problem.trainer(optimizer).fit(
            problem.x, problem.y, epochs=200 if size is None else 3, batch_size=size,
            time_limit=max(4.0 * seconds, 1.0),
        )  # fmt: skip
        gone = np.diff(history.column("seconds"))
        skipped = (
            min(sizes.m, len(gone) // 2) if size is None else 0
        )  # L-BFGS has its pairs by then
        times += (gone[skipped:] / steps).tolist() or [seconds]
    return float(np.quantile(times, 0.1))
