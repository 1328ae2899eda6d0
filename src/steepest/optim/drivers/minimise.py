"""minimise: a driver at work on a plain function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from steepest.errors import ConfigurationError, ShapeError, TrainingError
from steepest.ir.types import Array
from steepest.methods import implements
from steepest.optim.drivers.driver import DRIVERS, Driver, Point, Surface
from steepest.tensor.tensor import Tensor
from steepest.transform.executable import Backend
from steepest.transform.grad import hessian, value_and_grad
from steepest.transform.jit import jit

__all__ = ["Minimum", "minimise"]


@final
@dataclass(frozen=True)
class Minimum:
    """What :func:`minimise` found.

    Args:
        x: where; of the start's shape and element type.
        value: f(x).
        gradient: ∇f(x).
        iterations: of the driver.
        evaluations: of f and ∇f together.
        reason: why it ended.
    """

    x: Array
    value: float
    gradient: Array
    iterations: int
    evaluations: int
    reason: str

    @property
    def gradient_norm(self) -> float:
        """The largest part of the gradient, in absolute value."""
        return float(np.max(np.abs(self.gradient), initial=0.0))


@implements("P8", "P9", "P10")
def minimise(
    function: Callable[..., Any],
    start: Any,
    driver: str | Driver = "lbfgs",
    *,
    scale: Any = None,
    evaluations: int = 10_000,
    backend: Backend = "native",
) -> Minimum:
    """Find a minimum of a function of one array, compiled with its derivatives.

    Args:
        function: of a Tensor of the start's shape to a single number.
        start: array (…), float32 or float64; lists and integers become float64.
        driver: such as :class:`LBFGS`, :class:`BFGS` or :class:`Newton`, or its name.
        scale: the size of a usual change of each number, of the start's shape: the driver then
            works on x / scale. Newton's method does not need it.
        evaluations: how many to make at most, of the function and its gradient together.
        backend: ``native`` compiles, ``reference`` interprets.

    Returns:
        A :class:`Minimum`.

    Raises:
        ConfigurationError: an unknown driver, a scale that is not positive.
        TrainingError: the function is not finite at the start.

    >>> import steepest as st
    >>> rosenbrock = lambda x: (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2
    >>> found = st.optim.minimise(rosenbrock, [-1.2, 1.0])
    >>> bool(np.allclose(found.x, 1.0, atol=1e-4)), found.evaluations < 60
    (True, True)
    """
    chosen = DRIVERS.find(driver)() if isinstance(driver, str) else driver
    if not isinstance(chosen, Driver):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"minimise: the driver is st.optim.LBFGS(), say, or a name, not {chosen!r}"
        )
    if isinstance(evaluations, bool) or not isinstance(evaluations, int) or evaluations < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            f"minimise: evaluations is a whole number from 1 on, not {evaluations!r}"
        )
    surface = _FunctionSurface(function, _start(start), scale, backend)
    chosen.check_size(surface.first.size)
    point = surface.at(surface.first)
    if not point.is_finite:
        raise TrainingError(
            f"minimise: at the start the function is {point.value} and its gradient "
            f"{surface.spread(point.gradient)}; both have to be finite"
        )
    iterate = chosen.begin(point)
    while not iterate.reason and surface.evaluations < evaluations:
        iterate = chosen.advance(iterate, surface)
    return Minimum(
        x=surface.spread(iterate.point.x * surface.scale),
        value=iterate.point.value,
        gradient=surface.spread(iterate.point.gradient / surface.scale),
        iterations=iterate.iterations,
        evaluations=surface.evaluations,
        reason=iterate.reason or f"the limit of {evaluations:,} evaluations",
    )


def _start(start: Any) -> Array:
    array = start.numpy() if isinstance(start, Tensor) else np.asarray(start)
    return array if array.dtype == np.float32 else array.astype(np.float64)


@final
class _FunctionSurface(Surface):
    """A function of a Tensor, as one of x / scale."""

    def __init__(
        self, function: Callable[..., Any], start: Array, scale: Any, backend: Backend
    ) -> None:
        self._like = start
        self._differentiated = jit(value_and_grad(function), backend=backend)
        self._twice = jit(hessian(function), backend=backend)
        self.evaluations = 0
        self.scale: Array = np.ones(start.size)
        if scale is not None:
            given = np.asarray(scale, np.float64)
            if given.shape not in ((), start.shape):
                raise ShapeError(
                    f"minimise: scale has shape {given.shape}, and the start {start.shape}"
                )
            self.scale = np.broadcast_to(given, start.shape).ravel()
        if not (np.isfinite(self.scale).all() and (self.scale > 0).all()):
            raise ConfigurationError("minimise: each scale is a number above 0")
        self.first: Array = start.ravel().astype(np.float64) / self.scale

    @property
    def precision(self) -> float:
        """That of the start's element type."""
        return float(np.finfo(self._like.dtype).eps)

    def spread(self, flat: Array) -> Array:
        """A vector in the start's shape and element type."""
        return flat.reshape(self._like.shape).astype(self._like.dtype)

    def at(self, x: Array) -> Point:
        """See :class:`Surface`."""
        self.evaluations += 1
        given = self.spread(x * self.scale)
        value, gradient = self._differentiated(Tensor(given, None))
        rounded = given.ravel().astype(np.float64) / self.scale
        slope = gradient.numpy().ravel().astype(np.float64) * self.scale
        return Point(rounded, float(value), slope)

    def hessian(self, x: Array) -> Array:
        """See :class:`Surface`."""
        found = self._twice(Tensor(self.spread(x * self.scale), None)).numpy()
        square = found.reshape(x.size, x.size).astype(np.float64)
        return square * np.outer(self.scale, self.scale)
