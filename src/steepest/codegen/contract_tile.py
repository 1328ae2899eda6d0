"""The innermost loop of a contraction: a tile of sums kept in registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.codegen.expressions import widened
from steepest.codegen.memory import load, suffix
from steepest.codegen.text import Text, Value, Whole, memory_text, type_text
from steepest.ir.types import DType

_SCALES = (8, 4, 2)  # what an x86 address can multiply its index with


@final
@dataclass(frozen=True)
class Arithmetic:
    """Numbers in vectors.

    Args:
        dtype: of each.
        lanes: how many.
        has_fma: whether a product is added with one rounding.
    """

    dtype: DType
    lanes: int
    has_fma: bool

    @property
    def type(self) -> str:
        """The LLVM type of a vector."""
        return type_text(self.dtype, self.lanes)

    def multiply_add(self, text: Text, a: str, b: str, c: str) -> str:
        """The sums a · b + c."""
        if self.dtype.kind != "f":
            product = text.define(f"mul {self.type} {a}, {b}")
            return text.define(f"add {self.type} {product}, {c}")
        if self.has_fma:
            name = f"llvm.fma.{suffix(self.dtype, self.lanes)}"
            return text.call(self.type, name, [(self.type, each) for each in (a, b, c)])
        product = text.define(f"fmul {self.type} {a}, {b}")
        return text.define(f"fadd {self.type} {product}, {c}")

    def add(self, text: Text, a: str, b: str) -> str:
        """The sums a + b."""
        return text.define(f"{'fadd' if self.dtype.kind == 'f' else 'add'} {self.type} {a}, {b}")

    def load(self, text: Text, pointer: str, vector: int = 0) -> str:
        """The vector so many vectors behind a pointer."""
        return load(text, pointer, vector * self.lanes, self.dtype, self.lanes).text

    def store(self, text: Text, value: str, pointer: str, vector: int = 0) -> None:
        """Put a vector so many vectors behind a pointer."""
        place = text.place(pointer, vector * self.lanes, memory_text(self.dtype))
        text.line(f"store {self.type} {value}, ptr {place}, align {self.dtype.itemsize}")


@final
@dataclass(frozen=True)
class Rows:
    """Where numbers of the broadcast operand lie, relative to a tile's first.

    Args:
        step: bytes to the next product.
        stride: bytes to the next row, if that is known.
        multiples: else the odd multiples of it, as values.
    """

    step: Whole
    stride: int | None
    multiples: Mapping[int, str]

    def place(self, text: Text, pointer: str, row: int) -> str:
        """The address of a row's number."""
        if row == 0:
            return pointer
        if self.stride is not None:
            return text.place(pointer, row * self.stride, "i8")
        scale = next((each for each in _SCALES if row % each == 0), 1)
        element = "i8" if scale == 1 else f"[{scale} x i8]"
        return text.place(pointer, self.multiples[row // scale], element)


def opaque(text: Text, number: str) -> str:
    """The same number, of which loop strength reduction knows nothing.

    Left to itself it keeps an address for each row, or makes each by adding to the one before,
    which takes more registers or more instructions than there are.
    """
    return text.define(f"freeze i64 {number}")


def rows_at(text: Text, dtype: DType, own: int, summed: int, height: int) -> Rows:
    """The rows of tiles up to a height, for strides in elements; written before all loops."""
    size = dtype.itemsize
    step = opaque(text, text.number(summed * size))
    if own in (0, 1) or height == 1:
        return Rows(step, own * size, {})
    stride = text.number(own * size)
    wanted = sorted({_odd(row) for row in range(1, height)})
    multiples = {odd: opaque(text, str(text.multiply(stride, odd))) for odd in wanted}
    return Rows(step, None, multiples)


def _odd(row: int) -> int:
    scale = next((each for each in _SCALES if row % each == 0), 1)
    return row // scale


@final
@dataclass(frozen=True)
class Tile:
    """So many rows of so many vectors."""

    height: int
    width: int


def products(
    text: Text,
    arithmetic: Arithmetic,
    tile: Tile,
    rows: Rows,
    pointers: tuple[str, str],
    column_step: Whole,
    count: Whole,
) -> list[str]:
    """Write the loop over products; the sums, row by row.

    Args:
        text: the function.
        arithmetic: the element type and vectors.
        tile: how many sums.
        rows: where the broadcast numbers are.
        pointers: the first number of the broadcast operand, and the first vector of the other.
        column_step: bytes to the next product's vectors.
        count: of products.
    """
    sums = [(arithmetic.type, "zeroinitializer")] * (tile.height * tile.width)
    starts = [("ptr", text.define(f"freeze ptr {each}")) for each in pointers]
    carried = [*starts, *sums]
    with text.loop(0, count, 1, carried) as loop:
        a, b, *before = loop.carried
        vectors = [arithmetic.load(text, b, vector) for vector in range(tile.width)]
        after: list[str] = []
        for row in range(tile.height):
            place = rows.place(text, a, row)
            number = load(text, place, 0, arithmetic.dtype, 1)
            wide = widened(text, number, arithmetic.lanes).text
            for vector in range(tile.width):
                total = before[row * tile.width + vector]
                after.append(arithmetic.multiply_add(text, wide, vectors[vector], total))
        a = text.place(a, rows.step, "i8")
        b = text.place(b, column_step, "i8")
        loop.following = [a, b, *after]
    return loop.results[2:]


def values(arithmetic: Arithmetic, names: list[str]) -> list[Value]:
    """Vectors by name."""
    return [Value(name, arithmetic.dtype, arithmetic.lanes) for name in names]
