"""Element types and shapes: what is known of a value before it is computed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from steepest.errors import DTypeError, ShapeError
from steepest.ir.origin import located

Shape: TypeAlias = tuple[int, ...]
Array: TypeAlias = NDArray[Any]
DType: TypeAlias = np.dtype[Any]

# The element types of the array API standard 2024.12, without the complex ones.
bool_ = np.dtype("bool")
int8, int16, int32, int64 = (np.dtype(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64))
float32, float64 = np.dtype("float32"), np.dtype("float64")

DTYPES: tuple[DType, ...] = (
    *(bool_, int8, int16, int32, int64),
    *(uint8, uint16, uint32, uint64, float32, float64),
)


class TensorType(NamedTuple):
    """The shape and element type of a value, printed as ``float32[2, 3]``."""

    shape: Shape
    dtype: DType

    @property
    def size(self) -> int:
        """The number of elements."""
        size = 1
        for extent in self.shape:
            size *= extent
        return size

    def __str__(self) -> str:
        return _written(self)


@lru_cache(4096)  # NumPy takes 5 µs to write a type, and a program's key writes thousands
def _written(type: TensorType) -> str:
    return f"{type.dtype}[{', '.join(map(str, type.shape))}]"


def type_of(array: Array) -> TensorType:
    """The type of a NumPy array."""
    return TensorType(array.shape, array.dtype)


def dtype_of(dtype: DTypeLike) -> DType:
    """The element type that the user means, or an error that lists those there are."""
    try:
        known: DType | None = np.dtype(dtype)
    except TypeError:
        known = None
    if known is None or known not in DTYPES:
        names = ", ".join(map(str, DTYPES))
        raise located(DTypeError(f"no element type {dtype!r} here; there are {names}"))
    return known


def numbers(value: Any, dtype: DType | None = None) -> Array:
    """A copy of ``value`` as an array; floats in a list are Python's, so they become float32."""
    array = np.array(value, dtype)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"it works on numbers, not on {type(value).__name__}")
    if isinstance(value, list | tuple) and dtype is None and is_floating(array.dtype):
        return array.astype(float32)
    return array


def is_floating(dtype: DType) -> bool:
    """Whether values of this type have derivatives."""
    return dtype.kind == "f"


def is_integer(dtype: DType) -> bool:
    """Whether this is a signed or unsigned integer type."""
    return dtype.kind in "iu"


def promote(*dtypes: DType) -> DType:
    """The element type of a combination: the array API's table; an integer turns into the float.

    Differs from NumPy where NumPy widens: ``int64`` with ``float32`` is ``float32`` here (as in
    PyTorch), ``uint64`` with ``int64`` is an error instead of ``float64``.
    """
    if len(set(dtypes)) == 1:
        return dtypes[0]
    floats = [dtype for dtype in dtypes if is_floating(dtype)]
    result = np.result_type(*(floats or dtypes))
    if is_floating(result) and not floats:
        raise DTypeError("uint64 and int64 have no common integer type; use .astype on one of them")
    return result


def broadcast(*shapes: Shape) -> Shape:
    """The shape that all of these stretch to: aligned at the right, extents equal or 1."""
    distinct = {shape for shape in shapes if shape}
    if len(distinct) == 1 and min(only := distinct.pop()) >= 0:  # NumPy takes long even here
        return only
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(map(str, shapes))
        raise ShapeError(
            f"shapes {listed} do not broadcast: from the right, extents must be equal or 1"
        ) from None


def normalise_axis(axis: int, rank: int) -> int:
    """The axis counted from the left; negative axes count from the right."""
    if not -rank <= axis < rank:
        where = f"axes {-rank} to {rank - 1}" if rank else "no axes (it is 0-dimensional)"
        raise located(ShapeError(f"there is no axis {axis}: a Tensor of rank {rank} has {where}"))
    return axis % rank


def normalise_axes(axis: int | tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """The axes a reduction runs over, sorted; ``None`` means all."""
    if axis is None:
        return tuple(range(rank))
    axes = (axis,) if isinstance(axis, int) else axis
    normal = sorted(normalise_axis(each, rank) for each in axes)
    if len(set(normal)) != len(normal):
        raise located(ShapeError(f"axes {axes} name one axis twice"))
    return tuple(normal)
