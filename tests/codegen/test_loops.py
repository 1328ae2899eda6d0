"""Kernels without a reduction: every shape of loop, on every width, with poisoned padding."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import DTypeLike

from codegen.arena import judge, padded, run
from codegen.native import TARGETS, widths
from steepest.codegen.emit import emit
from steepest.ir.scalar import Scalar, multiply_add, number, select, sqrt
from steepest.ir.types import DTYPES, Array, Shape, float32, int64
from steepest.schedule.kernels import Access, Buffer, Kernel, Role, Store

EXTENTS = (0, 1, 15, 16, 17, 33, 64, 65, 130)


def leaf(buffer: Buffer, strides: tuple[int, ...], offset: int = 0) -> Scalar:
    return Scalar("load", (), buffer.dtype, Access(buffer, strides, offset))


def computed(buffer: Buffer, strides: tuple[int, ...], *terms: tuple[int, Scalar]) -> Scalar:
    access = Access(buffer, strides, 0, tuple(stride for stride, _ in terms))
    return Scalar("load", tuple(scalar for _, scalar in terms), buffer.dtype, access)


def into(buffer: Buffer, value: Scalar, offset: int = 0) -> Store:
    return Store(Access(buffer, buffer.strides, offset), value)


def draw(shape: Shape, dtype: DTypeLike, seed: int = 0) -> Array:
    generator = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind == "f":
        return generator.normal(size=shape).astype(dtype)
    low = -50 if np.dtype(dtype).kind == "i" else 0
    return generator.integers(low, 2 if np.dtype(dtype).kind == "b" else 99, shape).astype(dtype)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize("extent", EXTENTS)
def test_one_axis(extent: int, role: Role, lanes: int) -> None:
    x, y = (padded(name, float32, (extent,), role) for name in "xy")
    z = padded("z", float32, (extent,))
    value = leaf(x, x.strides) * leaf(y, y.strides) + 2.0
    kernel = Kernel("k", (extent,), (into(z, value),), 0)
    judge(kernel, {x: draw((extent,), float32), y: draw((extent,), float32, 1)}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize("shape", [(3, 50), (2, 3, 10), (5, 1), (1, 1, 7), (4, 0), (2, 200)])
def test_rows_columns_and_what_varies_along_some_axes(shape: Shape, role: Role, lanes: int) -> None:
    x = padded("x", float32, shape, role)
    row = padded("row", float32, shape[-1:], role)
    column = padded("column", float32, shape[:-1], role)
    one = padded("one", float32, (), role)
    z = padded("z", float32, shape)
    lead = (0,) * (len(shape) - 1)
    values = (
        leaf(x, x.strides),
        leaf(row, (*lead, *row.strides)),
        leaf(column, (*column.strides, 0)),
        leaf(one, (*lead, 0)),
    )
    value = (values[0] + values[1]) * sqrt(values[2] * values[2]) - values[3] * values[2]
    kernel = Kernel("k", shape, (into(z, value),), len(shape) - 1)
    given = {each: draw(each.extents, float32, i) for i, each in enumerate((x, row, column, one))}
    judge(kernel, given, [z], lanes)


def innermost(body: str) -> list[str]:
    """The instructions of the blocks that go back to themselves."""
    blocks = re.findall(r"^(\w+):\n((?:  .*\n)+)", body, re.MULTILINE)
    return [
        line for label, text in blocks if text.count(f"%{label} ]") for line in text.splitlines()
    ]


@pytest.mark.parametrize("lanes", TARGETS)
def test_what_a_row_has_in_common_is_computed_when_it_begins(lanes: int) -> None:
    x, z = (padded(name, float32, (40, 100)) for name in "xz")
    column = padded("column", float32, (40,))
    root = sqrt(leaf(column, (1, 0)))
    kernel = Kernel("k", (40, 100), (into(z, leaf(x, x.strides) + root),), 1)
    lines = innermost(emit(kernel, TARGETS[lanes]).body)
    assert any(f"load <{lanes} x float>" in line for line in lines)
    assert not [line for line in lines if "load float" in line or "sqrt" in line]


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("role", ["scratch", "table"])
def test_every_element_type(role: Role, dtype: DTypeLike, lanes: int) -> None:
    x = padded("x", dtype, (3, 21), role)
    z, same = padded("z", float32, (3, 21)), padded("same", dtype, (3, 21))
    value = leaf(x, x.strides)
    kernel = Kernel("k", (3, 21), (into(z, value.cast(float32)), into(same, value)), 1)
    judge(kernel, {x: draw((3, 21), dtype)}, [z, same], lanes)


@pytest.mark.parametrize("lanes", widths())
def test_lanes_along_another_axis_than_the_last(lanes: int) -> None:
    x = padded("x", float32, (37, 5))
    z = padded("z", float32, (5, 37))
    store = Store(Access(z, (1, z.strides[0])), leaf(x, x.strides) * 3.0)
    judge(Kernel("k", (37, 5), (store,), 0), {x: draw((37, 5), float32)}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
def test_parts_of_rows_at_computed_positions(role: Role, lanes: int) -> None:
    table, index = padded("table", float32, (7, 32), role), padded("index", int64, (3,), role)
    z = padded("z", float32, (3, 27))
    access = Access(table, (0, 1), 5, (32,))
    value = Scalar("load", (leaf(index, (1, 0)),), float32, access)
    kernel = Kernel("k", (3, 27), (into(z, value),), 1)
    judge(kernel, {table: draw((7, 32), float32), index: [6, 0, 6]}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("rows", [1, 6, 40])
def test_rows_of_a_table_at_computed_positions(rows: int, lanes: int) -> None:
    table = padded("table", np.uint8, (50, 19), "table")
    index = padded("index", np.int32, (rows,), "table")
    z = padded("z", float32, (rows, 19))
    position = leaf(index, (*index.strides, 0)).cast(int64)
    value = computed(table, (0, 1), (19, position)).cast(float32) * (1 / 255)
    kernel = Kernel("k", (rows, 19), (into(z, value),), 1)
    where = draw((rows,), np.uint8) % 50
    where[-1] = 49
    judge(kernel, {table: draw((50, 19), np.uint8), index: where}, [z], lanes, 1e-6)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize("count", [1, 15, 33, 100])
def test_single_elements_at_computed_positions(count: int, role: Role, lanes: int) -> None:
    table = padded("table", float32, (7, 9), role)
    index = padded("index", int64, (count,), role)
    z = padded("z", float32, (count,))
    value = computed(table, (0,), (table.strides[0], leaf(index, index.strides)))
    kernel = Kernel("k", (count,), (into(z, value),), 0)
    where = draw((count,), np.uint8) % 7
    where[0] = 6
    judge(kernel, {table: draw((7, 9), float32), index: where}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
def test_positions_are_numbers(lanes: int) -> None:
    z = padded("z", int64, (3, 20))
    value = Scalar("index", (), int64, 0) * 100 + Scalar("index", (), int64, 1)
    judge(Kernel("k", (3, 20), (into(z, value),), 1), {}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
def test_a_part_of_a_buffer_leaves_its_neighbours_alone(lanes: int) -> None:
    x = padded("x", float32, (4, 5))
    whole = padded("whole", float32, (4, 23))
    before = draw((4, 23), float32, 1)
    store = Store(Access(whole, whole.strides, 6), leaf(x, x.strides), exact=True)
    kernel = Kernel("k", (4, 5), (store,), 1)
    judge(kernel, {x: draw((4, 5), float32), whole: before}, [whole], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
def test_a_part_at_the_end_of_a_buffer(role: Role, lanes: int) -> None:
    x, z = padded("x", float32, (4, 32), role), padded("z", float32, (4, 27))
    value = leaf(x, x.strides, 5)
    judge(Kernel("k", (4, 27), (into(z, value),), 1), {x: draw((4, 32), float32)}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
def test_several_stores_over_what_they_read(lanes: int) -> None:
    shape = (70,)
    w, m, g = (padded(name, float32, shape, "state") for name in "wmg")
    rate = padded("rate", float32, ())
    moment = multiply_add(leaf(m, (1,)), number(0.5, float32), leaf(g, (1,)))
    stores = (into(m, moment), into(w, leaf(w, (1,)) - leaf(rate, (0,)) * moment))
    given = {each: draw(each.extents, float32, i) for i, each in enumerate((w, m, g, rate))}
    judge(Kernel("k", shape, stores, 0), given, [w, m], lanes, 1e-6)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("count", [1, 16, 21, 100])
@pytest.mark.parametrize("bad", [None, 0, -1])
def test_checks_see_every_element_and_no_padding(bad: int | None, count: int, lanes: int) -> None:
    x = padded("x", float32, (2, count))
    z = padded("z", float32, (2, count))
    given = np.abs(draw((2, count), float32)) + 0.1
    if bad is not None:
        given[1, bad] = -1
    value = leaf(x, x.strides)
    kernel = Kernel("k", (2, count), (into(z, value),), 1, checks=(number(0, float32) < value,))
    judge(kernel, {x: given}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("bad", [None, 4])
def test_a_check_comes_before_the_load_that_it_guards(bad: int | None, lanes: int) -> None:
    table = padded("table", float32, (7, 40), "table")
    index = padded("index", int64, (6,), "table")
    z = padded("z", float32, (6, 40))
    position = leaf(index, (1, 0))
    value = computed(table, (0, 1), (40, position))
    check = (position < 7) & (number(-1, int64) < position)
    kernel = Kernel("k", (6, 40), (into(z, value),), 1, checks=(check,))
    where = np.arange(6)
    if bad is not None:
        where[bad] = 1 << 40
    given = {table: draw((7, 40), float32), index: where}
    if bad is None:
        judge(kernel, given, [z], lanes)
    else:
        assert run(kernel, given, [z], lanes)[0] == 1


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("bad", [1 << 40, -(1 << 40)])
@pytest.mark.parametrize("count", [16, 21, 200])
def test_a_check_of_what_another_check_vouches_for(count: int, bad: int, lanes: int) -> None:
    labels = padded("labels", int64, (7,), "table")
    rows = padded("rows", int64, (count,), "table")
    z = padded("z", int64, (count,))
    row = leaf(rows, (1,))
    label = computed(labels, (0,), (1, row))
    checks = ((row < 7) & (number(-1, int64) < row), label < 10)
    kernel = Kernel("k", (count,), (into(z, label),), 0, checks=checks)
    where = np.arange(count) % 7
    judge(kernel, {labels: np.arange(7), rows: where}, [z], lanes)
    judge(kernel, {labels: np.arange(7) + 4, rows: where}, [z], lanes)
    where[-1] = bad
    assert run(kernel, {labels: np.arange(7), rows: where}, [z], lanes)[0] == 1


@pytest.mark.parametrize("lanes", widths())
def test_no_axes_at_all(lanes: int) -> None:
    x, z = padded("x", float32, (), "table"), padded("z", float32, ())
    value = select(leaf(x, ()) < 0, number(0, float32), leaf(x, ()))
    judge(Kernel("k", (), (into(z, value),), 0), {x: np.float32(3)}, [z], lanes)
