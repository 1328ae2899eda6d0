"""Draws, scattered rows, running sums and the test for what is not finite."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from codegen.arena import judge, padded, run
from codegen.native import widths
from codegen.test_loops import draw
from steepest.ir.types import Shape, float32, float64, int32, int64, uint32
from steepest.schedule.kernels import Access, Buffer, Draw, Finite, Role, Scanned, Scattered

SHAPES = [
    *((1, 1), (1, 7), (3, 64), (2, 130), (40, 5), (33, 23), (33, 24), (17, 1), (0, 5), (5, 0)),
]


def along(buffer: Buffer, axes: tuple[int | None, ...], offset: int = 0) -> Access:
    """An access whose axes are these of the buffer."""
    return Access(buffer, tuple(0 if i is None else buffer.strides[i] for i in axes), offset)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("shape", SHAPES)
def test_draws_are_the_words_of_the_reference(shape: Shape, lanes: int) -> None:
    key, step = padded("key", uint32, (2,), "state"), padded("step", uint32, (), "state")
    z = padded("z", uint32, shape)
    kernel = Draw("k", Access(key, ()), Access(step, ()), 5, along(z, (0, 1)), *shape)
    words = np.array([0xFFFFFFF0, 7], np.uint32)
    judge(kernel, {key: words, step: np.uint32(4_000_000_000)}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
def test_a_draw_beside_other_elements(lanes: int) -> None:
    key, step = padded("key", uint32, (2, 2), "state"), padded("step", uint32, (2,), "state")
    z = padded("z", uint32, (2, 3, 30))
    place = Access(z, z.strides[1:], z.strides[0])
    kernel = Draw("k", Access(key, (), key.strides[0]), Access(step, (), 1), 5, place, 3, 30)
    given = {key: draw((2, 2), uint32), step: draw((2,), uint32), z: np.zeros((2, 3, 30))}
    judge(kernel, given, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize("dtype", [float32, float64, int32], ids=str)
@pytest.mark.parametrize("shape", [(1, 9, 20), (3, 5, 16), (2, 30, 1), (1, 0, 4), (1, 4, 0)])
def test_rows_are_added_in_order(
    shape: tuple[int, int, int], dtype: DTypeLike, role: Role, lanes: int
) -> None:
    before, rows, after = shape
    updates = padded("updates", dtype, shape, role)
    index = padded("index", int64, (rows,), role)
    z = padded("z", dtype, (before, 6, after))
    axes = (0, 1, 2)
    kernel = Scattered("k", shape, 6, along(updates, axes), along(index, (0,)), along(z, axes))
    where = draw((rows,), np.uint8) % 6
    judge(kernel, {updates: draw(shape, dtype), index: where}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("bad", [-1, 6, 1 << 40])
def test_a_position_outside_ends_the_run(bad: int, lanes: int) -> None:
    updates, index = padded("updates", float32, (1, 4, 20)), padded("index", int64, (4,))
    z = padded("z", float32, (1, 6, 20))
    axes = (0, 1, 2)
    kernel = Scattered("k", (1, 4, 20), 6, along(updates, axes), along(index, (0,)), along(z, axes))
    stopped, _ = run(
        kernel, {updates: draw((1, 4, 20), float32), index: [0, 5, bad, 1]}, [z], lanes
    )
    assert stopped == 1


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize("dtype", [float32, float64, int32], ids=str)
@pytest.mark.parametrize("shape", [(1, 50, 1), (2, 7, 20), (3, 4, 150), (1, 1, 1), (1, 3, 0)])
def test_running_sums(
    shape: tuple[int, int, int], dtype: DTypeLike, role: Role, lanes: int
) -> None:
    x, z = padded("x", dtype, shape, role), padded("z", dtype, shape)
    kernel = Scanned("k", shape, along(x, (0, 1, 2)), along(z, (0, 1, 2)))
    judge(kernel, {x: draw(shape, dtype)}, [z], lanes)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("dtype", [float32, float64, int32], ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (16,), (3, 21), (2, 1, 200)])
@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf])
def test_finite(bad: float | None, shape: Shape, dtype: DTypeLike, lanes: int) -> None:
    x = padded("x", dtype, shape)
    given = np.asarray(draw(shape, dtype))
    if np.dtype(dtype).kind == "f":
        given = np.where(given > 0, np.finfo(dtype).max, given)
    if bad is not None and given.size and np.dtype(dtype).kind == "f":
        given[(-1,) * len(shape)] = bad
    judge(Finite("k", x), {x: given}, [], lanes)
