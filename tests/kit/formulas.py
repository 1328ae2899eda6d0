"""The formulas of ops, and the numbers at which they are likely to be wrong."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from steepest.ir.lowering import Pointwise
from steepest.ir.op import OPS, Case, Op
from steepest.ir.scalar import Scalar, argument
from steepest.ir.types import Array, DType, bool_, is_floating

# Where both are zero, NumPy's own choice between 0 and −0 depends on the machine.
ANY_ZERO = {"maximum", "minimum", "relu"}


def calls_with_a_formula() -> Iterator[Any]:
    """Op and case, as parameters of a test."""
    for op in OPS.values():
        for number, case in enumerate(op.cases):
            if isinstance(op.lower(**case.attributes), Pointwise):
                yield pytest.param(op, case, id=f"{op.name}-{number}")


def special(dtype: DType) -> list[float]:
    """Numbers at which a formula is likely to be wrong."""
    if dtype == bool_:
        return [False, True]
    if not is_floating(dtype):
        limits = np.iinfo(dtype)
        near = [limits.min, limits.min + 1, limits.max - 1, limits.max, 0, 1, 2, 3, 7, 100]
        return sorted({*near, *([-1, -2, -7] if limits.min else [])})
    limits = np.finfo(dtype)
    tiny, small = float(limits.smallest_subnormal), float(limits.smallest_normal)
    sizes = [0.0, tiny, 3 * tiny, small, 1e-9, 0.5, 1.0, 1.5, 2.5, 7.0, 20.0, 104.0, 1e6, 2.0**31]
    sizes += [float(limits.max), math.inf]
    return [math.nan, *sizes, *(-each for each in sizes)]


def dtypes_of(op: Op, case: Case, dtype: DType) -> list[DType]:
    """The element type of each input, where ``dtype`` is what operands of one type have."""
    dtypes = [dtype if s.dtype == "floating" else np.dtype(s.dtype) for s in case.inputs]
    alike = op.name != "where" and len(set(dtypes)) == 1 and dtypes[0] != bool_
    return [dtype] * len(dtypes) if alike else dtypes


def every_pair(op: Op, case: Case, dtype: DType) -> list[Array]:
    """All combinations of special numbers, one array per input."""
    dtypes = dtypes_of(op, case, dtype)
    columns = zip(*itertools.product(*map(special, dtypes)), strict=True)
    return [np.array(c, each) for c, each in zip(columns, dtypes, strict=True)]


def of_many_sizes(
    op: Op, case: Case, dtype: DType, random: np.random.Generator, size: int = 1000
) -> list[Array]:
    """Random numbers from small to large, one array per input."""

    def drawn(dtype: DType) -> Array:
        if is_floating(dtype):
            numbers = random.normal(size=size) * 10.0 ** random.uniform(-3, 3, size)
            return numbers.astype(dtype)
        if dtype == bool_:
            return random.integers(0, 1, size, endpoint=True).astype(bool_)
        limits = np.iinfo(dtype)
        whole = random.integers(limits.min, limits.max, size, dtype, endpoint=True)
        return whole >> random.integers(0, 8 * dtype.itemsize, size).astype(dtype)

    return [drawn(each) for each in dtypes_of(op, case, dtype)]


def formula_of(op: Op, case: Case, arrays: list[Array]) -> tuple[Scalar, Scalar | None]:
    lowered = op.lower(**case.attributes)
    assert isinstance(lowered, Pointwise)
    leaves = [argument(i, each.dtype) for i, each in enumerate(arrays)]
    check = None if lowered.check is None else lowered.check(*leaves)
    return lowered.formula(*leaves), check
