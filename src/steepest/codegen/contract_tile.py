"""The innermost loop of a contraction: a tile of sums kept in registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.codegen.expressions import widened
from steepest.codegen.memory import load, suffix
from steepest.codegen.text import Text, Value, Whole, memory_text, type_text
from steepest.ir.types import DType, int64

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
        """The instruction for a · b + c; what goes before it is written."""
        if self.dtype.kind == "f" and self.has_fma:
            name = f"llvm.fma.{suffix(self.dtype, self.lanes)}"
            text.declare(self.type, name, [self.type] * 3)
            return f"call {self.type} @{name}({self.type} {a}, {self.type} {b}, {self.type} {c})"
        multiply, add = ("fmul", "fadd") if self.dtype.kind == "f" else ("mul", "add")
        product = text.define(f"{multiply} {self.type} {a}, {b}")
        return f"{add} {self.type} {product}, {c}"

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
class Requests:
    """Lines that the memory is asked for early.

    Args:
        base: an address.
        table: for each product the distance of its line from there.
    """

    base: str
    table: str


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
    requests: Requests | None = None,
) -> list[str]:
    """Write the loop over products; the sums, row by row.

    Args:
        text: the function.
        arithmetic: the element type and vectors.
        tile: how many sums.
        rows: where the broadcast numbers are.
        pointers: the first number of the broadcast operand, and the first vector of the other.
        column_step: bytes to the next product's vectors.
        count: of products, at least 1.
        requests: what to ask for meanwhile.
    """
    starts = [text.define(f"freeze ptr {each}") for each in pointers]
    size = tile.height * tile.width
    before, body, after = text.block, text.name("body"), text.name("after")
    number, following = text.name("i"), text.name("i")
    a, b, a_next, b_next = (text.name("p") for _ in range(4))
    sums, totals = ([text.name("s") for _ in range(size)] for _ in range(2))
    text.line(f"br label {body}")
    text.begin(body)
    for kind, name, first, again in (
        ("i64", number, "0", following),
        ("ptr", a, starts[0], a_next),
        ("ptr", b, starts[1], b_next),
        *((arithmetic.type, x, "zeroinitializer", y) for x, y in zip(sums, totals, strict=True)),
    ):
        text.line(f"{name} = phi {kind} [ {first}, {before} ], [ {again}, {body} ]")
    if requests is not None:
        distance = load(text, text.place(requests.table, number, "i64"), 0, int64, 1).text
        fetch(text, text.place(requests.base, distance, "i8"))
    vectors = [arithmetic.load(text, b, vector) for vector in range(tile.width)]
    for row in range(tile.height):
        number_at = load(text, rows.place(text, a, row), 0, arithmetic.dtype, 1)
        wide = widened(text, number_at, arithmetic.lanes).text
        for vector, other in enumerate(vectors):
            place = row * tile.width + vector
            found = arithmetic.multiply_add(text, wide, other, sums[place])
            text.line(f"{totals[place]} = {found}")
    text.line(f"{a_next} = getelementptr i8, ptr {a}, i64 {rows.step}")
    text.line(f"{b_next} = getelementptr i8, ptr {b}, i64 {column_step}")
    text.line(f"{following} = add nsw i64 {number}, 1")
    again = text.define(f"icmp slt i64 {following}, {count}")
    text.line(f"br i1 {again}, label {body}, label {after}")
    text.begin(after)
    return totals


def fetch(text: Text, place: str) -> None:
    """Ask for what lies at an address, which need not exist."""
    text.declare("void", "llvm.prefetch.p0", ["ptr", "i32", "i32", "i32"])
    text.line(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 3, i32 1)")


def values(arithmetic: Arithmetic, names: list[str]) -> list[Value]:
    """Vectors by name."""
    return [Value(name, arithmetic.dtype, arithmetic.lanes) for name in names]
