"""Loops over a kernel's space: loads, expressions, stores, with vectors along one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from steepest.codegen.code import Code
from steepest.codegen.edges import may_run_over
from steepest.codegen.memory import mask, store, write
from steepest.codegen.nest import Nest, Place, Point
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Value, Whole, memory_text
from steepest.ir.scalar import Scalar, ordered
from steepest.schedule.kernels import Folds, Kernel

_STRAIGHT = 4  # rows of at most so many vectors are written without a loop
SHORT = 12  # bodies of so few instructions take several vectors at once
_SIDE_BY_SIDE = 2

Body: TypeAlias = Callable[[Sequence[tuple[Whole, Value | None]]], None]
"""Writes what happens to vectors side by side: the first position of each, and its mask."""


@final
@dataclass(frozen=True)
class Given:
    """Where a result of the reduction lies when the stores are done.

    Args:
        pointer: the value that holds the address of the block's first element.
        strides: per axis of the space, in elements, relative to the block's start; numbers or
            int64 values; 1 along the lanes (0 or 1 if that axis has one element).
    """

    pointer: str
    strides: tuple[Whole, ...]


def pointwise(kernel: Kernel, target: Target) -> Code:
    """A kernel without a reduction."""
    text = Text()
    if 0 not in kernel.space:
        counts = [_count(text, kernel, target, axis) for axis in range(len(kernel.space))]
        emit_stores(text, target, kernel, [0] * len(counts), counts, ())
    return text.code()


def _count(text: Text, kernel: Kernel, target: Target, axis: int) -> Whole:
    extent = kernel.space[axis]
    if extent == 1 or (axis == kernel.lanes and extent <= _STRAIGHT * vector(kernel, target)):
        return extent
    return text.extent(axis, extent)


def vector(kernel: Kernel, target: Target) -> int:
    """Elements of a vector of the kernel's results: half as many if one of them has 64 bits."""
    results = [store.value for store in kernel.stores]
    if isinstance(kernel.reduction, Folds):
        results += [folded.value for folded in kernel.reduction.folds]
    wide = any(each.dtype.itemsize == 8 for each in results)
    return target.lanes // 2 if wide else target.lanes


def emit_stores(
    text: Text,
    target: Target,
    kernel: Kernel,
    starts: Sequence[Whole],
    counts: Sequence[Whole],
    results: Sequence[Given],
) -> None:
    """Write the loops that do a kernel's stores over a block of its space.

    Loads and indices are those of the places start, start + 1, … of each axis. Whole vectors are
    loaded from results and from padded memory, so a result's rows along the lanes must have room
    for whole vectors; a check that fails returns 1.

    Args:
        text: the function, at the place where the block's results are ready.
        target: the processor.
        kernel: its stores and checks; the reduction is not looked at.
        starts: per axis of the space, the block's first place; along ``kernel.lanes`` a multiple
            of the vector.
        counts: per axis of the space, how many places; numbers or int64 values. At least 1.
        results: where result 0, 1, … of the reduction lies; booleans as bytes.
    """
    rank = len(kernel.space)
    vectors = kernel.lanes < rank and kernel.space[kernel.lanes] > 1
    lane_axis = kernel.lanes if vectors else None
    lanes = vector(kernel, target) if vectors else 1
    order = sorted(range(rank), key=lambda axis: (axis == lane_axis, axis))
    nest = Nest(text, target, kernel.space, rank, order, lane_axis, lanes)
    work = Stores(nest, kernel)
    for scalar in ordered([*work.checks, *work.values]):
        if scalar.instruction == "result":
            position: int = scalar.value
            given = results[position]
            pointer = _shifted(text, given, starts, scalar)
            nest.result_at(scalar, pointer, given.strides)
    work.descend(Point(), [(axis, starts[axis], counts[axis]) for axis in order])


def _shifted(text: Text, given: Given, starts: Sequence[Whole], scalar: Scalar) -> str:
    """The address that a result's element 0 of all axes would have."""
    back: Whole = 0
    for start, stride in zip(starts, given.strides, strict=True):
        back = text.add(back, text.multiply(text.multiply(start, stride), -1))
    return text.place(given.pointer, back, memory_text(scalar.dtype))


