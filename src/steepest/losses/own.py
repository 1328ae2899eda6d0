"""Losses of one's own: any function of (prediction, target), its gradient checked once."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from steepest.errors import GradientError, ShapeError, TraceError, TrainingError
from steepest.ir.types import Array
from steepest.losses.loss import LossFunction
from steepest.methods import implements
from steepest.ops.reduce import sum
from steepest.tensor.modes import no_grad
from steepest.tensor.tensor import Tensor
from steepest.transform.grad import value_and_grad

_STEP = float(np.finfo(np.float64).eps ** (1 / 3))
_TOLERANCE = 1e-5


@implements("O5")
@final
@dataclass(frozen=True)
class Unchecked:
    """A loss of one's own whose derivative is meant to be another than that of its values.

    Where it holds something constant on purpose, by ``detach()`` say. The Trainer checks other
    functions by :func:`check_own_loss`.

    Args:
        function: (prediction, target) to one number per example.

    Source: ours.

    >>> import steepest as st
    >>> focal = lambda f, y: (f - y).detach() ** 2 * (f - y) ** 2
    >>> st.losses.Unchecked(focal)(st.tensor([2.0]), st.tensor([0.0]))
    tensor([16.])
    """

    function: LossFunction

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss of each example."""
        return self.function(prediction, target)


@implements("D6", "O5")
def check_own_loss(function: LossFunction, prediction: Array, target: Array) -> None:
    """Compare the gradient of a loss with central differences in a random direction, in float64.

    For each example i, with signs v: ⟨∂ℓᵢ/∂fᵢ, v⟩ against (ℓᵢ(f + hv) − ℓᵢ(f − hv)) / 2h, where
    h = ε^(1/3) max(1, |f|). At a corner (|f − y| at 0) any derivative between the slopes on both
    sides is right. The Trainer calls it once for a function that is no loss of ``st.losses``, on
    some rows of the data; it costs four calls.

    Args:
        function: (prediction, target) to one number per example.
        prediction: (batch, …), finite.
        target: (batch, …), as the loss gets it.

    Raises:
        ShapeError, TraceError: not one number per example, or no Tensor.
        TrainingError: a number that is not finite.
        GradientError: a wrong derivative; names the example. See :class:`Unchecked` for one that is
            meant.

    Source: L1 (central differences), in one direction.

    >>> import numpy as np
    >>> import steepest as st
    >>> f, y = np.array([1.0, 2.0]), np.array([0.0, 0.0])
    >>> st.losses.check_own_loss(lambda f, y: (f - y) ** 4, f, y)
    >>> st.losses.check_own_loss(lambda f, y: (f - y) * (f - y).detach(), f, y)
    Traceback (most recent call last):
    ...
    steepest.errors.GradientError: the gradient of your loss is wrong at example 0 ...
    """
    if not np.isfinite(prediction).all():
        return  # the model's fault, which training tells of
    check = _Check(function, prediction, target)
    values = check.values(0.0)
    _check_finite(values, prediction, target)
    up, down = check.values(1.0), check.values(-1.0)
    automatic = check.derivatives()
    numeric = (up - down) / (2 * _STEP)
    # Below this, the rounding of the values is all there is to see.
    rounding = np.maximum(1e-3 * np.abs(values), 1e-6)
    size = np.maximum(np.maximum(np.abs(automatic), np.abs(numeric)), rounding)
    with np.errstate(invalid="ignore"):
        errors = np.abs(automatic - numeric) / size
    slopes = np.sort([(up - values) / _STEP, (values - down) / _STEP], axis=0)
    margin = 1e-3 * np.maximum(np.abs(slopes).max(axis=0), 1e-3)
    corner = slopes[1] - slopes[0] > 3 * margin
    within = (slopes[0] - margin <= automatic) & (automatic <= slopes[1] + margin)
    wrong = ~(errors <= _TOLERANCE) & ~(corner & within)
    if wrong.any():
        row = int(np.argmax(np.where(wrong, np.nan_to_num(errors, nan=np.inf), -1.0)))
        raise GradientError(
            f"the gradient of your loss is wrong at example {row} (prediction "
            f"{_shown(prediction[row])}, target {_shown(target[row])}): in a random direction it "
            f"is {automatic[row]:.6g} by differentiation and {numeric[row]:.6g} by differences; "
            "something in it leaves the record (detach, NumPy) or jumps. If that is meant, say "
            "st.losses.Unchecked(function)"
        )


@final
class _Check:
    """A loss along a random direction at some predictions, in float64."""

    def __init__(self, function: LossFunction, prediction: Array, target: Array) -> None:
        self._function = function
        self._start = prediction.astype(np.float64)
        floating = target.dtype.kind == "f"
        self._target = Tensor(target.astype(np.float64) if floating else target, None)
        signs = np.random.default_rng(0).integers(0, 2, prediction.shape) * 2.0 - 1.0
        self._direction = signs * np.maximum(1.0, np.abs(self._start))

    def values(self, side: float) -> Array:
        """Each example's loss, so many steps along the direction."""
        with no_grad():
            given = Tensor(self._start + side * _STEP * self._direction, None)
            each: Any = self._function(given, self._target)
        if not isinstance(each, Tensor):
            raise TraceError(
                f"the loss should give a Tensor, one number per example, not {reprlib.repr(each)}"
            )
        rows = len(self._start)
        if each.shape != (rows,):
            raise ShapeError(
                f"the loss should give one number per example, shape ({rows},), not {each.shape}: "
                "the Trainer takes the mean itself"
            )
        return each.data.astype(np.float64)

    def derivatives(self) -> Array:
        """Of each example's loss, by its own prediction, along the direction."""

        def total(prediction: Tensor) -> Tensor:
            return sum(self._function(prediction, self._target))

        _, gradient = value_and_grad(total)(Tensor(self._start, None))
        return (gradient.data * self._direction).reshape(len(self._start), -1).sum(axis=1)


def _check_finite(values: Array, prediction: Array, target: Array) -> None:
    odd = np.flatnonzero(~np.isfinite(values))
    if odd.size:
        row = int(odd[0])
        raise TrainingError(
            f"your loss gives {values[row]} for example {row}, with prediction "
            f"{_shown(prediction[row])} and target {_shown(target[row])}: keep it finite for "
            "any finite prediction (a logarithm of something clipped above 0, say)"
        )


def _shown(value: object) -> str:
    return np.array2string(np.asarray(value), precision=4, threshold=6)
