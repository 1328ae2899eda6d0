"""How values lie in memory: rows padded to whole vectors, and never a multiple of 1024 bytes long.

Padded rows let kernels read and write whole vectors past the end of an axis, and keep rows from
falling on the same cache sets, which makes copies into panels needless.
"""

from __future__ import annotations

from steepest.ir.types import DType, Shape

VECTOR = 16  # elements: the widest vector of any kernel
_CACHE_STRIDE = 1024  # bytes


def row_major(shape: Shape) -> tuple[int, ...]:
    """Axes from the outermost to the one whose elements lie side by side."""
    return tuple(range(len(shape)))


def state_order(shape: Shape) -> tuple[int, ...]:
    """Matrices of state lie transposed: x Wᵀ then reads whole rows, and is the first contraction.

    A function of the shape alone, so that all programs on one state agree.
    """
    wide = [axis for axis, extent in enumerate(shape) if extent > 1]
    if len(wide) < 2:
        return row_major(shape)
    order = list(range(len(shape)))
    last, before = wide[-1], wide[-2]
    order[last], order[before] = before, last
    return tuple(order)


def padded(shape: Shape, dtype: DType, order: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Strides, in elements, and the size with padding, for axes laid out in an order."""
    strides = [0] * len(shape)
    wide = [axis for axis in order if shape[axis] != 1]
    if 0 in shape or not wide:
        return tuple(strides), 0 if 0 in shape else VECTOR
    row = -(-shape[wide[-1]] // VECTOR) * VECTOR
    if len(wide) > 1 and row * dtype.itemsize % _CACHE_STRIDE == 0:
        row += VECTOR
    strides[wide[-1]] = 1
    size = row
    for axis in reversed(wide[:-1]):
        strides[axis] = size
        size *= shape[axis]
    return tuple(strides), size


def dense(shape: Shape) -> tuple[tuple[int, ...], int]:
    """Strides and size of the user's own memory, without padding."""
    strides = [0] * len(shape)
    size = 1
    for axis in reversed(range(len(shape))):
        strides[axis] = size if shape[axis] > 1 else 0
        size *= shape[axis]
    return tuple(strides), size
