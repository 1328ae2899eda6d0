"""Inputs for a call of an op, drawn as its cases say."""

import math

import numpy as np

from steepest.ir.op import Case, Sample
from steepest.ir.types import DTYPES, Array, DType, Shape, float64, is_floating

INTEGERS = tuple(dtype for dtype in DTYPES if dtype.kind in "iu")


def generator(*seed: int) -> np.random.Generator:
    return np.random.default_rng([8, *seed])


def draw(
    sample: Sample,
    random: np.random.Generator,
    dtype: DType = float64,
    shape: Shape | None = None,
) -> Array:
    """One input. ``dtype`` is what "floating" means this time; it may be an integer type."""
    extents = sample.shape if shape is None else shape
    wanted = dtype if sample.dtype == "floating" else np.dtype(sample.dtype)
    values = _numbers(sample, random, extents, whole=not is_floating(wanted))
    if wanted.kind == "u":
        values = np.abs(values)
    return np.asarray(values).astype(wanted)


def _numbers(sample: Sample, random: np.random.Generator, shape: Shape, *, whole: bool) -> Array:
    size = math.prod(shape)
    if sample.choices:  # each of them comes up where there is room
        numbers = random.permutation(np.resize(np.asarray(sample.choices, float), size))
        numbers = np.round(np.clip(np.nan_to_num(numbers), -9, 9)) if whole else numbers
        return numbers.reshape(shape)
    if sample.dtype == "bool":
        return random.permutation(np.arange(size) % 2).reshape(shape)
    if whole:
        low, high = math.floor(sample.low), math.ceil(sample.high)
        return random.integers(low, high, shape, endpoint=True)
    if sample.distinct:
        step = (sample.high - sample.low) / max(size, 1)
        ranks = random.permutation(size) + random.uniform(0, 0.5, size)
        return (sample.low + step * ranks).reshape(shape)
    return random.uniform(sample.low, sample.high, shape)


def inputs(
    case: Case, random: np.random.Generator, dtype: DType = float64, shape: Shape | None = None
) -> list[Array]:
    """All inputs of a call; a ``shape`` is for cases that work with any."""
    return [draw(sample, random, dtype, shape) for sample in case.inputs]