@final
class Stores:
    """What happens at each point of a kernel's space: checks, expressions, stores.

    Args:
        nest: the loops.
        kernel: its stores and checks.
    """

    def __init__(self, nest: Nest, kernel: Kernel) -> None:
        self.nest = nest
        found = nest.expressions([*kernel.checks, *(each.value for each in kernel.stores)])
        self.checks, self.values = found[: len(kernel.checks)], found[len(kernel.checks) :]
        self.places = [nest.place_of(each.access) for each in kernel.stores]
        self._exact = [each.exact for each in kernel.stores]

    @property
    def length(self) -> int:
        """Instructions for each vector, roughly."""
        return len(self.values) + self.nest.length([*self.checks, *self.values])

    @property
    def exact(self) -> bool:
        """Whether the vector that holds an axis's last elements needs a mask."""
        nest = self.nest
        axis = nest.lane_axis
        if axis is None:
            return False
        return (
            any(map(nest.varies, self.checks))
            or nest.reads_exactly(self.values)
            or not all(map(self._may_run_over, self.places, self._exact))
        )

    def _may_run_over(self, place: Place, exact: bool) -> bool:
        nest = self.nest
        assert place.access is not None
        assert nest.lane_axis is not None
        return not exact and may_run_over(place.access, nest.extents, nest.lane_axis, nest.lanes)

    def descend(self, point: Point, bounds: Sequence[tuple[int, Whole, Whole]]) -> None:
        """Write the loops over axes, each with a start and a count, and what is inside."""
        self.prepare(point)
        if not bounds:
            self.write([point])
            return
        (axis, start, count), *inner = bounds
        nest = self.nest
        stop = nest.text.add(start, count) if count != 1 else start
        if axis == nest.lane_axis:
            unroll = _SIDE_BY_SIDE if self.length <= SHORT else 1
            how = Sweep(start, stop, nest.lanes, unroll, self.exact, self.length)

            def body(vectors: Sequence[tuple[Whole, Value | None]]) -> None:
                with nest.scope():
                    points = [point.at(axis, *each) for each in vectors]
                    self.check(points)
                    self.write(points)

            how.write(nest.text, body)
        elif count == 1:
            self.descend(point.at(axis, start), inner)
        else:
            with nest.text.loop(start, stop) as loop, nest.scope():
                self.descend(point.at(axis, loop.index), inner)

    def prepare(self, point: Point) -> None:
        """Compute what the decided axes allow; checks first, since they guard addresses."""
        self.check([point])
        self.nest.prepare(point, self.values)
        for place in self.places:
            self.nest.pointer(place, point)

    def check(self, points: Sequence[Point]) -> None:
        """Stop where a check fails that depends on the axis decided last.

        A check may itself load from a place that the checks before it vouch for.
        """
        bad: list[str] = []
        for check in self.checks:
            due = [point for point in points if self._is_due(check, point)]
            if due and any(each.instruction == "load" and each.inputs for each in ordered([check])):
                self._stop_at(bad)
                bad = []
            bad += [self._violated(check, point) for point in due]
        self._stop_at(bad)

    def _is_due(self, check: Scalar, point: Point) -> bool:
        axes, decided = self.nest.axes(check), point.positions.keys()
        last = next(reversed(point.positions), None)
        return axes <= decided and (last in axes or not decided)

    def _stop_at(self, bad: Sequence[str]) -> None:
        text = self.nest.text
        if bad:
            found = bad[0]
            for each in bad[1:]:
                found = text.define(f"or i1 {found}, {each}")
            text.stop_when(found)

    def _violated(self, check: Scalar, point: Point) -> str:
        text, holds = self.nest.text, self.nest.value(check, point)
        if holds.lanes == 1:
            return text.define(f"xor i1 {holds.text}, true")
        fails = text.define(f"xor {holds}, splat (i1 true)")
        if point.mask is not None:
            fails = text.define(f"and {point.mask}, {fails}")
        function = f"llvm.vector.reduce.or.v{holds.lanes}i1"
        return text.call("i1", function, [(holds.type, fails)])

    def write(self, points: Sequence[Point]) -> None:
        """Compute the values at points side by side, then store them all."""
        nest = self.nest
        values = [[nest.value(each, point) for each in self.values] for point in points]
        for point, row in zip(points, values, strict=True):
            for place, value, exact in zip(self.places, row, self._exact, strict=True):
                self._store(place, value, point, exact)

    def _store(self, place: Place, value: Value, point: Point, exact: bool) -> None:
        nest = self.nest
        pointer, missing = nest.pointer(place, point)
        if not missing:
            store(nest.text, pointer, 0, value, 1)
            return
        assert missing == [(1, nest.lane_axis)], "stores have stride 1 along the lanes"
        assert nest.lane_axis is not None
        position = point.positions[nest.lane_axis]
        mask = None if self._may_run_over(place, exact) else point.mask
        write(nest.text, pointer, position, value, nest.lanes, mask)


@final
@dataclass(frozen=True)
class Sweep:
    """The vectors along an axis.

    Args:
        start: the first position, a multiple of ``lanes``.
        stop: the position after the last.
        lanes: of a vector.
        unroll: so many vectors side by side.
        exact: whether lanes behind the end must be masked.
        length: instructions for each vector.
    """

    start: Whole
    stop: Whole
    lanes: int
    unroll: int
    exact: bool
    length: int

    def write(self, text: Text, body: Body) -> None:
        """Write the loops; ``body`` is called once for each form of them."""
        if isinstance(self.start, int) and isinstance(self.stop, int):
            positions = range(self.start, self.stop, self.lanes)
            if len(positions) * self.length <= _STRAIGHT * SHORT:
                self._straight(text, positions, self.stop, body)
                return
        self._looped(text, body)

    def _straight(self, text: Text, positions: range, stop: int, body: Body) -> None:
        vectors: list[tuple[Whole, Value | None]] = []
        for position in positions:
            partial = self.exact and position + self.lanes > stop
            vectors.append((position, mask(text, self.lanes, position, stop) if partial else None))
        for first in range(0, len(vectors), self.unroll):
            body(vectors[first : first + self.unroll])

    def _looped(self, text: Text, body: Body) -> None:
        start = self.start
        if self.unroll > 1:
            several = self._whole(text, self.unroll * self.lanes)
            with text.loop(start, several, self.unroll * self.lanes) as loop:
                offsets = range(0, self.unroll * self.lanes, self.lanes)
                body([(text.add(loop.index, offset), None) for offset in offsets])
            start = several
        stop = self._whole(text, self.lanes) if self.exact else self.stop
        with text.loop(start, stop, self.lanes) as loop:
            body([(loop.index, None)])
        if self.exact:
            with text.when(text.define(f"icmp slt i64 {stop}, {self.stop}")):
                body([(stop, mask(text, self.lanes, stop, self.stop))])

    def _whole(self, text: Text, step: int) -> Whole:
        """The end of the last whole group of so many elements."""
        if isinstance(self.start, int) and isinstance(self.stop, int):
            return self.start + (self.stop - self.start) // step * step
        back = text.multiply(self.start, -1)
        count = text.define(f"and i64 {text.add(self.stop, back)}, {-step}")
        return text.add(self.start, count)
