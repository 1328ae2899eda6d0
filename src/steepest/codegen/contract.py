"""Contractions: Σₖ left · right in tiles that stay in registers; each tile ends with the stores.

Products are summed in chains of BLOCK multiply-adds; what the chains give is added in order. So
each sum's bits depend on nothing but its own products.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, final

from steepest.codegen.code import Code, Pointer
from steepest.codegen.contract_epilogue import Block, Epilogue
from steepest.codegen.contract_panels import Panels
from steepest.codegen.contract_plan import BLOCK, Operand, Plan, Run, planned
from steepest.codegen.contract_tile import Arithmetic, Tile, opaque, products, rows_at
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Whole, memory_text
from steepest.schedule.kernels import Kernel

_TOTALS_BYTES = 65536  # of sums that wait on the stack while the next block is in the panel
_NOTHING = "0x8000000000000000"  # −0, to which the first block's sum is added without a change


def contraction(kernel: Kernel, target: Target) -> Code:
    """The function of a kernel that has a contraction.

    Args:
        kernel: any extents, also 0 and 1.
        target: the processor.
    """
    text = Text()
    writer = _Writer(text, target, kernel, planned(kernel, target))
    writer.write()
    return text.code()


class _Bounds(NamedTuple):
    """A run's start and stop as words."""

    start: Whole
    stop: Whole


