"""Formulas in the scalar language that take more than a line of the op table.

Each says what an op does to one element; the table test holds it against the op's reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from steepest.ir.scalar import (
    Scalar,
    absolute,
    call,
    copysign,
    exp,
    floor,
    is_float,
    log1p,
    number,
    power as floating_power,
    quotient,
    select,
)
from steepest.ir.types import DType, bool_, int32, int64


def library(function: str) -> Callable[..., Scalar]:
    """A function of the C library."""
    return lambda *inputs: call(function, *inputs)


def of_floats(rounding: Callable[[Scalar], Scalar]) -> Callable[[Scalar], Scalar]:
    """A rounding, which leaves integers as they are."""
    return lambda x: rounding(x) if is_float(x) else x


def converted(x: Scalar, *, dtype: DType) -> Scalar:
    """Another element type; everything but 0 is true."""
    return x.differs(0) if dtype == bool_ and x.dtype != bool_ else x.cast(dtype)


# --------------------------------------------------------------------------------- signs and order


def magnitude(x: Scalar) -> Scalar:
    """|x|."""
    return x if x.dtype.kind == "u" else absolute(x)


def sign(x: Scalar) -> Scalar:
    """−1, 0 or 1; NaN stays NaN."""
    if x.dtype.kind == "u":
        return select(x.differs(0), number(1, x.dtype), 0)
    zero_or_nan = x + 0 if is_float(x) else x  # −0 + 0 is 0
    return select(x > 0, number(1, x.dtype), select(x < 0, -1, zero_or_nan))


def larger(x: Scalar, y: Scalar) -> Scalar:
    """The larger of two; NaN wins."""
    return select(_beats(y < x, x), x, y)


def smaller(x: Scalar, y: Scalar) -> Scalar:
    """The smaller of two; NaN wins."""
    return select(_beats(x < y, x), x, y)


def _beats(better: Scalar, x: Scalar) -> Scalar:
    return better | x.differs(x) if is_float(x) else better


def infinite(x: Scalar) -> Scalar:
    """Whether x is infinite."""
    return absolute(x).equals(math.inf) if is_float(x) else number(False, bool_)


def finite(x: Scalar) -> Scalar:
    """Whether x is neither infinite nor NaN."""
    return absolute(x) < math.inf if is_float(x) else number(True, bool_)


def negative_sign(x: Scalar) -> Scalar:
    """Whether the sign bit is set."""
    return x.bits(int64 if x.dtype.itemsize == 8 else int32) < 0


# ------------------------------------------------------------------------------ quotients, powers


def floor_quotient(x: Scalar, y: Scalar) -> Scalar:
    """⌊x / y⌋; an integer by 0 is 0."""
    if is_float(x):
        return _floor_quotient_of_floats(x, y)
    towards_zero = quotient(x, y)
    inexact = _signs_differ(x - towards_zero * y, y)
    return towards_zero if inexact is None else select(inexact, towards_zero - 1, towards_zero)


def remainder(x: Scalar, y: Scalar) -> Scalar:
    """The rest x − y ⌊x / y⌋, signed like y; an integer by 0 leaves 0."""
    if is_float(x):
        return _remainder_of_floats(x, y)
    rest = x - quotient(x, y) * y
    inexact = _signs_differ(rest, y)
    signed = rest if inexact is None else select(inexact, rest + y, rest)
    return select(y.equals(0), 0, signed)


def _signs_differ(rest: Scalar, y: Scalar) -> Scalar | None:
    """Whether a quotient rounded towards zero was rounded up; None for unsigned integers."""
    if y.dtype.kind == "u":
        return None
    return rest.differs(0) & y.differs(0) & ((rest ^ y) < 0)


def _remainder_of_floats(x: Scalar, y: Scalar) -> Scalar:
    rest = call("fmod", x, y)
    turned = select((rest < 0) ^ (y < 0), rest + y, rest)
    return select(y.equals(0), rest, select(rest.equals(0), copysign(rest, y), turned))


def _floor_quotient_of_floats(x: Scalar, y: Scalar) -> Scalar:
    """By way of the remainder, as NumPy does it: exact where x / y would round up."""
    rest = call("fmod", x, y)
    near = (x - rest) / y
    near = select(rest.differs(0) & ((rest < 0) ^ (y < 0)), near - 1, near)
    low = floor(near)
    whole = select(near - low > 0.5, low + 1, low)
    zero = copysign(number(0, x.dtype), x / y)
    return select(y.equals(0), x / y, select(near.equals(0), zero, whole))


def power(x: Scalar, y: Scalar) -> Scalar:
    """x^y; of integers by repeated squaring."""
    if is_float(x):
        return floating_power(x, y)
    result = number(1, x.dtype)
    for bit in range(8 * y.dtype.itemsize):
        result = select(((y >> bit) & 1).differs(0), result * x, result)
        x = x * x
    return result


def has_power(x: Scalar, y: Scalar) -> Scalar:
    """Whether x^y is a number of x's element type: a negative power of an integer is not."""
    return y >= 0 if y.dtype.kind == "i" else number(True, bool_)


def log_add_exp(x: Scalar, y: Scalar) -> Scalar:
    """log(exp x + exp y); where both are the same infinity the difference is not a number."""
    far = larger(x, y) + log1p(exp(-absolute(x - y)))
    return select(x.equals(y), x + number(np.log(2.0), x.dtype), far)


# -------------------------------------------------------------------------------------- positions


def from_start(x: Scalar, *, extent: int) -> Scalar:
    """A position that counts from the end if it is negative, counted from the start."""
    wide = x.cast(int64)
    return select(wide < 0, wide + extent, wide)


def is_position(x: Scalar, *, extent: int) -> Scalar:
    """Whether an axis has this position."""
    wide = x.cast(int64)
    return (wide >= -extent) & (wide < extent)
