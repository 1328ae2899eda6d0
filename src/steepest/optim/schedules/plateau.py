"""The schedule that looks at validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.optim.keywords import names_its_options
from steepest.optim.schedules.schedule import (
    SCHEDULES,
    Constant,
    Rate,
    Schedule,
    Time,
    check_from_zero,
    check_share,
    check_steps,
)
from steepest.tensor.tensor import Tensor

__all__ = ["Plateau"]


@SCHEDULES.register("plateau", "S5")
@final
@names_its_options
@dataclass(frozen=True)
class Plateau(Schedule):
    """Lower when validation stops improving: η ← γ η after ``patience`` epochs without better.

    What is watched is what :class:`steepest.EarlyStopping` watches; without it the validation loss,
    or the training loss where nothing is held out. It multiplies a rate that may be a schedule, and
    so is the outermost: ``Plateau(WarmUp(0.1, steps=100))``.

    Args:
        rate: η, a number or a schedule.
        factor: γ in [0, 1].
        patience: epochs without improvement before the rate falls, and between two falls.
        minimum_improvement: by how much the best value must be beaten to count as improvement.

    Raises:
        ConfigurationError: a plateau inside of another schedule.

    Differs from PyTorch's ``ReduceLROnPlateau``, whose ``patience`` is ours less 1 and whose
    threshold is relative (1e-4).

    Source: lecture L1: divide by 10 when the validation error stops improving.

    >>> import steepest as st
    >>> rate = st.optim.schedules.Plateau(0.1, factor=0.1, patience=3)
    >>> trainer = st.Trainer(st.nn.Linear(2, 1), "half_squared_error", st.optim.SGD(rate))
    >>> rate(1000), round(rate(1000, lowered=0.1), 12)
    (0.1, 0.01)
    """

    rate: Rate
    factor: float = 0.1
    patience: int = 10
    minimum_improvement: float = 0.0

    def __post_init__(self) -> None:
        check_part("Plateau: rate", self.rate)
        check_share("Plateau: factor", self.factor)
        check_steps("Plateau: patience", self.patience)
        check_from_zero("Plateau: minimum_improvement", self.minimum_improvement)

    def at(self, time: Time) -> Tensor:
        """The rate now."""
        return part_at(self.rate, time) * time.lowered

    def after_epoch(self, state: Array, value: float) -> Array:
        """The next state: the product of all γ so far, the best value, epochs waited since.

        Args:
            state: shape (3,), float64; :data:`NO_PLATEAU` before training.
            value: what is watched, small being good.
        """
        lowered, best, waited = (float(each) for each in state)
        if value < best - self.minimum_improvement:
            best, waited = value, 0.0
        else:
            waited += 1.0
        if waited >= self.patience:
            lowered, waited = lowered * self.factor, 0.0
        return np.array([lowered, best, waited])


NO_PLATEAU = (1.0, math.inf, 0.0)


def check_part(what: str, rate: Any) -> None:
    """A rate inside of another schedule: a number or a schedule, but no plateau."""
    if isinstance(rate, Plateau):
        raise ConfigurationError(
            f"{what} cannot be a Plateau, which goes around it: Plateau(WarmUp(0.1, steps=100))"
        )
    if not isinstance(rate, Schedule):
        check_from_zero(what, rate)


def part_at(rate: Rate, time: Time) -> Tensor:
    """A number or a schedule at a time."""
    return (rate if isinstance(rate, Schedule) else Constant(rate)).at(time)
