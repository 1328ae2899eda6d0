"""What happens to a tile of finished sums: a kernel's stores, at once or by way of the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from steepest.codegen.contract_plan import Plan
from steepest.codegen.contract_tile import Arithmetic, Tile, values
from steepest.codegen.loops import Given, Stores, emit_stores
from steepest.codegen.nest import Nest, Point
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Whole
from steepest.ir.scalar import Scalar, ordered
from steepest.schedule.kernels import Access, Kernel

_FEW = 8  # instructions that are cheaper to repeat for each vector than to loop over


@final
@dataclass(frozen=True)
class Block:
    """Where a tile is: positions of the batch axes, of its first row and first column."""

    batch: Mapping[int, Whole]
    row: Whole
    column: Whole


@final
class Epilogue:
    """A kernel's stores on tiles.

    Args:
        text: the function, before all loops.
        target: the processor.
        kernel: with its stores.
        plan: the contraction's cut.
        arithmetic: its vectors.
    """

    def __init__(
        self, text: Text, target: Target, kernel: Kernel, plan: Plan, arithmetic: Arithmetic
    ) -> None:
        self.text, self.target, self.kernel = text, target, kernel
        self.plan, self.arithmetic = plan, arithmetic
        space, rank = kernel.space, len(kernel.space)
        axes = [*range(rank - 2), plan.row_axis, plan.lane_axis]
        self._nest = Nest(text, target, space, rank, axes, plan.lane_axis, plan.lanes)
        self._stores = Stores(self._nest, kernel)
        values = ordered(self._stores.values)
        self._results = [each for each in values if each.instruction == "result"]
        self.in_registers = self._is_simple()

    def _is_simple(self) -> bool:
        if self.kernel.checks or self.kernel.space[self.plan.lane_axis] == 1:
            return False
        if self.plan.ragged and self._stores.exact:
            return False
        values = ordered(self._stores.values)
        gathers = any(map(self._is_gather, values))
        return self._stores.length <= _FEW and not gathers

    def _is_gather(self, scalar: Scalar) -> bool:
        access = scalar.value
        if not isinstance(access, Access):
            return False
        return bool(scalar.inputs) or access.strides[self.plan.lane_axis] not in (0, 1)

    def stores(self, block: Block, rows: Whole, columns: Whole, place: str, pitch: int) -> None:
        """The stores for a matrix of sums in memory.

        Args:
            block: where its first row and column are.
            rows: how many; at least 1.
            columns: how many it has room for; those behind the last one are not stored.
            place: its address.
            pitch: elements from one row to the next.
        """
        plan, axes = self.plan, len(self.kernel.space)
        starts: list[Whole] = [block.batch.get(axis, 0) for axis in range(axes)]
        counts: list[Whole] = [1] * axes
        strides: list[Whole] = [0] * axes
        starts[plan.row_axis], starts[plan.lane_axis] = block.row, block.column
        counts[plan.row_axis] = rows
        counts[plan.lane_axis] = self.available(block.column, columns)
        strides[plan.row_axis], strides[plan.lane_axis] = pitch, 1
        given = Given(place, tuple(strides))
        emit_stores(self.text, self.target, self.kernel, starts, counts, [given])

    def available(self, column: Whole, width: Whole) -> Whole:
        """How many of so many columns there are."""
        if not self.plan.ragged:
            return width
        text, extent = self.text, self.text.word(self.kernel.space[self.plan.lane_axis])
        left = text.define(f"sub i64 {extent}, {column}")
        return text.call("i64", "llvm.smin.i64", [("i64", left), ("i64", str(width))])

    def finish(self, block: Block, tile: Tile, sums: Sequence[str]) -> None:
        """The stores for a tile's sums in registers, row by row."""
        text, plan, nest = self.text, self.plan, self._nest
        columns = [text.add(block.column, plan.lanes * each) for each in range(tile.width)]
        found = values(self.arithmetic, list(sums))
        start = Point(dict(block.batch))
        with nest.scope():
            for column in columns:
                nest.prepare(start.at(plan.lane_axis, column), self._stores.values)
            for row in range(tile.height):
                at = start.at(plan.row_axis, text.add(block.row, row))
                with nest.scope():
                    for number, column in enumerate(columns):
                        point = at.at(plan.lane_axis, column)
                        for result in self._results:
                            nest.give(result, point, found[row * tile.width + number])
                        self._stores.write([point])
