"""Kernels that fold over axes: vectors along the folded axis, or along one that stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import final

from steepest.codegen.accumulate import Accumulation
from steepest.codegen.code import Code
from steepest.codegen.combine import across, across_each, resized
from steepest.codegen.loops import (
    SHORT,
    Stores,
    Sweep,
    vector,
)
from steepest.codegen.memory import load, store
from steepest.codegen.nest import Nest, Point
from steepest.codegen.target import Target, virtual_lanes
from steepest.codegen.text import Text, Value, Whole, memory_text
from steepest.ir.lowering import Combine
from steepest.ir.scalar import Scalar, ordered
from steepest.ir.types import DType
from steepest.schedule.kernels import Folds, Kernel

_CHAINS = 4
_MANY = 8


def folds(kernel: Kernel, target: Target) -> Code:
    """A kernel whose reduction is a Folds."""
    text = Text()
    if 0 in kernel.space:
        return text.code()
    if kernel.lanes >= len(kernel.space):
        _along_the_fold(text, kernel, target)
    else:
        _beside_the_fold(text, kernel, target)
    return text.code()


def _reduction(kernel: Kernel) -> Folds:
    assert isinstance(kernel.reduction, Folds)
    return kernel.reduction


def _chains(nest: Nest, values: Sequence[Scalar]) -> int:
    """Several accumulators hide the time of an addition; long bodies do that by themselves."""
    return _CHAINS if len(values) <= 2 and nest.length(values) <= SHORT else 1


# ------------------------------------------------------------------- vectors along the folded axis


def _along_the_fold(text: Text, kernel: Kernel, target: Target) -> None:
    """Row by row; the last axis of the space in blocks, whose results are stored together."""
    reduction, rank = _reduction(kernel), len(kernel.space)
    lanes = min(virtual_lanes(each.value.dtype) for each in reduction.folds)
    extents = (*kernel.space, *reduction.extents)
    axes = sorted(range(rank, len(extents)), key=lambda axis: (axis == kernel.lanes, axis))
    nest = Nest(text, target, extents, rank, [*range(rank), *axes], kernel.lanes, lanes)
    values = nest.expressions([each.value for each in reduction.folds])
    chains = _chains(nest, values)
    sums = Accumulation(nest, reduction, values, axes, lanes, chains)

    def results(point: Point) -> list[Value]:
        nest.prepare(point, values)
        return sums.run([point])[0]

    fold = _Fold(nest, values, sums.hows, sums.types, results)
    if _is_collected(kernel):
        _collected(text, kernel, target, fold)
    else:
        _one_by_one(text, kernel, target, fold)


@final
@dataclass(frozen=True)
class _Fold:
    """What gives the results at a point of the space, as vectors whose lanes are to be folded.

    ``types`` are theirs, which may be wider than those of the values.
    """

    nest: Nest
    values: Sequence[Scalar]
    hows: Sequence[Combine]
    types: Sequence[DType]
    results: Callable[[Point], list[Value]]

    def prepare(self, point: Point) -> None:
        self.nest.prepare(point, self.values)


def _is_collected(kernel: Kernel) -> bool:
    """Whether results along the space's last axis are stored side by side, and many."""
    stores = kernel.stores
    return (
        bool(kernel.space)
        and kernel.space[-1] >= _MANY
        and all(each.access.strides[-1] == 1 for each in stores)
    )


def _over(
    text: Text,
    nests: Sequence[Nest],
    axes: Sequence[int],
    point: Point,
    prepare: Callable[[Point], None],
    body: Callable[[Point], None],
) -> None:
    """Loops over axes of the space; ``prepare`` at the begin of each, ``body`` in the innermost."""
    if not axes:
        body(point)
        return
    prepare(point)
    axis, *inner = axes
    extent = nests[0].extents[axis]
    if extent == 1:
        _over(text, nests, inner, point.at(axis, 0), prepare, body)
        return
    with ExitStack() as stack:
        loop = stack.enter_context(text.loop(0, text.extent(axis, extent)))
        for nest in nests:
            stack.enter_context(nest.scope())
        _over(text, nests, inner, point.at(axis, loop.index), prepare, body)


def _one_by_one(text: Text, kernel: Kernel, target: Target, fold: _Fold) -> None:
    """Each result is stored as soon as it is there."""
    rank = len(kernel.space)
    plain = Nest(text, target, kernel.space, rank, range(rank), None, 1)
    stores = Stores(plain, kernel)

    def prepare(point: Point) -> None:
        fold.prepare(point)
        stores.prepare(point)

    def body(point: Point) -> None:
        pairs = zip(fold.hows, fold.results(point), strict=True)
        give(plain, stores, point, [across(text, how, each) for how, each in pairs])
        stores.prepare(point)
        stores.write([point])

    _over(text, [fold.nest, plain], range(rank), Point(), prepare, body)


