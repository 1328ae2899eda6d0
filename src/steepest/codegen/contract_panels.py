"""Panels: a block of the columns' operand laid so that a tile's vectors follow one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from steepest.codegen.contract_plan import BLOCK, Plan
from steepest.codegen.contract_tile import Arithmetic, Rows, fetch, opaque, rows_at
from steepest.codegen.memory import masked_load
from steepest.codegen.text import Text, Value, Whole, memory_text, vector_text
from steepest.ir.types import bool_

_AHEAD = 8  # products; a strip's vectors of one are few lines, far from those of the next
_LITTLE = 1 << 17  # bytes of an operand to be turned
_GROUP_BYTES = 16  # what shuffles without crossing lanes move about


@final
class Panels:
    """How panels of columns are filled.

    Args:
        text: the function, before all loops.
        plan: the contraction's cut.
        arithmetic: its vectors.
    """

    def __init__(self, text: Text, plan: Plan, arithmetic: Arithmetic) -> None:
        self.text, self.plan, self.arithmetic = text, plan, arithmetic
        self._size = plan.dtype.itemsize
        self._group = _GROUP_BYTES // self._size
        self._pitch = plan.widest
        columns = plan.columns
        self._own = rows_at(text, plan.dtype, columns.own, 1, plan.lanes)
        self._stride: Whole = columns.own * self._size
        if columns.own not in (0, 1):
            self._stride = opaque(text, text.number(columns.own * self._size))
        self._step: Whole = self._size
        if columns.summed != 1:
            self._step = opaque(text, text.number(columns.summed * self._size))

    def copy(self, source: str, available: Whole, width: int, place: str) -> None:
        """Copy one product's vectors, which lie in a row, and ask for those of a later one.

        Args:
            source: the first vector.
            available: columns that there are; beside them the panel gets zeros.
            width: of the panel, in vectors.
            place: where they go.
        """
        text, plan = self.text, self.plan
        later = text.place(source, text.multiply(self._step, _AHEAD), "i8")
        for vector in range(width):
            first = vector * plan.lanes
            fetch(text, text.place(later, first, memory_text(plan.dtype)))
            if available == width * plan.lanes:
                loaded = self.arithmetic.load(text, source, vector)
            else:
                mask = self._mask(available, first)
                loaded = masked_load(text, source, first, plan.dtype, mask).text
            self.arithmetic.store(text, loaded, place, vector)

    def turn(self, source: str, count: Whole, available: Whole, width: Whole, panel: str) -> None:
        """Copy elements of which those of one product are far from each other.

        Args:
            source: the block's first element.
            count: products, at most BLOCK.
            available: columns that there are; beside them the panel gets zeros.
            width: of the panel, in elements.
            panel: where it goes.
        """
        if self.plan.panel == "transposed":
            self._transpose(source, count, available, width, panel)
            return
        if self.plan.ragged:
            self._clear(count, (0, width), panel)
        self._gather(source, (0, count), (0, available), panel)

    def _mask(self, available: Whole, first: int) -> Value:
        """The lanes of a vector that are columns."""
        text, lanes = self.text, self.plan.lanes
        left = text.define(f"sub i64 {available}, {first}")
        narrow = text.define(f"trunc i64 {left} to i32")
        kind = vector_text("i32", lanes)
        one = text.define(f"insertelement {kind} poison, i32 {narrow}, i64 0")
        zeros = f"<{lanes} x i32> zeroinitializer"
        wide = text.define(f"shufflevector {kind} {one}, {kind} poison, {zeros}")
        steps = ", ".join(f"i32 {lane}" for lane in range(lanes))
        return Value(text.define(f"icmp sgt {kind} {wide}, <{steps}>"), bool_, lanes)

    # ------------------------------------------------------------------------------ transposition

    def _transpose(
        self, source: str, count: Whole, available: Whole, width: Whole, panel: str
    ) -> None:
        """Squares of whole vectors, then of groups, then element by element.

        Where it is little work, all are squares of groups: less to compile.
        """
        group, lanes, plan = self._group, self.plan.lanes, self.plan
        if plan.columns.own * plan.widths[-1].stop * self._size < _LITTLE:
            lanes = group
        full = self._multiple(available, lanes)
        grouped = self._multiple(available, group) if plan.ragged else full
        deep = self._multiple(count, group) if plan.summed % group else count
        if plan.ragged:
            whole = self._multiple(available, plan.lanes)
            self._clear(count, (whole, width), panel)
        self._squares(source, deep, (0, full), lanes, panel)
        if plan.ragged and group < lanes:
            self._squares(source, deep, (full, grouped), group, panel)
        if plan.ragged:
            self._gather(source, (0, deep), (grouped, available), panel)
        if plan.summed % group:
            self._gather(source, (deep, count), (0, available), panel)

    def _clear(self, count: Whole, columns: tuple[Whole, Whole], panel: str) -> None:
        """Zeros in vectors that are not all columns: what the stack holds may be slow to add up."""
        text, element = self.text, memory_text(self.plan.dtype)
        with text.loop(*columns, self.plan.lanes) as across, text.loop(0, count) as down:
            place = text.place(panel, across.index, element)
            place = text.place(place, text.multiply(down.index, self._pitch), element)
            self.arithmetic.store(text, "zeroinitializer", place)

    def _multiple(self, number: Whole, of: int) -> Whole:
        """The number rounded down."""
        if isinstance(number, int):
            return number - number % of
        return self.text.define(f"and i64 {number}, {-of}")

    def _squares(
        self,
        source: str,
        count: Whole,
        columns: tuple[Whole, Whole],
        lanes: int,
        panel: str,
    ) -> None:
        text, group = self.text, self._group
        with text.loop(*columns, lanes) as across:
            read = text.place(source, text.multiply(across.index, self._stride), "i8")
            write = text.place(panel, across.index, memory_text(self.plan.dtype))
            with text.loop(0, count, group, [("ptr", read), ("ptr", write)]) as down:
                read, write = down.carried
                for index, square in enumerate(self._square(read, lanes)):
                    place = text.place(write, index * self._pitch, memory_text(self.plan.dtype))
                    kind = vector_text(memory_text(self.plan.dtype), lanes)
                    text.line(f"store {kind} {square}, ptr {place}, align {self._size}")
                down.following = [
                    text.place(read, _GROUP_BYTES, "i8"),
                    text.place(write, group * self._pitch * self._size, "i8"),
                ]

    def _square(self, read: str, lanes: int) -> list[str]:
        """Vectors of one product each, from as many columns as a vector has lanes.

        Groups of neighbouring products are loaded so that column g · p + i is in group p of vector
        i; then a square of elements is transposed in all groups at once.
        """
        group = self._group
        vectors = [
            self._joined([self._load(read, group * p + i) for p in range(lanes // group)])
            for i in range(group)
        ]
        if group == 2:
            return [self._mixed(vectors, lanes, [(0, i), (1, i)]) for i in range(2)]
        low = [self._mixed(vectors[i : i + 2], lanes, _LOW) for i in (0, 2)]
        high = [self._mixed(vectors[i : i + 2], lanes, _HIGH) for i in (0, 2)]
        return [
            self._mixed(half, lanes, chosen) for half in (low, high) for chosen in (_LEFT, _RIGHT)
        ]

    def _load(self, read: str, column: int) -> str:
        place = self._own.place(self.text, read, column)
        kind = vector_text(memory_text(self.plan.dtype), self._group)
        return self.text.define(f"load {kind}, ptr {place}, align {self._size}")

    def _joined(self, parts: Sequence[str]) -> str:
        lanes = self._group
        found = list(parts)
        while len(found) > 1:
            kind = vector_text(memory_text(self.plan.dtype), lanes)
            order = ", ".join(f"i32 {lane}" for lane in range(2 * lanes))
            found = [
                self.text.define(
                    f"shufflevector {kind} {a}, {kind} {b}, <{2 * lanes} x i32> <{order}>"
                )
                for a, b in zip(found[::2], found[1::2], strict=True)
            ]
            lanes *= 2
        return found[0]

    def _mixed(self, pair: Sequence[str], lanes: int, chosen: Sequence[tuple[int, int]]) -> str:
        """In each group the elements (which vector, which position)."""
        kind = vector_text(memory_text(self.plan.dtype), lanes)
        order = ", ".join(
            f"i32 {which * lanes + start + position}"
            for start in range(0, lanes, self._group)
            for which, position in chosen
        )
        return self.text.define(
            f"shufflevector {kind} {pair[0]}, {kind} {pair[1]}, <{lanes} x i32> <{order}>"
        )

    # ------------------------------------------------------------------------- element by element

    def _gather(
        self,
        source: str,
        products: tuple[Whole, Whole],
        columns: tuple[Whole, Whole],
        panel: str,
    ) -> None:
        text, element = self.text, memory_text(self.plan.dtype)
        with text.loop(*columns) as across:
            read = text.place(source, text.multiply(across.index, self._stride), "i8")
            write = text.place(panel, across.index, element)
            with text.loop(*products) as down:
                place = text.place(read, text.multiply(down.index, self._step), "i8")
                found = text.define(f"load {element}, ptr {place}, align {self._size}")
                place = text.place(write, text.multiply(down.index, self._pitch), element)
                text.line(f"store {element} {found}, ptr {place}, align {self._size}")


@final
class RowPanel:
    """A copy of a tile's rows where these lie side by side and one product's are far from the next.

    Args:
        text: the function, before all loops.
        plan: the contraction's cut.
    """

    def __init__(self, text: Text, plan: Plan) -> None:
        self._text, self._plan = text, plan
        size = plan.dtype.itemsize
        self._vectors = -(-plan.tallest // plan.lanes)
        self._row = self._vectors * plan.lanes
        self._place = text.stack(f"[{BLOCK * self._row} x {memory_text(plan.dtype)}]")
        self.rows = Rows(self._row * size, size, {})

    @staticmethod
    def serves(plan: Plan) -> bool:
        """Whether such a copy helps: where operands do not fit the second cache."""
        return plan.panel == "copied" and plan.rows.own == 1 and plan.rows.summed > 1

    def fill(self, source: str, step: Whole, height: int, count: Whole) -> str:
        """Write the copy of so many products; where it is."""
        text, plan = self._text, self._plan
        with text.loop(0, count, 1, [("ptr", source), ("ptr", self._place)]) as loop:
            read, write = loop.carried
            later = text.place(read, text.multiply(step, _AHEAD), "i8")
            fetch(text, text.place(later, height - 1, memory_text(plan.dtype)))
            for first in range(0, height, plan.lanes):
                bits = (f"i1 {str(first + lane < height).lower()}" for lane in range(plan.lanes))
                mask = Value(f"<{', '.join(bits)}>", bool_, plan.lanes)
                found = masked_load(text, read, first, plan.dtype, mask)
                place = text.place(write, first, memory_text(plan.dtype))
                text.line(f"store {found}, ptr {place}, align {plan.dtype.itemsize}")
            loop.following = [
                text.place(read, step, "i8"),
                text.place(write, self._row * plan.dtype.itemsize, "i8"),
            ]
        return self._place


_LOW = ((0, 0), (1, 0), (0, 1), (1, 1))
_HIGH = ((0, 2), (1, 2), (0, 3), (1, 3))
_LEFT = ((0, 0), (0, 1), (1, 0), (1, 1))
_RIGHT = ((0, 2), (0, 3), (1, 2), (1, 3))
