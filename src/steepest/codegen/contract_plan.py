"""How a contraction is cut: the operand that vectors run along, the tiles, and the panels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal, NamedTuple, TypeAlias, final

from steepest.codegen.edges import may_run_over
from steepest.codegen.target import Target
from steepest.ir.types import DType
from steepest.schedule.kernels import Access, Contraction, Kernel

Panel: TypeAlias = Literal["none", "copied", "transposed", "gathered", "dots"]
"""Where tiles read the columns' operand: where it lies, or from a panel that is made of it.

``dots`` has no tiles: vectors run along the products.
"""

BLOCK = 256  # products in one chain of sums; a decision about accuracy, the same everywhere
_VECTOR_BYTES = 64  # of the widest vector: only then there are 32 registers
_LARGE = 1 << 18  # bytes of columns' operand that are worth a copy in panels …
_LARGE_ACROSS = 1 << 17  # … if each product's rows' numbers lie together, far from the next one's
_FEW = 4  # rows for which turning the other operand takes longer than the products
_MANY = 64  # … and at least so many rows use it

# Width in vectors → most rows: accumulators, one row of vectors and a broadcast fit the registers.
_TALLEST_OF_32: Mapping[int, int] = {1: 22, 2: 14, 3: 8, 4: 6, 6: 4, 8: 2}
_TALLEST_OF_16: Mapping[int, int] = {1: 12, 2: 6, 3: 4, 4: 2, 6: 1, 8: 1}
_WIDE = {32: 3, 16: 2}  # vectors by registers; wider only where all rows are one tile
_WIDE_AFAR = 2  # vectors of an operand that the second cache must bring
_NEAR = 1 << 16  # bytes of an operand that it need not bring
_COMPILED = 500  # cycles of each call that are worth having one form of tile fewer
_LATENCY = 8  # accumulators that keep two multiply-add units busy


@final
@dataclass(frozen=True)
class Run:
    """Equal pieces in a row: the place where the first begins, their size and number."""

    start: int
    size: int
    count: int

    @property
    def stop(self) -> int:
        """Where the last one ends."""
        return self.start + self.size * self.count


class Operand(NamedTuple):
    """One side of the product: its memory, the strides of its own axis and of the summed one."""

    access: Access
    own: int
    summed: int


@final
@dataclass(frozen=True)
class Plan:
    """A contraction's cut.

    Args:
        dtype: of products and sums.
        lanes: elements in a vector.
        row_axis: the axis of the space whose operand is broadcast, number by number.
        lane_axis: the one along which vectors run.
        rows: the operand that has the row axis.
        columns: the operand that has the lanes' axis.
        heights: tiles along the rows, at most two runs.
        widths: tiles along the lanes, in elements, at most two runs.
        summed: the extent of the summed axis.
        panel: where tiles find the columns' operand.
        ragged: whether the last vector along the lanes is not full.
    """

    dtype: DType
    lanes: int
    row_axis: int
    lane_axis: int
    rows: Operand
    columns: Operand
    heights: tuple[Run, ...]
    widths: tuple[Run, ...]
    summed: int
    panel: Panel
    ragged: bool

    @property
    def tallest(self) -> int:
        """Rows of the largest tile."""
        return max((run.size for run in self.heights), default=1)

    @property
    def widest(self) -> int:
        """Columns of the largest tile, in elements."""
        return max((run.size for run in self.widths), default=1)

    @property
    def in_blocks(self) -> bool:
        """Whether there is more than one chain of sums."""
        return self.summed > BLOCK


def split(extent: int, most: int) -> tuple[Run, ...]:
    """As few pieces as ``most`` allows, of one size or of two that differ by one, larger first."""
    if extent == 0:
        return ()
    parts = ceil(extent / most)
    size, larger = divmod(extent, parts)
    if larger == 0:
        return (Run(0, size, parts),)
    first = Run(0, size + 1, larger)
    return first, Run(first.stop, size, parts - larger)


def planned(kernel: Kernel, target: Target) -> Plan:
    """The cut of a kernel that has a contraction."""
    reduction = kernel.reduction
    assert isinstance(reduction, Contraction)
    row_axis, lane_axis, rows, columns = sides(kernel, reduction)
    dtype = reduction.left.buffer.dtype
    assert dtype == reduction.right.buffer.dtype, "operands have one element type"
    lanes = vector_lanes(dtype, target)
    extents = kernel.space[row_axis], kernel.space[lane_axis]
    ragged = extents[1] % lanes != 0
    vectors = ceil(extents[1] / lanes)
    space = (*kernel.space, reduction.extent)
    reads_whole = may_run_over(columns.access, space, lane_axis, lanes)
    registers = 32 if lanes * dtype.itemsize == _VECTOR_BYTES else 16
    height, width = tile(extents[0], vectors, reduction.extent, registers)
    widths = tuple(
        Run(run.start * lanes, run.size * lanes, run.count) for run in split(vectors, width)
    )
    return Plan(
        dtype,
        lanes,
        row_axis,
        lane_axis,
        rows,
        columns,
        split(extents[0], height),
        widths,
        reduction.extent,
        panel_of(columns, rows, reduction.extent, extents[0], reads_whole),
        ragged,
    )


def sides(kernel: Kernel, reduction: Contraction) -> tuple[int, int, Operand, Operand]:
    """The row axis, the lanes' axis and the operands that have them."""
    m, n = len(kernel.space) - 2, len(kernel.space) - 1
    left = Operand(reduction.left, reduction.left.strides[m], reduction.left.strides[-1])
    right = Operand(reduction.right, reduction.right.strides[n], reduction.right.strides[-1])
    return (m, n, left, right) if kernel.lanes == n else (n, m, right, left)


