"""Questions about element types, and the constants of the array API standard."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from steepest.errors import DTypeError
from steepest.ir.types import DType, dtype_of, promote
from steepest.tensor.tensor import Tensor

__all__ = [
    "can_cast",
    "e",
    "finfo",
    "iinfo",
    "inf",
    "isdtype",
    "nan",
    "newaxis",
    "pi",
    "result_type",
]

e, pi, inf, nan = math.e, math.pi, math.inf, math.nan
newaxis = None

_KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "numeric": "iuf",
}


def result_type(*operands: Tensor | DTypeLike) -> DType:
    """The element type that an operation on these gives.

    >>> import steepest as st
    >>> st.result_type(st.int64, st.float32)
    dtype('float32')
    """
    return promote(*(o.dtype if isinstance(o, Tensor) else dtype_of(o) for o in operands))


def isdtype(dtype: DTypeLike, kind: Any) -> bool:
    """Whether an element type is of a kind: another type, a kind's name, or a tuple of such.

    Args:
        dtype: the element type.
        kind: ``"bool"``, ``"signed integer"``, ``"unsigned integer"``, ``"integral"``,
            ``"real floating"``, ``"numeric"``; or element types.

    >>> import steepest as st
    >>> st.isdtype(st.float32, "real floating")
    True
    """
    known = dtype_of(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(known, each) for each in cast("tuple[Any, ...]", kind))
    if isinstance(kind, str) and kind in _KINDS:
        return known.kind in _KINDS[kind]
    return known == dtype_of(kind)


def can_cast(source: Tensor | DTypeLike, target: DTypeLike, /) -> bool:
    """Whether promotion takes one element type to another.

    >>> import steepest as st
    >>> st.can_cast(st.float32, st.float64), st.can_cast(st.float64, st.float32)
    (True, False)
    """
    try:
        return result_type(source, target) == dtype_of(target)
    except DTypeError:
        return False


def finfo(dtype: Tensor | DTypeLike, /) -> Any:
    """Limits of a floating-point type: ``eps``, ``max``, ``min``, ``smallest_normal``, ``bits``.

    >>> import steepest as st
    >>> float(st.finfo(st.float64).eps) == 2.0**-52
    True
    """
    return np.finfo(dtype.dtype if isinstance(dtype, Tensor) else dtype_of(dtype))


def iinfo(dtype: Tensor | DTypeLike, /) -> Any:
    """Limits of an integer type: ``max``, ``min``, ``bits``.

    >>> import steepest as st
    >>> st.iinfo(st.int8).max
    127
    """
    return np.iinfo(dtype.dtype if isinstance(dtype, Tensor) else dtype_of(dtype))
