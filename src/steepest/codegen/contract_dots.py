"""Contractions of few rows where each sum's products lie side by side: vectors run along these.

Each lane of 16 (8 of float64) has its own chains of BLOCK multiply-adds, on any hardware; the lanes
are added in pairs at the end.
"""

from __future__ import annotations

from typing import final

from steepest.codegen.contract_epilogue import Block
from steepest.codegen.contract_frame import Frame
from steepest.codegen.contract_plan import BLOCK
from steepest.codegen.contract_tile import Arithmetic
from steepest.codegen.memory import masked_load
from steepest.codegen.target import Target, virtual_lanes
from steepest.codegen.text import Text, Value, Whole, memory_text
from steepest.ir.types import bool_

_STRIP = 8  # vectors of sums that the stores read at once
_CHAINS = 8  # sums that are added up at the same time, as far as registers go


@final
class Dots:
    """Loops over strips of columns, then some columns at a time, all rows together.

    Args:
        frame: the contraction's words; its plan says ``dots``.
        target: the processor.
    """

    def __init__(self, frame: Frame, target: Target) -> None:
        self._frame, self._text = frame, frame.text
        plan = frame.plan
        self._lanes = virtual_lanes(plan.dtype)
        self._arithmetic = Arithmetic(plan.dtype, self._lanes, target.has_fma)
        self._height = sum(run.size * run.count for run in plan.heights)
        registers = self._lanes // plan.lanes
        self._columns = max(1, _CHAINS // registers // self._height)
        self._pitch = _STRIP * plan.lanes
        element = memory_text(plan.dtype)
        self._sums = self._text.stack(f"[{self._height * self._pitch} x {element}]")
        self._extent = self._text.number(frame.kernel.space[plan.lane_axis])
        self._whole = self._text.number(plan.summed - plan.summed % self._lanes)

    def write(self, block: Block, rows: str, columns: str) -> None:
        """Write the loops for one batch, whose operands begin there."""
        frame, text = self._frame, self._text
        with text.loop(0, self._extent, self._pitch) as strip:
            stop = frame.smaller(text.add(strip.index, self._pitch), self._extent)
            with text.loop(strip.index, stop, self._columns) as some:
                places = self._places(some.index, columns)
                totals = self._totals(rows, places)
                offset = text.define(f"sub i64 {some.index}, {strip.index}")
                self._store(offset, totals)
            count = text.define(f"sub i64 {stop}, {strip.index}")
            here = Block(block.batch, 0, strip.index)
            frame.epilogue.stores(here, self._height, count, self._sums, self._pitch)

    def _places(self, column: str, columns: str) -> list[str]:
        """Where the products of some columns begin; behind the last one, it is there again."""
        frame, text = self._frame, self._text
        last = text.define(f"sub i64 {self._extent}, 1")
        numbers = [frame.smaller(text.add(column, each), last) for each in range(self._columns)]
        return [frame.moved(columns, number, frame.column_stride) for number in numbers]

    def _totals(self, rows: str, columns: list[str]) -> list[list[str]]:
        """The vectors that the sums' lanes are in, for each row and column."""
        frame, text, lanes = self._frame, self._text, self._lanes
        firsts = [frame.moved(rows, row, frame.row_stride) for row in range(self._height)]
        zeros = [(self._arithmetic.type, "zeroinitializer")] * (self._height * self._columns)
        with text.loop(0, self._whole, BLOCK * lanes, zeros) as deep:
            stop = frame.smaller(text.add(deep.index, BLOCK * lanes), self._whole)
            with text.loop(deep.index, stop, lanes, zeros) as loop:
                loaded = [self._loaded(each, loop.index) for each in (*firsts, *columns)]
                loop.following = self._added(loaded, loop.carried)
            deep.following = [
                self._arithmetic.add(text, before, each)
                for before, each in zip(deep.carried, loop.results, strict=True)
            ]
        totals = deep.results
        rest = frame.plan.summed % lanes
        if rest:
            loaded = [self._rest(each, rest) for each in (*firsts, *columns)]
            totals = self._added(loaded, totals)
        return [totals[row * self._columns :][: self._columns] for row in range(self._height)]

    def _loaded(self, first: str, product: Whole) -> str:
        place = self._text.place(first, product, memory_text(self._frame.plan.dtype))
        return self._arithmetic.load(self._text, place)

    def _rest(self, first: str, count: int) -> str:
        bits = ", ".join(f"i1 {str(lane < count).lower()}" for lane in range(self._lanes))
        mask = Value(f"<{bits}>", bool_, self._lanes)
        return masked_load(self._text, first, self._whole, self._frame.plan.dtype, mask).text

    def _added(self, loaded: list[str], totals: list[str]) -> list[str]:
        rows, columns = loaded[: self._height], loaded[self._height :]
        pairs = [(row, column) for row in rows for column in columns]
        instructions = [
            self._arithmetic.multiply_add(self._text, *pair, total)
            for pair, total in zip(pairs, totals, strict=True)
        ]
        return [self._text.define(each) for each in instructions]

    def _store(self, column: str, totals: list[list[str]]) -> None:
        text, element = self._text, memory_text(self._frame.plan.dtype)
        line = text.place(self._sums, column, element)
        for row, sums in enumerate(totals):
            for number, each in enumerate(sums):
                place = text.place(line, row * self._pitch + number, element)
                found = folded(text, self._arithmetic, each)
                text.line(f"store {element} {found}, ptr {place}, align {self._frame.size}")


def folded(text: Text, arithmetic: Arithmetic, vector: str) -> str:
    """The sum of a vector's lanes: the upper half added to the lower one, again and again."""
    lanes = arithmetic.lanes
    while lanes > 1:
        kind = Arithmetic(arithmetic.dtype, lanes, arithmetic.has_fma).type
        half = Arithmetic(arithmetic.dtype, lanes // 2, arithmetic.has_fma)
        if lanes == 2:
            low, high = (text.define(f"extractelement {kind} {vector}, i64 {i}") for i in (0, 1))
        else:
            low, high = (
                text.define(
                    f"shufflevector {kind} {vector}, {kind} poison, <{lanes // 2} x i32> "
                    f"<{', '.join(f'i32 {lane}' for lane in range(first, first + lanes // 2))}>"
                )
                for first in (0, lanes // 2)
            )
        vector = half.add(text, low, high)
        lanes //= 2
    return vector
