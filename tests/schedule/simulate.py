"""The kernel language run by NumPy: slow, obviously right, and strict about memory.

Everything at once: an index array per axis, an address array per access. It refuses what generated
code must never meet: an address outside of its buffer, an element that nobody wrote, one written
twice by a kernel, and a point that reads what another point of the same kernel overwrites.
"""

import math
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from steepest.ir.scalar import Scalar, argument, evaluate, ordered
from steepest.ir.types import Array, Shape
from steepest.ops.philox import philox4x32
from steepest.schedule.kernels import (
    Access,
    AnyKernel,
    Buffer,
    Contraction,
    Draw,
    Finite,
    Folded,
    Folds,
    Kernel,
    Scanned,
    Scattered,
    Store,
)

VECTOR = 16  # elements of the widest vector


class KernelError(AssertionError):
    """A kernel that generated code could not be trusted with."""


@final
class Memory:
    """The elements of buffers, flat and with padding, and which of them have a meaning.

    Args:
        values: of some buffers, each in the buffer's extents. Others start without a meaning: NaN,
            or a pattern of bits.
        offsets: where buffers lie, in bytes, in one piece of memory: there, writing one takes the
            meaning from what others had in the same place.
    """

    def __init__(
        self,
        values: Mapping[Buffer, ArrayLike] | None = None,
        offsets: Mapping[Buffer, int] | None = None,
    ) -> None:
        self.flat: dict[Buffer, Array] = {}
        self._offsets = dict(offsets or {})
        ends = (at + each.size * each.dtype.itemsize for each, at in self._offsets.items())
        self._shared = np.zeros(max(ends, default=0) + 64, np.uint8)
        self._owner = np.zeros(len(self._shared), np.int32)
        self._owners: dict[Buffer, Array] = {}
        self._signs: dict[Buffer, int] = {}
        for buffer, value in (values or {}).items():
            self.put(buffer, value)

    def put(self, buffer: Buffer, value: ArrayLike) -> None:
        """Give a buffer its value, an array of its extents; its padding stays as it is."""
        places = places_of(buffer)
        self.of(buffer)[places] = np.asarray(value, buffer.dtype).reshape(buffer.extents)
        self._own(buffer, places)

    def get(self, buffer: Buffer) -> Array:
        """A buffer's value, in its extents; an error if a part was never written."""
        return self.read(buffer, places_of(buffer))

    def of(self, buffer: Buffer) -> Array:
        """A buffer's elements, flat, as they are."""
        if buffer not in self.flat:
            start, size = self._offsets.get(buffer), buffer.size * buffer.dtype.itemsize
            if start is None:
                self.flat[buffer] = poisoned(buffer)
                self._owners[buffer] = np.zeros(size, np.int32)
            else:
                self.flat[buffer] = self._shared[start : start + size].view(buffer.dtype)
                self._owners[buffer] = self._owner[start : start + size]
        return self.flat[buffer]

    def read(self, buffer: Buffer, places: Array) -> Array:
        """Elements at places, all of which have a meaning."""
        flat = self.of(buffer)
        inside(buffer, places)
        first = self._owners[buffer].reshape(-1, buffer.dtype.itemsize)[:, 0]
        unwritten = first[places] != self._sign(buffer)
        if unwritten.any():
            raise KernelError(f"{buffer}: {places[unwritten][0]} is read but was never written")
        return flat[places]

    def write(self, buffer: Buffer, places: Array, values: Array) -> None:
        """Put elements at places."""
        if buffer.role == "table":
            raise KernelError(f"{buffer} is a table: it is only read")
        flat = self.of(buffer)
        inside(buffer, places)
        if values.dtype != buffer.dtype:
            raise KernelError(f"{buffer} holds {buffer.dtype}, not {values.dtype}")
        flat[places] = values
        self._own(buffer, places)

    def spoil(self, buffer: Buffer, places: Array) -> None:
        """Take the meaning from elements: a whole vector was written over them."""
        flat = self.of(buffer)
        inside(buffer, places)
        flat[places] = poisoned(buffer)[places]
        self._owners[buffer].reshape(-1, buffer.dtype.itemsize)[places] = 0

    def _own(self, buffer: Buffer, places: Array) -> None:
        self._owners[buffer].reshape(-1, buffer.dtype.itemsize)[places] = self._sign(buffer)

    def _sign(self, buffer: Buffer) -> int:
        """The number of a buffer, from 1 on."""
        return self._signs.setdefault(buffer, len(self._signs) + 1)


def poisoned(buffer: Buffer) -> Array:
    """Elements without a meaning: NaN, or all bytes 0xA5."""
    if buffer.dtype.kind == "f":
        return np.full(buffer.size, np.nan, buffer.dtype)
    return np.full(buffer.size * buffer.dtype.itemsize, 0xA5, np.uint8).view(buffer.dtype)


def inside(buffer: Buffer, places: Array) -> None:
    outside = (places < 0) | (places >= buffer.size)
    if outside.any():
        raise KernelError(f"{buffer}: {places[outside][0]} is outside of {buffer.size} elements")


