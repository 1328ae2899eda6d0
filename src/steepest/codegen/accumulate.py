"""The loops of a fold: several chains in turn, in blocks, both fixed by the shape alone.

The elements along the innermost axis go to a few accumulators in turn (``chains``), so that an
addition needs not wait for the one before. After so many additions of each (``CHAIN``) the
accumulators are added to totals, for sums in float64, and start again: what rounding does to long
sums is then no more than to short ones. Neither depends on the processor: the same bits come out of
vectors of any width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from steepest.codegen.combine import combined, identity, of_nothing, resized
from steepest.codegen.expressions import widened
from steepest.codegen.nest import Nest, Point
from steepest.codegen.text import Text, Value, Whole
from steepest.ir.lowering import Combine
from steepest.ir.scalar import Scalar
from steepest.ir.types import DType, float32, float64
from steepest.schedule.kernels import Folds

CHAIN = 32


@final
@dataclass(frozen=True)
class Blocks:
    """Where accumulators are added to totals: after ``size`` places of an axis."""

    axis: int
    size: int


def blocks(axes: Sequence[int], extents: Sequence[int], step: int, chains: int) -> Blocks | None:
    """The blocks of a fold over axes, of which the innermost is taken ``step`` places at a time.

    ``chains`` accumulators take turns along that axis.
    """
    additions, places = 1, step * chains
    for axis in reversed(axes):
        turns = -(-extents[axis] // places)
        if additions * turns > CHAIN:
            return Blocks(axis, max(1, CHAIN // additions) * places)
        additions, places = additions * turns, 1
    return None


@final
class Accumulation:
    """Folds over the same axes while they are written.

    Args:
        nest: the loops; it knows the folds' values.
        reduction: what is folded, and how.
        values: of the folds, in basic instructions.
        axes: of the reduction, the innermost last.
        step: places of the innermost axis that are taken at a time: a vector, or one.
        chains: accumulators in turn along the innermost axis.
    """

    def __init__(
        self,
        nest: Nest,
        reduction: Folds,
        values: Sequence[Scalar],
        axes: Sequence[int],
        step: int,
        chains: int,
    ) -> None:
        self.nest, self.values, self.axes = nest, values, axes
        self.hows: list[Combine] = [each.combine for each in reduction.folds]
        self.step, self.chains = step, chains
        self.extents = {axis: nest.extents[axis] for axis in axes}
        self.blocks = blocks(axes, nest.extents, step, chains)

    @property
    def text(self) -> Text:
        """The function."""
        return self.nest.text

    @property
    def types(self) -> list[DType]:
        """Of each fold's results: wider than its values where they are added to totals."""
        long = self.blocks is not None and 0 not in self.extents.values()
        return [
            float64 if long and how == "sum" and value.dtype == float32 else value.dtype
            for how, value in zip(self.hows, self.values, strict=True)
        ]

    def run(self, points: Sequence[Point]) -> list[list[Value]]:
        """What each fold gives at points side by side: per point, per fold, in lanes."""
        if 0 in self.extents.values():
            nothing = [
                of_nothing(how, value.dtype)
                for how, value in zip(self.hows, self.values, strict=True)
            ]
            return [nothing for _ in points]
        if self.blocks is None:
            totals = self._merged(self._over(self.axes, points, self._accumulators(points)))
        else:
            totals = self._start(points, self.types, 1)
            totals = self._in_blocks(self.axes, points, totals, self.blocks)
        count = len(self.values)
        return [totals[first : first + count] for first in range(0, len(totals), count)]

    def _accumulators(self, points: Sequence[Point]) -> list[Value]:
        """By point, fold, chain."""
        return self._start(points, [value.dtype for value in self.values], self.chains)

    def _start(self, points: Sequence[Point], types: Sequence[DType], chains: int) -> list[Value]:
        """What nothing adds up to, so many times for each point and fold."""
        return [
            widened(self.text, identity(how, dtype), self.nest.lanes)
            for _ in points
            for how, dtype in zip(self.hows, types, strict=True)
            for _ in range(chains)
        ]

    def _merged(self, accumulators: Sequence[Value]) -> list[Value]:
        """The chains of each point and fold as one: first neighbours, then pairs."""
        merged: list[Value] = []
        for turn, first in enumerate(range(0, len(accumulators), self.chains)):
            level = list(accumulators[first : first + self.chains])
            how = self.hows[turn % len(self.hows)]
            while len(level) > 1:
                pairs = zip(level[::2], level[1::2], strict=False)
                odd = level[-1:] if len(level) % 2 else []
                level = [combined(self.text, how, a, b) for a, b in pairs] + odd
            merged += level
        return merged

    def _in_blocks(
        self, axes: Sequence[int], points: Sequence[Point], totals: list[Value], cut: Blocks
    ) -> list[Value]:
        """Totals after all of these axes."""
        text, (axis, *inner) = self.text, axes
        stop = self._stop(axis)
        carried = [(each.type, each.text) for each in totals]
        size = cut.size if axis == cut.axis else 1
        with text.loop(0, stop, size, carried) as loop, self.nest.scope():
            before = _like(totals, loop.carried)
            if axis == cut.axis:
                end = text.least(text.add(loop.index, size), stop)
                block = self._over(axes, points, self._accumulators(points), (loop.index, end))
                after = self._sums(before, self._merged(block))
            else:
                following = self._at(points, axis, loop.index)
                after = self._in_blocks(inner, following, before, cut)
            loop.following = [each.text for each in after]
        return _like(totals, loop.results)

    def _sums(self, totals: Sequence[Value], block: Sequence[Value]) -> list[Value]:
        pairs = enumerate(zip(totals, block, strict=True))
        return [
            combined(self.text, self.hows[i % len(self.hows)], a, resized(self.text, b, a.dtype))
            for i, (a, b) in pairs
        ]

    def _at(self, points: Sequence[Point], axis: int, position: Whole) -> list[Point]:
        following = [point.at(axis, position) for point in points]
        for point in following:
            self.nest.prepare(point, self.values)
        return following

    def _stop(self, axis: int) -> Whole:
        """The end of an axis: a number where the text depends on it."""
        extent = self.extents[axis]
        few = extent <= self.chains * self.step if axis == self.axes[-1] else extent == 1
        return extent if few else self.text.extent(axis, extent)

    def _over(
        self,
        axes: Sequence[int],
        points: Sequence[Point],
        carried: list[Value],
        bounds: tuple[Whole, Whole] | None = None,
    ) -> list[Value]:
        """Accumulators after all of these axes; ``bounds`` are of the first."""
        axis, *inner = axes
        start, stop = bounds or (0, self._stop(axis))
        if not inner:
            return self._along(axis, points, carried, start, stop)
        initial = [(each.type, each.text) for each in carried]
        with self.text.loop(start, stop, 1, initial) as loop, self.nest.scope():
            following = self._at(points, axis, loop.index)
            after = self._over(inner, following, _like(carried, loop.carried))
            loop.following = [each.text for each in after]
        return _like(carried, loop.results)

    # ----------------------------------------------------------------------- the innermost axis

    def _along(
        self, axis: int, points: Sequence[Point], carried: list[Value], start: Whole, stop: Whole
    ) -> list[Value]:
        extent, group = self.extents[axis], self.chains * self.step
        if isinstance(stop, int) and start == 0:
            turns = range(0, extent, self.step)
            return self._turn(axis, points, carried, list(turns), self._partial(axis, stop))
        whole = self._whole(start, stop, group)
        initial = [(each.type, each.text) for each in carried]
        with self.text.loop(start, whole, group, initial) as loop, self.nest.scope():
            places = [self.text.add(loop.index, turn * self.step) for turn in range(self.chains)]
            after = self._turn(axis, points, _like(carried, loop.carried), places, None)
            loop.following = [each.text for each in after]
        carried = _like(carried, loop.results)
        if extent % group == 0:
            return carried
        initial = [(each.type, each.text) for each in carried]
        with self.text.loop(whole, stop, self.step, initial) as loop, self.nest.scope():
            partial = self._partial(axis, stop)
            after = self._turn(axis, points, _like(carried, loop.carried), [loop.index], partial)
            loop.following = [each.text for each in after]
        return _like(carried, loop.results)

    def _whole(self, start: Whole, stop: Whole, group: int) -> Whole:
        count = self.text.add(stop, self.text.multiply(start, -1))
        return self.text.add(start, self.text.define(f"and i64 {count}, {-group}"))

    def _partial(self, axis: int, stop: Whole) -> Whole | None:
        """Where the elements end, if the last vector has fewer."""
        along_lanes = axis == self.nest.lane_axis and self.nest.lanes > 1
        return stop if along_lanes and self.extents[axis] % self.step else None

    def _turn(
        self,
        axis: int,
        points: Sequence[Point],
        accumulators: Sequence[Value],
        places: Sequence[Whole],
        partial: Whole | None,
    ) -> list[Value]:
        """One place after the other to chain 0, 1, …; lanes behind the end count for nothing."""
        after = list(accumulators)
        for chain, place in enumerate(places):
            masked = partial is not None and (
                not isinstance(place, int) or place + self.step > int(partial)
            )
            mask = self.nest.mask(place, partial) if masked and partial is not None else None
            for position, point in enumerate(points):
                here = point.at(axis, place, mask)
                for fold, (how, scalar) in enumerate(zip(self.hows, self.values, strict=True)):
                    value = self.nest.value(scalar, here)
                    if mask is not None:
                        value = self._only(mask, value, identity(how, scalar.dtype))
                    at = (position * len(self.hows) + fold) * self.chains + chain
                    after[at] = combined(self.text, how, after[at], value)
        return after

    def _only(self, mask: Value, value: Value, other: Value) -> Value:
        a, b = (widened(self.text, each, mask.lanes) for each in (value, other))
        return Value(self.text.define(f"select {mask}, {a}, {b}"), a.dtype, a.lanes)


def _like(values: Sequence[Value], names: Sequence[str]) -> list[Value]:
    """Other values of the same types."""
    return [Value(name, each.dtype, each.lanes) for each, name in zip(values, names, strict=True)]
