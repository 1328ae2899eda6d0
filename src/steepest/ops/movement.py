"""Ops that move elements without computing: shapes, axes, regular parts; and casts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest.errors import ShapeError
from steepest.ir.lowering import Cut, Part, Permute, Place, Reshape, Stretch, pointwise
from steepest.ir.op import OPS, Case, Op, Sample, T, define, explain
from steepest.ir.types import (
    Array,
    DType,
    Shape,
    TensorType,
    broadcast,
    dtype_of,
    is_floating,
    normalise_axis,
)
from steepest.ops import formulas
from steepest.ops.rows import (
    as_given,
    batch_elementwise,
    batch_leading,
    converted,
    operand,
    stretched,
)

__all__ = [
    "astype",
    "broadcast_to",
    "expand_dims",
    "flip",
    "matrix_transpose",
    "moveaxis",
    "pad",
    "permute_dims",
    "reshape",
    "squeeze",
]

_PLAIN = (Sample((2, 3, 4)),)


# ------------------------------------------------------------------------------------------- cast


def _cast_pullback(g: Any, y: Any, x: Any, *, dtype: DType) -> tuple[Any]:
    differentiable = is_floating(x.dtype) and is_floating(dtype)
    return (converted(g, x.dtype) if differentiable else None,)


cast = define(
    Op(
        name="cast",
        summary="x with another element type; float to integer drops the fraction.",
        infer=lambda x, *, dtype: TensorType(x.shape, dtype),
        reference=lambda x, *, dtype: x.astype(dtype),
        lower=pointwise(formulas.converted),
        pullback=_cast_pullback,
        batch=batch_elementwise,
        align=as_given,
        cases=(
            Case((Sample(),), {"dtype": np.dtype("float64")}, any_shape=True),
            Case((Sample(choices=(-1.5, 0.5, 2.5)),), {"dtype": np.dtype("int32")}),
            Case((Sample(dtype="bool"),), {"dtype": np.dtype("float32")}),
        ),
    )
)


def astype(x: T, dtype: Any, /) -> T:
    """Convert to another element type.

    >>> import steepest as st
    >>> st.astype(st.tensor([1.7, -1.7]), st.int64)
    tensor([ 1, -1])
    """
    return converted(operand(x), dtype_of(dtype))


# ---------------------------------------------------------------------------------- shape and axes


def _broadcast_type(x: TensorType, *, shape: Shape) -> TensorType:
    if broadcast(x.shape, shape) != shape:
        raise ShapeError(f"shape {x.shape} does not stretch to {shape}")
    return TensorType(shape, x.dtype)


def _broadcast_pullback(g: Any, y: Any, x: Any, *, shape: Shape) -> tuple[Any]:
    return (sum_to(g, x.shape),)


def sum_to(g: T, shape: Shape) -> T:
    """Sum over what a broadcast from ``shape`` had repeated."""
    new = g.ndim - len(shape)
    axes = [i for i in range(g.ndim) if i < new or (shape[i - new] == 1 and g.shape[i] != 1)]
    return reshape(OPS["reduce_sum"](g, axes=tuple(axes)), shape) if axes else g


def _batch_broadcast(
    op: Op, inputs: tuple[Any, ...], mapped: Any, size: int, attributes: dict[str, Any]
) -> Any:
    (x,), shape = inputs, attributes["shape"]
    ones = (1,) * (len(shape) - (x.ndim - 1))
    return op(reshape(x, (size, *ones, *x.shape[1:])), shape=(size, *shape))


broadcast_to = define(
    Op(
        name="broadcast_to",
        summary="x repeated along new leading axes and along axes of extent 1.",
        infer=_broadcast_type,
        reference=lambda x, *, shape: np.broadcast_to(x, shape),
        lower=lambda *, shape: Stretch(),
        pullback=_broadcast_pullback,
        batch=_batch_broadcast,
        align=as_given,
        cases=(
            Case((Sample((3,)),), {"shape": (2, 3)}),
            Case((Sample((2, 1)),), {"shape": (4, 2, 3)}),
            Case((Sample((1,)),), {"shape": (0,)}),
            Case((Sample(()),), {"shape": (2, 1)}),
        ),
    )
)


def _reshape_type(x: TensorType, *, shape: Shape) -> TensorType:
    result = TensorType(shape, x.dtype)
    if result.size != x.size:
        raise ShapeError(f"{x.size} elements do not fit shape {shape}, which holds {result.size}")
    return result


_reshape = define(
    Op(
        name="reshape",
        summary="The same elements, in row-major order, in another shape.",
        infer=_reshape_type,
        reference=lambda x, *, shape: np.reshape(x, shape),
        lower=lambda *, shape: Reshape(),
        pullback=lambda g, y, x, *, shape: (reshape(g, x.shape),),
        batch=batch_leading(lambda a, size: {"shape": (size, *a["shape"])}),
        align=as_given,
        cases=(
            Case(_PLAIN, {"shape": (6, 4)}),
            Case((Sample((1,)),), {"shape": ()}),
            Case((Sample((0, 3)),), {"shape": (3, 0, 2)}),
        ),
    )
)


def reshape(x: T, /, shape: Sequence[int] | int) -> T:
    """Give the elements another shape, in row-major order; one extent may be -1.

    >>> import steepest as st
    >>> st.reshape(st.arange(6), (2, -1)).shape
    (2, 3)
    """
    operand(x)
    extents = (shape,) if isinstance(shape, int) else tuple(int(each) for each in shape)
    if extents.count(-1) == 1:
        rest = TensorType(tuple(each for each in extents if each != -1), x.dtype).size
        if rest and x.size % rest == 0:
            extents = tuple(x.size // rest if each == -1 else each for each in extents)
    if any(each < 0 for each in extents):
        raise explain(ShapeError(f"{x.size} elements do not fit {extents}"), "reshape", (x,))
    return x if extents == x.shape else _reshape(x, shape=extents)


def _permute_type(x: TensorType, *, axes: tuple[int, ...]) -> TensorType:
    if sorted(axes) != list(range(len(x.shape))):
        raise ShapeError(f"axes {axes} are not a permutation of {tuple(range(len(x.shape)))}")
    return TensorType(tuple(x.shape[axis] for axis in axes), x.dtype)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(each) for each in np.argsort(axes))


_permute = define(
    Op(
        name="permute_dims",
        summary="The axes in another order: result axis i is axis axes[i] of x.",
        infer=_permute_type,
        reference=lambda x, *, axes: np.transpose(x, axes),
        lower=lambda *, axes: Permute(axes),
        pullback=lambda g, y, x, *, axes: (permute_dims(g, _inverse(axes)),),
        batch=batch_leading(lambda a, size: {"axes": (0, *(axis + 1 for axis in a["axes"]))}),
        align=as_given,
        cases=(Case(_PLAIN, {"axes": (2, 0, 1)}), Case((Sample(()),), {"axes": ()})),
    )
)


def permute_dims(x: T, /, axes: Sequence[int]) -> T:
    """Reorder the axes: result axis ``i`` is axis ``axes[i]`` of ``x``.

    >>> import steepest as st
    >>> st.permute_dims(st.ones((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    operand(x)
    normal = tuple(normalise_axis(axis, x.ndim) for axis in axes)
    return x if normal == tuple(range(x.ndim)) else _permute(x, axes=normal)


def expand_dims(x: T, /, *, axis: int = 0) -> T:
    """Insert an axis of extent 1 at ``axis``.

    >>> import steepest as st
    >>> st.expand_dims(st.ones((2, 3)), axis=1).shape
    (2, 1, 3)
    """
    operand(x)
    at = normalise_axis(axis, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def squeeze(x: T, /, axis: int | Sequence[int]) -> T:
    """Remove axes of extent 1.

    >>> import steepest as st
    >>> st.squeeze(st.ones((2, 1, 3)), 1).shape
    (2, 3)
    """
    operand(x)
    gone = {normalise_axis(a, x.ndim) for a in ([axis] if isinstance(axis, int) else axis)}
    for each in gone:
        if x.shape[each] != 1:
            error = ShapeError(f"axis {each} has extent {x.shape[each]}, not 1")
            raise explain(error, "squeeze", (x,))
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in gone))


def moveaxis(x: T, source: int, destination: int, /) -> T:
    """Move one axis to another place; the others keep their order.

    >>> import steepest as st
    >>> st.moveaxis(st.ones((2, 3, 4)), 0, 2).shape
    (3, 4, 2)
    """
    operand(x)
    axes = list(range(x.ndim))
    axes.insert(normalise_axis(destination, x.ndim), axes.pop(normalise_axis(source, x.ndim)))
    return permute_dims(x, axes)


def matrix_transpose(x: T, /) -> T:
    """Swap the last two axes.

    >>> import steepest as st
    >>> st.matrix_transpose(st.ones((5, 2, 3))).shape
    (5, 3, 2)
    """
    operand(x)
    if x.ndim < 2:
        raise explain(ShapeError("it needs at least two axes"), "matrix_transpose", (x,))
    return permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


# --------------------------------------------------------------------------------- slices and pads
# A cut is one (start, stop, step) per axis, normalised: indices start, start + step, … before stop.


def _extents(cut: Cut) -> Shape:
    return tuple(len(range(*each)) for each in cut)


def _slices(cut: Cut) -> tuple[slice, ...]:
    return tuple(slice(a, b if b >= 0 else None, c) for a, b, c in cut)


def _place_type(x: TensorType, *, shape: Shape, cut: Cut) -> TensorType:
    if _extents(cut) != x.shape:
        raise ShapeError(f"{x} does not fill a part of shape {_extents(cut)}")
    return TensorType(shape, x.dtype)


def _place_reference(x: Array, *, shape: Shape, cut: Cut) -> Array:
    placed = np.zeros(shape, x.dtype)
    placed[_slices(cut)] = x
    return placed


def _batched_cut(attributes: dict[str, Any], size: int) -> Cut:
    return ((0, size, 1), *attributes["cut"])


_CUT = ((1, 2, 1), (2, -1, -1), (1, 4, 2))

cut = define(
    Op(
        name="cut",
        summary="A regular part of x: per axis (start, stop, step).",
        infer=lambda x, *, cut: TensorType(_extents(cut), x.dtype),
        reference=lambda x, *, cut: x[_slices(cut)],
        lower=lambda *, cut: Part(cut),
        pullback=lambda g, y, x, *, cut: (place(g, shape=x.shape, cut=cut),),
        batch=batch_leading(lambda a, size: {"cut": _batched_cut(a, size)}),
        align=as_given,
        cases=(
            Case(_PLAIN, {"cut": _CUT}),
            Case((Sample((3,)),), {"cut": ((1, 1, 1),)}),
        ),
    )
)
place = define(
    Op(
        name="place",
        summary="Zeros of a given shape with x in a regular part: the transpose of cut.",
        infer=_place_type,
        reference=_place_reference,
        lower=lambda *, shape, cut: Place(cut),
        pullback=lambda g, y, x, *, shape, cut: (_cut_again(g, cut),),
        batch=batch_leading(
            lambda a, size: {"shape": (size, *a["shape"]), "cut": _batched_cut(a, size)}
        ),
        align=as_given,
        cases=(Case((Sample((1, 3, 2)),), {"shape": (2, 3, 4), "cut": _CUT}),),
    )
)


def _cut_again(g: Any, parts: Cut) -> Any:
    return cut(g, cut=parts)


def flip(x: T, /, *, axis: int | Sequence[int] | None = None) -> T:
    """Reverse the order along one axis, several, or all.

    >>> import steepest as st
    >>> st.flip(st.arange(3))
    tensor([2, 1, 0])
    """
    operand(x)
    axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    turned = {normalise_axis(each, x.ndim) for each in axes}
    parts = tuple((n - 1, -1, -1) if i in turned else (0, n, 1) for i, n in enumerate(x.shape))
    return cut(x, cut=parts)


def pad(x: T, /, widths: Sequence[tuple[int, int]], *, value: float = 0.0) -> T:
    """Surround with a constant: ``widths[i]`` elements before and after axis ``i``.

    >>> import steepest as st
    >>> st.pad(st.ones((2,)), [(1, 2)])
    tensor([0., 1., 1., 0., 0.])
    """
    if len(widths) != x.ndim or any(min(each) < 0 for each in widths):
        error = ShapeError(
            f"widths {widths} are not a pair of numbers ≥ 0 for each of {x.ndim} axes"
        )
        raise explain(error, "pad", (x,))
    shape = tuple(n + before + after for n, (before, after) in zip(x.shape, widths, strict=True))
    parts = tuple((before, before + n, 1) for n, (before, _) in zip(x.shape, widths, strict=True))
    padded = place(x, shape=shape, cut=parts)
    if value == 0.0:
        return padded
    inside = stretched(x.lift(np.asarray(True)), x.shape)
    return OPS["where"](place(inside, shape=shape, cut=parts), padded, value)