def give(nest: Nest, stores: Stores, point: Point, results: Sequence[Value]) -> None:
    """Tell the stores' expressions what the reduction gave at a point."""
    for scalar in ordered([*stores.checks, *stores.values]):
        if scalar.instruction == "result":
            position: int = scalar.value
            nest.give(scalar, point, resized(nest.text, results[position], scalar.dtype))


def _collected(text: Text, kernel: Kernel, target: Target, fold: _Fold) -> None:
    """As many rows as a vector has lanes wait on the stack; then each gives a lane of the results.

    Rows after the last are the last one again: what they give lies in padding.
    """
    axis, lanes = len(kernel.space) - 1, fold.nest.lanes
    extent = kernel.space[axis]
    rows = [text.stack(f"[{lanes * lanes} x {memory_text(dtype)}]") for dtype in fold.types]
    beside = Nest(text, target, kernel.space, axis + 1, range(axis + 1), axis, lanes)
    stores = Stores(beside, kernel)

    def group(point: Point, first: Whole) -> None:
        with text.loop(0, lanes) as loop, fold.nest.scope():
            row = text.least(text.add(first, loop.index), text.add(text.extent(axis, extent), -1))
            place = text.multiply(loop.index, lanes)
            for pointer, value in zip(rows, fold.results(point.at(axis, row)), strict=True):
                store(text, pointer, place, value, lanes)
        mask = beside.mask(first, text.extent(axis, extent)) if stores.exact else None
        here = point.at(axis, first, mask)
        results: list[Value] = []
        for pointer, how, dtype in zip(rows, fold.hows, fold.types, strict=True):
            places = range(0, lanes * lanes, lanes)
            vectors = [load(text, pointer, each, dtype, lanes) for each in places]
            results.append(across_each(text, how, vectors))
        give(beside, stores, here, results)
        stores.check([here])
        stores.write([here])

    def prepare(point: Point) -> None:
        fold.prepare(point)
        stores.prepare(point)

    def body(point: Point) -> None:
        prepare(point)
        if extent <= lanes:
            group(point, 0)
            return
        with (
            text.loop(0, text.extent(axis, extent), lanes) as loop,
            fold.nest.scope(),
            beside.scope(),
        ):
            group(point, loop.index)

    _over(text, [fold.nest, beside], range(axis), Point(), prepare, body)


# ---------------------------------------------------------------- vectors along an axis that stays


def _beside_the_fold(text: Text, kernel: Kernel, target: Target) -> None:
    """Several vectors of columns side by side go down the rows together."""
    reduction, rank, axis = _reduction(kernel), len(kernel.space), kernel.lanes
    wide = kernel.space[axis] > 1
    lanes = vector(kernel, target) if wide else 1
    extents = (*kernel.space, *reduction.extents)
    outer = [each for each in range(rank) if each != axis]
    axes = range(rank, len(extents))
    nest = Nest(text, target, extents, rank, [*outer, axis, *axes], axis if wide else None, lanes)
    values = nest.expressions([each.value for each in reduction.folds])
    stores = Stores(nest, kernel)
    chains = _chains(nest, values)
    sums = Accumulation(nest, reduction, values, axes, 1, chains)
    exact = wide and (stores.exact or nest.reads_exactly(values))
    unroll = _side_by_side(target, chains, len(values))

    def body(point: Point, vectors: Sequence[tuple[Whole, Value | None]]) -> None:
        with nest.scope():
            points = [point.at(axis, *each) for each in vectors]
            for each in points:
                nest.prepare(each, values)
            for each, results in zip(points, sums.run(points), strict=True):
                give(nest, stores, each, results)
            stores.check(points)
            stores.write(points)

    def prepare(point: Point) -> None:
        nest.prepare(point, values)
        stores.prepare(point)

    def sweep(point: Point) -> None:
        prepare(point)
        stop = kernel.space[axis]
        few = stop <= unroll * lanes
        sweep = Sweep(0, stop if few else text.extent(axis, stop), lanes, unroll, exact, 1)
        sweep.write(text, lambda vectors: body(point, vectors))

    _over(text, [nest], outer, Point(), prepare, sweep)


def _side_by_side(target: Target, chains: int, count: int) -> int:
    """Two vectors, as long as their accumulators take half the registers at most."""
    registers = 32 if target.lanes == 16 else 16
    return 2 if chains > 1 and 4 * chains * count <= registers else 1
