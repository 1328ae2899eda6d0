"""Gradients checked against central differences, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from steepest.errors import GradientError
from steepest.ir.types import Array, float64, is_floating
from steepest.methods import implements
from steepest.tensor import random
from steepest.tensor.modes import no_grad
from steepest.tensor.state import Bound, scope
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import Flat, flatten
from steepest.transform.grad import value_and_grad

__all__ = [
    "GradientCheck",
    "check_gradients",
    "check_gradients_along_random_direction",
]

# Halving the number's digits between rounding (∝ 1/h) and curvature (∝ h²) gives h = ε^(1/3).
_STEP = float(np.finfo(np.float64).eps ** (1 / 3))


@final
@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found; true if the gradient is right.

    Args:
        where: the coordinate (or direction) with the largest error, by name and index.
        automatic: the derivative there by differentiation.
        numeric: the derivative there by central differences.
        error: their difference, relative to the size of the gradient.
        tolerance: the largest error that passes.
        checked: how many derivatives were compared.
        kinks: coordinates left out because the function has a corner there, as ReLU at 0.
    """

    where: str
    automatic: float
    numeric: float
    error: float
    tolerance: float
    checked: int
    kinks: int = 0

    def __bool__(self) -> bool:
        return self.error <= self.tolerance

    def __repr__(self) -> str:
        verdict = "right" if self else "WRONG"
        corners = f", {self.kinks} at kinks left out" if self.kinks else ""
        return (
            f"gradient {verdict}: {self.checked} compared{corners}; worst at {self.where}: "
            f"{self.automatic:.9g} by differentiation, {self.numeric:.9g} by differences "
            f"(relative error {self.error:.1e}, tolerance {self.tolerance:.0e})"
        )


@final
class _Function:
    """A function of one float64 vector: all the leaves of the arguments, one after the other."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self._function = function
        self._flat: Flat = flatten(list(arguments))
        self._floating = [is_floating(leaf.dtype) for leaf in self._flat.leaves]
        both = zip(self._flat.leaves, self._flat.names, self._floating, strict=True)
        kept = [(leaf, name) for leaf, name, floating in both if floating]
        chosen = [leaf for leaf, _ in kept]
        self.names = [name for _, name in kept]
        self._shapes = [leaf.shape for leaf in chosen]
        parts = [leaf.data.astype(np.float64).reshape(-1) for leaf in chosen]
        self.start: Array = np.concatenate([np.zeros(0), *parts])
        if not self.start.size:
            raise GradientError("check_gradients(): there is no floating-point argument to check")

    def _leaves(self, vector: Array) -> list[Tensor]:
        leaves: list[Tensor] = []
        start = 0
        for shape in self._shapes:
            stop = start + int(np.prod(shape))
            leaves.append(Tensor(vector[start:stop].reshape(shape), None))
            start = stop
        return leaves

    def _apply(self, *leaves: Tensor) -> Tensor:
        given = iter(leaves)
        full = [
            next(given) if floating else leaf
            for leaf, floating in zip(self._flat.leaves, self._floating, strict=True)
        ]
        bound = {c: v for c, v in zip(self._flat.cells, full, strict=True) if c is not None}
        with random.stream(0), scope(Bound(bound)):  # the same dropout masks at each evaluation
            return self._function(*self._flat.call(full))

    def value(self, vector: Array) -> float:
        with no_grad():
            return float(self._apply(*self._leaves(vector)).astype(float64).item())

    def gradient(self) -> Array:
        positions = tuple(range(len(self._shapes)))
        _, found = value_and_grad(self._apply, positions)(*self._leaves(self.start))
        return np.concatenate([each.data.reshape(-1) for each in found])

    def coordinate(self, position: int) -> str:
        """The name and index of an element of the vector."""
        for name, shape in zip(self.names, self._shapes, strict=True):
            size = int(np.prod(shape))
            if position < size:
                index = ", ".join(str(int(i)) for i in np.unravel_index(position, shape))
                argument, _, rest = name.partition(".")
                label = rest or f"argument {argument}"
                return f"{label}[{index}]" if shape else label
            position -= size
        raise AssertionError("a position outside of the vector")


@implements("D6")
def check_gradients(
    function: Callable[..., Any], *arguments: Any, tolerance: float = 1e-6
) -> GradientCheck:
    """Compare every partial derivative with (f(x + hᵢeᵢ) − f(x − hᵢeᵢ)) / 2hᵢ, in float64.

    The step hᵢ is ε^(1/3) · max(1, |xᵢ|). The error is relative to the derivative, or to a
    thousandth of the largest one if that is more; below 1e-4 of the function's value, rounding is
    all there is to see. Random draws (dropout) repeat at each evaluation. A coordinate at a corner
    of the function (ReLU at 0) is not counted if the derivative lies between the slopes on both
    sides.

    Args:
        function: returns a single number.
        arguments: Tensors, numbers, arrays, modules, or dicts and lists of them; those that hold
            floating-point numbers are checked, whatever their precision.
        tolerance: the largest relative error that passes.

    Raises:
        GradientError: the function does not return a single number, or has no floating argument.

    >>> import steepest as st
    >>> f = lambda x: st.sum(st.sin(x) * x)
    >>> st.check_gradients(f, st.ones((2,)))  # doctest: +ELLIPSIS
    gradient right: 2 compared; worst at argument 0[...]: ...
    >>> wrong = lambda x: st.sum(x * x.detach())
    >>> bool(st.check_gradients(wrong, st.tensor([1.0, 2.0])))
    False
    """
    checked = _Function(function, arguments)
    automatic = checked.gradient()
    steps = _STEP * np.maximum(1.0, np.abs(checked.start))
    numeric = np.array([_slope(checked, i, step) for i, step in enumerate(steps)])
    errors = _relative(automatic, numeric, _rounding(checked))
    suspects = [int(i) for i in np.flatnonzero(~(errors <= tolerance))]
    corners = [i for i in suspects if _is_corner(checked, i, steps[i], automatic[i])]
    errors[corners] = -1.0  # never the worst
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    return GradientCheck(
        where=checked.coordinate(worst),
        automatic=float(automatic[worst]),
        numeric=float(numeric[worst]),
        error=max(float(errors[worst]), 0.0),
        tolerance=tolerance,
        checked=len(errors) - len(corners),
        kinks=len(corners),
    )


def _slope(checked: _Function, position: int, step: float) -> float:
    up, down = checked.start.copy(), checked.start.copy()
    up[position] += step
    down[position] -= step
    return (checked.value(up) - checked.value(down)) / (up[position] - down[position])


def _relative(automatic: Array, numeric: Array, rounding: float) -> Array:
    floor = max(1e-3 * float(np.max(np.abs(automatic), initial=0.0)), rounding)
    size = np.maximum(np.maximum(np.abs(automatic), np.abs(numeric)), floor)
    return np.abs(automatic - numeric) / size


def _rounding(checked: _Function) -> float:
    """A derivative below this drowns in the rounding of the function's values."""
    return max(1e-4 * abs(checked.value(checked.start)), 1e-8)


