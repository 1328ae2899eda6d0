"""Folds: any axes, any extents, vectors either way, the same bits on every width."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import DTypeLike

from codegen.arena import judge, padded, run
from codegen.native import TARGETS, widths
from codegen.test_loops import draw, into, leaf
from steepest.codegen.emit import emit
from steepest.ir.lowering import Combine
from steepest.ir.scalar import Scalar, exp, number
from steepest.ir.types import Array, Shape, bool_, float32, float64, int32
from steepest.schedule.kernels import Buffer, Folded, Folds, Kernel, Role

EXTENTS = (0, 1, 3, 15, 16, 17, 33, 64, 65, 127, 257, 1000, 5000)


def result(position: int, dtype: DTypeLike) -> Scalar:
    return Scalar("result", (), np.dtype(dtype), position)


def sum_kernel(x: Buffer, z: Buffer, kept: int, lanes: int, how: Combine = "sum") -> Kernel:
    """Folds the axes of x from ``kept`` on."""
    value = leaf(x, x.strides)
    reduction = Folds(x.extents[kept:], (Folded(how, value),))
    return Kernel("k", x.extents[:kept], (into(z, result(0, x.dtype)),), lanes, reduction)


def column_kernel(x: Buffer, z: Buffer) -> Kernel:
    """Folds the first axis of x."""
    strides = (*x.strides[1:], x.strides[0])
    reduction = Folds(x.extents[:1], (Folded("sum", leaf(x, strides)),))
    rank = len(x.extents) - 1
    return Kernel("k", x.extents[1:], (into(z, result(0, x.dtype)),), rank - 1, reduction)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize("extent", EXTENTS)
def test_everything(extent: int, role: Role, lanes: int) -> None:
    x, z = padded("x", float32, (extent,), role), padded("z", float32, ())
    judge(sum_kernel(x, z, 0, 0), {x: draw((extent,), float32)}, [z], lanes, 3e-6)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", [float32, float64, int32], ids=str)
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 10), (64, 10), (70, 50), (200, 17), (5, 300), (600, 3), (2, 9000)]
)
def test_rows(shape: Shape, dtype: DTypeLike, lanes: int) -> None:
    x, z = padded("x", dtype, shape), padded("z", dtype, shape[:1])
    judge(sum_kernel(x, z, 1, 1), {x: draw(shape, dtype)}, [z], lanes, 3e-6)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("kept", [0, 1])
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 40), (7, 300, 20), (2, 1, 5000), (300, 2, 3)])
def test_several_axes(shape: Shape, kept: int, lanes: int) -> None:
    x, z = padded("x", float32, shape), padded("z", float32, shape[:kept])
    judge(sum_kernel(x, z, kept, 2), {x: draw(shape, float32)}, [z], lanes, 1e-5)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize(
    "shape", [(1, 1), (0, 5), (3, 10), (64, 10), (7, 50), (300, 17), (5, 300), (600, 3), (33, 130)]
)
def test_columns(shape: Shape, role: Role, lanes: int) -> None:
    x, z = padded("x", float32, shape, role), padded("z", float32, shape[1:])
    judge(column_kernel(x, z), {x: draw(shape, float32)}, [z], lanes, 1e-5)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("shape", [(9, 3, 20), (300, 2, 70), (4, 5, 1)])
def test_columns_of_several_axes(shape: Shape, lanes: int) -> None:
    x, z = padded("x", float32, shape), padded("z", float32, shape[1:])
    judge(column_kernel(x, z), {x: draw(shape, float32)}, [z], lanes, 1e-5)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("how", ["max", "min"])
@pytest.mark.parametrize("dtype", [float32, float64, int32, np.uint8], ids=str)
@pytest.mark.parametrize("shape", [(5, 10), (3, 100), (2, 16)])
def test_extremes(shape: Shape, dtype: DTypeLike, how: Combine, lanes: int) -> None:
    x, z = padded("x", dtype, shape), padded("z", dtype, shape[:1])
    judge(sum_kernel(x, z, 1, 1, how), {x: draw(shape, dtype)}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
def test_nothing_adds_up_to_zero(lanes: int) -> None:
    x, z = padded("x", float32, (9, 0)), padded("z", float32, (9,))
    _, (found,) = run(sum_kernel(x, z, 1, 1), {x: np.empty((9, 0))}, [z], lanes)
    assert found.tobytes() == bytes(36)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("how", ["max", "min", "sum"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, -0.0, 1e38, -1e38])
def test_all_alike(value: float, how: Combine, lanes: int) -> None:
    x, z = padded("x", float32, (9, 20)), padded("z", float32, (9,))
    kernel = sum_kernel(x, z, 1, 1, how)
    judge(kernel, {x: np.full((9, 20), value, np.float32)}, [z], lanes)
    _, (found,) = run(kernel, {x: np.full((9, 20), value, np.float32)}, [z], lanes)
    assert np.signbit(found).all() == np.signbit(value)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("how", ["max", "min", "sum"])
@pytest.mark.parametrize("place", [0, 5, 15, 16, 63, 64, 99])
def test_not_a_number_wins(place: int, how: Combine, lanes: int) -> None:
    x, z = padded("x", float32, (3, 100)), padded("z", float32, (3,))
    given = draw((3, 100), float32)
    given[1, place] = np.nan
    judge(sum_kernel(x, z, 1, 1, how), {x: given}, [z], lanes, 3e-6)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("how", ["all", "any"])
@pytest.mark.parametrize("columns", [1, 10, 16, 77])
def test_conditions(columns: int, how: Combine, lanes: int) -> None:
    x, z = padded("x", bool_, (8, columns)), padded("z", bool_, (8,))
    given = np.full((8, columns), how == "all")
    given[3, columns // 2] ^= True
    judge(sum_kernel(x, z, 1, 1, how), {x: given}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("shape", [(6, 10), (64, 40), (70, 300)])
def test_expressions_before_and_after(shape: Shape, lanes: int) -> None:
    x, m = padded("x", float32, shape), padded("m", float32, shape[:1])
    z, twice = (padded(name, float32, shape[:1]) for name in ("z", "twice"))
    shifted = exp(leaf(x, x.strides) - leaf(m, (*m.strides, 0)))
    total = result(0, float32) + leaf(m, m.strides)
    reduction = Folds(shape[1:], (Folded("sum", shifted), Folded("max", leaf(x, x.strides))))
    stores = (into(z, total), into(twice, result(1, float32) * 2.0))
    kernel = Kernel("k", shape[:1], stores, 1, reduction)
    given = {x: draw(shape, float32), m: draw(shape[:1], float32)}
    judge(kernel, given, [z, twice], lanes, 1e-5)


@pytest.mark.parametrize("lanes", widths())
def test_a_check_of_a_result(lanes: int) -> None:
    x, z = padded("x", float32, (20, 10)), padded("z", float32, (20,))
    kernel = sum_kernel(x, z, 1, 1)
    checked = Kernel(
        "k", kernel.space, kernel.stores, 1, kernel.reduction, (result(0, float32) < 5.0,)
    )
    given = np.ones((20, 10), np.float32) * 0.4
    judge(checked, {x: given}, [z], lanes, 1e-6)
    given[13] = 1.0
    judge(checked, {x: given}, [z], lanes, 1e-6)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("kind", ["row", "column"])
def test_checks_at_every_level(kind: str, lanes: int) -> None:
    x, one, row = (
        padded("x", float32, (3, 20, 9)),
        padded("one", float32, ()),
        padded("row", float32, (3,)),
    )
    lower = number(0, float32)
    checks = (lower < leaf(one, (0, 0)), lower < leaf(row, (1, 0)))
    if kind == "row":
        z = padded("z", float32, (3, 20))
        kernel = sum_kernel(x, z, 2, 2)
    else:
        z = padded("z", float32, (3, 9))
        strides = (x.strides[0], 1, x.strides[1])
        reduction = Folds((20,), (Folded("sum", leaf(x, strides)),))
        kernel = Kernel("k", (3, 9), (into(z, result(0, float32)),), 1, reduction)
    kernel = replace(kernel, checks=checks)
    for one_is, row_is in ((1, [1, 1, 1]), (0, [1, 1, 1]), (1, [1, 1, -1])):
        given = {x: draw((3, 20, 9), float32), one: one_is, row: row_is}
        judge(kernel, given, [z], lanes, 1e-5)


def sums_on_every_width(kernel: Kernel, x: Buffer, z: Buffer, given: Array) -> list[Array]:
    # Without FMA the bits are promised too, as long as nothing but additions happens.
    return [run(kernel, {x: given}, [z], lanes)[1][0] for lanes in widths()]


@pytest.mark.parametrize("shape", [(1, 7), (6, 50), (70, 333), (300, 20), (3, 10000)])
@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
def test_the_same_bits_on_every_width(shape: Shape, dtype: DTypeLike) -> None:
    x = padded("x", dtype, shape)
    row, column, one = (padded("z", dtype, each) for each in (shape[:1], shape[1:], ()))
    given = draw(shape, dtype)
    for kernel, z in (
        (sum_kernel(x, row, 1, 1), row),
        (column_kernel(x, column), column),
        (sum_kernel(x, one, 0, 1), one),
    ):
        for mine, theirs in pairwise(sums_on_every_width(kernel, x, z, given)):
            assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("lanes", TARGETS)
def test_no_loop_for_what_is_left_over_where_nothing_is(lanes: int) -> None:
    def loops(extent: int) -> int:
        x, z = padded("x", float32, (5, extent)), padded("z", float32, (5,))
        return emit(sum_kernel(x, z, 1, 1), TARGETS[lanes]).body.count(" = phi i64 ")

    assert loops(4 * 64) == loops(40 * 64) - 1  # one loop over blocks
    assert loops(4 * 64 + 16) == loops(4 * 64) + 1
    assert loops(40 * 64 + 16) == loops(40 * 64) + 1


@pytest.mark.parametrize("lanes", TARGETS)
@pytest.mark.parametrize("columns", [1, 2])
def test_columns_share_vectors_where_there_are_several(columns: int, lanes: int) -> None:
    x, z = padded("x", float32, (100, columns)), padded("z", float32, (columns,))
    body = emit(column_kernel(x, z), TARGETS[lanes]).body
    assert (f"load <{lanes} x float>" in body) == (columns > 1)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("lanes", "registers"), [(16, 32), (8, 16), (4, 16)])
def test_two_vectors_of_columns_unless_accumulators_take_more_than_half_the_registers(
    lanes: int, registers: int, count: int
) -> None:
    """Of each vector there are four, which hide the time of an addition."""
    x, z = padded("x", float32, (100, 200)), padded("z", float32, (200,))
    value = leaf(x, (1, x.strides[0]))
    hows: tuple[Combine, ...] = ("max", "min")
    reduction = Folds((100,), tuple(Folded(how, value) for how in hows[:count]))
    total = result(0, float32) - result(count - 1, float32)
    kernel = Kernel("k", (200,), (into(z, total),), 0, reduction)
    blocks = emit(kernel, TARGETS[lanes]).body.split(":\n")
    accumulators = max(each.count(f" = phi <{lanes} x float>") for each in blocks)
    assert accumulators == 4 * count * (2 if 8 * count <= registers / 2 else 1)


@pytest.mark.parametrize("how", ["sum", "max"])
def test_only_sums_have_wider_totals(how: Combine) -> None:
    x, z = padded("x", float32, (20, 20_000)), padded("z", float32, (20,))
    assert ("double" in emit(sum_kernel(x, z, 1, 1, how), TARGETS[16]).body) == (how == "sum")


@pytest.mark.parametrize("kind", ["row", "rows", "column"])
def test_long_sums_stay_accurate(kind: str) -> None:
    # Rounded once from float64 they would be within 6e-8; a sum in float32 is within 6e-6 or so.
    shape = {"row": (1, 200_000), "rows": (20, 20_000), "column": (200_000, 3)}[kind]
    x = padded("x", float32, shape)
    z = padded("z", float32, shape[1:] if kind == "column" else shape[:1])
    given = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    kernel = column_kernel(x, z) if kind == "column" else sum_kernel(x, z, 1, 1)
    _, (found,) = run(kernel, {x: given}, [z], widths()[0])
    expected = given.sum(0 if kind == "column" else 1, dtype=np.float64)
    np.testing.assert_allclose(found, expected, rtol=7e-8)


@pytest.mark.parametrize("kind", ["row", "column"])
def test_long_expressions_are_summed_as_accurately_as_short_ones(kind: str) -> None:
    # So long a body has one accumulator: no more additions of it than of each of several.
    shape = (300, 1000) if kind == "row" else (1000, 300)
    x, z = padded("x", float32, shape), padded("z", float32, (300,))
    strides = x.strides if kind == "row" else (1, x.strides[0])
    value = exp(leaf(x, strides) * 0.0) * leaf(x, strides)  # x, after many instructions
    reduction = Folds((1000,), (Folded("sum", value),))
    lanes = 1 if kind == "row" else 0
    kernel = Kernel("k", (300,), (into(z, result(0, float32)),), lanes, reduction)
    given = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    _, (found,) = run(kernel, {x: given}, [z], widths()[0])
    expected = given.sum(1 if kind == "row" else 0, dtype=np.float64)
    assert np.sqrt(np.mean((found / expected - 1) ** 2)) < 6e-8


def added_up(x: Array) -> np.float32:
    """The order of additions that is promised for a sum along vectors, in NumPy."""
    rows = -(-len(x) // 16)
    vectors = np.full((rows, 16), -0.0, np.float32)
    vectors.reshape(-1)[: len(x)] = x
    blocks: list[Array] = []
    for first in range(0, rows, 128):
        block = vectors[first : first + 128]
        chains = np.full((4, 16), -0.0, np.float32)
        whole = len(x[first * 16 : (first + 128) * 16]) // 64 * 4
        for place, vector in enumerate(block):
            chains[place % 4 if place < whole else 0] += vector
        blocks.append((chains[0] + chains[1]) + (chains[2] + chains[3]))
    total = blocks[0]
    for following in blocks[1:]:
        total = total + following.astype(np.float64)
    while len(total) > 1:
        half = len(total) // 2
        total = total[:half] + total[half:]
    return np.float32(total[0])


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("count", [65, 1000, 2048, 2049, 4096, 5000, 20_003])
def test_the_order_of_additions(count: int, lanes: int) -> None:
    x, z = padded("x", float32, (count,)), padded("z", float32, ())
    given = draw((count,), float32)
    _, (found,) = run(sum_kernel(x, z, 0, 0), {x: given}, [z], lanes)
    assert float(found) == float(added_up(given))
