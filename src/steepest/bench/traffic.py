"""How many bytes a step moves: what each kernel reads and writes, from the schedule alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steepest.schedule.kernels import (
    Access,
    AnyKernel,
    Buffer,
    Draw,
    Finite,
    Kernel,
    Scanned,
    Scattered,
)


def bytes_moved(kernel: AnyKernel) -> int:
    """Bytes of all elements that a kernel reads, and of those that it writes.

    Each element counts once per kernel however often it is read, padding not at all; a kernel that
    updates in place counts twice. What stays in a cache between kernels is not left out.
    """
    if isinstance(kernel, Kernel):
        read = _largest(kernel.loads, kernel.extents)
        written = _largest([store.access for store in kernel.stores], kernel.extents)
        return read + written
    return _of_other_kinds(kernel)


def _largest(accesses: Sequence[Access], extents: Sequence[int]) -> int:
    """Bytes of each buffer that is touched, by the access that touches most of it."""
    touched: dict[Buffer, int] = {}
    for access in accesses:
        buffer = access.buffer
        pairs = zip(access.strides, extents, strict=False)
        points = math.prod(extent for stride, extent in pairs if stride or access.dynamic)
        elements = min(points, math.prod(buffer.extents))
        touched[buffer] = max(touched.get(buffer, 0), elements * buffer.dtype.itemsize)
    return sum(touched.values())


def _of_other_kinds(kernel: Draw | Scattered | Scanned | Finite) -> int:
    match kernel:
        case Draw():
            return kernel.rows * kernel.width * kernel.target.buffer.dtype.itemsize
        case Finite():
            return math.prod(kernel.source.extents) * kernel.source.dtype.itemsize
        case Scanned():
            size = math.prod(kernel.extents) * kernel.source.buffer.dtype.itemsize
            return 2 * size
        case Scattered():
            before, rows, after = kernel.extents
            item = kernel.target.buffer.dtype.itemsize
            indices = rows * kernel.index.buffer.dtype.itemsize
            # Zeroing, then reading and writing one row of the target for each update.
            return before * after * (kernel.size + 3 * rows) * item + indices
