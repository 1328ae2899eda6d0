"""Schedules made of schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from steepest.errors import ConfigurationError
from steepest.methods import implements
from steepest.ops.elementwise import where
from steepest.optim.keywords import names_its_options
from steepest.optim.schedules.plateau import check_part, part_at
from steepest.optim.schedules.schedule import (
    SCHEDULES,
    Rate,
    Schedule,
    Time,
    check_rising,
    check_steps,
    timed,
)
from steepest.tensor.tensor import Tensor

__all__ = ["Concatenated", "PerEpoch", "Product", "WarmUp"]


@SCHEDULES.register("warm_up", "S8")
@final
@names_its_options
@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight rise over the first w steps, then another schedule: (t + 1)/(w + 1) · η₀, η_{t−w}.

    The first rate is not 0, and step w itself has η₀.

    Args:
        into: η, a number or a schedule.
        steps: w, how long the rise takes.

    Source: Goyal et al.: "Accurate, large minibatch SGD" (2017).

    >>> import steepest as st
    >>> rate = st.optim.schedules.WarmUp(0.1, steps=4)
    >>> [round(rate(t), 12) for t in (0, 3, 4, 100)]
    [0.02, 0.08, 0.1, 0.1]
    """

    into: Rate
    steps: int = field(metadata=timed(lambda steps: max(1, steps // 20)))

    def __post_init__(self) -> None:
        check_part("WarmUp: into", self.into)
        check_steps("WarmUp: steps", self.steps)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        t, steps = time.step, float(self.steps)
        later = part_at(self.into, time.since(steps))
        return where(t < steps, later * (t + 1.0) / (steps + 1.0), later)


@implements("S9")
@final
@names_its_options
@dataclass(frozen=True)
class PerEpoch(Schedule):
    """The same schedule with t counted in epochs instead of steps.

    Within an epoch the rate stays. It may be part of others: a warm-up in steps into a schedule of
    epochs is ``WarmUp(PerEpoch(…), steps=100)``.

    Args:
        schedule: whose t is meant in epochs.

    >>> import steepest as st
    >>> rate = st.optim.schedules.PerEpoch(st.optim.schedules.CosineAnnealing(0.1, steps=20))
    >>> round(rate(1234, epoch=10), 12)
    0.05
    """

    schedule: Schedule

    def __post_init__(self) -> None:
        check_part("PerEpoch: schedule", self.schedule)

    def at(self, time: Time) -> Tensor:
        """The rate after so many epochs."""
        return self.schedule.at(time.in_epochs())


@implements("S9")
@final
@names_its_options
@dataclass(frozen=True)
class Concatenated(Schedule):
    """Schedules one after the other: η_t = ηⁱ_{t − bᵢ} for bᵢ ≤ t < bᵢ₊₁, each from its t = 0.

    Args:
        schedules: numbers and schedules, η⁰, η¹, …
        boundaries: 0 < b₁ < b₂ < …, in steps; one less than there are schedules.

    Raises:
        ConfigurationError: boundaries that do not rise, or are too many or too few.

    >>> import steepest as st
    >>> linear = st.optim.schedules.LinearAnnealing(0.1, 0.0, steps=100)
    >>> rate = st.optim.schedules.Concatenated([0.1, linear], boundaries=[50])
    >>> rate(49), rate(50), round(rate(100), 12)
    (0.1, 0.1, 0.05)
    """

    schedules: Sequence[Rate]
    boundaries: Sequence[int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", tuple(self.schedules))
        object.__setattr__(self, "boundaries", tuple(self.boundaries))
        for rate in self.schedules:
            check_part("Concatenated: each of schedules", rate)
        check_rising("Concatenated: boundaries", self.boundaries)
        if len(self.boundaries) != len(self.schedules) - 1:
            raise ConfigurationError(
                f"Concatenated: {len(self.schedules)} schedules have "
                f"{max(len(self.schedules) - 1, 0)} boundaries between them, "
                f"not {len(self.boundaries)}"
            )

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        rate = part_at(self.schedules[0], time)
        for boundary, following in zip(self.boundaries, self.schedules[1:], strict=True):
            later = part_at(following, time.since(boundary))
            rate = where(time.step < float(boundary), rate, later)
        return rate


@implements("S9")
@final
@names_its_options
@dataclass(frozen=True)
class Product(Schedule):
    """The product of schedules: η_t = η¹_t η²_t …; with a number it scales one.

    Args:
        schedules: numbers and schedules.

    >>> import steepest as st
    >>> halving = st.optim.schedules.HalveEachEpoch(1.0)
    >>> cosine = st.optim.schedules.CosineAnnealing(0.1, steps=100)
    >>> round(st.optim.schedules.Product([cosine, halving])(50, epoch=2), 12)
    0.0125
    """

    schedules: Sequence[Rate]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", tuple(self.schedules))
        for rate in self.schedules:
            check_part("Product: each of schedules", rate)
        if not self.schedules:
            raise ConfigurationError("Product: schedules are at least one")

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        rate = part_at(self.schedules[0], time)
        for factor in self.schedules[1:]:
            rate = rate * time.value(factor)
        return rate
