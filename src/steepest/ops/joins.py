"""Arrays put together and repeated: concat, stack, tile, roll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest.errors import DTypeError, ShapeError
from steepest.ir.lowering import Join
from steepest.ir.op import Case, Op, Operand, Sample, T, define, explain
from steepest.ir.origin import located
from steepest.ir.types import TensorType, normalise_axis
from steepest.ops.movement import cut, expand_dims, reshape, squeeze
from steepest.ops.rows import batch_leading, common_shape, promoted, stretched

__all__ = [
    "broadcast_arrays",
    "concat",
    "repeat",
    "roll",
    "stack",
    "tile",
    "unstack",
]


def _concat_type(*types: TensorType, axis: int) -> TensorType:
    first = types[0]
    for each in types:
        others = [s[:axis] + s[axis + 1 :] for s in (first.shape, each.shape)]
        if len(first.shape) != len(each.shape) or others[0] != others[1]:
            raise ShapeError(f"{first} and {each} differ off axis {axis}")
    total = sum(each.shape[axis] for each in types)
    shape = (*first.shape[:axis], total, *first.shape[axis + 1 :])
    return TensorType(shape, first.dtype)


def _concat_pullback(g: Any, y: Any, *inputs: Any, axis: int) -> tuple[Any, ...]:
    gradients: list[Any] = []
    start = 0
    for each in inputs:
        parts = [(0, n, 1) for n in y.shape]
        parts[axis] = (start, start + each.shape[axis], 1)
        gradients.append(cut(g, cut=tuple(parts)))
        start += each.shape[axis]
    return tuple(gradients)


_concat = define(
    Op(
        name="concat",
        summary="Arrays one after the other along an axis.",
        infer=_concat_type,
        reference=lambda *inputs, axis: np.concatenate(inputs, axis),
        lower=lambda *, axis: Join(axis),
        pullback=_concat_pullback,
        batch=batch_leading(lambda a, size: {"axis": a["axis"] + 1}),
        align=promoted,
        cases=(
            Case((Sample((2, 3)), Sample((2, 1))), {"axis": 1}),
            Case((Sample((0, 3)), Sample((2, 3)), Sample((1, 3))), {"axis": 0}),
            Case((Sample((2,)),), {"axis": 0}),
        ),
    )
)


def concat(arrays: Sequence[T], /, *, axis: int | None = 0) -> T:
    """Join arrays along an existing axis; ``axis=None`` flattens them first.

    >>> import steepest as st
    >>> st.concat([st.ones((2,)), st.zeros((1,))])
    tensor([1., 1., 0.])
    """
    given = _operands(arrays)
    if axis is None:
        return _concat(*(reshape(each, (-1,)) for each in given), axis=0)
    return _concat(*given, axis=normalise_axis(axis, given[0].ndim))


def _operands(arrays: Sequence[Any]) -> list[Any]:
    """Arrays and numbers become operands of the kind of the first one that is."""
    if not len(arrays):
        raise located(ShapeError("there is nothing to join"))
    kinds = [each for each in arrays if isinstance(each, Operand)]
    if not kinds:
        given = type(arrays[0]).__name__
        raise located(DTypeError(f"it joins Tensors, not {given}; wrap it in st.tensor(…)"))
    return [each if isinstance(each, Operand) else kinds[0].lift(each) for each in arrays]


def stack(arrays: Sequence[T], /, *, axis: int = 0) -> T:
    """Join arrays of one shape along a new axis.

    >>> import steepest as st
    >>> st.stack([st.ones((2,)), st.zeros((2,))]).shape
    (2, 2)
    """
    given = [expand_dims(each, axis=axis) for each in _operands(arrays)]
    return _concat(*given, axis=normalise_axis(axis, given[0].ndim))


def unstack(x: T, /, *, axis: int = 0) -> tuple[T, ...]:
    """The slices along an axis, as a tuple.

    >>> import steepest as st
    >>> len(st.unstack(st.ones((3, 2))))
    3
    """
    at = normalise_axis(axis, x.ndim)
    whole = [(0, n, 1) for n in x.shape]
    parts = ((*whole[:at], (i, i + 1, 1), *whole[at + 1 :]) for i in range(x.shape[at]))
    return tuple(squeeze(cut(x, cut=each), at) for each in parts)


def broadcast_arrays(*arrays: T) -> list[T]:
    """Stretch arrays to their common shape.

    >>> import steepest as st
    >>> [each.shape for each in st.broadcast_arrays(st.ones((2, 1)), st.ones((3,)))]
    [(2, 3), (2, 3)]
    """
    shape = common_shape("broadcast_arrays", [each.shape for each in arrays], arrays)
    return [stretched(each, shape) for each in arrays]


def repeat(x: T, repeats: int, /, *, axis: int = 0) -> T:
    """Each slice along an axis ``repeats`` times in a row.

    >>> import steepest as st
    >>> st.repeat(st.arange(2), 2)
    tensor([0, 0, 1, 1])
    """
    if repeats < 0:
        raise explain(ShapeError(f"{repeats} repeats: that is negative"), "repeat", (x,))
    at = normalise_axis(axis, x.ndim)
    before, n, after = x.shape[:at], x.shape[at], x.shape[at + 1 :]
    wide = stretched(reshape(x, (*before, n, 1, *after)), (*before, n, repeats, *after))
    return reshape(wide, (*before, n * repeats, *after))


def tile(x: T, repetitions: Sequence[int], /) -> T:
    """The whole array ``repetitions[i]`` times along axis ``i``.

    >>> import steepest as st
    >>> st.tile(st.arange(2), (2,))
    tensor([0, 1, 0, 1])
    """
    if any(each < 0 for each in repetitions):
        error = ShapeError(f"{tuple(repetitions)} repetitions: some are negative")
        raise explain(error, "tile", (x,))
    rank = max(x.ndim, len(repetitions))
    times = (1,) * (rank - len(repetitions)) + tuple(repetitions)
    shape = (1,) * (rank - x.ndim) + x.shape
    split = [extent for n in shape for extent in (1, n)]
    wide = [extent for t, n in zip(times, shape, strict=True) for extent in (t, n)]
    total = tuple(t * n for t, n in zip(times, shape, strict=True))
    return reshape(stretched(reshape(x, split), tuple(wide)), total)


def roll(x: T, /, shift: int, *, axis: int = 0) -> T:
    """Shift along an axis; what falls off one end comes in at the other.

    >>> import steepest as st
    >>> st.roll(st.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    at = normalise_axis(axis, x.ndim)
    n = x.shape[at]
    by = shift % n if n else 0
    whole = [(0, extent, 1) for extent in x.shape]
    tail = (*whole[:at], (n - by, n, 1), *whole[at + 1 :])
    head = (*whole[:at], (0, n - by, 1), *whole[at + 1 :])
    return concat([cut(x, cut=tail), cut(x, cut=head)], axis=at)
