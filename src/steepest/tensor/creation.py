"""Tensors from data, and from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from steepest.errors import DTypeError, ShapeError
from steepest.ir.node import constant, leaf
from steepest.ir.types import Array, DType, Shape, dtype_of, float32, is_floating
from steepest.ops.movement import broadcast_to
from steepest.tensor.tensor import Tensor

__all__ = [
    "arange",
    "asarray",
    "empty",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tensor",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]


def tensor(data: Any, /, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Make a Tensor from numbers, nested lists, NumPy arrays or anything with DLPack.

    Python floats become float32, integers int64; a NumPy array keeps its element type. The data is
    copied: a Tensor never changes.

    Args:
        data: the values.
        dtype: another element type.
        requires_grad: record what is computed from it, for ``backward()``; floating point only.

    Raises:
        DTypeError: not numbers, or an element type that does not exist here.
        ShapeError: nested lists of unequal lengths.

    >>> import steepest as st
    >>> st.tensor([[1.0, 2], [3, 4]], requires_grad=True)
    tensor([[1., 2.],
            [3., 4.]], requires_grad=True)
    """
    value = _array(data, None if dtype is None else dtype_of(dtype))
    if not requires_grad:
        return Tensor(value, None)
    if not is_floating(value.dtype):
        raise DTypeError(
            f"only floating-point Tensors have gradients, not {value.dtype}; write 1.0 instead of "
            "1, or pass dtype=st.float32"
        )
    return Tensor(value, leaf(value, requires_grad=True))


def asarray(data: Any, /, *, dtype: DTypeLike | None = None) -> Tensor:
    """A Tensor as it is; anything else as :func:`tensor` makes it.

    >>> import steepest as st
    >>> x = st.tensor([1.0])
    >>> st.asarray(x) is x
    True
    """
    if isinstance(data, Tensor):
        return data if dtype is None else data.astype(dtype)
    return tensor(data, dtype=dtype)


def _array(data: Any, dtype: DType | None) -> Array:
    if isinstance(data, Tensor):
        return np.array(data.data, dtype=dtype)
    keeps_dtype = hasattr(data, "dtype")
    if not keeps_dtype and hasattr(data, "__dlpack__"):
        return np.array(np.from_dlpack(data), dtype=dtype)
    try:
        plain = _without_tensors(data)
        # Looked at first without a dtype, with which NumPy would read "1" as a number.
        natural = np.asarray(plain)
        value = natural if natural.dtype.kind not in "biuf" else np.array(plain, dtype=dtype)
    except (ValueError, OverflowError) as error:
        if "inhomogeneous" in str(error):
            raise ShapeError("tensor(): nested lists of unequal lengths are no array") from None
        raise DTypeError(f"tensor(): {error}") from None
    except TypeError as error:
        raise DTypeError(f"tensor(): these are not numbers: {error}") from None
    if dtype is None and not keeps_dtype and value.dtype == np.float64:
        value = value.astype(float32)
    if value.dtype.kind not in "biuf":
        raise DTypeError(f"tensor(): these are not numbers but {value.dtype}")
    dtype_of(native := value.dtype.newbyteorder("="))
    return value.astype(native, copy=False)


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.data
    if isinstance(data, list | tuple):
        return [_without_tensors(each) for each in cast("list[Any]", data)]
    return data


def from_dlpack(data: Any, /) -> Tensor:
    """A Tensor from any array that speaks DLPack (PyTorch, JAX, CuPy on the CPU …); copied.

    >>> import numpy as np, steepest as st
    >>> st.from_dlpack(np.arange(3.0))
    tensor([0., 1., 2.], dtype=float64)
    """
    return Tensor(np.array(np.from_dlpack(data)), None)


def full(shape: Shape | int, value: complex, *, dtype: DTypeLike | None = None) -> Tensor:
    """A Tensor in which every element is ``value``; in a graph, a constant that is broadcast.

    >>> import steepest as st
    >>> st.full((2,), 7.0)
    tensor([7., 7.])
    """
    extents = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(each < 0 for each in extents):
        raise ShapeError(f"full(): extents cannot be negative: {extents}")
    number = _array(value, None if dtype is None else dtype_of(dtype))
    return broadcast_literal(number, extents)


def broadcast_literal(number: Array, shape: Shape) -> Tensor:
    """A number written into the graph and broadcast; its value is known as well."""
    node = constant(number)
    return Tensor(
        np.broadcast_to(number, shape), node if shape == () else broadcast_to(node, shape=shape)
    )


