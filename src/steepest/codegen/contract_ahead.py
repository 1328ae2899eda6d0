"""What the memory is asked for while products are summed.

The loop over products leaves room for one request each: for a line that the stores of the tile
will read, or one of the next tile's rows. A table says for each product of a block how far from a
base its line lies.
"""

from __future__ import annotations

from math import ceil
from typing import final

from steepest.codegen.code import Pointer
from steepest.codegen.contract_epilogue import Block
from steepest.codegen.contract_frame import Frame
from steepest.codegen.contract_panels import RowPanel
from steepest.codegen.contract_plan import BLOCK
from steepest.codegen.contract_tile import Requests, Tile
from steepest.codegen.text import Whole
from steepest.ir.scalar import ordered
from steepest.schedule.kernels import Access

_LINE = 64  # bytes
_FAR = 1 << 19  # bytes of a value that the second cache does not hold beside the panels
_WORTH = 2  # such values that stores must read


@final
class Ahead:
    """Tables of requests, filled before all loops.

    Args:
        frame: the contraction's words.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._read = self._read_by_stores()
        strides = self._read[0].strides if self._read else ()
        self._strides = [frame.stride(each) for each in strides]
        self._of_stores = self._stores_table() if self._read else None
        self._of_rows = self._rows_table() if RowPanel.serves(frame.plan) else None

    def requests(self, block: Block, tile: Tile, own: str, end: Whole) -> Requests | None:
        """What to ask for during a tile's products.

        Args:
            block: where the tile is.
            tile: its size.
            own: where its rows' first number lies.
            end: the column before which the next tile has the same rows.
        """
        frame, text = self._frame, self._frame.text
        stores = self._stores_at(block)
        if self._of_rows is None:
            return stores
        # The next rows' first numbers share a line with the last of these: ask for their last.
        place = frame.moved(own, 2 * tile.height - 1, frame.row_stride)
        if stores is None:
            return Requests(place, self._of_rows)
        after = text.add(block.column, tile.width * frame.plan.lanes)
        last = text.define(f"icmp sge i64 {after}, {end}")
        base = text.define(f"select i1 {last}, ptr {place}, ptr {stores.base}")
        table = text.define(f"select i1 {last}, ptr {self._of_rows}, ptr {stores.table}")
        return Requests(base, table)

    def _read_by_stores(self) -> list[Access]:
        """Large values of the products' size that the stores read alike, unless too few."""
        plan, stores, size = self._frame.plan, self._frame.kernel.stores, self._frame.size
        scalars = ordered([store.value for store in stores])
        found: dict[Access, None] = {}
        for access in (each.value for each in scalars if each.instruction == "load"):
            along = access.strides[plan.lane_axis], access.strides[plan.row_axis]
            is_ours = access.buffer.dtype.itemsize == size
            if is_ours and along[0] == 1 and along[1] > 1 and access.buffer.size * size >= _FAR:
                found[access] = None
        alike = [each for each in found if each.strides == next(iter(found)).strides]
        fitting = alike[: BLOCK // max(1, plan.tallest * self._lines)]
        return fitting if len(fitting) >= _WORTH else []

    @property
    def _lines(self) -> int:
        """Of a tile's row."""
        return ceil(self._frame.plan.widest * self._frame.size / _LINE)

    def _stores_table(self) -> str:
        frame, text = self._frame, self._frame.text
        places = [text.word(Pointer(each.buffer, each.offset)) for each in self._read]
        start, *others = [text.define(f"ptrtoint ptr {each} to i64") for each in places]
        distances: list[Whole] = [
            0,
            *(text.define(f"sub i64 {other}, {start}") for other in others),
        ]
        table = self._table()
        with text.loop(0, BLOCK) as loop:  # most ask again and again for the line at the base
            self._put(table, loop.index, 0)
        rows, lines = frame.plan.tallest, self._lines
        # Each request occupies one of a dozen buffers for as long as twenty products take.
        apart = max(1, min(frame.plan.summed, BLOCK) // (len(distances) * rows * lines))
        stride = self._strides[frame.plan.row_axis]
        for number, distance in enumerate(distances):
            with text.loop(0, rows) as row, text.loop(0, lines) as line:
                across = text.add(distance, text.multiply(line.index, _LINE))
                away = text.add(across, text.multiply(row.index, stride))
                slot = text.add(text.multiply(row.index, lines), line.index)
                self._put(table, text.multiply(text.add(slot, number * rows * lines), apart), away)
        return table

    def _stores_at(self, block: Block) -> Requests | None:
        if self._of_stores is None:
            return None
        frame, plan, access = self._frame, self._frame.plan, self._read[0]
        base = frame.text.word(Pointer(access.buffer, access.offset))
        positions = {**block.batch, plan.row_axis: block.row, plan.lane_axis: block.column}
        for axis, position in positions.items():
            base = frame.moved(base, position, self._strides[axis])
        return Requests(base, self._of_stores)

    def _rows_table(self) -> str:
        text, table = self._frame.text, self._table()
        with text.loop(0, BLOCK) as loop:
            self._put(table, loop.index, text.multiply(loop.index, self._frame.rows.step))
        return table

    def _table(self) -> str:
        return self._frame.text.stack(f"[{BLOCK} x i64]")

    def _put(self, table: str, slot: Whole, distance: Whole) -> None:
        text = self._frame.text
        text.line(f"store i64 {distance}, ptr {text.place(table, slot, 'i64')}, align 8")