@final
class _Writer:
    """The loops around tiles: over batches, columns, then rows."""

    def __init__(self, text: Text, target: Target, kernel: Kernel, plan: Plan) -> None:
        self.text, self.kernel, self.plan = text, kernel, plan
        self.arithmetic = Arithmetic(plan.dtype, plan.lanes, target.has_fma)
        self.epilogue = Epilogue(text, target, kernel, plan, self.arithmetic)
        self._size = plan.dtype.itemsize
        tallest = max((run.size for run in plan.heights), default=1)
        self._rows = rows_at(text, plan.dtype, plan.rows.own, plan.rows.summed, tallest)
        self._row_stride = self._stride(plan.rows.own)
        self._summed: Whole = text.number(plan.summed)
        self._column_step = self._stride(plan.columns.summed)
        self._column_stride = self._stride(plan.columns.own)
        self._heights = [self._bounds(run) for run in plan.heights]
        self._widths = [self._bounds(run) for run in plan.widths]
        self._tallest = tallest
        widest = max((run.size for run in plan.widths), default=1)
        self._at_once = max(1, _TOTALS_BYTES // (tallest * widest * self._size))
        self._totals, self._tile_count = "", text.number(sum(run.count for run in plan.heights))
        if plan.panel != "none" and plan.in_blocks:
            room = self._at_once * tallest * widest
            self._totals = text.stack(f"[{room} x {memory_text(plan.dtype)}]")

    def _stride(self, elements: int) -> Whole:
        """In bytes."""
        if elements in (0, 1):
            return elements * self._size
        return opaque(self.text, self.text.number(elements * self._size))

    def _bounds(self, run: Run) -> _Bounds:
        start: Whole = self.text.number(run.start) if run.start else 0
        return _Bounds(start, self.text.number(run.stop))

    def write(self) -> None:
        """The whole function."""
        plan = self.plan
        panels = None
        if plan.panel != "none":
            panels = Panels(self.text, plan, self.arithmetic)
        with self._batches() as batch:
            rows = self._operand(plan.rows, batch)
            columns = self._operand(plan.columns, batch)
            for run, bounds in zip(plan.widths, self._widths, strict=True):
                with self.text.loop(*bounds, run.size) as across:
                    offset = self.text.multiply(across.index, self._column_stride)
                    source = self.text.place(columns, offset, "i8")
                    block = Block(batch, 0, across.index)
                    if panels is None:
                        self._all_rows(block, run.size, rows, source, self._column_step)
                    elif plan.in_blocks:
                        self._blocks(block, run.size, rows, source, panels)
                    else:
                        available = self.epilogue.available(across.index, run.size)
                        panels.fill(source, self._summed, available, run.size)
                        step = run.size * self._size
                        self._all_rows(block, run.size, rows, panels.pointer, step)

    @contextmanager
    def _batches(self) -> Generator[Mapping[int, Whole]]:
        """Loops over all axes but the last two; the positions by axis."""
        positions: dict[int, Whole] = {}
        with ExitStack() as stack:
            for axis, extent in enumerate(self.kernel.space[:-2]):
                stop = self.text.number(extent)
                positions[axis] = stack.enter_context(self.text.loop(0, stop)).index
            yield positions

    def _operand(self, operand: Operand, batch: Mapping[int, Whole]) -> str:
        text, access = self.text, operand.access
        place = text.word(Pointer(access.buffer, access.offset))
        for axis, position in batch.items():
            stride = self._stride(access.strides[axis])
            place = text.place(place, text.multiply(position, stride), "i8")
        return place

    def _row_place(self, rows: str, row: Whole) -> str:
        return self.text.place(rows, self.text.multiply(row, self._row_stride), "i8")

    # ----------------------------------------------------------------- columns read where they lie

    def _all_rows(
        self, block: Block, width: int, rows: str, columns: str, column_step: Whole
    ) -> None:
        for run, bounds in zip(self.plan.heights, self._heights, strict=True):
            tile = Tile(run.size, width // self.plan.lanes)
            with self.text.loop(*bounds, run.size) as down:
                here = Block(block.batch, down.index, block.column)
                pointers = self._row_place(rows, down.index), columns
                if self.plan.in_blocks:
                    self._tile_in_blocks(here, tile, pointers, column_step)
                else:
                    sums = self._products(tile, pointers, column_step, self._summed)
                    self.epilogue.finish(here, tile, sums)

    def _products(
        self, tile: Tile, pointers: tuple[str, str], column_step: Whole, count: Whole
    ) -> list[str]:
        return products(self.text, self.arithmetic, tile, self._rows, pointers, column_step, count)

    def _tile_in_blocks(
        self, block: Block, tile: Tile, pointers: tuple[str, str], column_step: Whole
    ) -> None:
        """All blocks of one tile; the total waits on the stack."""
        text, totals = self.text, self.epilogue.stage()
        self._clear(totals, tile)
        a, b = pointers
        with text.loop(0, self._summed, BLOCK) as deep:
            offset = text.multiply(deep.index, self._rows.step)
            here = text.place(a, offset, "i8")
            source = text.place(b, text.multiply(deep.index, column_step), "i8")
            count = self._block_length(deep.index)
            self._add(totals, tile, self._products(tile, (here, source), column_step, count))
        self.epilogue.finish_stored(block, tile, totals)

    def _clear(self, totals: str, tile: Tile) -> None:
        zero = "zeroinitializer"
        if self.plan.dtype.kind == "f":
            zero = f"splat ({memory_text(self.plan.dtype)} {_NOTHING})"
        for position in range(tile.height * tile.width):
            self.arithmetic.store(self.text, zero, totals, position)

    def _add(self, totals: str, tile: Tile, sums: list[str]) -> None:
        for position, each in enumerate(sums):
            before = self.arithmetic.load(self.text, totals, position)
            total = self.arithmetic.add(self.text, before, each)
            self.arithmetic.store(self.text, total, totals, position)

    def _block_length(self, start: Whole) -> str:
        left = self.text.define(f"sub i64 {self._summed}, {start}")
        return self._smaller(left, BLOCK)

    def _smaller(self, a: Whole, b: Whole) -> str:
        return self.text.call("i64", "llvm.smin.i64", [("i64", str(a)), ("i64", str(b))])

    def _larger(self, a: Whole, b: Whole) -> str:
        return self.text.call("i64", "llvm.smax.i64", [("i64", str(a)), ("i64", str(b))])

    # -------------------------------------------------------------------- columns read from panels

    def _blocks(self, block: Block, width: int, rows: str, source: str, panels: Panels) -> None:
        """Some rows at a time: each block's panel serves all their tiles, whose totals wait."""
        text = self.text
        step = width * self._size
        available = self.epilogue.available(block.column, width)
        with text.loop(0, self._tile_count, self._at_once) as down:
            stop = self._smaller(text.add(down.index, self._at_once), self._tile_count)
            for tile, _, place in self._tiles(down.index, stop, width):
                self._clear(place, tile)
            with text.loop(0, self._summed, BLOCK) as deep:
                at = text.place(source, text.multiply(deep.index, self._column_step), "i8")
                count = self._block_length(deep.index)
                panels.fill(at, count, available, width)
                first = text.place(rows, text.multiply(deep.index, self._rows.step), "i8")
                for tile, row, place in self._tiles(down.index, stop, width):
                    pointers = self._row_place(first, row), panels.pointer
                    self._add(place, tile, self._products(tile, pointers, step, count))
            for tile, row, place in self._tiles(down.index, stop, width):
                here = Block(block.batch, row, block.column)
                self.epilogue.finish_stored(here, tile, place)

    def _tiles(self, start: Whole, stop: Whole, width: int) -> Iterator[tuple[Tile, Whole, str]]:
        """Loops over some tiles by number: a tile, its first row, the place of its totals."""
        text = self.text
        before: Whole = 0
        for run, bounds in zip(self.plan.heights, self._heights, strict=True):
            after = text.add(before, text.number(run.count))
            with text.loop(self._larger(start, before), self._smaller(stop, after)) as down:
                number = down.index
                row = text.multiply(text.define(f"sub i64 {number}, {before}"), run.size)
                waiting = text.define(f"sub i64 {number}, {start}")
                offset = text.multiply(waiting, self._tallest * width * self._size)
                place = text.place(self._totals, offset, "i8")
                tile = Tile(run.size, width // self.plan.lanes)
                yield tile, text.add(bounds.start, row), place
            before = after
