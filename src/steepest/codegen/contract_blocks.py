"""The loops of a contraction with panels, several blocks, or stores by way of memory.

A strip of columns lies in the second cache while some rows go by; each row's numbers then stay in
the first cache for the whole strip. Sums of a strip and some rows wait on the stack, as a matrix,
until all blocks of products are added; then the kernel's stores read them there. Where sums are
final after one block and the stores are few instructions, they go to the stores from registers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from steepest.codegen.contract_ahead import Ahead
from steepest.codegen.contract_epilogue import Block
from steepest.codegen.contract_frame import Bounds, Frame
from steepest.codegen.contract_panels import Panels, RowPanel
from steepest.codegen.contract_plan import BLOCK
from steepest.codegen.contract_tile import Tile
from steepest.codegen.text import Whole, memory_text

_PANELS_BYTES = 262144  # on the stack, and in the second cache beside the rows
_WAITING_BYTES = 393216  # sums that get more blocks of products
_FINAL_BYTES = 65536  # sums that the stores read at once
_NOTHING = "0x8000000000000000"  # −0, to which the first block's sum is added without a change


@final
@dataclass(frozen=True)
class _Strip:
    """Neighbouring panels: number of the first, of the one after; first column, how many, end."""

    first: Whole
    stop: Whole
    column: Whole
    columns: Whole
    end: Whole


@final
@dataclass(frozen=True)
class _Group:
    """Neighbouring tiles: number of the first, of the one after, and their rows."""

    first: Whole
    stop: Whole
    row: Whole
    rows: Whole


@final
@dataclass(frozen=True)
class _Row:
    """A row of tiles: their height and first row; where its numbers lie, and where to read them."""

    height: int
    row: Whole
    own: str
    source: str


@final
@dataclass(frozen=True)
class _Panel:
    """A panel: its width in vectors, its first column, its first vector."""

    width: int
    column: Whole
    place: str


@final
class Blocks:
    """Loops over strips of columns, groups of rows, blocks of products, then tiles.

    Args:
        frame: the contraction's words.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame, self._text = frame, frame.text
        plan, size = frame.plan, frame.size
        self._panel_bytes = BLOCK * plan.widest * size
        self._across = max(1, _PANELS_BYTES // self._panel_bytes)
        self._pitch = self._across * plan.widest
        room = _WAITING_BYTES if plan.in_blocks else _FINAL_BYTES
        self._down = max(1, room // (self._pitch * plan.tallest * size))
        self._panels = None
        self._place = ""
        if plan.panel != "none":
            self._place = self._text.stack(f"[{self._across * self._panel_bytes} x i8]")
            self._panels = Panels(self._text, plan, frame.arithmetic)
        self._row_panel = RowPanel(self._text, plan) if RowPanel.serves(plan) else None
        self._ahead = Ahead(frame)
        self._direct = frame.epilogue.in_registers and not plan.in_blocks
        self._sums = ""
        if not self._direct:
            count = self._down * plan.tallest * self._pitch
            self._sums = self._text.stack(f"[{count} x {memory_text(plan.dtype)}]")
        self._tile_count = self._text.number(sum(run.count for run in plan.heights))
        self._panel_count = self._text.number(sum(run.count for run in plan.widths))

    def write(self, block: Block, rows: str, columns: str) -> None:
        """Write the loops for one batch, whose operands begin there."""
        frame, text = self._frame, self._text
        with text.loop(0, self._panel_count, self._across) as loop:
            stop = frame.smaller(text.add(loop.index, self._across), self._panel_count)
            column, end = (self._start(frame.widths, each) for each in (loop.index, stop))
            count = text.define(f"sub i64 {end}, {column}")
            strip = _Strip(loop.index, stop, column, count, end)
            if not frame.plan.in_blocks:
                self._fill(strip, columns, frame.summed)
            if self._direct:
                self._from_registers(block, strip, rows, columns)
            else:
                self._from_memory(block, strip, rows, columns)

    # ------------------------------------------------------------------------------------- stores

    def _from_registers(self, block: Block, strip: _Strip, rows: str, columns: str) -> None:
        frame = self._frame
        for row in self._tiles(0, self._tile_count, rows, frame.summed):
            for panel in self._each(strip, columns):
                here, tile = (
                    Block(block.batch, row.row, panel.column),
                    Tile(row.height, panel.width),
                )
                sums = self._products(here, strip, row, panel, frame.summed)
                frame.epilogue.finish(here, tile, sums)

    def _from_memory(self, block: Block, strip: _Strip, rows: str, columns: str) -> None:
        frame, text = self._frame, self._text
        with text.loop(0, self._tile_count, self._down) as loop:
            stop = frame.smaller(text.add(loop.index, self._down), self._tile_count)
            row, end = (self._start(frame.heights, each) for each in (loop.index, stop))
            group = _Group(loop.index, stop, row, text.define(f"sub i64 {end}, {row}"))
            if frame.plan.in_blocks:
                self._clear(group)
                with text.loop(0, frame.summed, BLOCK) as deep:
                    count = frame.block_length(deep.index)
                    source = frame.moved(columns, deep.index, frame.column_step)
                    self._fill(strip, source, count)
                    start = frame.moved(rows, deep.index, frame.rows.step)
                    self._sum_up(block, strip, group, (start, source), count)
            else:
                self._sum_up(block, strip, group, (rows, columns), frame.summed)
            here = Block(block.batch, row, strip.column)
            frame.epilogue.stores(here, group.rows, strip.columns, self._sums, self._pitch)

    def _sum_up(
        self, block: Block, strip: _Strip, group: _Group, sides: tuple[str, str], count: Whole
    ) -> None:
        """One block of products for all sums of a strip and a group."""
        frame, text = self._frame, self._text
        rows, columns = sides
        for row in self._tiles(group.first, group.stop, rows, count):
            down = text.define(f"sub i64 {row.row}, {group.row}")
            line = frame.moved(self._sums, down, self._pitch * frame.size)
            for panel in self._each(strip, columns):
                across = text.define(f"sub i64 {panel.column}, {strip.column}")
                place = text.place(line, across, memory_text(frame.plan.dtype))
                here = Block(block.batch, row.row, panel.column)
                sums = self._products(here, strip, row, panel, count)
                self._put(place, Tile(row.height, panel.width), sums)

    def _put(self, place: str, tile: Tile, sums: list[str]) -> None:
        arithmetic, text = self._frame.arithmetic, self._text
        for row in range(tile.height):
            line = text.place(place, row * self._pitch, memory_text(arithmetic.dtype))
            for vector in range(tile.width):
                total = sums[row * tile.width + vector]
                if self._frame.plan.in_blocks:
                    before = arithmetic.load(text, line, vector)
                    total = arithmetic.add(text, before, total)
                arithmetic.store(text, total, line, vector)

    def _clear(self, group: _Group) -> None:
        """The matrix of sums before the first block."""
        frame, text = self._frame, self._text
        zero, element = "zeroinitializer", memory_text(frame.plan.dtype)
        if frame.plan.dtype.kind == "f":
            zero = f"splat ({element} {_NOTHING})"
        count = text.multiply(group.rows, self._pitch)
        with text.loop(0, count, frame.plan.lanes) as loop:
            place = text.place(self._sums, loop.index, element)
            frame.arithmetic.store(text, zero, place)

    # ------------------------------------------------------------------------------------- panels

    def _fill(self, strip: _Strip, columns: str, count: Whole) -> None:
        """Copy a block of products, whose first is there, into the panels of a strip."""
        frame, text = self._frame, self._text
        if self._panels is None:
            return
        if frame.plan.panel == "copied":
            with text.loop(0, count) as loop:
                line = frame.moved(columns, loop.index, frame.column_step)
                offset = text.multiply(loop.index, frame.plan.widest * frame.size)
                for panel in self._each(strip, columns):
                    source = frame.moved(line, panel.column, frame.column_stride)
                    width = panel.width * frame.plan.lanes
                    available = frame.epilogue.available(panel.column, width)
                    place = text.place(panel.place, offset, "i8")
                    self._panels.copy(source, available, panel.width, place)
            return
        with text.loop(strip.first, strip.stop) as loop:
            column = self._start(frame.widths, loop.index)
            end = self._start(frame.widths, text.add(loop.index, 1))
            width = text.define(f"sub i64 {end}, {column}")
            source = frame.moved(columns, column, frame.column_stride)
            available = frame.epilogue.available(column, width)
            self._panels.turn(source, count, available, width, self._panel(strip, loop.index))

    def _products(
        self, block: Block, strip: _Strip, row: _Row, panel: _Panel, count: Whole
    ) -> list[str]:
        frame, plan = self._frame, self._frame.plan
        rows = frame.rows if self._row_panel is None else self._row_panel.rows
        step = frame.column_step if plan.panel == "none" else plan.widest * frame.size
        tile, pointers = Tile(row.height, panel.width), (row.source, panel.place)
        requests = self._ahead.requests(block, tile, row.own, strip.end)
        return frame.products(tile, rows, pointers, step, count, requests)

    # -------------------------------------------------------------------------------------- loops

    def _start(self, runs: list[Bounds], number: Whole) -> Whole:
        """The first place of a piece with a number, or the end after the last one."""
        text = self._text
        place = text.multiply(number, runs[0].size)
        for run in runs[1:]:
            behind = text.define(f"sub i64 {number}, {runs[0].count}")
            other = text.add(run.start, text.multiply(behind, run.size))
            place = self._frame.smaller(place, other)
        return place

    def _numbers(self, runs: list[Bounds], first: Whole, stop: Whole) -> Iterator[tuple[int, str]]:
        """A loop for each run over its pieces between two numbers: the size, the number."""
        text, frame = self._text, self._frame
        before: Whole = 0
        for run in runs:
            after = text.add(before, run.count)
            start, end = frame.larger(first, before), frame.smaller(stop, after)
            if len(runs) == 1:
                start, end = first, stop
            with text.loop(start, end) as loop:
                yield run.size, loop.index
            before = after

    def _each(self, strip: _Strip, columns: str) -> Iterator[_Panel]:
        """Loops over the panels of a strip."""
        frame = self._frame
        for size, number in self._numbers(frame.widths, strip.first, strip.stop):
            column = self._start(frame.widths, number)
            if frame.plan.panel == "none":
                place = frame.moved(columns, column, frame.column_stride)
            else:
                place = self._panel(strip, number)
            yield _Panel(size // frame.plan.lanes, column, place)

    def _panel(self, strip: _Strip, number: str) -> str:
        text = self._text
        within = text.define(f"sub i64 {number}, {strip.first}")
        return self._frame.moved(self._place, within, self._panel_bytes)

    def _tiles(self, first: Whole, stop: Whole, rows: str, count: Whole) -> Iterator[_Row]:
        """Loops over rows of tiles by number; their numbers are copied first if it helps."""
        frame = self._frame
        for height, number in self._numbers(frame.heights, first, stop):
            row = self._start(frame.heights, number)
            own = source = frame.moved(rows, row, frame.row_stride)
            if self._row_panel is not None:
                source = self._row_panel.fill(own, frame.rows.step, height, count)
            yield _Row(height, row, own, source)
