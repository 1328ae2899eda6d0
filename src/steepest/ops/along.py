"""Ops that run along one axis: cumulative sums, positions of extremes, order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest.errors import ShapeError
from steepest.ir.lowering import Composed, Host, Scan
from steepest.ir.op import Case, Op, PiecewiseConstant, Sample, T, define
from steepest.ir.types import TensorType, bool_, int8, int64, normalise_axis
from steepest.ops.creation import iota
from steepest.ops.elementwise import equal, logical_or, multiply, not_equal, where
from steepest.ops.joins import concat
from steepest.ops.movement import cut, flip, reshape
from steepest.ops.reduce import reduce_max, reduce_min
from steepest.ops.rows import as_given, batch_leading, converted, operand, stretched, widened

__all__ = [
    "argmax",
    "argmin",
    "argsort",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
]


def _same_type(x: TensorType, *, axis: int) -> TensorType:
    return x


def _next_axis(attributes: dict[str, Any], size: int) -> dict[str, Any]:
    return {"axis": attributes["axis"] + 1}


_RUNS = (
    Case((Sample((2, 3), distinct=True),), {"axis": 1}),
    Case((Sample((2, 3, 4), distinct=True),), {"axis": 1}),
    Case((Sample((4,), distinct=True),), {"axis": 0}),
)


_cumulative_sum = define(
    Op(
        name="cumulative_sum",
        summary="The sums of the first 1, 2, … elements along an axis.",
        infer=_same_type,
        reference=lambda x, *, axis: np.cumsum(x, axis, dtype=x.dtype),
        lower=lambda *, axis: Scan(axis),
        pullback=lambda g, y, x, *, axis: (
            flip(_cumulative_sum(flip(g, axis=axis), axis=axis), axis=axis),
        ),
        batch=batch_leading(_next_axis),
        align=as_given,
        cases=(*_RUNS, Case((Sample((2, 0)),), {"axis": 1})),
    )
)


def cumulative_sum(x: T, /, *, axis: int = 0) -> T:
    """The sums of the first 1, 2, … elements along an axis.

    >>> import steepest as st
    >>> st.cumulative_sum(st.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    operand(x)
    return _cumulative_sum(widened(x), axis=normalise_axis(axis, x.ndim))


def cumulative_prod(x: T, /, *, axis: int = 0) -> T:
    """The products of the first 1, 2, … elements along an axis; derivatives are right at zeros too.

    >>> import steepest as st
    >>> st.cumulative_prod(st.tensor([1.0, 2.0, 3.0]))
    tensor([1., 2., 6.])
    """
    operand(x)
    at, reach, x = normalise_axis(axis, x.ndim), 1, widened(x)
    whole = [(0, n, 1) for n in x.shape]
    while reach < x.shape[at]:  # each element takes in its neighbour at distance 1, 2, 4, …
        n = x.shape[at]
        head, tail, start = whole.copy(), whole.copy(), whole.copy()
        head[at], tail[at], start[at] = (0, n - reach, 1), (reach, n, 1), (0, reach, 1)
        grown = multiply(cut(x, cut=tuple(tail)), cut(x, cut=tuple(head)))
        x = concat([cut(x, cut=tuple(start)), grown], axis=at)
        reach *= 2
    return x


def _position_type(x: TensorType, *, axis: int) -> TensorType:
    if x.shape[axis] == 0:
        raise ShapeError("there is no position in an axis of extent 0")
    return TensorType(x.shape[:axis] + x.shape[axis + 1 :], int64)


def _first(extreme: Op) -> Callable[..., Any]:
    """The smallest of the positions where the extreme is, or NaN is if that wins."""

    def write(x: Any, *, axis: int) -> Any:
        x = converted(x, int8) if x.dtype == bool_ else x
        n, shape = x.shape[axis], x.shape
        kept = (*shape[:axis], 1, *shape[axis + 1 :])
        best = stretched(reshape(extreme(x, axes=(axis,)), kept), shape)
        here = logical_or(equal(x, best), not_equal(x, x))
        along = reshape(iota(x, n), (n, *(1 for _ in shape[axis + 1 :])))
        return reduce_min(where(here, stretched(along, shape), n), axes=(axis,))

    return write


def _position(name: str, summary: str, reference: Callable[..., Any], extreme: Op) -> Op:
    return define(
        Op(
            name=name,
            summary=summary,
            infer=_position_type,
            reference=reference,
            lower=lambda *, axis: Composed(_first(extreme)),
            pullback=PiecewiseConstant(),
            batch=batch_leading(_next_axis),
            align=as_given,
            cases=_RUNS,
        )
    )


_argmax = _position(
    "argmax", "The position of the largest element along an axis, the first of equals.",
    lambda x, *, axis: np.argmax(x, axis), reduce_max,
)  # fmt: skip
_argmin = _position(
    "argmin", "The position of the smallest element along an axis, the first of equals.",
    lambda x, *, axis: np.argmin(x, axis), reduce_min,
)  # fmt: skip
_argsort = define(
    Op(
        name="argsort",
        summary="The positions that sort an axis, smallest first; equals keep their order.",
        infer=lambda x, *, axis: TensorType(x.shape, int64),
        reference=lambda x, *, axis: np.argsort(x, axis, stable=True),
        lower=lambda *, axis: Host("sorting is NumPy's"),
        pullback=PiecewiseConstant(),
        batch=batch_leading(_next_axis),
        align=as_given,
        cases=_RUNS,
    )
)


def _along(op: Op, x: T, axis: int | None, keepdims: bool) -> T:
    if axis is None:
        flat = op(reshape(operand(x), (-1,)), axis=0)
        return reshape(flat, (1,) * x.ndim) if keepdims else flat
    at = normalise_axis(axis, operand(x).ndim)
    result = op(x, axis=at)
    return reshape(result, (*x.shape[:at], 1, *x.shape[at + 1 :])) if keepdims else result


def diff(x: T, /, *, axis: int = -1) -> T:
    """The differences of neighbours along an axis: xᵢ₊₁ − xᵢ.

    >>> import steepest as st
    >>> st.diff(st.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    operand(x)
    at = normalise_axis(axis, x.ndim)
    whole = [(0, n, 1) for n in x.shape]
    n = x.shape[at]
    later = (*whole[:at], (1, n, 1), *whole[at + 1 :])
    earlier = (*whole[:at], (0, max(n - 1, 0), 1), *whole[at + 1 :])
    return cut(x, cut=later) - cut(x, cut=earlier)


def argmax(x: T, /, *, axis: int | None = None, keepdims: bool = False) -> T:
    """The position of the largest element along an axis (of the flattened array with None).

    >>> import steepest as st
    >>> st.argmax(st.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    tensor([1, 0])
    """
    return _along(_argmax, x, axis, keepdims)


def argmin(x: T, /, *, axis: int | None = None, keepdims: bool = False) -> T:
    """The position of the smallest element along an axis (of the flattened array with None).

    >>> import steepest as st
    >>> st.argmin(st.tensor([4.0, 1.0, 3.0]))
    tensor(1)
    """
    return _along(_argmin, x, axis, keepdims)


def argsort(x: T, /, *, axis: int = -1, descending: bool = False) -> T:
    """The positions that sort an axis; equals keep their order.

    >>> import steepest as st
    >>> st.argsort(st.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    operand(x)
    at = normalise_axis(axis, x.ndim)
    if not descending:
        return _argsort(x, axis=at)
    last = x.shape[at] - 1  # reversed twice, so that equals still keep their order
    return flip(last - _argsort(flip(x, axis=at), axis=at), axis=at)
