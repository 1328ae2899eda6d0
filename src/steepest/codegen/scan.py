"""Running sums: from the first to the last, with vectors along the axis that follows."""

from __future__ import annotations

from collections.abc import Sequence

from steepest.codegen.code import Code, Pointer
from steepest.codegen.combine import combined, identity
from steepest.codegen.edges import may_run_over
from steepest.codegen.expressions import widened
from steepest.codegen.loops import Sweep
from steepest.codegen.memory import read, write
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Value, Whole, memory_text
from steepest.schedule.kernels import Access, Scanned

_SIDE_BY_SIDE = 4


def scanned(kernel: Scanned, target: Target) -> Code:
    """A kernel that sums along an axis; each sum is the one before plus one element."""
    text = Text()
    if 0 in kernel.extents:
        return text.code()
    source, sums, dtype = kernel.source, kernel.target, kernel.target.buffer.dtype
    vectors = source.strides[2] == sums.strides[2] == 1
    lanes = (target.lanes // 2 if dtype.itemsize == 8 else target.lanes) if vectors else 1
    exact = vectors and not all(
        may_run_over(each, kernel.extents, 2, lanes) for each in (source, sums)
    )
    before, run, after = (text.word(extent) for extent in kernel.extents)
    zero = widened(text, identity("sum", dtype), lanes)
    sweep = Sweep(0, after, lanes, _SIDE_BY_SIDE if vectors else 1, exact, 1)

    def body(outer: Whole, columns: Sequence[tuple[Whole, Value | None]]) -> None:
        carried = [(zero.type, zero.text) for _ in columns]
        with text.loop(0, run, 1, carried) as loop:
            for (column, inside), name in zip(columns, loop.carried, strict=True):
                place = (outer, loop.index, column)
                value = read(text, _address(text, source, place), 0, dtype, lanes, inside)
                total = combined(text, "sum", Value(name, dtype, lanes), value)
                write(text, _address(text, sums, place), 0, total, lanes, inside)
                loop.following.append(total.text)

    with text.loop(0, before) as loop:
        sweep.write(text, lambda columns: body(loop.index, columns))
    return text.code()


def _address(text: Text, access: Access, positions: Sequence[Whole]) -> str:
    pointer = text.word(Pointer(access.buffer, access.offset))
    for position, stride in zip(positions, access.strides, strict=True):
        step = stride if stride == 1 else text.word(stride)
        element = memory_text(access.buffer.dtype)
        pointer = text.place(pointer, text.multiply(position, step), element)
    return pointer
