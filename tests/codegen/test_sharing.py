"""Equal work has equal text, so that many layers cost one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from codegen.arena import padded
from codegen.native import TARGETS
from codegen.test_folds import column_kernel, sum_kernel
from codegen.test_loops import into, leaf
from steepest.codegen.alike import written_once
from steepest.codegen.code import Code
from steepest.codegen.emit import emit, emit_all
from steepest.ir.scalar import Scalar
from steepest.ir.types import Shape, float32, float64, int32, int64
from steepest.schedule.kernels import Access, AnyKernel, Buffer, Kernel, Role


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
    (columns, [(128, 512), (64, 130), (100, 37)]),
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


def several(names: str, scale: float, size: int = 40) -> Kernel:
    x, y, z = (padded(name, float32, (3, size)) for name in names)
    value = leaf(x, x.strides) * leaf(y, y.strides) + scale
    return Kernel(names, (3, size), (into(z, value),), 1)


def test_kernels_alike_are_written_once() -> None:
    kernels = [
        *(several("abc", 1.0), several("def", 1.0), several("abc", 2.0)),
        *(several("abc", 0.0), several("abc", -0.0), several("abc", 1.0, 41)),
    ]
    written: list[str] = []

    def write(kernel: AnyKernel) -> Code:
        written.append(kernel.name)
        return emit(kernel, TARGETS[16])

    codes = written_once(kernels, write)
    assert written == ["abc", "abc", "abc", "abc", "abc"]
    assert codes == tuple(emit(kernel, TARGETS[16]) for kernel in kernels)


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"name": "other"}, 1),
        ({"role": "table"}, 2),
        ({"size": 64}, 2),
        ({"strides": (32, 1)}, 2),
        ({"extents": (3, 39)}, 2),
        ({"dtype": float64}, 2),
    ],
    ids=str,
)
def test_buffers_are_alike_that_differ_in_nothing_but_the_name(
    change: dict[str, Any], count: int
) -> None:
    x, z = padded("x", float32, (3, 40)), padded("z", float32, (3, 40))
    access = Access(x, x.strides)
    written: list[AnyKernel] = []

    def on(buffer: Buffer) -> Kernel:
        value = Scalar("load", (), float32, replace(access, buffer=buffer))
        return Kernel("k", (3, 40), (into(z, value),), 1)

    def write(kernel: AnyKernel) -> Code:
        written.append(kernel)
        return Code("", (), frozenset())

    written_once([on(x), on(replace(x, **change))], write)
    assert len(written) == count


def test_numbers_on_the_way_may_differ_in_type_alone() -> None:
    x, z = padded("x", np.uint8, (40,)), padded("z", float32, (40,))
    kernels = [
        Kernel("k", (40,), (into(z, leaf(x, (1,)).cast(dtype).cast(float32)),), 0)
        for dtype in (int32, int64)
    ]
    codes = written_once(kernels, lambda kernel: emit(kernel, TARGETS[16]))
    assert codes == tuple(emit(kernel, TARGETS[16]) for kernel in kernels)


def test_a_buffer_that_comes_twice_is_not_two() -> None:
    x, y, z = (padded(name, float32, (20,)) for name in "xyz")
    kernels = [
        Kernel("k", (20,), (into(z, leaf(x, (1,)) + leaf(other, (1,))),), 0) for other in (x, y)
    ]
    codes = emit_all(kernels, TARGETS[16])
    assert codes == tuple(emit(kernel, TARGETS[16]) for kernel in kernels)
    assert codes[0].body != codes[1].body


def test_where_a_buffer_lies_and_whose_it_is_belongs_to_a_kernel() -> None:
    roles: list[Role] = ["scratch", "table"]
    kernels: list[Kernel] = []
    for role in roles:
        x, z = padded("x", float32, (20,), role), padded("z", float32, (20,))
        kernels.append(Kernel("k", (20,), (into(z, leaf(x, (1,))),), 0))
    codes = emit_all(kernels, TARGETS[16])
    assert codes == tuple(emit(kernel, TARGETS[16]) for kernel in kernels)
    assert codes[0].body != codes[1].body
