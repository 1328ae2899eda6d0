"""Learning-rate schedules: functions of the step (or of the epoch), for numbers and in graphs.

A schedule is called with a number to see it, or to plot it before training; inside of a training
step the same definition is traced. t counts from 0.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, TypeAlias, cast, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.methods import Registry
from steepest.ops.elementwise import cos, maximum, minimum, where
from steepest.tensor.tensor import Tensor

__all__ = [
    "SCHEDULES",
    "Constant",
    "CosineAnnealing",
    "LinearAnnealing",
    "PerEpoch",
    "Rate",
    "Schedule",
    "WarmUp",
]


class Schedule(ABC):
    """A rate that changes: a function of t, the number of steps (or epochs) taken before."""

    @abstractmethod
    def at(self, t: Tensor) -> Tensor:
        """The rate at t, a float64 scalar; also of a traced one."""

    def __call__(self, t: float) -> float:
        """The rate at t, as a number."""
        return float(self.at(Tensor(np.asarray(t, np.float64), None)))


Rate: TypeAlias = float | Schedule
# Chosen by name, their first parameter is the highest rate, and `steps` that are not given end with
# the training.
SCHEDULES = Registry[type[Schedule]]("schedule", option="--schedule NAME")


@SCHEDULES.register("constant")
@final
@dataclass(frozen=True)
class Constant(Schedule):
    """Always the same: η_t = η.

    >>> import steepest as st
    >>> st.optim.schedules.Constant(0.1)(1000)
    0.1
    """

    value: float

    def __post_init__(self) -> None:
        _check("Constant: value", self.value)

    def at(self, t: Tensor) -> Tensor:
        """The rate at t."""
        return 0.0 * t + self.value


@SCHEDULES.register("cosine", "S6")
@final
@dataclass(frozen=True)
class CosineAnnealing(Schedule):
    """Half a cosine from ``high`` down to ``low``: η_t = η_min + ½ (η_max − η_min)(1 + cos(π t/T)).

    From t = T on it stays at ``low``. Unlike PyTorch's ``CosineAnnealingLR`` it does not rise
    again.

    Args:
        high: η_max, the rate at t = 0.
        steps: T; for a whole training ``epochs * len(st.Batches(rows, batch_size).extents)``.
        low: η_min.

    Source: Loshchilov, Hutter: "SGDR" (2017), without restarts.

    >>> import steepest as st
    >>> rate = st.optim.schedules.CosineAnnealing(0.1, steps=100)
    >>> rate(0), round(rate(50), 12), rate(100), rate(200)
    (0.1, 0.05, 0.0, 0.0)
    """

    high: float
    steps: int
    low: float = 0.0

    def __post_init__(self) -> None:
        _check("CosineAnnealing: high", self.high)
        _check("CosineAnnealing: low", self.low)
        _check_steps("CosineAnnealing: steps", self.steps)

    def at(self, t: Tensor) -> Tensor:
        """The rate at t."""
        part = minimum(t, float(self.steps)) * (math.pi / self.steps)
        return self.low + 0.5 * (self.high - self.low) * (1.0 + cos(part))


@SCHEDULES.register("linear")
@final
@dataclass(frozen=True)
class LinearAnnealing(Schedule):
    """A straight line from ``first`` at t = 0 to ``last`` at t = ``steps``, then ``last``.

    Anneals a momentum as well as a rate.

    >>> import steepest as st
    >>> momentum = st.optim.schedules.LinearAnnealing(0.5, 0.99, steps=10)
    >>> momentum(0), round(momentum(5), 12), momentum(20)
    (0.5, 0.745, 0.99)
    """

    first: float
    last: float
    steps: int

    def __post_init__(self) -> None:
        _check("LinearAnnealing: first", self.first)
        _check("LinearAnnealing: last", self.last)
        _check_steps("LinearAnnealing: steps", self.steps)

    def at(self, t: Tensor) -> Tensor:
        """The rate at t."""
        part = minimum(t / float(self.steps), 1.0)
        return (1.0 - part) * self.first + part * self.last


@final
@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight rise over the first ``steps``, then the other schedule: its rate at t − steps.

    At step t < w the rate is (t + 1)/(w + 1) · η₀, so that the first one is not 0 and w itself has
    η₀.

    Args:
        into: a number or a schedule.
        steps: w, how long the rise takes.

    >>> import steepest as st
    >>> rate = st.optim.schedules.WarmUp(0.1, steps=4)
    >>> [round(rate(t), 12) for t in (0, 3, 4, 100)]
    [0.02, 0.08, 0.1, 0.1]
    """

    into: Rate
    steps: int

    def __post_init__(self) -> None:
        if not isinstance(self.into, Schedule):
            _check("WarmUp: into", self.into)
        _check_steps("WarmUp: steps", self.steps)

    def at(self, t: Tensor) -> Tensor:
        """The rate at t."""
        into = self.into if isinstance(self.into, Schedule) else Constant(self.into)
        later = into.at(maximum(t - float(self.steps), 0.0))
        return where(t < float(self.steps), later * (t + 1.0) / (self.steps + 1.0), later)


@final
@dataclass(frozen=True)
class PerEpoch(Schedule):
    """The same schedule with t counted in epochs instead of steps.

    It matters at the outermost place only: inside of another schedule t is what that one hands on.

    >>> import steepest as st
    >>> rate = st.optim.schedules.PerEpoch(st.optim.schedules.CosineAnnealing(0.1, steps=20))
    >>> round(rate(10), 12)
    0.05
    """

    schedule: Schedule

    def at(self, t: Tensor) -> Tensor:
        """The rate after t epochs."""
        return self.schedule.at(t)


def _check(what: str, value: Any) -> None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ConfigurationError(f"{what} is a number from 0 on, not {value!r}")


def _check_steps(what: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"{what} is a whole number from 1 on, not {cast('object', value)!r}"
        )
