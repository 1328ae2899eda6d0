"""Schedules that fall: straight, in steps, exponentially, with the inverse of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from steepest.errors import ConfigurationError
from steepest.ops.elementwise import exp, minimum, where
from steepest.optim.keywords import names_its_options
from steepest.optim.schedules.schedule import (
    SCHEDULES,
    Schedule,
    Time,
    check_from_zero,
    check_rising,
    check_share,
    check_steps,
    timed,
)
from steepest.tensor.tensor import Tensor

__all__ = ["Exponential", "HalveEachEpoch", "InverseTime", "LinearAnnealing", "StepDecay"]

_LEFT = 0.01  # of the rate, at the end of a training for which no decay was given


@SCHEDULES.register("linear", "P3")
@final
@names_its_options
@dataclass(frozen=True)
class LinearAnnealing(Schedule):
    """A straight line: η_t = η₀ + (η₁ − η₀) min(t/T, 1).

    Anneals a momentum as well as a rate.

    Args:
        first: η₀, at t = 0.
        last: η₁, from t = T on.
        steps: T.

    >>> import steepest as st
    >>> momentum = st.optim.schedules.LinearAnnealing(0.5, 0.99, steps=10)
    >>> momentum(0), round(momentum(5), 12), momentum(20)
    (0.5, 0.745, 0.99)
    """

    first: float
    last: float = field(metadata=timed(lambda steps: 0.0, power=0))
    steps: int = field(metadata=timed(lambda steps: steps))

    def __post_init__(self) -> None:
        check_from_zero("LinearAnnealing: first", self.first)
        check_from_zero("LinearAnnealing: last", self.last)
        check_steps("LinearAnnealing: steps", self.steps)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        part = minimum(time.step / float(self.steps), 1.0)
        return (1.0 - part) * self.first + part * self.last


@SCHEDULES.register("halving", "S1")
@final
@names_its_options
@dataclass(frozen=True)
class HalveEachEpoch(Schedule):
    """Half the rate after each epoch: η_e = η₀ / 2^e, where e is the number of epochs finished.

    Args:
        high: η₀, during the first epoch.

    Source: lectures L1 and L2.

    >>> import steepest as st
    >>> rate = st.optim.schedules.HalveEachEpoch(0.8)
    >>> rate(0), rate(1), rate(3)  # after 0, 1 and 3 epochs
    (0.8, 0.4, 0.1)
    """

    high: float

    def __post_init__(self) -> None:
        check_from_zero("HalveEachEpoch: high", self.high)

    def at(self, time: Time) -> Tensor:
        """The rate after so many epochs."""
        return self.high * 0.5**time.epoch


@SCHEDULES.register("step_decay", "S2")
@final
@names_its_options
@dataclass(frozen=True)
class StepDecay(Schedule):
    """A drop at each milestone: η_t = η₀ γ^#{i : mᵢ ≤ t}.

    The rate of step mᵢ is the lower one already, as PyTorch's ``MultiStepLR`` has it.

    Args:
        high: η₀.
        milestones: m₁ < m₂ < …, in steps.
        factor: γ in [0, 1].

    Raises:
        ConfigurationError: milestones that do not rise.

    Source: He et al.: "Deep residual learning" (2016), lectures L2 and L3.

    >>> import steepest as st
    >>> rate = st.optim.schedules.StepDecay(1.0, milestones=(10, 20), factor=0.1)
    >>> [round(rate(t), 12) for t in (9, 10, 19, 20)]
    [1.0, 0.1, 0.1, 0.01]
    """

    high: float
    milestones: Sequence[int] = field(metadata=timed(lambda steps: _halfway(steps)))
    factor: float = 0.1

    def __post_init__(self) -> None:
        if isinstance(self.milestones, str) or not isinstance(self.milestones, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"StepDecay: milestones are a list of steps, not {self.milestones!r}"
            )
        object.__setattr__(self, "milestones", tuple(self.milestones))
        check_from_zero("StepDecay: high", self.high)
        check_rising("StepDecay: milestones", self.milestones)
        check_share("StepDecay: factor", self.factor)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        rate = 0.0 * time.step + self.high
        for milestone in self.milestones:
            rate = where(time.step < float(milestone), rate, self.factor * rate)
        return rate


@SCHEDULES.register("exponential", "S3")
@final
@names_its_options
@dataclass(frozen=True)
class Exponential(Schedule):
    """Exponential decay: η_t = η₀ exp(−k t).

    PyTorch's ``ExponentialLR`` names γ = exp(−k).

    Args:
        high: η₀.
        decay: k, per step.

    Source: lectures L1 and L2.

    >>> import steepest as st
    >>> round(st.optim.schedules.Exponential(1.0, decay=0.1)(10), 6)  # 1/e
    0.367879
    """

    high: float
    decay: float = field(metadata=timed(lambda steps: -math.log(_LEFT) / steps, power=-1))

    def __post_init__(self) -> None:
        check_from_zero("Exponential: high", self.high)
        check_from_zero("Exponential: decay", self.decay)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        return self.high * exp(-self.decay * time.step)


@SCHEDULES.register("inverse_time", "S4")
@final
@names_its_options
@dataclass(frozen=True)
class InverseTime(Schedule):
    """Decay with the inverse of time: η_t = η₀ / (1 + k t).

    It meets Robbins and Monro's conditions, Σ η_t = ∞ and Σ η_t² < ∞.

    Args:
        high: η₀.
        decay: k, per step: the rate is halved after 1/k steps.

    Source: Robbins, Monro: "A stochastic approximation method" (1951), lectures L1 and L2.

    >>> import steepest as st
    >>> st.optim.schedules.InverseTime(1.0, decay=0.1)(10)
    0.5
    """

    high: float
    decay: float = field(metadata=timed(lambda steps: (1.0 / _LEFT - 1.0) / steps, power=-1))

    def __post_init__(self) -> None:
        check_from_zero("InverseTime: high", self.high)
        check_from_zero("InverseTime: decay", self.decay)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        return self.high / (1.0 + self.decay * time.step)


def _halfway(steps: int) -> tuple[int, ...]:
    """Halfway, and halfway again."""
    return tuple(sorted({max(1, steps // 2), max(1, 3 * steps // 4)}))
