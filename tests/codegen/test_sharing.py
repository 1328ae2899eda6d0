"""Equal work has equal text, so that many layers cost one function."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codegen.arena import padded
from codegen.native import TARGETS
from codegen.test_folds import column_kernel, sum_kernel
from codegen.test_loops import into, leaf
from steepest.codegen.code import Code
from steepest.codegen.emit import emit
from steepest.ir.types import Shape, float32
from steepest.schedule.kernels import Kernel


def pointwise(shape: Shape) -> Kernel:
    x, row, z = (
        padded(name, float32, each)
        for name, each in zip("xrz", (shape, shape[1:], shape), strict=True)
    )
    value = leaf(x, x.strides) * leaf(row, (0, 1)) + 1.0
    return Kernel("k", shape, (into(z, value),), 1)


def rows(shape: Shape) -> Kernel:
    return sum_kernel(padded("x", float32, shape), padded("z", float32, shape[:1]), 1, 1)


def columns(shape: Shape) -> Kernel:
    return column_kernel(padded("x", float32, shape), padded("z", float32, shape[1:]))


SHAPES: list[tuple[Callable[[Shape], Kernel], list[Shape]]] = [
    (pointwise, [(128, 256), (37, 128), (512, 129), (160, 160)]),
    # Blocks and what is left over after four chains are part of a fold's text.
    (rows, [(37, 128), (512, 256), (128, 1024)]),
    (columns, [(128, 512), (64, 130), (200, 37)]),
]


@pytest.mark.parametrize(
    ("make", "other"), [(make, other) for make, others in SHAPES for other in others]
)
def test_sizes_are_no_part_of_the_text(make: Callable[[Shape], Kernel], other: Shape) -> None:
    codes: list[Code] = [emit(make(shape), TARGETS[16]) for shape in ((128, 128), other)]
    assert codes[0].body == codes[1].body
    assert codes[0].words != codes[1].words


def test_the_same_kernel_has_the_same_text() -> None:
    assert emit(pointwise((33, 70)), TARGETS[8]).body == emit(pointwise((33, 70)), TARGETS[8]).body
