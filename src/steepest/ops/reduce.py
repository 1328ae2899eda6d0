"""Ops that fold axes away: sums, extremes, truth; and the statistics made of them."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from steepest.errors import DTypeError, ShapeError
from steepest.ir.lowering import Combine, Fold
from steepest.ir.op import Case, Op, PiecewiseConstant, Sample, T, Undifferentiable, define, explain
from steepest.ir.types import (
    Shape,
    TensorType,
    dtype_of,
    float64,
    int64,
    normalise_axes,
)
from steepest.ops.elementwise import divide, equal, multiply, sqrt
from steepest.ops.joins import concat
from steepest.ops.movement import broadcast_to, cut, permute_dims, reshape
from steepest.ops.rows import (
    accept,
    as_given,
    batch_leading,
    converted,
    operand,
    stretched,
    widened,
)

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]

Axis = int | tuple[int, ...] | None
Axes = tuple[int, ...]


def _kept(shape: Shape, axes: Axes) -> Shape:
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def _back(y: Any, shape: Shape, axes: Axes) -> Any:
    """A folded result stretched over the axes that were folded away."""
    return broadcast_to(reshape(y, _kept(shape, axes)), shape=shape)


def _shifted(attributes: dict[str, Any], size: int) -> dict[str, Any]:
    return {"axes": tuple(axis + 1 for axis in attributes["axes"])}


def fold(
    name: str,
    summary: str,
    combine: Combine,
    *,
    reference: Callable[..., Any],
    pullback: Callable[..., tuple[Any, ...]] | Undifferentiable,
    takes: str = "numeric",
    of_nothing: bool = True,
) -> Op:
    """A row of the table: an op that folds ``axes`` away."""

    def infer(x: TensorType, *, axes: Axes) -> TensorType:
        accept(takes, x)
        if not of_nothing and builtins.any(x.shape[axis] == 0 for axis in axes):
            raise ShapeError("it has no value over an axis of extent 0")
        return TensorType(tuple(n for i, n in enumerate(x.shape) if i not in axes), x.dtype)

    dtype = "bool" if takes == "boolean" else "floating"
    op = Op(
        name=name,
        summary=summary,
        infer=infer,
        reference=reference,
        lower=lambda *, axes: Fold(combine, axes),
        pullback=pullback,
        batch=batch_leading(_shifted),
        align=as_given,
        cases=(
            Case((Sample((2, 3, 4), dtype=dtype, distinct=True),), {"axes": (0, 2)}),
            Case((Sample((2, 3, 4), dtype=dtype, distinct=True),), {"axes": (1,)}),
            Case((Sample((3,), dtype=dtype, distinct=True),), {"axes": (0,)}),
            Case((Sample((1, 2), dtype=dtype, distinct=True),), {"axes": (0,)}),
        ),
    )
    return define(op)


def _extreme_pullback(g: Any, y: Any, x: Any, *, axes: Axes) -> tuple[Any]:
    """Equal extremes share the gradient."""
    here = converted(equal(x, _back(y, x.shape, axes)), x.dtype)
    count = reduce_sum(here, axes=axes)
    return (here * _back(divide(g, count), x.shape, axes),)


reduce_sum = fold(
    "reduce_sum",
    "The sum over axes.",
    "sum",
    reference=lambda x, *, axes: np.sum(x, axes, dtype=x.dtype),
    pullback=lambda g, y, x, *, axes: (_back(g, x.shape, axes),),
)
reduce_max = fold(
    "reduce_max",
    "The largest element over axes; NaN wins; equal ones share the gradient.",
    "max",
    reference=lambda x, *, axes: np.max(x, axes),
    pullback=_extreme_pullback,
    of_nothing=False,
)
reduce_min = fold(
    "reduce_min",
    "The smallest element over axes; NaN wins; equal ones share the gradient.",
    "min",
    reference=lambda x, *, axes: np.min(x, axes),
    pullback=_extreme_pullback,
    of_nothing=False,
)
reduce_all = fold(
    "reduce_all",
    "Whether all elements over axes are true.",
    "all",
    reference=lambda x, *, axes: np.all(x, axes),
    pullback=PiecewiseConstant(),
    takes="boolean",
)
reduce_any = fold(
    "reduce_any",
    "Whether an element over axes is true.",
    "any",
    reference=lambda x, *, axes: np.any(x, axes),
    pullback=PiecewiseConstant(),
    takes="boolean",
)


# --------------------------------------------------------------------------- the public functions


def _folded(op: Op, x: T, axis: Axis, keepdims: bool) -> T:
    axes = normalise_axes(axis, operand(x).ndim)
    result = op(x, axes=axes) if axes else x
    return reshape(result, _kept(x.shape, axes)) if keepdims else result


def sum(x: T, /, *, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> T:
    """The sum over all axes, or over some: Σᵢ xᵢ.

    Args:
        x: numbers; small integers and booleans are summed as int64 (uint64 for unsigned).
        axis: an axis, several, or None for all.
        dtype: the element type to sum in.
        keepdims: keep the summed axes with extent 1.

    >>> import steepest as st
    >>> st.sum(st.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    summed = widened(x) if dtype is None else converted(x, dtype_of(dtype))
    return _folded(reduce_sum, summed, axis, keepdims)


def max(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """The largest element over all axes, or over some; NaN wins.

    >>> import steepest as st
    >>> st.max(st.tensor([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([5., 4.])
    """
    return _folded(reduce_max, x, axis, keepdims)


def min(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """The smallest element over all axes, or over some; NaN wins.

    >>> import steepest as st
    >>> st.min(st.tensor([[1.0, 5.0], [3.0, 4.0]]))
    tensor(1.)
    """
    return _folded(reduce_min, x, axis, keepdims)


def all(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """Whether all elements are true (not zero).

    >>> import steepest as st
    >>> st.all(st.tensor([1.0, 0.0]) >= 0.0)
    tensor(True)
    """
    return _folded(reduce_all, _truth(x), axis, keepdims)


def any(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """Whether at least one element is true (not zero).

    >>> import steepest as st
    >>> st.any(st.tensor([1.0, 0.0]) < 0.0)
    tensor(False)
    """
    return _folded(reduce_any, _truth(x), axis, keepdims)


def _truth(x: T) -> T:
    return converted(operand(x), np.dtype("bool"))


def count_nonzero(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """How many elements are not zero (not False).

    >>> import steepest as st
    >>> st.count_nonzero(st.tensor([0.0, 2.0, 3.0]))
    tensor(2)
    """
    return _folded(reduce_sum, converted(_truth(x), int64), axis, keepdims)


def prod(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """The product over all axes, or over some: Πᵢ xᵢ; its derivative is right at zeros too.

    >>> import steepest as st
    >>> st.prod(st.tensor([2.0, 0.0, 3.0]))
    tensor(0.)
    """
    operand(x)
    x, axes = widened(x), normalise_axes(axis, x.ndim)
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    order = [i for i in range(x.ndim) if i not in axes] + list(axes)
    flat = reshape(
        permute_dims(x, order), (*kept, TensorType(x.shape, x.dtype).size // _size(kept))
    )
    while flat.shape[-1] > 1:  # halves multiplied: a tree, so no division by an element
        half, odd = divmod(flat.shape[-1], 2)
        pairs = multiply(_part(flat, 0, half), _part(flat, half, 2 * half))
        flat = concat([pairs, _part(flat, 2 * half, 2 * half + 1)], axis=-1) if odd else pairs
    if flat.shape[-1] == 0:
        flat = stretched(x.lift(np.ones((), x.dtype)), (*kept, 1))
    return reshape(flat, _kept(x.shape, axes) if keepdims else kept)


def _size(shape: Shape) -> int:
    return builtins.max(TensorType(shape, int64).size, 1)


def _part(x: T, start: int, stop: int) -> T:
    return cut(x, cut=(*((0, n, 1) for n in x.shape[:-1]), (start, stop, 1)))


def mean(x: T, /, *, axis: Axis = None, keepdims: bool = False) -> T:
    """The arithmetic mean over all axes, or over some: (1/n) Σᵢ xᵢ.

    >>> import steepest as st
    >>> st.mean(st.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    _accept_floating("mean", x)
    return divide(_folded(reduce_sum, x, axis, keepdims), float(_count(x.shape, axis)))


def var(x: T, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> T:
    """The variance, Σᵢ (xᵢ − mean)² / (n − correction); computed in float64, rounded once.

    >>> import steepest as st
    >>> st.var(st.tensor([1.0, 2.0, 3.0]), correction=1)
    tensor(1.)
    """
    _accept_floating("var", x)
    wide = converted(x, float64)
    centred = wide - mean(wide, axis=axis, keepdims=True)
    total = _folded(reduce_sum, centred * centred, axis, keepdims)
    return converted(divide(total, float(_count(x.shape, axis) - correction)), x.dtype)


def std(x: T, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> T:
    """The standard deviation: the square root of :func:`var`.

    >>> import steepest as st
    >>> st.std(st.tensor([1.0, 3.0]))
    tensor(1.)
    """
    return sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def _count(shape: Shape, axis: Axis) -> int:
    return TensorType(tuple(shape[i] for i in normalise_axes(axis, len(shape))), int64).size


def _accept_floating(name: str, x: Any) -> None:
    try:
        accept("floating", operand(x).type)
    except DTypeError as error:
        raise explain(error, name, (x,)) from None