def zeros(shape: Shape | int, *, dtype: DTypeLike = float32) -> Tensor:
    """A Tensor of zeros.

    >>> import steepest as st
    >>> st.zeros((2,))
    tensor([0., 0.])
    """
    return full(shape, 0, dtype=dtype)


def ones(shape: Shape | int, *, dtype: DTypeLike = float32) -> Tensor:
    """A Tensor of ones.

    >>> import steepest as st
    >>> st.ones((2,))
    tensor([1., 1.])
    """
    return full(shape, 1, dtype=dtype)


def full_like(x: Tensor, /, value: float, *, dtype: DTypeLike | None = None) -> Tensor:
    """A Tensor of ``x``'s shape in which every element is ``value``.

    >>> import steepest as st
    >>> st.full_like(st.tensor([1, 2]), 7)
    tensor([7, 7])
    """
    return full(x.shape, value, dtype=x.dtype if dtype is None else dtype)


def zeros_like(x: Tensor, /, *, dtype: DTypeLike | None = None) -> Tensor:
    """A Tensor of zeros of ``x``'s shape.

    >>> import steepest as st
    >>> st.zeros_like(st.tensor([1, 2]))
    tensor([0, 0])
    """
    return full_like(x, 0, dtype=dtype)


def ones_like(x: Tensor, /, *, dtype: DTypeLike | None = None) -> Tensor:
    """A Tensor of ones of ``x``'s shape.

    >>> import steepest as st
    >>> st.ones_like(st.tensor([1, 2]))
    tensor([1, 1])
    """
    return full_like(x, 1, dtype=dtype)


def empty(shape: Shape | int, *, dtype: DTypeLike = float32) -> Tensor:
    """A Tensor to be ignored: zeros here, since a Tensor cannot be filled later.

    >>> import steepest as st
    >>> st.empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype=dtype)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: DTypeLike | None = None
) -> Tensor:
    """The numbers start, start + step, … before stop (from 0 with one argument).

    >>> import steepest as st
    >>> st.arange(1, 7, 2)
    tensor([1, 3, 5])
    """
    first, last = (0, start) if stop is None else (start, stop)
    return tensor(
        np.arange(first, last, step).tolist(), dtype=dtype or _dtype_for(first, last, step)
    )


def _dtype_for(*numbers: float) -> DType:
    return float32 if any(isinstance(each, float) for each in numbers) else np.dtype("int64")


def linspace(
    start: float, stop: float, /, num: int, *, dtype: DTypeLike = float32, endpoint: bool = True
) -> Tensor:
    """``num`` numbers at equal distances from start to stop.

    >>> import steepest as st
    >>> st.linspace(0.0, 1.0, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    return Tensor(np.linspace(start, stop, num, endpoint=endpoint).astype(dtype_of(dtype)), None)


def eye(
    rows: int, columns: int | None = None, /, *, k: int = 0, dtype: DTypeLike = float32
) -> Tensor:
    """Ones on the k-th diagonal, zeros elsewhere.

    >>> import steepest as st
    >>> st.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return Tensor(np.eye(rows, columns, k, dtype=dtype_of(dtype)), None)


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The part on and below the k-th diagonal; zeros above.

    >>> import steepest as st
    >>> st.tril(st.ones((2, 2)))
    tensor([[1., 0.],
            [1., 1.]])
    """
    rows, columns = _matrix("tril", x)
    return x * Tensor(np.tri(rows, columns, k).astype(x.dtype), None)


def _matrix(name: str, x: Tensor) -> tuple[int, int]:
    if x.ndim < 2:
        raise ShapeError(f"{name}(): it needs at least two axes, not {x.ndim}")
    return x.shape[-2], x.shape[-1]


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The part on and above the k-th diagonal; zeros below.

    >>> import steepest as st
    >>> st.triu(st.ones((2, 2)))
    tensor([[1., 1.],
            [0., 1.]])
    """
    rows, columns = _matrix("triu", x)
    return x * Tensor(1 - np.tri(rows, columns, k - 1).astype(x.dtype), None)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid, one Tensor for each of the given vectors.

    >>> import steepest as st
    >>> x, y = st.meshgrid(st.arange(2), st.arange(3))
    >>> x.shape, y.shape
    ((3, 2), (3, 2))
    """
    values: Sequence[Array] = [each.data for each in arrays]
    if indexing not in ("xy", "ij"):
        raise ShapeError(f"meshgrid(): indexing is 'xy' or 'ij', not {indexing!r}")
    return [Tensor(np.array(each), None) for each in np.meshgrid(*values, indexing=indexing)]
