"""Random words into rows: the counter of four words is (place in the row / 4, row, step, site)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from steepest.codegen import philox
from steepest.codegen.code import Code, Pointer
from steepest.codegen.edges import may_run_over
from steepest.codegen.memory import mask, scatter, write
from steepest.codegen.text import Text, Value, Whole
from steepest.ir.types import bool_, int64
from steepest.schedule.kernels import Access, Draw

_NARROW = 24  # narrower rows than this are drawn side by side
_GROUP = 4 * philox.LANES  # words from one vector of counters


def draw(kernel: Draw) -> Code:
    """A kernel that draws."""
    text = Text()
    if kernel.rows and kernel.width:
        work = _Draw(text, kernel)
        across = kernel.target.strides[1] == 1
        if across and (kernel.rows < philox.LANES or kernel.width >= _NARROW):
            work.row_by_row()
        else:
            work.rows_side_by_side()
    return text.code()


@final
class _Draw:
    def __init__(self, text: Text, kernel: Draw) -> None:
        self.text, self.kernel = text, kernel
        self.keys = philox.keys(text, self._place(kernel.key))
        self.step = philox.word_everywhere(text, self._place(kernel.step))
        self.site = philox.splat(text, str(text.word(kernel.site)))
        self.target = self._place(kernel.target)
        self.rows, self.width = text.word(kernel.rows), text.word(kernel.width)
        shape = (kernel.rows, kernel.width)
        self.runs_over = may_run_over(kernel.target, shape, 1, philox.LANES)
        self.strides = [text.word(each) for each in kernel.target.strides]

    def _place(self, access: Access) -> str:
        return self.text.word(Pointer(access.buffer, access.offset))

    def _words(self, blocks: Sequence[str], row: str) -> list[philox.Words]:
        counters = [(block, row, self.step, self.site) for block in blocks]
        return philox.words(self.text, counters, self.keys)

    def row_by_row(self) -> None:
        """Twice sixteen blocks of a row at a time."""
        text, vector = self.text, philox.LANES
        with text.loop(0, self.rows) as loop:
            row = philox.splat(text, loop.index)
            pointer = text.place(self.target, text.multiply(loop.index, self.strides[0]), "i32")
            with text.loop(0, self.width, 2 * _GROUP) as inner:
                starts = [text.add(inner.index, each * _GROUP) for each in (0, 1)]
                blocks = [text.define(f"lshr i64 {start}, 2") for start in starts]
                counted = [philox.counted(text, block) for block in blocks]
                for start, found in zip(starts, self._words(counted, row), strict=True):
                    for position, value in enumerate(philox.interleaved(text, found)):
                        self._store(pointer, text.add(start, position * vector), value)

    def _store(self, pointer: str, offset: Whole, value: Value) -> None:
        """A vector of a row, if the row goes so far."""
        text = self.text
        with text.when(text.define(f"icmp slt i64 {offset}, {self.width}")):
            lanes = philox.LANES
            inside = None if self.runs_over else mask(text, lanes, offset, self.width)
            write(text, pointer, offset, value, lanes, inside)

    def rows_side_by_side(self) -> None:
        """A block of sixteen rows at a time."""
        text = self.text
        blocks = text.define(f"lshr i64 {text.add(self.width, 3)}, 2")
        stride = philox.splat(text, self.strides[0])
        with text.loop(0, self.rows, philox.LANES) as loop:
            rows = philox.counted(text, loop.index)
            inside = mask(text, philox.LANES, loop.index, self.rows)
            kind = f"<{philox.LANES} x i64>"
            offsets = Value(text.define(f"mul {kind} {rows}, {stride}"), int64, philox.LANES)
            with text.loop(0, blocks) as inner:
                (words,) = self._words([philox.splat(text, inner.index)], rows)
                first = text.define(f"shl i64 {inner.index}, 2")
                for position, value in enumerate(philox.narrowed(text, words)):
                    self._column(text.add(first, position), value, offsets, inside)

    def _column(self, column: Whole, value: Value, offsets: Value, inside: Value) -> None:
        text = self.text
        exists = text.define(f"icmp slt i64 {column}, {self.width}")
        nowhere = f"{inside.type} zeroinitializer"
        chosen = text.define(f"select i1 {exists}, {inside}, {nowhere}")
        pointer = text.place(self.target, text.multiply(column, self.strides[1]), "i32")
        scatter(text, pointer, offsets, value, Value(chosen, bool_, inside.lanes))
