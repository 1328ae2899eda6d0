"""Counter-based random numbers: pure functions of a key, a step and a position.

The key is (seed, ensemble member). The counter is (block of four elements within the row, row of
the batch, step, draw site). So a row's numbers do not depend on the number of threads or machines
that share the batch, and no two draws of a training run share a counter.
"""

from __future__ import annotations

import math

import numpy as np

from steepest.errors import ShapeError
from steepest.ir.lowering import Random
from steepest.ir.op import Case, Op, PiecewiseConstant, Sample, T, define
from steepest.ir.types import (
    Array,
    DType,
    Shape,
    TensorType,
    float32,
    float64,
    uint32,
    uint64,
)
from steepest.ops.elementwise import cos, log1p, sqrt
from steepest.ops.philox import philox4x32
from steepest.ops.rows import accept, as_given, batch_elementwise, converted


def _bits_type(key: TensorType, step: TensorType, *, site: int, shape: Shape) -> TensorType:
    accept("integer", key, step)
    if key.shape[-1:] != (2,) or key.shape[:-1] != step.shape:
        raise ShapeError(f"a key is two words and a step one number, not {key} and {step}")
    return TensorType((*step.shape, *shape), uint32)


def _bits_reference(key: Array, step: Array, *, site: int, shape: Shape) -> Array:
    rows, width = (shape[0], math.prod(shape[1:])) if shape else (1, 1)
    lead = (...,) + (None,) * 2
    block = np.arange(-(-width // 4), dtype=np.uint64)
    row = np.arange(rows, dtype=np.uint64)[:, None]
    words = philox4x32(
        (block, row, step[lead], np.uint64(site)), (key[..., 0][lead], key[..., 1][lead])
    )
    joined = np.stack(words, axis=-1)
    flat = joined.reshape((*step.shape, rows, 4 * len(block)))[..., :width]
    return np.ascontiguousarray(flat).reshape((*step.shape, *shape))


_KEY = Sample((2,), 0, 100, dtype="uint32")
_STEP = Sample((), 0, 100, dtype="uint32")

random_bits = define(
    Op(
        name="random_bits",
        summary="Philox4x32-10 random words for a key (seed, member), a step and a draw site.",
        infer=_bits_type,
        reference=_bits_reference,
        lower=lambda *, site, shape: Random(site),
        pullback=PiecewiseConstant(),
        batch=batch_elementwise,
        align=as_given,
        cases=(
            Case((_KEY, _STEP), {"site": 3, "shape": (3, 5)}),
            Case((_KEY, _STEP), {"site": 0, "shape": ()}),
            Case((_KEY, _STEP), {"site": 1, "shape": (0, 2)}),
            Case((Sample((2, 2), 0, 9, dtype="uint32"), Sample((2,), 0, 9, dtype="uint32")),
                 {"site": 1, "shape": (3,)}),
        ),
    )
)  # fmt: skip


def uniform_bits(key: T, step: T, *, site: int, shape: Shape, dtype: DType = float32) -> T:
    """Random numbers in [0, 1): multiples of 2⁻²⁴ (float32) or 2⁻⁵³ (float64)."""
    if dtype == float64:
        high = converted(random_bits(key, step, site=2 * site, shape=shape), uint64) >> 5
        low = converted(random_bits(key, step, site=2 * site + 1, shape=shape), uint64) >> 6
        return converted((high << 26) | low, float64) * 2.0**-53
    bits = random_bits(key, step, site=2 * site, shape=shape)
    return converted(bits >> 8, float32) * 2.0**-24


def normal_bits(key: T, step: T, *, site: int, shape: Shape, dtype: DType = float32) -> T:
    """Standard normal numbers by Box and Muller: √(−2 log(1 − u)) cos 2πv, u and v uniform."""
    u = uniform_bits(key, step, site=2 * site, shape=shape, dtype=dtype)
    v = uniform_bits(key, step, site=2 * site + 1, shape=shape, dtype=dtype)
    return sqrt(-2.0 * log1p(-u)) * cos(2 * math.pi * v)
