"""Ops that look elements up by position: take, its transpose scatter_add, pick; and x[ ]."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, TypeAlias, cast

import numpy as np

from steepest.errors import DTypeError, ShapeError
from steepest.ir.lowering import Gather, Pick, Scatter, pointwise
from steepest.ir.op import Case, Op, Operand, PiecewiseConstant, Sample, Scalar, T, define, explain
from steepest.ir.types import Array, TensorType, bool_, int64, normalise_axis
from steepest.ops import formulas
from steepest.ops.along import argsort
from steepest.ops.creation import iota
from steepest.ops.elementwise import equal, where
from steepest.ops.movement import cut, expand_dims, moveaxis, permute_dims, reshape
from steepest.ops.rows import (
    accept,
    as_given,
    batch_elementwise,
    batch_leading,
    common_shape,
    converted,
    operand,
    stretched,
)

__all__ = [
    "sort",
    "take",
    "take_along_axis",
]

Index: TypeAlias = "int | slice | EllipsisType | Operand | Array | list[Any] | None"


# ---------------------------------------------------------------------------- take and scatter_add


def _take_type(x: TensorType, indices: TensorType, *, axis: int) -> TensorType:
    accept("integer", indices)
    return TensorType(x.shape[:axis] + indices.shape + x.shape[axis + 1 :], x.dtype)


def _take_reference(x: Array, indices: Array, *, axis: int) -> Array:
    return np.take(x, indices, axis)


def _scatter_type(updates: TensorType, indices: TensorType, *, axis: int, size: int) -> TensorType:
    accept("integer", indices)
    rest = updates.shape[axis + len(indices.shape) :]
    if updates.shape[axis : axis + len(indices.shape)] != indices.shape:
        raise ShapeError(f"{updates} has no axes {indices.shape} at {axis}")
    return TensorType((*updates.shape[:axis], size, *rest), updates.dtype)


def _scatter_reference(updates: Array, indices: Array, *, axis: int, size: int) -> Array:
    before, after = updates.shape[:axis], updates.shape[axis + indices.ndim :]
    total = np.zeros((*before, size, *after), updates.dtype)
    rows = updates.reshape((*before, indices.size, *after))
    np.add.at(np.moveaxis(total, axis, 0), indices.reshape(-1), np.moveaxis(rows, axis, 0))
    return total


def _positions_in_one(indices: Any, extent: int, size: int) -> Any:
    """Example i of a batch looks into its own stretch, from i · extent on, of one long axis."""
    lead = (size,) + (1,) * (indices.ndim - 1)
    return converted(indices, int64) + reshape(iota(indices, size), lead) * extent


def _batch_take(
    op: Op,
    inputs: tuple[Any, ...],
    mapped: tuple[bool, ...],
    size: int,
    attributes: dict[str, Any],
) -> Any:
    (x, indices), axis = inputs, attributes["axis"]
    if not mapped[1]:
        return op(x, indices, axis=axis + 1)
    if not mapped[0]:
        return moveaxis(op(x, indices, axis=axis), axis, 0)
    extent = x.shape[axis + 1]
    joined = moveaxis(x, 0, axis)  # pre…, batch, extent, post…
    joined = reshape(joined, (*joined.shape[:axis], size * extent, *joined.shape[axis + 2 :]))
    positions = _positions_in_one(indices, extent, size)
    return moveaxis(op(joined, positions, axis=axis), axis, 0)


def _batch_scatter(
    op: Op,
    inputs: tuple[Any, ...],
    mapped: tuple[bool, ...],
    size: int,
    attributes: dict[str, Any],
) -> Any:
    (updates, indices), axis, extent = inputs, attributes["axis"], attributes["size"]
    if not mapped[1]:
        return op(updates, indices, axis=axis + 1, size=extent)
    if not mapped[0]:
        updates = stretched(updates, (size, *updates.shape))
    positions = _positions_in_one(indices, extent, size)
    total = op(moveaxis(updates, 0, axis), positions, axis=axis, size=size * extent)
    total = reshape(total, (*total.shape[:axis], size, extent, *total.shape[axis + 1 :]))
    return moveaxis(total, axis, 0)


_ROWS = Sample((2, 2), dtype="int64", choices=(0, 1, 2))

_take = define(
    Op(
        name="take",
        summary="Slices of x at the given positions along an axis.",
        infer=_take_type,
        reference=_take_reference,
        lower=lambda *, axis: Gather(axis),
        pullback=lambda g, y, x, indices, *, axis: (
            scatter_add(g, indices, axis=axis, size=x.shape[axis]),
            None,
        ),
        batch=_batch_take,
        align=as_given,
        cases=(
            Case((Sample((3, 4)), _ROWS), {"axis": 0}),
            Case((Sample((2, 3)), Sample((4,), dtype="int64", choices=(0, 2))), {"axis": 1}),
            Case((Sample((3,)), Sample((), dtype="int64", choices=(1, 2))), {"axis": 0}),
        ),
    )
)
scatter_add = define(
    Op(
        name="scatter_add",
        summary="Zeros with slices added at positions along an axis: the transpose of take.",
        infer=_scatter_type,
        reference=_scatter_reference,
        lower=lambda *, axis, size: Scatter(axis),
        pullback=lambda g, y, updates, indices, *, axis, size: (
            _take(g, indices, axis=axis),
            None,
        ),
        batch=_batch_scatter,
        align=as_given,
        cases=(
            Case((Sample((2, 2, 4)), _ROWS), {"axis": 0, "size": 3}),
            Case(
                (Sample((2, 4)), Sample((4,), dtype="int64", choices=(0, 2))),
                {"axis": 1, "size": 3},
            ),
        ),
    )
)


# -------------------------------------------------------------------------------------------- pick


def _pick_type(x: TensorType, indices: TensorType, *, axis: int) -> TensorType:
    accept("integer", indices)
    if indices.shape != _without(x.shape, axis):
        raise ShapeError(f"{indices} is not one position for each place off axis {axis} of {x}")
    return TensorType(indices.shape, x.dtype)


def _pick_reference(x: Array, indices: Array, *, axis: int) -> Array:
    return np.take_along_axis(x, np.expand_dims(indices, axis), axis).squeeze(axis)


def _pick_pullback(g: Any, y: Any, x: Any, indices: Any, *, axis: int) -> tuple[Any, None]:
    """The gradient where an element was picked, 0 elsewhere: nothing needs to be added up."""
    lead = tuple(n if i == axis else 1 for i, n in enumerate(x.shape))
    along = reshape(iota(x, x.shape[axis]), lead)
    here = equal(converted(expand_dims(indices, axis=axis), int64), along)
    return where(here, expand_dims(g, axis=axis), 0.0), None


_pick = define(
    Op(
        name="pick",
        summary="One element along an axis for each place off it: x[i, indices[i, j], j].",
        infer=_pick_type,
        reference=_pick_reference,
        lower=lambda *, axis: Pick(axis),
        pullback=_pick_pullback,
        batch=batch_leading(lambda a, size: {"axis": a["axis"] + 1}),
        align=as_given,
        cases=(
            Case((Sample((2, 3)), Sample((2,), dtype="int64", choices=(0, 2))), {"axis": 1}),
            Case((Sample((3, 4)), Sample((4,), dtype="uint8", choices=(0, 1, 2))), {"axis": 0}),
            Case((Sample((2, 3, 4)), Sample((2, 4), dtype="int64", choices=(0, 1))), {"axis": 1}),
            Case((Sample((3,)), Sample((), dtype="int64", choices=(1, 2))), {"axis": 0}),
        ),
    )
)


# --------------------------------------------------------------------------------------- positions


def _position_type(indices: TensorType, *, extent: int) -> TensorType:
    accept("integer", indices)
    return TensorType(indices.shape, int64)


def _position_reference(indices: Array, *, extent: int) -> Array:
    wide = indices.astype(int64)
    outside = (wide < -extent) | (wide >= extent)
    if outside.any():
        raise ShapeError(
            f"position {wide[outside][0]} is outside of an axis of extent {extent}, "
            f"which has {-extent} to {extent - 1}"
        )
    return np.where(wide < 0, wide + extent, wide)


_position = define(
    Op(
        name="position",
        summary="Positions in an axis counted from its start; negative ones count from its end.",
        infer=_position_type,
        reference=_position_reference,
        lower=pointwise(formulas.from_start, check=formulas.is_position),
        pullback=PiecewiseConstant(),
        batch=batch_elementwise,
        align=as_given,
        cases=(
            Case((Sample(dtype="int64", choices=(-3, -1, 0, 2)),), {"extent": 3}, any_shape=True),
            Case((Sample(dtype="int8", choices=(-3, -1, 0, 2)),), {"extent": 300}),
            Case((Sample((), dtype="uint8", choices=(2,)),), {"extent": 3}),
        ),
    )
)


def take(x: T, indices: T | Array, /, *, axis: int | None = None) -> T:
    """Slices of ``x`` at ``indices`` along an axis; negative positions count from the end.

    Args:
        x: any Tensor.
        indices: integers of any shape, which takes the place of the axis.
        axis: may be left out when x has one axis.

    >>> import steepest as st
    >>> st.take(st.tensor([10.0, 20.0, 30.0]), st.tensor([2, 0]))
    tensor([30., 10.])
    """
    operand(x)
    if axis is None and x.ndim != 1:
        raise explain(ShapeError("say along which axis"), "take", (x,))
    at = normalise_axis(axis or 0, x.ndim)
    return _take(x, _from_start(x, indices, x.shape[at]), axis=at)


def _from_start(x: Operand, indices: Any, extent: int) -> Any:
    """Negative positions counted from the start."""
    positions = indices if isinstance(indices, Operand) else np.asarray(indices)
    if positions.dtype.kind not in "iu":
        error = DTypeError(f"positions are integers, not {positions.dtype}")
        raise explain(error, "take", (x, indices))
    lifted: Any = positions if isinstance(positions, Operand) else x.lift(positions)
    return _position(lifted, extent=extent)


def take_along_axis(x: T, indices: T | Array, /, *, axis: int = -1) -> T:
    """For each position of ``indices`` the element of ``x`` it names along the axis.

    >>> import steepest as st
    >>> x = st.tensor([[1.0, 5.0], [3.0, 2.0]])
    >>> st.take_along_axis(x, st.tensor([[1], [0]]), axis=1)
    tensor([[5.],
            [3.]])
    """
    operand(x)
    at = normalise_axis(axis, x.ndim)
    positions = _from_start(x, indices, x.shape[at])
    if positions.ndim != x.ndim:
        error = ShapeError("x and the positions should have equally many axes")
        raise explain(error, "take_along_axis", (x, positions))
    shapes = _without(x.shape, at), _without(positions.shape, at)
    others = common_shape("take_along_axis", shapes, (x, positions))
    x = stretched(x, (*others[:at], x.shape[at], *others[at:]))
    shape = (*others[:at], positions.shape[at], *others[at:])
    if shape[at] == 1:
        one_each = stretched(reshape(positions, _without(positions.shape, at)), others)
        return reshape(_pick(x, one_each, axis=at), shape)
    return _take(reshape(x, (-1,)), _flat_positions(x, positions, shape, at), axis=0)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def _flat_positions(x: Any, positions: Any, shape: tuple[int, ...], at: int) -> Any:
    """Positions in x flattened: the sum over axes of index · stride."""
    total: Any = None
    stride = 1
    for axis in reversed(range(x.ndim)):
        lead = (1,) * axis + (shape[axis],) + (1,) * (x.ndim - axis - 1)
        along = converted(positions, int64) if axis == at else reshape(iota(x, shape[axis]), lead)
        part = stretched(along if stride == 1 else along * stride, shape)
        total = part if total is None else total + part
        stride *= x.shape[axis]
    return total


def sort(x: T, /, *, axis: int = -1, descending: bool = False) -> T:
    """The elements along an axis in order; the gradient goes back to where each came from.

    >>> import steepest as st
    >>> st.sort(st.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    return take_along_axis(x, argsort(x, axis=axis, descending=descending), axis=axis)


# -------------------------------------------------------------------------------------------- x[…]


def index(x: T, key: Any) -> T:
    """What ``x[key]`` means: integers, slices, ``None``, ``...`` and integer arrays.

    >>> import steepest as st
    >>> x = st.reshape(st.arange(6), (2, 3))
    >>> x[1, ::2], x[..., None].shape, x[:, st.tensor([2, 0])].shape
    (tensor([3, 5]), (2, 3, 1), (2, 2))
    """
    keys: list[Any] = [*key] if isinstance(key, tuple) else [key]
    keys = [_as_array(each) for each in keys]
    given = sum(1 for each in keys if each is not None and each is not Ellipsis)
    if given > x.ndim:
        error = ShapeError(f"{given} indices for {x.ndim} axes")
        raise explain(error, "index", (x,))
    dots = [i for i, each in enumerate(keys) if each is Ellipsis]
    if len(dots) > 1:
        raise explain(ShapeError("an index has only one '...'"), "index", (x,))
    at = dots[0] if dots else len(keys)
    fill: list[Any] = [slice(None)] * (x.ndim - given)
    keys = keys[:at] + fill + [each for each in keys[at:] if each is not Ellipsis]
    return _gathered(*_cut_and_shape(x, keys), _place_of_arrays(keys))


def _as_array(key: Any) -> Any:
    """Lists as arrays and NumPy integers as ints; what cannot be an index is refused."""
    if isinstance(key, bool | np.bool):
        raise DTypeError("x[True] is not supported: use where(condition, x, y)")
    if isinstance(key, np.integer):
        return int(key)
    array = cast("Any", np.asarray(key)) if isinstance(key, list) else key
    if getattr(array, "dtype", None) == bool_:
        raise DTypeError(
            "x[mask] has a shape that depends on the values: use where(mask, x, 0.0), "
            "or x[nonzero(mask)] outside of a trace"
        )
    return array


def _cut_and_shape(x: Any, keys: list[Any]) -> tuple[Any, list[tuple[int, Any]]]:
    """Slices, integers and new axes done; the arrays left, with the axes they apply to."""
    parts: list[tuple[int, int, int]] = []
    shape: list[int] = []
    arrays: list[tuple[int, Any]] = []
    for key in keys:
        if key is None:
            shape.append(1)
            continue
        n = x.shape[len(parts)]
        if isinstance(key, int):
            if not -n <= key < n:
                error = ShapeError(f"position {key} is outside of axis {len(parts)} of extent {n}")
                raise explain(error, "index", (x,))
            parts.append((key % n, key % n + 1, 1))
            continue
        part = key.indices(n) if isinstance(key, slice) else (0, n, 1)
        if not isinstance(key, slice):
            arrays.append((len(shape), key))
        parts.append(part)
        shape.append(len(range(*part)))
    whole = all(part == (0, n, 1) for part, n in zip(parts, x.shape, strict=True))
    return reshape(x if whole else cut(x, cut=tuple(parts)), shape), arrays


def _place_of_arrays(keys: list[Any]) -> int:
    """NumPy's rule for where the axes of arrays go: in their place, or first if they are apart.

    An integer next to an array counts as an array.
    """
    arrays = [i for i, key in enumerate(keys) if not (key is None or isinstance(key, slice))]
    apart = arrays != list(range(arrays[0], arrays[0] + len(arrays))) if arrays else True
    return 0 if apart else arrays[0]


def _gathered(x: Any, arrays: list[tuple[int, Any]], target: int) -> Any:
    """Integer arrays: one axis by take; several by positions in those axes flattened together."""
    if not arrays:
        return x
    axes = [axis for axis, _ in arrays]
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    x = permute_dims(x, [*rest[:target], *axes, *rest[target:]])
    if len(arrays) == 1:
        return take(x, arrays[0][1], axis=target)
    extents = x.shape[target : target + len(axes)]
    positions: Any = None
    for extent, (_, array) in zip(extents, arrays, strict=True):
        step = converted(_from_start(x, array, extent), int64)
        positions = step if positions is None else positions * extent + step
    flat = (*x.shape[:target], int(np.prod(extents)), *x.shape[target + len(axes) :])
    return _take(reshape(x, flat), positions, axis=target)


def replaced(x: T, key: Any, value: T | Array | Scalar) -> T:
    """A copy of ``x`` with the part at ``key`` replaced."""
    positions = np.arange(x.size).reshape(x.shape)
    try:
        chosen = positions[key]
    except IndexError as error:
        raise explain(ShapeError(str(error)), "at", (x,)) from None
    if len(np.unique(chosen)) != chosen.size:
        raise explain(ShapeError("the index names an element twice"), "at", (x,))
    part: Any = value if isinstance(value, Operand) else x.lift(value, x.dtype)
    flat = reshape(stretched(converted(part, x.dtype), chosen.shape), (-1,))
    placed = scatter_add(flat, chosen.reshape(-1), axis=0, size=x.size)
    return where(np.isin(positions, chosen), reshape(placed, x.shape), x)
