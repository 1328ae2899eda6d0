"""What a driver is: from an iterate to the next, on a surface that can be evaluated.

A rule sees one gradient for each step. A driver evaluates the objective where and as often as it
wants: it is a loop outside of the compiled functions. It is pure all the same: what it knows is in
its iterate, numbers and arrays, so that it can be stored and taken up again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.methods import Registry

__all__ = ["DRIVERS", "Driver", "Iterate", "Point", "Surface", "Tolerances"]


@final
@dataclass(frozen=True)
class Point:
    """A place on the surface: x, f(x) and ∇f(x).

    Args:
        x: float64 (p,).
        value: f(x).
        gradient: float64 (p,).
    """

    x: Array
    value: float
    gradient: Array

    @property
    def is_finite(self) -> bool:
        """Whether value and gradient are numbers."""
        return math.isfinite(self.value) and bool(np.isfinite(self.gradient).all())


class Surface(ABC):
    """What is made small, compiled: vectors in, values and derivatives out.

    Attributes:
        evaluations: How often value and gradient were computed.
    """

    evaluations: int

    @property
    @abstractmethod
    def precision(self) -> float:
        """The ε of the element type that it computes in: values are no more certain than ε |f|."""

    @abstractmethod
    def at(self, x: Array) -> Point:
        """Value and gradient. The point's x is ``x`` rounded to the element type."""

    @abstractmethod
    def hessian(self, x: Array) -> Array:
        """All second derivatives, float64 (p, p)."""


@final
@dataclass(frozen=True)
class Iterate:
    """Where a driver is: all that it knows.

    Args:
        point: the best point so far.
        kept: the driver's own arrays, by name.
        iterations: how many led here.
        length: of the last step, as a multiple of the direction that was searched.
        reason: why there is nothing more to do; empty while there is.
    """

    point: Point
    kept: Mapping[str, Array] = field(default_factory=dict[str, Array])
    iterations: int = 0
    length: float = 1.0
    reason: str = ""


class Driver(ABC):
    """A method such as :class:`LBFGS` that looks for a minimum of a whole objective."""

    @abstractmethod
    def begin(self, point: Point) -> Iterate:
        """The iterate at the start."""

    @abstractmethod
    def advance(self, iterate: Iterate, surface: Surface) -> Iterate:
        """One iteration: the next iterate, or the same with the reason to stop."""

    @property
    def bears_noise(self) -> bool:
        """Whether it goes on when the objective is another one at each iteration."""
        return False

    def check_size(self, parameters: int) -> None:  # noqa: B027  (most take any number)
        """Refuse a number of parameters that it is not made for."""


DRIVERS = Registry[type[Driver]]("optimizer", option="--optimizer NAME")


@final
@dataclass(frozen=True)
class Tolerances:
    """When a point is good enough.

    Args:
        gradient: for the largest part of the gradient, in absolute value.
        function: for the decrease of an iteration, as a share of |f|.
    """

    gradient: float
    function: float

    def judged(self, before: Point, after: Iterate) -> Iterate:
        """The iterate with the reason to stop, if there is one."""
        return replace(after, reason=self._reason(before, after.point))

    def at_start(self, point: Point) -> str:
        """Why nothing has to be done."""
        largest = float(np.max(np.abs(point.gradient), initial=0.0))
        if largest > self.gradient:
            return ""
        return f"no part of the gradient is above {largest:.2g} (gradient_tolerance)"

    def _reason(self, before: Point, after: Point) -> str:
        enough = self.at_start(after)
        if enough:
            return enough
        size = max(abs(before.value), abs(after.value))
        if before.value - after.value <= self.function * size:
            return (
                f"an iteration made the objective smaller by {before.value - after.value:.2g}, "
                f"of {size:.4g} (function_tolerance)"
            )
        return ""


def check_tolerances(driver: str, gradient: Any, function: Any) -> None:
    """Tolerances are not negative."""
    for name, value in (("gradient_tolerance", gradient), ("function_tolerance", function)):
        if not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ConfigurationError(f"{driver}: {name} is a number from 0 on, not {value!r}")
