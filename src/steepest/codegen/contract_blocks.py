"""The loops of a contraction whose operands are copied into panels, some tiles at a time.

A few panels of columns lie in the second cache while some rows go by; each row's numbers then stay
in the first cache for all of these panels. Totals of sums wait on the stack between blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from steepest.codegen.contract_epilogue import Block
from steepest.codegen.contract_frame import Bounds, Frame
from steepest.codegen.contract_panels import Panels, RowPanel
from steepest.codegen.contract_plan import BLOCK
from steepest.codegen.contract_tile import Tile
from steepest.codegen.text import Whole, memory_text

_PANELS_BYTES = 131072
_TOTALS_BYTES = 131072


@final
@dataclass(frozen=True)
class _Strip:
    """Some neighbouring panels of one width: the numbers of the first and of the one after."""

    run: Bounds
    first: Whole
    stop: Whole


@final
class Blocks:
    """Loops over strips of columns, groups of rows, blocks of products, then tiles.

    Args:
        frame: the contraction's words.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame, self._text = frame, frame.text
        plan = frame.plan
        widest = max((run.size for run in plan.widths), default=1)
        self._pitch = BLOCK * widest * frame.size
        self._across = max(1, _PANELS_BYTES // self._pitch)
        self._tile_bytes = plan.tallest * widest * frame.size
        self._down = max(1, _TOTALS_BYTES // (self._tile_bytes * self._across))
        element = memory_text(plan.dtype)
        self._panel = self._text.stack(f"[{self._across * self._pitch} x i8]")
        self._panels = Panels(self._text, plan, frame.arithmetic)
        self._row_panel = RowPanel(self._text, plan) if RowPanel.serves(plan) else None
        self._totals = ""
        if plan.in_blocks:
            room = self._across * self._down * plan.tallest * widest
            self._totals = self._text.stack(f"[{room} x {element}]")
        self._tile_count = self._text.number(sum(run.count for run in plan.heights))

    def write(self, block: Block, rows: str, columns: str) -> None:
        """Write the loops for one batch, whose operands begin there."""
        frame = self._frame
        for run in frame.widths:
            with self._text.loop(0, run.count, self._across) as loop:
                stop = frame.smaller(self._text.add(loop.index, self._across), run.count)
                strip = _Strip(run, loop.index, stop)
                if frame.plan.in_blocks:
                    self._several(block, strip, rows, columns)
                else:
                    self._single(block, strip, rows, columns)

    # ------------------------------------------------------------------------------------- blocks

    def _single(self, block: Block, strip: _Strip, rows: str, columns: str) -> None:
        """All products are one block: sums go from registers to the stores."""
        frame = self._frame
        self._fill(strip, columns, frame.summed)
        for tile, row, _ in self._tiles(strip, 0, self._tile_count):
            source = self._row_source(rows, row, tile, frame.summed)
            for column, panel, _ in self._each(strip):
                here = Block(block.batch, row, column)
                sums = self._products(tile, strip, source, panel, frame.summed)
                frame.epilogue.finish(here, tile, sums)

    def _several(self, block: Block, strip: _Strip, rows: str, columns: str) -> None:
        """Some rows at a time, whose totals wait while one block after the other is added."""
        frame, text = self._frame, self._text
        with text.loop(0, self._tile_count, self._down) as down:
            first = down.index
            stop = frame.smaller(text.add(down.index, self._down), self._tile_count)
            for tile, _, group in self._tiles(strip, first, stop):
                for _, _, offset in self._each(strip):
                    frame.clear(text.place(group, offset, "i8"), tile)
            with text.loop(0, frame.summed, BLOCK) as deep:
                count = frame.block_length(deep.index)
                self._fill(strip, frame.moved(columns, deep.index, frame.column_step), count)
                start = frame.moved(rows, deep.index, frame.rows.step)
                for tile, row, group in self._tiles(strip, first, stop):
                    source = self._row_source(start, row, tile, count)
                    for _, panel, offset in self._each(strip):
                        sums = self._products(tile, strip, source, panel, count)
                        frame.add(text.place(group, offset, "i8"), sums)
            for tile, row, group in self._tiles(strip, first, stop):
                for column, _, offset in self._each(strip):
                    here = Block(block.batch, row, column)
                    frame.epilogue.finish_stored(here, tile, text.place(group, offset, "i8"))

    def _fill(self, strip: _Strip, columns: str, count: Whole) -> None:
        """Copy a block of products, whose first is there, into the panels of a strip."""
        frame = self._frame
        for column, panel, _ in self._each(strip):
            source = frame.moved(columns, column, frame.column_stride)
            available = frame.epilogue.available(column, strip.run.size)
            self._panels.fill(source, count, available, strip.run.size, panel)

    def _row_source(self, rows: str, row: Whole, tile: Tile, count: Whole) -> str:
        """Where a tile finds its rows' numbers, which may be copied there now."""
        frame = self._frame
        source = frame.moved(rows, row, frame.row_stride)
        if self._row_panel is None:
            return source
        return self._row_panel.fill(source, frame.rows.step, tile.height, count)

    def _products(
        self, tile: Tile, strip: _Strip, source: str, panel: str, count: Whole
    ) -> list[str]:
        frame = self._frame
        rows = frame.rows if self._row_panel is None else self._row_panel.rows
        return frame.products(tile, rows, (source, panel), strip.run.size * frame.size, count)

    # -------------------------------------------------------------------------------------- loops

    def _each(self, strip: _Strip) -> Iterator[tuple[Whole, str, Whole]]:
        """A loop over the panels of a strip: first column, panel, offset in a group of totals."""
        text, run = self._text, strip.run
        with text.loop(strip.first, strip.stop) as loop:
            number = text.define(f"sub i64 {loop.index}, {strip.first}")
            column = text.add(run.start, text.multiply(loop.index, run.size))
            panel = text.place(self._panel, text.multiply(number, self._pitch), "i8")
            yield column, panel, text.multiply(number, self._tile_bytes)

    def _tiles(self, strip: _Strip, first: Whole, stop: Whole) -> Iterator[tuple[Tile, Whole, str]]:
        """Loops over tiles by number: a tile, its first row, its totals in all panels."""
        text, frame = self._text, self._frame
        before: Whole = 0
        for run in frame.heights:
            after = text.add(before, run.count)
            with text.loop(frame.larger(first, before), frame.smaller(stop, after)) as loop:
                number = text.define(f"sub i64 {loop.index}, {before}")
                row = text.add(run.start, text.multiply(number, run.size))
                waiting = text.define(f"sub i64 {loop.index}, {first}")
                pitch = self._tile_bytes * self._across
                group = self._totals and frame.moved(self._totals, waiting, pitch)
                yield Tile(run.size, strip.run.size // frame.plan.lanes), row, group
            before = after
