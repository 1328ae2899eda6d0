"""The stores of a block of a kernel's space, with results that lie in memory."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.arena import padded, place
from codegen.native import TARGETS, Native, widths
from codegen.test_folds import result
from codegen.test_loops import draw, into, leaf
from steepest.codegen.code import Pointer
from steepest.codegen.loops import Given, emit_stores
from steepest.codegen.text import Text, Whole
from steepest.ir.scalar import Scalar
from steepest.ir.types import float32, int64
from steepest.schedule.kernels import Kernel, Role

SPACE = (2, 40, 70)


@pytest.mark.parametrize("lanes", widths())
@pytest.mark.parametrize("role", ["scratch", "table"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("start", "count"),
    [((0, 0, 0), (2, 40, 70)), ((1, 8, 32), (1, 5, 38)), ((0, 39, 64), (1, 1, 6))],
)
def test_a_block(
    start: tuple[int, ...], count: tuple[int, ...], known: bool, role: Role, lanes: int
) -> None:
    x, bias = padded("x", float32, SPACE, role), padded("bias", float32, (70,), role)
    z, tile = padded("z", float32, SPACE), padded("tile", float32, count)
    column = Scalar("index", (), int64, 2).cast(float32)
    value = result(0, float32) * leaf(x, x.strides) + leaf(bias, (0, 0, 1)) + column
    kernel = Kernel("k", SPACE, (into(z, value),), 2)

    text = Text()
    strides: tuple[Whole, ...] = tile.strides
    starts: list[Whole] = list(start)
    counts: list[Whole] = list(count)
    if not known:
        strides = (*(text.number(each) for each in tile.strides[:2]), 1)
        starts, counts = [text.number(x) for x in start], [text.number(x) for x in count]
    given = Given(text.word(Pointer(tile)), strides)
    emit_stores(text, TARGETS[lanes], kernel, starts, counts, [given])

    values = {x: draw(SPACE, float32), bias: draw((70,), float32, 1), tile: draw(count, float32, 2)}
    memory = {buffer: place(buffer, value) for buffer, value in values.items()}
    memory[z] = place(z, np.zeros(SPACE))
    assert Native(text.code(), lanes)(memory) == 0

    strided = [4 * each for each in z.strides]
    found = np.lib.stride_tricks.as_strided(memory[z], SPACE, strided)
    block = tuple(slice(a, a + n) for a, n in zip(start, count, strict=True))
    expected = np.zeros(SPACE, np.float32)
    columns = np.arange(70, dtype=np.float32)
    expected[block] = (values[tile] * values[x][block] + values[bias][block[2]]) + columns[block[2]]
    np.testing.assert_array_equal(found, expected)
