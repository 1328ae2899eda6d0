"""Positions through views: as NumPy's views show them, and without divisions where none is due."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some

from schedule.simulate import grid
from steepest.ir.lowering import Part, Permute, Reshape, Stretch, View
from steepest.ir.scalar import Scalar, argument, evaluate, ordered
from steepest.ir.types import Array, Shape, int64
from steepest.schedule.index import Index, Linear, address, axis_index, linear, through, total

Step = tuple[View, Callable[[Array], Array]]


# ---------------------------------------------------------------------------------- views at random


@some.composite
def steps(draw: some.DrawFn) -> tuple[Shape, list[Step]]:
    """A shape, and views one on the other, each also as NumPy makes it."""
    shape = tuple(draw(some.lists(some.integers(0, 6), max_size=4)))
    found: list[Step] = []
    sizes = shape
    for _ in range(draw(some.integers(1, 5))):
        step = draw(some.sampled_from([permute, stretch, part, reshape]))(draw, sizes)
        sizes = step[1](np.empty(sizes)).shape
        found.append(step)
    return shape, found


def permute(draw: some.DrawFn, shape: Shape) -> Step:
    axes = tuple(draw(some.permutations(range(len(shape)))))
    return Permute(axes), lambda x: x.transpose(axes)


def stretch(draw: some.DrawFn, shape: Shape) -> Step:
    wide = tuple(draw(some.sampled_from([1, 2, 3])) if extent == 1 else extent for extent in shape)
    lead = draw(some.sampled_from([(), (), (2,), (1, 3)])) if math.prod(wide) < 100 else ()
    return Stretch(), lambda x: np.broadcast_to(x, (*lead, *wide))


def part(draw: some.DrawFn, shape: Shape) -> Step:
    cuts = tuple(draw(some.sampled_from(cuts_of(extent))) for extent in shape)
    slices = tuple(slice(a, None if b < 0 else b, step) for a, b, step in cuts)
    return Part(cuts), lambda x: x[slices]


def cuts_of(n: int) -> list[tuple[int, int, int]]:
    if not n:
        return [(0, 0, 1)]
    return [(0, n, 1), (n - 1, -1, -1), (n // 2, n, 1), (0, n, 2), (n - 1, -1, -3), (n - 1, n, 1)]


def reshape(draw: some.DrawFn, shape: Shape) -> Step:
    """A division of the elements into axes, at random."""
    left = math.prod(shape)
    extents: list[int] = []
    while left > 1:
        extents.append(draw(some.sampled_from([k for k in range(2, left + 1) if left % k == 0])))
        left //= extents[-1]
    if not left:
        extents = [0, *draw(some.sampled_from([[], [2]]))]
    for _ in range(draw(some.integers(0, 1))):
        extents.insert(draw(some.integers(0, len(extents))), 1)
    target = tuple(extents)
    return Reshape(), lambda x: x.reshape(target)


def seen_through(shape: Shape, views: Sequence[Step]) -> tuple[Array, tuple[Index, ...], Shape]:
    """What NumPy shows of 0, 1, … in a shape, and where it comes from."""
    values = np.arange(math.prod(shape)).reshape(shape)
    shapes = [shape]
    for _, show in views:
        values = show(values)
        shapes.append(values.shape)
    indices: tuple[Index, ...] = own(values.shape)
    for (view, _), source, target in zip(views[::-1], shapes[-2::-1], shapes[:0:-1], strict=True):
        indices = through(view, indices, source, target)
    return values, indices, values.shape


def own(shape: Shape) -> tuple[Index, ...]:
    """Every axis of the kernel is one of the value; those of one element are left out."""
    return tuple(Linear() if extent == 1 else axis_index(a) for a, extent in enumerate(shape))


def number(where: Linear, extents: Shape) -> Array:
    """A linear function at every point."""
    total = np.full(extents, where.constant)
    for axis, coefficient in where.axes:
        total = total + coefficient * grid(extents)[axis]
    for scalar, coefficient in where.scalars:
        total = total + coefficient * at_every_point(scalar, extents)
    return np.broadcast_to(total, extents)


def at_every_point(root: Scalar, extents: Shape) -> Array:
    values: dict[Scalar, Array] = {}
    for scalar in ordered([root]):
        if scalar.instruction == "index":
            values[scalar] = grid(extents)[scalar.value]
            continue
        leaves = tuple(argument(i, each.dtype) for i, each in enumerate(scalar.inputs))
        given = [values[each] for each in scalar.inputs]
        instruction = Scalar(scalar.instruction, leaves, scalar.dtype, scalar.value)
        values[scalar] = evaluate(instruction, *given)
    return values[root]


@given(steps())
def test_a_place_is_where_numpy_sees_it(drawn: tuple[Shape, list[Step]]) -> None:
    shape, views = drawn
    expected, indices, extents = seen_through(shape, views)
    if not expected.size:
        return
    places = [number(linear(index), extents) for index in indices]
    found = np.ravel_multi_index(places, shape) if shape else np.zeros(extents, int)
    np.testing.assert_array_equal(found, expected)


@given(steps(), some.data())
def test_an_address_is_in_memory_laid_out_anyhow(
    drawn: tuple[Shape, list[Step]], data: some.DataObject
) -> None:
    """Dense, padded, or in another order of axes."""
    shape, views = drawn
    expected, indices, extents = seen_through(shape, views)
    if not expected.size:
        return
    order = data.draw(some.permutations(range(len(shape))))
    strides = [0] * len(shape)
    size = 1
    for axis in order:
        strides[axis] = size
        size *= shape[axis] + data.draw(some.sampled_from([0, 0, 3]))
    memory = np.full(size, -1)
    places = sum(s * i for s, i in zip(strides, grid(shape), strict=True))
    memory[places] = np.arange(math.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(memory[number(address(indices, strides), extents)], expected)


# ------------------------------------------------------------------- where no division may remain


def where(views: Sequence[View], shapes: Sequence[Shape]) -> tuple[Index, ...]:
    """The indices in the first shape, after views to the following ones."""
    indices: tuple[Index, ...] = own(shapes[-1])
    for view, source, target in zip(views[::-1], shapes[-2::-1], shapes[:0:-1], strict=True):
        indices = through(view, indices, source, target)
    return indices


@pytest.mark.parametrize(
    ("shapes", "strides", "expected"),
    [
        # Axes made one, and one made two, in dense memory.
        ([(2, 3), (6,)], (3, 1), {0: 1}),
        ([(2, 3, 4), (6, 4)], (12, 4, 1), {0: 4, 1: 1}),
        ([(6,), (2, 3)], (1,), {0: 3, 1: 1}),
        ([(2, 3, 4), (2, 12)], (16, 4, 1), {0: 16, 1: 1}),
        # There and back.
        ([(6,), (2, 3), (6,)], (1,), {0: 1}),
        ([(6, 4), (2, 3, 4), (6, 4)], (16, 1), {0: 16, 1: 1}),
        ([(6,), (3, 2), (2, 3)], (1,), {0: 3, 1: 1}),
        # An axis split that had been merged, its halves made one again.
        ([(4, 6), (2, 2, 6), (4, 2, 3)], (16, 1), {0: 16, 1: 3, 2: 1}),
        # Padded rows are no obstacle to what does not cross them.
        ([(4, 6), (2, 2, 6)], (16, 1), {0: 32, 1: 16, 2: 1}),
    ],
)
def test_reshapes_that_need_no_division(
    shapes: list[Shape], strides: Shape, expected: dict[int, int]
) -> None:
    views = [Reshape() for _ in shapes[1:]]
    found = address(where(views, shapes), strides)
    assert found == Linear(0, tuple(expected.items()))


def test_a_division_remains_where_rows_are_padded() -> None:
    found = address(where([Reshape()], [(2, 3), (6,)]), (16, 1))
    assert found.scalars
    points = number(found, (6,))
    np.testing.assert_array_equal(points, [0, 1, 2, 16, 17, 18])


def test_the_outermost_axis_needs_no_remainder_and_the_innermost_no_quotient() -> None:
    (outer, middle, inner) = where([Reshape()], [(2, 3, 4), (24,)])
    terms = [len(linear(index).scalars) for index in (outer, middle, inner)]
    assert terms == [1, 2, 2]
    (first, _) = linear(inner).scalars[0]
    assert first.instruction == "index"


def test_sums_and_multiples() -> None:
    i, j = axis_index(0), axis_index(1)
    scalar = argument(0, int64)
    one = Linear(1, ((0, 2), (1, 3)), ((scalar, 4),))
    assert total([(i, 1), (j, 1), (i, 1)]) == Linear(0, ((0, 2), (1, 1)))
    assert total([(one, 1), (one, -1)]) == Linear()
    assert total([(one, 0), (j, 2)]) == Linear(0, ((1, 2),))
    assert total([(one, 1), (i, 3)]) == Linear(1, ((0, 5), (1, 3)), ((scalar, 4),))
    assert one.scaled(0, 5) == Linear(5)
    assert one.scaled(2, 1) == Linear(3, ((0, 4), (1, 6)), ((scalar, 8),))
    assert total([(j, 1), (i, 1)]) == total([(i, 1), (j, 1)])


@pytest.mark.parametrize(("constant", "coefficient"), list(itertools.product([0, 5], [1, 7])))
def test_a_position_as_a_value(constant: int, coefficient: int) -> None:
    position = Linear(constant, ((0, coefficient),)).scalar()
    np.testing.assert_array_equal(
        at_every_point(position, (4,)), constant + coefficient * np.arange(4)
    )
    nowhere: Any = Linear(constant).scalar()
    assert (nowhere.instruction, nowhere.value) == ("constant", constant)
