"""Functions built from ops, without rules of their own: softmax, logsumexp, norms and the like."""

from __future__ import annotations

from steepest.ir.op import Scalar, T
from steepest.ir.types import Array, DType, float32, normalise_axes
from steepest.ops.creation import iota
from steepest.ops.elementwise import (
    equal,
    exp,
    isfinite,
    log,
    logaddexp,
    maximum,
    minimum,
    sqrt,
    square,
    stop_gradient,
    where,
)
from steepest.ops.movement import expand_dims, reshape
from steepest.ops.reduce import Axis, max, sum
from steepest.ops.rows import converted, operand

__all__ = [
    "clip",
    "log_softmax",
    "logsumexp",
    "norm",
    "one_hot",
    "softmax",
    "softplus",
]


def clip(
    x: T, /, min: T | Array | Scalar | None = None, max: T | Array | Scalar | None = None
) -> T:
    """Limit to the interval [min, max]; NaN stays NaN.

    >>> import steepest as st
    >>> st.clip(st.tensor([-2.0, 0.5, 3.0]), 0.0, 1.0)
    tensor([0. , 0.5, 1. ])
    """
    x = x if min is None else maximum(x, min)
    return x if max is None else minimum(x, max)


def softplus(x: T, /) -> T:
    """log(1 + exp x), safe for large x: a smooth ReLU.

    >>> import steepest as st
    >>> st.softplus(st.tensor([0.0, 1000.0]))
    tensor([6.931472e-01, 1.000000e+03])
    """
    operand(x)
    return logaddexp(x, 0.0)


def logsumexp(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """Log Σᵢ exp xᵢ, safe for logits of any size.

    >>> import steepest as st
    >>> st.logsumexp(st.tensor([1000.0, 1000.0]))
    tensor(1000.6932)
    """
    peak = stop_gradient(max(x, axis=axis, keepdims=True))
    peak = where(isfinite(peak), peak, 0.0)  # ∞ − ∞ would be NaN
    total = log(sum(exp(x - peak), axis=axis, keepdims=True)) + peak
    axes = normalise_axes(axis, x.ndim)
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    return total if keepdims else reshape(total, kept)


def log_softmax(x: T, /, *, axis: int = -1) -> T:
    """xᵢ − log Σⱼ exp xⱼ along an axis: the logarithm of softmax, exact where softmax underflows.

    >>> import steepest as st
    >>> st.log_softmax(st.tensor([0.0, 1e4]))
    tensor([-10000.,      0.])
    """
    peak = stop_gradient(max(x, axis=axis, keepdims=True))
    below = x - where(isfinite(peak), peak, 0.0)  # small numbers, so the difference is exact
    return below - log(sum(exp(below), axis=axis, keepdims=True))


def softmax(x: T, /, *, axis: int = -1) -> T:
    """Exp xᵢ / Σⱼ exp xⱼ along an axis; safe for logits of ±1e4.

    >>> import steepest as st
    >>> st.softmax(st.tensor([0.0, 0.0, 1e4]))
    tensor([0., 0., 1.])
    """
    peak = stop_gradient(max(x, axis=axis, keepdims=True))
    powers = exp(x - peak)
    return powers / sum(powers, axis=axis, keepdims=True)


def norm(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """The Euclidean length √Σᵢ xᵢ²; its gradient at 0 is 0.

    >>> import steepest as st
    >>> st.norm(st.tensor([3.0, 4.0]))
    tensor(5.)
    """
    operand(x)
    total = sum(square(x), axis=axis, keepdims=keepdims)
    positive = total > 0.0
    return where(positive, sqrt(where(positive, total, 1.0)), 0.0)


def one_hot(labels: T, /, classes: int, *, dtype: DType = float32) -> T:
    """A new last axis of extent ``classes``: 1 at the label's position, 0 elsewhere.

    A label outside of 0 … classes − 1 gives a row of zeros.

    >>> import steepest as st
    >>> st.one_hot(st.tensor([2, 0]), 3)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    positions = iota(labels, classes)
    return converted(equal(expand_dims(labels, axis=-1), positions), dtype)