def vector_lanes(dtype: DType, target: Target) -> int:
    """Elements in a vector: half as many where they take 8 bytes."""
    return target.lanes // 2 if dtype.itemsize == 8 else target.lanes


def tile(rows: int, vectors: int, summed: int, registers: int) -> tuple[int, int]:
    """The most rows and the most vectors of a tile: what should take the fewest cycles."""
    tallest = _TALLEST_OF_32 if registers == 32 else _TALLEST_OF_16
    is_near = summed * vectors * _VECTOR_BYTES <= _NEAR
    wide = _WIDE[registers] if is_near else _WIDE_AFAR
    fitting = [
        (height, width)
        for width, most in tallest.items()
        if width <= max(vectors, 1) and (width <= wide or rows <= most)
        for height in {most, _even(rows, most)}
    ]
    return min(fitting, key=lambda shape: _cost(rows, vectors, summed, *shape))


def _even(rows: int, most: int) -> int:
    """The tallest of equal pieces."""
    return next(size for size in range(most, 0, -1) if rows % size == 0)


def _cost(rows: int, vectors: int, summed: int, height: int, width: int) -> float:
    """Cycles of all tiles: between those of a core alone, and of one shared by two threads."""
    high, wide = split(rows, height), split(vectors, width)
    cycles = _COMPILED * len(high) * len(wide)
    for down in high:
        for across in wide:
            products = down.size * across.size
            loads = down.size + across.size
            busy = max(products, loads, _LATENCY) / 2
            each = busy + (products + loads + 3) / 4
            cycles += down.count * across.count * (summed * each + 4 * products + 20)
    return cycles


def panel_of(columns: Operand, rows: Operand, summed: int, height: int, reads_whole: bool) -> Panel:
    """Whether tiles read the columns' operand where it lies."""
    size = columns.access.buffer.dtype.itemsize
    if columns.own == 1:
        enough = _LARGE_ACROSS if rows.own == 1 else _LARGE
        large = summed * columns.summed * size >= enough and height >= _MANY
        return "copied" if large or not reads_whole else "none"
    if columns.summed != 1 or size not in (4, 8):
        return "gathered"
    return "dots" if rows.summed == 1 and height <= _FEW else "transposed"