def grid(extents: Shape) -> list[Array]:
    """For each axis its index at every point, ready to broadcast."""
    lead = len(extents)
    return [
        np.arange(n, dtype=np.int64).reshape((1,) * axis + (n,) + (1,) * (lead - axis - 1))
        for axis, n in enumerate(extents)
    ]


def strided(offset: int, strides: Sequence[int], indices: Sequence[Array], extents: Shape) -> Array:
    """The address at every point."""
    if any(strides[len(indices) :]):
        raise KernelError(f"strides {tuple(strides)} for {len(indices)} axes")
    total = np.asarray(offset, np.int64)
    for stride, index in zip(strides, indices, strict=False):
        total = total + stride * index
    return np.broadcast_to(total, extents)


def places_of(buffer: Buffer) -> Array:
    """Where the elements of a buffer are."""
    return strided(0, buffer.strides, grid(buffer.extents), buffer.extents)


@final
class _Evaluation:
    """Values of expressions at every point of a space; remembers which places were read."""

    def __init__(self, memory: Memory, extents: Shape, results: Sequence[Array] = ()) -> None:
        self.memory, self.extents, self.results = memory, extents, results
        self.indices = grid(extents)
        self.reads: list[tuple[Buffer, Array]] = []
        self._values: dict[Scalar, Array] = {}

    def load(self, access: Access, dynamic: Sequence[Array] = ()) -> Array:
        places = strided(access.offset, access.strides, self.indices, self.extents)
        for stride, value in zip(access.dynamic, dynamic, strict=True):
            if value.dtype != np.int64:
                raise KernelError(f"a dynamic index is {value.dtype}, not int64")
            places = places + stride * value
        self.reads.append((access.buffer, places))
        return self.memory.read(access.buffer, places)

    def __call__(self, root: Scalar) -> Array:
        for scalar in ordered([root]):
            if scalar not in self._values:
                value = self._value(scalar)
                if value.dtype != scalar.dtype:
                    raise KernelError(f"{scalar} gives {value.dtype}, not {scalar.dtype}")
                self._values[scalar] = np.broadcast_to(value, self.extents)
        return self._values[root]

    def _value(self, scalar: Scalar) -> Array:
        given = [self._values[each] for each in scalar.inputs]
        match scalar.instruction:
            case "load":
                return self.load(scalar.value, given)
            case "index":
                return self.indices[scalar.value]
            case "result":
                return self.results[scalar.value]
            case name:
                leaves = tuple(argument(i, each.dtype) for i, each in enumerate(scalar.inputs))
                return evaluate(Scalar(name, leaves, scalar.dtype, scalar.value), *given)


def simulate(kernel: AnyKernel, memory: Memory) -> int:
    """Run a kernel; 1 where a check fails (nothing is stored then), else 0.

    Sums of floating-point numbers are computed in float64 and rounded once.
    """
    match kernel:
        case Kernel():
            return _kernel(kernel, memory)
        case Draw():
            return _draw(kernel, memory)
        case Scattered():
            return _scattered(kernel, memory)
        case Scanned():
            return _scanned(kernel, memory)
        case Finite():
            return int(not np.isfinite(memory.get(kernel.source)).all())


def _kernel(kernel: Kernel, memory: Memory) -> int:
    _check_axes(kernel)
    reads: list[tuple[Buffer, Array]] = []
    results: list[Array] = []
    match kernel.reduction:
        case Folds(extents, folds):
            inner = _Evaluation(memory, (*kernel.space, *extents))
            results = [_folded(each, inner, len(kernel.space)) for each in folds]
            reads = inner.reads
        case Contraction(extent, left, right):
            inner = _Evaluation(memory, (*kernel.space, extent))
            results = [_contracted(kernel, left, right, inner)]
            reads = inner.reads
        case None:
            pass
    outer = _Evaluation(memory, kernel.space, results)
    if not all(outer(each).all() for each in kernel.checks):
        return 1
    values = [outer(each.value) for each in kernel.stores]
    places = [
        strided(each.access.offset, each.access.strides, outer.indices, kernel.space)
        for each in kernel.stores
    ]
    buffers = [each.access.buffer for each in kernel.stores]
    _check_conflicts(kernel, list(zip(buffers, places, strict=True)), reads + outer.reads)
    for store, at in zip(kernel.stores, places, strict=True):
        _spoil_the_rest_of_vectors(kernel, store, at, memory)
    for buffer, at, value in zip(buffers, places, values, strict=True):
        memory.write(buffer, at, value)
    return 0


def _spoil_the_rest_of_vectors(kernel: Kernel, store: Store, at: Array, memory: Memory) -> None:
    """A store along the lanes writes whole vectors, unless it says that it is exact."""
    if store.exact or kernel.lanes >= len(kernel.space) or not at.size:
        return
    if store.access.strides[kernel.lanes] == 1:
        last = np.take(at, [-1], kernel.lanes)[..., None]
        rest = last + 1 + np.arange(-kernel.space[kernel.lanes] % VECTOR)
        if np.isin(rest, at).any():
            raise KernelError(f"{kernel.name}: vectors into {store.access} run over elements")
        memory.spoil(store.access.buffer, rest)


