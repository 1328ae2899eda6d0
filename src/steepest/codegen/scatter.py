"""Rows added to the slices that their positions name, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from steepest.codegen.code import Code, Pointer
from steepest.codegen.combine import combined
from steepest.codegen.edges import may_run_over
from steepest.codegen.expressions import compute
from steepest.codegen.loops import Sweep, emit_stores
from steepest.codegen.memory import load, read, write
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Value, Whole, memory_text
from steepest.ir.scalar import Scalar, argument, number
from steepest.ir.types import int64
from steepest.schedule.kernels import Access, Kernel, Scattered, Store


def scattered(kernel: Scattered, target: Target) -> Code:
    """A kernel that scatters; a position outside of the slices ends the run."""
    text = Text()
    before, rows, after = kernel.extents
    if 0 in (before, kernel.size, after):
        return text.code()
    _zeroed(text, kernel, target)
    if rows == 0:
        return text.code()
    add = _adding(text, kernel, target)
    index, dtype = _start(text, kernel.index), kernel.index.buffer.dtype
    with text.loop(0, text.word(rows)) as loop:
        place = text.multiply(loop.index, text.word(kernel.index.strides[0]))
        found = load(text, index, place, dtype, 1)
        wide = Scalar("cast", (argument(0, dtype),), int64)
        position = compute(text, target, wide, [found])
        text.stop_when(text.define(f"icmp uge i64 {position.text}, {text.word(kernel.size)}"))
        with text.loop(0, text.word(before)) as outer:
            add(outer.index, loop.index, position.text)
    return text.code()


def _start(text: Text, access: Access) -> str:
    return text.word(Pointer(access.buffer, access.offset))


def _zeroed(text: Text, kernel: Scattered, target: Target) -> None:
    before, _, after = kernel.extents
    space = (before, kernel.size, after)
    zero = Store(kernel.target, number(0, kernel.target.buffer.dtype), _is_exact(kernel, target))
    lanes = 2 if kernel.target.strides[2] == 1 else 3
    counts = [text.word(extent) for extent in space]
    emit_stores(text, target, Kernel("zeros", space, (zero,), lanes), [0] * 3, counts, ())


def _is_exact(kernel: Scattered, target: Target) -> bool:
    """Whether vectors must end where the rows do."""
    before, rows, after = kernel.extents
    lanes = target.lanes
    whole = may_run_over(kernel.target, (before, kernel.size, after), 2, lanes)
    return not (whole and may_run_over(kernel.updates, (before, rows, after), 2, lanes))


def _adding(text: Text, kernel: Scattered, target: Target) -> Callable[[str, str, str], None]:
    """What adds a row of the updates to a slice: for positions before, of the row, of the slice."""
    updates, slices = kernel.updates, kernel.target
    dtype = slices.buffer.dtype
    vectors = updates.strides[2] == slices.strides[2] == 1
    lanes = (target.lanes // 2 if dtype.itemsize == 8 else target.lanes) if vectors else 1
    exact = vectors and _is_exact(kernel, target)
    sweep = Sweep(0, text.word(kernel.extents[2]), lanes, 1, exact, 1)

    def add(before: str, row: str, position: str) -> None:
        source = _moved(text, updates, (before, row))
        slice_ = _moved(text, slices, (before, position))

        def body(places: Sequence[tuple[Whole, Value | None]]) -> None:
            for place, inside in places:
                other, one = (
                    read(text, pointer, _along(text, access, place), dtype, lanes, inside)
                    for pointer, access in ((slice_, slices), (source, updates))
                )
                total = combined(text, "sum", other, one)
                write(text, slice_, _along(text, slices, place), total, lanes, inside)

        sweep.write(text, body)

    return add


def _moved(text: Text, access: Access, positions: Sequence[Whole]) -> str:
    """The address at positions of the first axes."""
    pointer, element = _start(text, access), memory_text(access.buffer.dtype)
    for position, stride in zip(positions, access.strides, strict=False):
        pointer = text.place(pointer, text.multiply(position, text.word(stride)), element)
    return pointer


def _along(text: Text, access: Access, place: Whole) -> Whole:
    stride = access.strides[2]
    return text.multiply(place, 1 if stride == 1 else text.word(stride))
