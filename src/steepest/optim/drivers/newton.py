"""Newton's method with the exact Hessian, damped where its parabola is not to be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.optim.drivers.driver import (
    DRIVERS,
    Driver,
    Iterate,
    Point,
    Surface,
    Tolerances,
    check_tolerances,
)
from steepest.optim.options import names_its_options

__all__ = ["Newton"]

MOST_PARAMETERS = 3000  # H takes p products with a vector, and p³ operations to take apart
FIRST_RADIUS = 0.5  # of ‖Dx‖: a first step changes x by half of its size at most
_TRIALS = 40
_CLOSE = 0.05  # how exactly a damped step has the length of the radius, as a share of it


@DRIVERS.register("newton", "P8")
@final
@names_its_options
@dataclass(frozen=True)
class Newton(Driver):
    """Newton's method: w ← w − (H + λD²)⁻¹∇f with the exact Hessian H, λ = 0 near a minimum.

    Each step is the minimum of the parabola ∇f·s + ½ sᵀHs among ‖Ds‖ ≤ Δ: Newton's own step if H is
    positive definite and the step is short enough, else one damped by the λ > 0 that makes H + λD²
    positive definite and ‖Ds‖ = Δ. Δ grows where the parabola foretold the decrease and shrinks
    where it did not; dᵢ² is the largest |Hᵢᵢ| so far, so units do not matter. There is no rate. For
    up to 3,000 parameters: H costs as much as p gradients, and a step O(p³). L1 writes the step
    without damping, which finds saddles and maxima as readily as minima.

    Args:
        gradient_tolerance: it has converged where no part of the gradient is larger.
        function_tolerance: and where an iteration decreases f by no more than this share of |f|.

    Raises:
        ConfigurationError: a negative tolerance; more than 3,000 parameters.

    Source: Levenberg 1944, Moré, Sorensen: "Computing a trust region step" (1983); D as in MINPACK.

    >>> import steepest as st
    >>> found = st.optim.minimise(lambda x: st.sum(x * x - st.log(x)), [0.1, 5.0], "newton")
    >>> bool(np.allclose(found.x, 0.5**0.5))
    True
    """

    gradient_tolerance: float = 1e-5
    function_tolerance: float = 1e-9

    def __post_init__(self) -> None:
        check_tolerances("Newton", self.gradient_tolerance, self.function_tolerance)

    @property
    def tolerances(self) -> Tolerances:
        """When it has converged."""
        return Tolerances(self.gradient_tolerance, self.function_tolerance)

    def check_size(self, parameters: int) -> None:
        """H has p² numbers and takes p³ operations."""
        if parameters > MOST_PARAMETERS:
            raise ConfigurationError(
                f"Newton's method is for up to {MOST_PARAMETERS:,} parameters, and these are "
                f"{parameters:,}, with {parameters**2:.2g} second derivatives; LBFGS ('lbfgs') "
                "needs gradients alone"
            )

    def begin(self, point: Point) -> Iterate:
        """No radius yet: it comes from the first Hessian."""
        start = Iterate(point, {"radius": np.array(0.0), "scale": np.zeros(len(point.x))})
        return replace(start, reason=self.tolerances.at_start(point))

    def advance(self, iterate: Iterate, surface: Surface) -> Iterate:
        """The step of the parabola, with a smaller radius until the objective decreases."""
        before = iterate.point
        hessian = surface.hessian(before.x)
        if not np.isfinite(hessian).all():
            return replace(iterate, reason="no progress: the Hessian is not finite here")
        scale = np.maximum(iterate.kept["scale"], np.sqrt(np.abs(np.diag(hessian))))
        divisor = np.where(scale > 0, scale, 1.0)
        parabola = Parabola(hessian / np.outer(divisor, divisor), before.gradient / divisor)
        size = float(np.linalg.norm(divisor * before.x))
        radius = float(iterate.kept["radius"]) or FIRST_RADIUS * size or 1.0
        for _ in range(_TRIALS):
            step = parabola.step(radius)
            foretold = parabola.decrease(step)
            point = surface.at(before.x + step / divisor)
            share = _share(before, point, foretold, surface.precision)
            radius = _radius(radius, float(np.linalg.norm(step)), share)
            if share > 1e-4:
                kept = {"radius": np.array(radius), "scale": scale}
                return self.tolerances.judged(before, Iterate(point, kept, iterate.iterations + 1))
            if foretold <= 0.1 * surface.precision * abs(before.value):
                break
        return replace(
            iterate, reason="no progress: no step, however short, decreases the objective"
        )


def _share(before: Point, after: Point, foretold: float, precision: float) -> float:
    """How much of the decrease that the parabola foretold has come true."""
    if not after.is_finite:
        return -1.0
    rounding = 10 * precision * abs(before.value)
    if foretold <= rounding and after.value <= before.value + rounding:
        # The values can no longer tell; the gradient can.
        shrinks = np.linalg.norm(after.gradient) < np.linalg.norm(before.gradient)
        return 1.0 if shrinks else -1.0
    return (before.value - after.value) / max(foretold, 1e-300)


def _radius(radius: float, length: float, share: float) -> float:
    """The next radius: for how long a step the parabola can be trusted."""
    if share < 0.25:
        return 0.25 * length
    return max(radius, 2.0 * length) if share > 0.75 else radius


@final
class Parabola:
    """The function g·s + ½ sᵀHs of a step s.

    Args:
        hessian: H, symmetric (p, p).
        gradient: g.
    """

    def __init__(self, hessian: Array, gradient: Array) -> None:
        self._hessian = 0.5 * (hessian + hessian.T)
        self._gradient = gradient
        self._parts: tuple[Array, Array] | None = None

    def decrease(self, step: Array) -> float:
        """By how much it falls from 0 to this step."""
        return -float(self._gradient @ step + 0.5 * step @ (self._hessian @ step))

    def step(self, radius: float) -> Array:
        """Where it is smallest among ‖s‖ ≤ radius.

        >>> saddle = Parabola(np.diag([2.0, -1.0]), np.array([2.0, 0.0]))
        >>> np.abs(saddle.step(1.0)).round(3)  # to either side
        array([0.667, 0.745])
        """
        whole = self._newton()
        if whole is not None and np.linalg.norm(whole) <= radius:
            return whole
        if self._parts is None:
            self._parts = np.linalg.eigh(self._hessian)
        values, vectors = self._parts
        along = vectors.T @ self._gradient
        least = max(0.0, -float(values[0]))
        damping = _damping(values, along, radius, least)
        divisors = values + damping
        safe = np.where(divisors > 0, divisors, 1.0)
        parts = np.where(divisors > 0, -along / safe, 0.0)
        missing = radius**2 - float(parts @ parts)
        if damping <= least and least > 0 and missing > 0:  # the gradient does not see the way down
            parts[0] -= np.copysign(np.sqrt(missing), along[0])
        return vectors @ parts

    def _newton(self) -> Array | None:
        """−H⁻¹g if H is positive definite."""
        try:
            np.linalg.cholesky(self._hessian)
            return -np.linalg.solve(self._hessian, self._gradient)
        except np.linalg.LinAlgError:
            return None


def _damping(values: Array, along: Array, radius: float, least: float) -> float:
    """The λ ≥ least with which the step is as long as the radius; least, if it is shorter there."""

    def length(damping: float) -> float:
        divisors = values + damping
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.linalg.norm(np.where(along == 0.0, 0.0, along / divisors)))

    low, high = least, least + float(np.linalg.norm(along)) / radius
    if length(low * (1 + 1e-12) + 1e-300) <= radius:
        return least
    for _ in range(200):
        middle = 0.5 * (low + high)
        now = length(middle)
        if abs(now - radius) <= _CLOSE * radius:
            return middle
        low, high = (middle, high) if now > radius else (low, middle)
    return high
