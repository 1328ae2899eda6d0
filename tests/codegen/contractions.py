"""Kernels that contract, and their memory, for tests: small whole numbers make sums exact."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codegen.native import TARGETS, Native, aligned
from schedule.simulate import places_of, poisoned
from steepest.codegen.contract import contraction
from steepest.ir.scalar import Scalar
from steepest.ir.types import Array, DType, Shape, float32
from steepest.schedule.kernels import Access, Buffer, Contraction, Kernel, Role, Store
from steepest.schedule.layout import dense, padded


def buffer(
    name: str, shape: Shape, order: Sequence[int], dtype: DType, role: Role = "scratch"
) -> Buffer:
    """Memory of a value whose axes lie in an order, from the outermost."""
    if role == "table":
        strides, size = dense(tuple(shape[axis] for axis in order))
        placed = dict(zip(order, strides, strict=True))
        strides = tuple(placed[axis] for axis in range(len(shape)))
    else:
        strides, size = padded(shape, dtype, tuple(order))
    return Buffer(name, dtype, shape, strides, role, size)


def load(where: Buffer, strides: Sequence[int], offset: int = 0) -> Scalar:
    return Scalar("load", (), where.dtype, Access(where, tuple(strides), offset))


@dataclass
class Product:
    """C = A · B with batches, as a kernel; A and B in any layout.

    Args:
        shape: (…batch, m, k, n).
        form: for A, then B: "n" for row after row, "t" for column after column.
        dtype: of all.
        roles: of A and B.
    """

    shape: Shape
    form: str = "nn"
    dtype: DType = float32
    roles: tuple[Role, Role] = ("scratch", "scratch")

    def __post_init__(self) -> None:
        *batch, m, k, n = self.shape
        self.space = (*batch, m, n)
        self.k = k
        rank = len(batch)
        orders = [[*range(rank), rank, rank + 1], [*range(rank), rank + 1, rank]]
        a, b = (orders[each == "t"] for each in self.form)
        self.a = buffer("a", (*batch, m, k), a, self.dtype, self.roles[0])
        self.b = buffer("b", (*batch, k, n), b, self.dtype, self.roles[1])
        self.c = buffer("c", self.space, orders[0], self.dtype)
        self.result = Scalar("result", (), self.dtype, 0)

    def kernel(self, stores: Sequence[Store] | None = None, name: str = "product") -> Kernel:
        *lead, m, k = self.a.strides
        left = Access(self.a, (*lead, m, 0, k))
        *lead, k, n = self.b.strides
        right = Access(self.b, (*lead, 0, n, k))
        bare = (Store(Access(self.c, self.c.strides), self.result),)
        reduction = Contraction(self.k, left, right)
        return Kernel(name, self.space, tuple(stores or bare), len(self.space) - 1, reduction)

    def values(self, seed: int = 0) -> dict[Buffer, Array]:
        """Whole numbers, whose products and sums are exact."""
        random = np.random.default_rng(seed)
        return {
            each: random.integers(-4, 5, each.extents).astype(self.dtype)
            for each in (self.a, self.b)
        }

    def normal(self, seed: int = 0) -> dict[Buffer, Array]:
        """Numbers as networks have them."""
        random = np.random.default_rng(seed)
        return {
            each: random.standard_normal(each.extents).astype(self.dtype)
            for each in (self.a, self.b)
        }


def run(kernel: Kernel, values: Mapping[Buffer, Array], lanes: int) -> dict[Buffer, Array]:
    """What the kernel leaves in the buffers it stores to; all padding is poisoned."""
    code = contraction(kernel, TARGETS[lanes])
    memory: dict[Buffer, Array] = {}
    for each, value in values.items():
        flat = guarded(each) if each.role == "table" else aligned(poisoned(each))
        flat[places_of(each)] = value
        memory[each] = flat
    targets = {store.access.buffer for store in kernel.stores}
    for each in targets - memory.keys():
        memory[each] = aligned(poisoned(each))
    assert Native(code, lanes)(memory) == 0
    return {each: memory[each][places_of(each)] for each in targets}


_KEPT: list[mmap.mmap] = []


def guarded(table: Buffer) -> Array:
    """Memory whose last byte is the last of a page; the page behind it must not be touched."""
    page = mmap.PAGESIZE
    needed = max(1, -(-table.size * table.dtype.itemsize // page)) * page
    room = mmap.mmap(-1, needed + page)
    _KEPT.append(room)
    address = ctypes.addressof(ctypes.c_char.from_buffer(room))
    library = ctypes.CDLL(None)
    library.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    assert library.mprotect(address + needed, page, 0) == 0
    start = needed - table.size * table.dtype.itemsize
    return np.frombuffer(room, table.dtype, table.size, start)
