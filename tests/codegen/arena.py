"""Memory as cruel as the rules allow: poisoned padding, and buffers that end where a page ends."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from codegen.native import TARGETS, Native
from schedule.simulate import Memory, places_of, poisoned, simulate
from steepest.codegen.emit import emit
from steepest.ir.types import Array, DType, Shape
from steepest.schedule.kernels import AnyKernel, Buffer, Role

_PAGE = mmap.PAGESIZE


def padded(name: str, dtype: DTypeLike, extents: Shape, role: Role = "scratch") -> Buffer:
    """A buffer as memory planning lays it: rows of whole vectors; a table has no padding."""
    kind: DType = np.dtype(dtype)
    strides: list[int] = []
    size = 1
    for axis, extent in reversed(list(enumerate(extents))):
        strides.append(size if extent > 1 else 0)
        size *= extent
        if axis == len(extents) - 1 and role != "table":
            size = -(-max(size, 1) // 16) * 16
    if role != "table":
        size = max(size, 16)
    return Buffer(name, kind, extents, tuple(reversed(strides)), role, size)


def at_the_end_of_a_page(array: Array) -> Array:
    """A copy behind which no byte may be touched."""
    pages = -(-max(array.nbytes, 1) // _PAGE)
    room = mmap.mmap(-1, (pages + 1) * _PAGE)
    whole = np.frombuffer(room, np.uint8)
    forbidden = ctypes.c_void_p(whole.ctypes.data + pages * _PAGE)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(forbidden, ctypes.c_size_t(_PAGE), 0) == 0
    end = pages * _PAGE
    copy = whole[end - array.nbytes : end].view(array.dtype)
    copy[...] = array
    return copy


def poison(buffer: Buffer) -> Array:
    """Elements without a meaning; booleans stay booleans."""
    if buffer.dtype.kind == "b":
        return np.ones(buffer.size, bool)
    return poisoned(buffer)


def place(buffer: Buffer, value: ArrayLike | None) -> Array:
    """A buffer's elements where generated code can work on them; all else is poison."""
    flat = poison(buffer)
    if value is not None:
        flat[places_of(buffer)] = np.asarray(value, buffer.dtype).reshape(buffer.extents)
    return at_the_end_of_a_page(flat)


def run(
    kernel: AnyKernel, values: Mapping[Buffer, Any], targets: list[Buffer], lanes: int
) -> tuple[int, list[Array]]:
    """What the compiled kernel returns, and what it leaves in buffers."""
    placed = {buffer: place(buffer, values.get(buffer)) for buffer in {*values, *targets}}
    stopped = Native(emit(kernel, TARGETS[lanes]), lanes)(placed)
    found: list[Array] = []
    for buffer in targets:
        strides = [each * buffer.dtype.itemsize for each in buffer.strides]
        flat = placed[buffer]
        view = np.lib.stride_tricks.as_strided(flat, buffer.extents, strides)
        found.append(view.copy())
    return stopped, found


def expected(
    kernel: AnyKernel, values: Mapping[Buffer, Any], targets: list[Buffer]
) -> tuple[int, list[Array]]:
    """What the interpreter of the kernel language returns and leaves."""
    memory = Memory(values)
    stopped = simulate(kernel, memory)
    if stopped:
        return stopped, []
    return stopped, [memory.get(buffer) for buffer in targets]


def judge(
    kernel: AnyKernel,
    values: Mapping[Buffer, Any],
    targets: list[Buffer],
    lanes: int,
    tolerance: float = 0.0,
) -> None:
    """The compiled kernel does what the interpreter does, within a relative tolerance."""
    stopped, found = run(kernel, values, targets, lanes)
    wanted_stop, wanted = expected(kernel, values, targets)
    assert stopped == wanted_stop
    for buffer, mine, theirs in zip(targets, found, wanted, strict=False):
        if tolerance:
            np.testing.assert_allclose(
                mine, theirs, rtol=tolerance, atol=tolerance, err_msg=f"{buffer}"
            )
        else:
            np.testing.assert_array_equal(mine, theirs, err_msg=f"{buffer}")
