"""Schedules made of cosines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import final

from steepest.errors import ConfigurationError
from steepest.ops.elementwise import cos, floor, log, log2, maximum, minimum, where
from steepest.optim.keywords import names_its_options
from steepest.optim.schedules.schedule import (
    SCHEDULES,
    Schedule,
    Time,
    check_from_zero,
    check_share,
    check_steps,
    timed,
)
from steepest.tensor.tensor import Tensor

__all__ = ["CosLog4", "CosineAnnealing", "FlatThenCosine", "OneCycle", "WarmRestarts"]


@SCHEDULES.register("cosine", "S6")
@final
@names_its_options
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
    steps: int = field(metadata=timed(lambda steps: steps))
    low: float = 0.0

    def __post_init__(self) -> None:
        check_from_zero("CosineAnnealing: high", self.high)
        check_from_zero("CosineAnnealing: low", self.low)
        check_steps("CosineAnnealing: steps", self.steps)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        part = minimum(time.step, float(self.steps)) * (math.pi / self.steps)
        return self.low + 0.5 * (self.high - self.low) * (1.0 + cos(part))


@SCHEDULES.register("warm_restarts", "S7")
@final
@names_its_options
@dataclass(frozen=True)
class WarmRestarts(Schedule):
    """Cosines, one after the other, each longer: η_t = η_min + ½ (η_max − η_min)(1 + cos(π s/Tᵢ)).

    Cycle i = 0, 1, … takes Tᵢ = T₀ f^i steps, and s counts the steps since it began.

    Args:
        high: η_max, the rate at the beginning of each cycle.
        cycle: T₀, the steps of the first cycle.
        factor: f ≥ 1, by which cycles grow.
        low: η_min, which the end of a cycle approaches.

    Source: Loshchilov, Hutter: "SGDR: stochastic gradient descent with warm restarts" (2017).

    >>> import steepest as st
    >>> rate = st.optim.schedules.WarmRestarts(1.0, cycle=10, factor=2.0)
    >>> rate(0), round(rate(5), 12), rate(10), round(rate(20), 12), rate(30)
    (1.0, 0.5, 1.0, 0.5, 1.0)
    """

    high: float
    cycle: int = field(metadata=timed(lambda steps: max(1, -(-steps // 7))))  # 1 + 2 + 4 of them
    factor: float = 2.0
    low: float = 0.0

    def __post_init__(self) -> None:
        check_from_zero("WarmRestarts: high", self.high)
        check_from_zero("WarmRestarts: low", self.low)
        check_steps("WarmRestarts: cycle", self.cycle)
        check_from_zero("WarmRestarts: factor", self.factor)
        if self.factor < 1:
            raise ConfigurationError(
                f"WarmRestarts: factor is a number from 1 on, not {self.factor!r}: cycles grow"
            )

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        t, first = time.step, float(self.cycle)
        if self.factor == 1.0:
            part = t / first - floor(t / first)
        else:
            growth = self.factor - 1.0
            # The logarithm of a power may be rounded to below a whole number: looked at again.
            about = floor(log(1.0 + t * (growth / first)) / math.log(self.factor))
            late = first * (self.factor ** (about + 1.0) - 1.0) / growth <= t + _TINY * first
            i = where(late, about + 1.0, about)
            began = first * (self.factor**i - 1.0) / growth
            part = maximum(t - began, 0.0) / (first * self.factor**i)
        return self.low + 0.5 * (self.high - self.low) * (1.0 + cos(math.pi * part))


_TINY = 1e-9


@SCHEDULES.register("one_cycle", "S8")
@final
@names_its_options
@dataclass(frozen=True)
class OneCycle(Schedule):
    """One rise, one fall, both half a cosine: from start · η to η at t = r T, to end · η at t = T.

    From t = T on it stays. PyTorch's ``OneCycleLR`` ends its phases a step earlier, at r T − 1 and
    T − 1.

    Args:
        high: η, the highest rate.
        steps: T.
        rise: r, the share of the steps during which the rate rises.
        start: share of η at t = 0.
        end: share of η at t = T.

    Source: Smith, Topin: "Super-convergence" (2018), with cosines as in fastai.

    >>> import steepest as st
    >>> rate = st.optim.schedules.OneCycle(1.0, steps=100, rise=0.3)
    >>> round(rate(0), 12), round(rate(30), 12), round(rate(100), 12)
    (0.04, 1.0, 4e-06)
    """

    high: float
    steps: int = field(metadata=timed(lambda steps: steps))
    rise: float = 0.3
    start: float = 0.04
    end: float = 4e-6

    def __post_init__(self) -> None:
        check_from_zero("OneCycle: high", self.high)
        check_steps("OneCycle: steps", self.steps)
        for name in ("rise", "start", "end"):
            check_share(f"OneCycle: {name}", getattr(self, name))

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        top, last = self.rise * self.steps, float(self.steps)
        up = minimum(time.step / max(top, 1.0), 1.0)
        down = minimum(maximum(time.step - top, 0.0) / max(last - top, 1.0), 1.0)
        rising = self.start + (1.0 - self.start) * _half_wave(up)
        falling = 1.0 + (self.end - 1.0) * _half_wave(down)
        return self.high * where(time.step < top, rising, falling)


@SCHEDULES.register("flat_then_cosine", "S8")
@final
@names_its_options
@dataclass(frozen=True)
class FlatThenCosine(Schedule):
    """Flat at η_max for a share of the steps, then half a cosine down to η_min at t = T.

    With t₀ = flat · T: η_t = η_min + ½ (η_max − η_min)(1 + cos(π (t − t₀)/(T − t₀))) from t₀ on.

    Args:
        high: η_max.
        steps: T.
        flat: the share of the steps at the highest rate.
        low: η_min.

    Source: Howard and others' fastai, ``fit_flat_cos`` (2019).

    >>> import steepest as st
    >>> rate = st.optim.schedules.FlatThenCosine(0.1, steps=100, flat=0.6)
    >>> rate(0), rate(60), round(rate(80), 12), rate(100)
    (0.1, 0.1, 0.05, 0.0)
    """

    high: float
    steps: int = field(metadata=timed(lambda steps: steps))
    flat: float = 0.75
    low: float = 0.0

    def __post_init__(self) -> None:
        check_from_zero("FlatThenCosine: high", self.high)
        check_from_zero("FlatThenCosine: low", self.low)
        check_steps("FlatThenCosine: steps", self.steps)
        check_share("FlatThenCosine: flat", self.flat)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        bend = min(self.flat * self.steps, self.steps - 1.0)  # at least one step falls
        part = minimum(maximum(time.step - bend, 0.0) / (self.steps - bend), 1.0)
        return self.high + (self.low - self.high) * _half_wave(part)


@SCHEDULES.register("coslog4", "S8")
@final
@names_its_options
@dataclass(frozen=True)
class CosLog4(Schedule):
    """Four waves, each twice as long as the one before: η_t = ½ η (1 − cos(2π log₂(1 + 15 t/T))).

    It starts at 0, ends at 0 when t = T, and stays there.

    Args:
        high: η, the top of each wave.
        steps: T.

    Source: Holzmüller, Grinsztajn, Steinwart: "Better by default" (2024), for RealMLP.

    >>> import steepest as st
    >>> rate = st.optim.schedules.CosLog4(1.0, steps=15)
    >>> [round(rate(t), 12) for t in (0, 1, 3, 7, 15)]  # between the waves
    [0.0, 0.0, 0.0, 0.0, 0.0]
    >>> round(rate(2**3.5 - 1), 12)
    1.0
    """

    high: float
    steps: int = field(metadata=timed(lambda steps: steps))

    def __post_init__(self) -> None:
        check_from_zero("CosLog4: high", self.high)
        check_steps("CosLog4: steps", self.steps)

    def at(self, time: Time) -> Tensor:
        """The rate at t."""
        part = minimum(time.step / float(self.steps), 1.0)
        return (0.5 * self.high) * (1.0 - cos((2.0 * math.pi) * log2(1.0 + 15.0 * part)))


def _half_wave(part: Tensor) -> Tensor:
    """From 0 at 0 to 1 at 1."""
    return 0.5 * (1.0 - cos(math.pi * part))
