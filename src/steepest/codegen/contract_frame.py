"""What all loops of one contraction share: its words, its addresses, its sums."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import final

from steepest.codegen.code import Pointer
from steepest.codegen.contract_epilogue import Epilogue
from steepest.codegen.contract_plan import BLOCK, Operand, Plan, Run
from steepest.codegen.contract_tile import (
    Arithmetic,
    Requests,
    Rows,
    Tile,
    opaque,
    products,
    rows_at,
)
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Whole
from steepest.schedule.kernels import Kernel


@final
@dataclass(frozen=True)
class Bounds:
    """A run as words: its start and stop, the size of its pieces, their number."""

    start: Whole
    stop: Whole
    size: int
    count: Whole


@final
class Frame:
    """A contraction's words, loaded before all loops.

    Args:
        text: the function.
        target: the processor.
        kernel: with its stores.
        plan: its cut.
    """

    def __init__(self, text: Text, target: Target, kernel: Kernel, plan: Plan) -> None:
        self.text, self.kernel, self.plan = text, kernel, plan
        self.size = plan.dtype.itemsize
        self.arithmetic = Arithmetic(plan.dtype, plan.lanes, target.has_fma)
        self.epilogue = Epilogue(text, target, kernel, plan, self.arithmetic)
        self.rows = rows_at(text, plan.dtype, plan.rows.own, plan.rows.summed, plan.tallest)
        self.row_stride = self.stride(plan.rows.own)
        self.column_step = self.stride(plan.columns.summed)
        self.column_stride = self.stride(plan.columns.own)
        self.summed = text.number(plan.summed)
        self.heights = [self._bounds(run) for run in plan.heights]
        self.widths = [self._bounds(run) for run in plan.widths]

    def stride(self, elements: int) -> Whole:
        """A stride in bytes; known where it is 0 or one element."""
        if elements in (0, 1):
            return elements * self.size
        return opaque(self.text, self.text.number(elements * self.size))

    def _bounds(self, run: Run) -> Bounds:
        number = self.text.number
        start: Whole = number(run.start) if run.start else 0
        return Bounds(start, number(run.stop), run.size, number(run.count))

    @contextmanager
    def batches(self) -> Generator[Mapping[int, Whole]]:
        """Loops over all axes but the last two; the positions by axis."""
        positions: dict[int, Whole] = {}
        with ExitStack() as stack:
            for axis, extent in enumerate(self.kernel.space[:-2]):
                loop = self.text.loop(0, self.text.number(extent))
                positions[axis] = stack.enter_context(loop).index
            yield positions

    def operand(self, operand: Operand, batch: Mapping[int, Whole]) -> str:
        """The address of an operand's first element in a batch."""
        access = operand.access
        place = self.text.word(Pointer(access.buffer, access.offset))
        for axis, position in batch.items():
            place = self.moved(place, position, self.stride(access.strides[axis]))
        return place

    def moved(self, place: str, position: Whole, stride: Whole) -> str:
        """The address so many strides further on."""
        return self.text.place(place, self.text.multiply(position, stride), "i8")

    # ------------------------------------------------------------------------------------- sums

    def products(
        self,
        tile: Tile,
        rows: Rows,
        pointers: tuple[str, str],
        step: Whole,
        count: Whole,
        requests: Requests | None = None,
    ) -> list[str]:
        """One chain of multiply-adds for each sum of a tile."""
        if self.plan.summed == 0:
            return ["zeroinitializer"] * (tile.height * tile.width)
        return products(self.text, self.arithmetic, tile, rows, pointers, step, count, requests)

    def block_length(self, start: Whole) -> str:
        """How many products the block has that begins there."""
        return self.smaller(self.text.define(f"sub i64 {self.summed}, {start}"), BLOCK)

    def smaller(self, a: Whole, b: Whole) -> str:
        """The minimum."""
        return self.text.call("i64", "llvm.smin.i64", [("i64", str(a)), ("i64", str(b))])

    def larger(self, a: Whole, b: Whole) -> str:
        """The maximum."""
        return self.text.call("i64", "llvm.smax.i64", [("i64", str(a)), ("i64", str(b))])