def _check_axes(kernel: Kernel) -> None:
    """A stride belongs to an axis; a store's is 1 along the lanes, if these are in the space."""
    axes = len(kernel.space)
    axes += len(kernel.reduction.extents) if isinstance(kernel.reduction, Folds) else 0
    if not 0 <= kernel.lanes < max(axes, 1):
        raise KernelError(f"{kernel.name}: lanes along axis {kernel.lanes} of {axes}")
    for access in kernel.loads:
        if len(access.strides) > len(kernel.extents):
            raise KernelError(f"{kernel.name}: {access} has more strides than there are axes")
    for store in kernel.stores:
        if store.access.dynamic:
            raise KernelError(f"{kernel.name}: a store at a place that was computed")
        if len(store.access.strides) != len(kernel.space):
            raise KernelError(f"{kernel.name}: {store.access} has not one stride per axis")
        if kernel.lanes < len(kernel.space) and kernel.space[kernel.lanes] > 1:
            stride = store.access.strides[kernel.lanes]
            if stride != 1:
                raise KernelError(f"{kernel.name}: {store.access} has stride {stride} on the lanes")


def _check_conflicts(
    kernel: Kernel, writes: list[tuple[Buffer, Array]], reads: list[tuple[Buffer, Array]]
) -> None:
    """Points run in any order: what one writes, no other writes or reads."""
    points = np.arange(math.prod(kernel.space)).reshape(kernel.space)
    writers: dict[Buffer, Array] = {}
    for buffer, places in writes:
        inside(buffer, places)
        writer = writers.setdefault(buffer, np.full(buffer.size, -1))
        twice = len(np.unique(places)) != places.size
        if twice or (writer[places] >= 0).any():
            raise KernelError(f"{kernel.name}: an element of {buffer} is written twice")
        writer[places] = points
    for buffer, places in reads:
        if buffer in writers:
            mine = points.reshape((*kernel.space, *(1,) * (places.ndim - points.ndim)))
            writer = writers[buffer][places]
            if ((writer >= 0) & (writer != mine)).any():
                raise KernelError(
                    f"{kernel.name}: a point reads what another overwrites in {buffer}"
                )


def _folded(folded: Folded, evaluation: _Evaluation, lead: int) -> Array:
    values = evaluation(folded.value)
    axes = tuple(range(lead, values.ndim))
    with np.errstate(all="ignore"):
        match folded.combine:
            case "sum":
                return _exact(values).sum(axes).astype(values.dtype)
            case "max":
                return np.asarray(values.max(axes))
            case "min":
                return np.asarray(values.min(axes))
            case "all":
                return np.asarray(values.all(axes))
            case "any":
                return np.asarray(values.any(axes))


def _contracted(kernel: Kernel, left: Access, right: Access, inner: _Evaluation) -> Array:
    m, n = len(kernel.space) - 2, len(kernel.space) - 1
    if left.strides[n] or right.strides[m]:
        raise KernelError(f"{kernel.name}: left varies along n, or right along m")
    a, b = inner.load(left), inner.load(right)
    with np.errstate(all="ignore"):
        return (_exact(a) * _exact(b)).sum(-1).astype(a.dtype)


def _exact(values: Array) -> Array:
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _draw(kernel: Draw, memory: Memory) -> int:
    """Word w of a row comes from block w // 4 of four."""
    k0, k1 = memory.read(kernel.key.buffer, kernel.key.offset + np.arange(2))
    step = memory.read(kernel.step.buffer, np.asarray(kernel.step.offset))
    row, column = grid((kernel.rows, kernel.width))
    words = philox4x32((column // 4, row, step, np.uint64(kernel.site)), (k0, k1))
    chosen = np.choose(np.broadcast_to(column % 4, words[0].shape), words)
    target = kernel.target
    places = strided(target.offset, target.strides, [row, column], (kernel.rows, kernel.width))
    memory.write(target.buffer, places, chosen)
    return 0


def _scattered(kernel: Scattered, memory: Memory) -> int:
    before, rows, after = kernel.extents
    update = _Evaluation(memory, kernel.extents).load(kernel.updates)
    index = _Evaluation(memory, (rows,)).load(kernel.index)
    shape = (before, kernel.size, after)
    if ((index < 0) | (index >= kernel.size)).any():
        raise KernelError(f"{kernel.name}: a position is outside of {kernel.size} slices")
    total = np.zeros(shape, update.dtype)
    for row, position in enumerate(index):
        total[:, position] += update[:, row]
    target = kernel.target
    places = strided(target.offset, target.strides, grid(shape), shape)
    memory.write(target.buffer, places, total)
    return 0


def _scanned(kernel: Scanned, memory: Memory) -> int:
    values = _Evaluation(memory, kernel.extents).load(kernel.source)
    target = kernel.target
    places = strided(target.offset, target.strides, grid(kernel.extents), kernel.extents)
    memory.write(target.buffer, places, np.cumsum(values, 1, dtype=values.dtype))
    return 0
