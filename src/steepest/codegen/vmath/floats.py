"""How float32 and float64 are laid out in bits, and what every formula here is built from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from steepest.ir.scalar import Number, Scalar, absolute, multiply_add, number, round_even, select
from steepest.ir.types import DType


@final
@dataclass(frozen=True)
class Layout:
    """The bits of a floating-point type: a sign, an exponent, ``fraction`` bits of mantissa.

    Args:
        dtype: the type.
        integer: the signed integers of the same width.
        natural: the unsigned integers of the same width.
        fraction: how many bits of the mantissa are stored.
        bias: what is added to the exponent of a number to store it.
    """

    dtype: DType
    integer: DType
    natural: DType
    fraction: int
    bias: int

    @property
    def round_off(self) -> float:
        """Adding 1.5 · 2^fraction leaves a small number rounded to an integer, in the low bits."""
        return 1.5 * 2.0**self.fraction

    def pattern(self, value: float) -> int:
        """The bits of a number, as an integer."""
        return int(self.dtype.type(value).view(self.integer))

    @property
    def smallest(self) -> float:
        """The smallest positive number that is not denormal."""
        return 2.0 ** (1 - self.bias)

    def as_bits(self, x: Scalar) -> Scalar:
        """The bits of a number, as an integer."""
        return x.bits(self.integer)

    def scale(self, biased: Scalar) -> Scalar:
        """2^n as bits, from a number in whose low bits n + bias stands."""
        return self.as_bits(biased) << self.fraction

    def whole(self, natural: Scalar) -> Scalar:
        """An unsigned integer below 2^fraction as a number."""
        if self.fraction < 32:
            return natural.bits(self.integer).cast(self.dtype)
        # Few processors turn a vector of 64-bit integers into numbers.
        unit = 2.0**self.fraction
        return (natural | self.pattern(unit)).bits(self.dtype) - unit

    def rounded(self, x: Scalar) -> Scalar:
        """A number from 0 to 2^(fraction + 1), rounded to a signed integer."""
        if self.fraction < 32:
            return round_even(x).cast(self.integer)
        # From 2^fraction on the bits count up by one from number to number; below, after adding it.
        unit = 2.0**self.fraction
        small = x < unit
        lifted = x + select(small, number(unit, self.dtype), 0.0)
        start = select(small, number(0, self.integer), 1 << self.fraction)
        return self.as_bits(lifted) - self.pattern(unit) + start


FLOAT32 = Layout(np.dtype(np.float32), np.dtype(np.int32), np.dtype(np.uint32), 23, 127)
FLOAT64 = Layout(np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.uint64), 52, 1023)


def layout(dtype: DType) -> Layout:
    """The layout of a floating-point type."""
    return FLOAT32 if dtype == FLOAT32.dtype else FLOAT64


def polynomial(x: Scalar, coefficients: Sequence[float]) -> Scalar:
    """c₀ + c₁ x + c₂ x² + …, by Horner's rule."""
    *lower, highest = coefficients
    result = number(highest, x.dtype)
    for coefficient in reversed(lower):
        result = multiply_add(result, x, coefficient)
    return result


def odd_polynomial(x: Scalar, coefficients: Sequence[float]) -> Scalar:
    """The odd polynomial x + x³·(c₀ + c₁ x² + …)."""
    square = x * x
    return multiply_add(x * square, polynomial(square, coefficients), x)


def at_most(x: Scalar, bound: float) -> Scalar:
    """The smaller of both; NaN stays NaN."""
    return select(number(bound, x.dtype) < x, bound, x)


def at_least(x: Scalar, bound: float) -> Scalar:
    """The larger of both; NaN stays NaN."""
    return select(x < bound, bound, x)


def tiny_is_itself(x: Scalar, bound: float, otherwise: Number) -> Scalar:
    """What is so small stays: ±0 keeps its sign, and a denormal number every bit."""
    return select(absolute(x) < bound, x, otherwise)
