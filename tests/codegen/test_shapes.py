"""Kernels of shapes, layouts and vectors at random against the interpreter."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as some

from codegen.arena import judge, padded
from codegen.native import widths
from codegen.test_folds import result
from codegen.test_loops import draw, into, leaf
from steepest.ir.scalar import Scalar
from steepest.ir.types import Shape, float32
from steepest.schedule.kernels import Buffer, Folded, Folds, Kernel, Role

EXTENTS = some.sampled_from((0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 70))
SHAPES = some.lists(EXTENTS, min_size=1, max_size=3).map(tuple)
ROLES: some.SearchStrategy[Role] = some.sampled_from(("scratch", "table"))


def shuffled(name: str, shape: Shape, order: list[int], role: Role) -> tuple[Buffer, Scalar]:
    """A buffer whose axes lie in memory in another order than the kernel's, and its load."""
    buffer = padded(name, float32, tuple(shape[axis] for axis in order), role)
    strides = tuple(buffer.strides[order.index(axis)] for axis in range(len(shape)))
    return buffer, leaf(buffer, strides)


@settings(max_examples=40)
@given(data=some.data(), shape=SHAPES, role=ROLES, lanes=some.sampled_from(widths()))
def test_pointwise(data: some.DataObject, shape: Shape, role: Role, lanes: int) -> None:
    axes = list(range(len(shape)))
    x, a = shuffled("x", shape, axes, role)
    y, b = shuffled("y", shape, data.draw(some.permutations(axes)), role)
    kept = [data.draw(some.booleans()) for _ in axes]
    part = padded(
        "part", float32, tuple(n for n, keep in zip(shape, kept, strict=True) if keep), role
    )
    own = iter(part.strides)
    c = leaf(part, tuple(next(own) if keep else 0 for keep in kept))
    z = padded("z", float32, shape)
    kernel = Kernel("k", shape, (into(z, a * b - c),), len(shape) - 1)
    values = {each: draw(each.extents, float32, i) for i, each in enumerate((x, y, part))}
    judge(kernel, values, [z], lanes)


@settings(max_examples=40)
@given(data=some.data(), shape=SHAPES, role=ROLES, lanes=some.sampled_from(widths()))
def test_folds(data: some.DataObject, shape: Shape, role: Role, lanes: int) -> None:
    rank = len(shape)
    kept = data.draw(some.integers(0, rank))
    x, value = shuffled("x", shape, data.draw(some.permutations(list(range(rank)))), role)
    if kept == rank:
        shape = (*shape, 1)
        value = leaf(x, (*value.value.strides, 0))
    z = padded("z", float32, shape[:kept])
    options: list[int] = [len(shape) - 1, *([kept - 1] if kept else [])]
    along: int = data.draw(some.sampled_from(options))
    reduction = Folds(shape[kept:], (Folded("sum", value), Folded("any", value < 0.01)))
    flag = padded("flag", bool, shape[:kept])
    stores = (into(z, result(0, float32) + 1.0), into(flag, result(1, bool)))
    kernel = Kernel("k", shape[:kept], stores, along, reduction)
    judge(kernel, {x: np.abs(draw(x.extents, float32))}, [z, flag], lanes, 2e-6)