def _is_corner(checked: _Function, position: int, step: float, automatic: float) -> bool:
    """Whether the slopes on both sides differ, and the derivative lies between them."""
    here = checked.value(checked.start)
    slopes: list[float] = []
    for side in (step, -step):
        beside = checked.start.copy()
        beside[position] += side
        slopes.append((checked.value(beside) - here) / side)
    low, high = min(slopes), max(slopes)
    margin = 1e-4 * max(abs(low), abs(high), 1e-8)
    return high - low > 10 * margin and low - margin <= automatic <= high + margin


@implements("D6")
def check_gradients_along_random_direction(
    function: Callable[..., Any], *arguments: Any, seed: int = 0, tolerance: float = 1e-6
) -> GradientCheck:
    """Compare the derivative along one random direction; the cost does not grow with the model.

    With a direction v of random signs: ⟨∇f, v⟩ against (f(x + hv) − f(x − hv)) / 2h, in float64. An
    error in any coordinate shows with certainty up to coincidences of measure zero.

    Args:
        function: returns a single number.
        arguments: as for :func:`check_gradients`.
        seed: chooses the direction.
        tolerance: the largest relative error that passes.

    >>> import steepest as st
    >>> bool(st.check_gradients_along_random_direction(lambda x: st.sum(x**3), st.ones((1000,))))
    True
    """
    checked = _Function(function, arguments)
    with random.stream(seed):
        signs = np.where(random.bits(checked.start.shape).data & 1, 1.0, -1.0)
    scale = np.maximum(1.0, np.abs(checked.start))
    gradient = checked.gradient()
    automatic = float(np.dot(gradient, signs * scale))
    up, down = (checked.value(checked.start + s * _STEP * signs * scale) for s in (1, -1))
    numeric = (up - down) / (2 * _STEP)
    # The terms of the sum may cancel: the error is measured against their size.
    terms = float(np.linalg.norm(gradient * scale))
    size = max(abs(automatic), abs(numeric), 1e-2 * terms, _rounding(checked))
    return GradientCheck(
        where=f"a random direction (seed {seed})",
        automatic=automatic,
        numeric=numeric,
        error=abs(automatic - numeric) / size,
        tolerance=tolerance,
        checked=1,
    )
