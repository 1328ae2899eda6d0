"""x to the y = 2^(y · log₂ |x|), the logarithm to more digits than the type has.

float32 is computed in float64. float64 carries the logarithm in two parts of which the first has 26
bits, so that a product of two such parts is exact, with or without fused multiply-add.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from steepest.codegen.vmath.floats import FLOAT64, at_least, at_most, layout, polynomial
from steepest.codegen.vmath.logarithm import split
from steepest.ir.scalar import (
    Scalar,
    absolute,
    call_where,
    multiply_add,
    number,
    round_even,
    select,
    trunc,
)
from steepest.ir.types import float32, float64

# log₂ (1 + f) = f·P(f), for float32
BINARY_LOGARITHM = (
    1.4426950408685817,
    -0.7213475208603896,
    0.48089836146773024,
    -0.3606736765001643,
    0.28853728748543245,
    -0.24045306862541851,
    0.20617549975321883,
    -0.180302973372144,
    0.15876946542630813,
    -0.14313037890161404,
    0.14472892696420944,
    -0.14294574724838163,
    0.07751686421884994,
)
# 2^r = 1 + r·P(r) for |r| ≤ ½, for float32 and for float64
POWER_OF_TWO_SHORT = (
    0.6931472067420501,
    0.24022651084616214,
    0.055503271471715604,
    0.009618035883968331,
    0.0013400458975083211,
    0.00015467390556107703,
)
POWER_OF_TWO = (
    0.6931471805599453,
    0.24022650695910136,
    0.055504108664822936,
    0.009618129107592419,
    0.001333355814616435,
    0.00015403530459073424,
    1.5252734036958702e-05,
    1.3215434374925159e-06,
    1.017798553771145e-07,
    7.0739294246524224e-09,
    4.4655591984198765e-10,
)
# 3/2 · log ((1 + s) / (1 − s)) = s·(3 + s² + s⁴·P(s²))
TAIL = (
    0.6000000000000357,
    0.4285714285507227,
    0.33333333792013176,
    0.2727267559431529,
    0.23080176332323735,
    0.1988435634656998,
    0.1980204710018452,
)
UPPER_BITS = -1 << 27  # all but the lowest 27 bits of a float64


def upper(x: Scalar) -> Scalar:
    """A float64 cut to 26 bits."""
    return (x.bits(FLOAT64.integer) & UPPER_BITS).bits(float64)


THIRDS = 2 / (3 * math.log(2))  # turns 3/2 · log into log₂
THIRDS_HIGH = float.fromhex("0x1.ec709d8000000p-1")
THIRDS_LOW = 7.872699542894897e-09  # to 53 more bits


@final
@dataclass(frozen=True)
class Pair:
    """A number as the sum of a float64 of 26 bits and a small float64."""

    high: Scalar
    low: Scalar


def quotient(f: Scalar) -> Pair:
    """The quotient f / (2 + f): the second part is what the division left."""
    divisor = f + 2.0
    divisor_high = upper(divisor)
    divisor_low = f - (divisor_high - 2.0)
    inverse = number(1.0, float64) / divisor
    high = upper(f * inverse)
    return Pair(high, ((f - high * divisor_high) - high * divisor_low) * inverse)


def binary_logarithm(x: Scalar) -> Pair:
    """The binary logarithm of a normal positive float64, to 64 bits."""
    found = split(x, FLOAT64)
    k = FLOAT64.whole(found.biased) - FLOAT64.bias
    pair = quotient(found.f)
    s = pair.high + pair.low
    # 3 + s² + s⁴·P(s²), in two parts
    square, z = pair.high * pair.high, s * s
    rest = multiply_add(z * z, polynomial(z, TAIL), pair.low * (pair.high + s))
    factor = upper(square + 3.0 + rest)
    factor_low = rest - ((factor - 3.0) - square)
    # their product, and log₂ out of it
    exact, small = pair.high * factor, pair.low * factor + factor_low * s
    product = upper(exact + small)
    product_low = small - (product - exact)
    logarithm = product * THIRDS_HIGH
    logarithm_low = product * THIRDS_LOW + product_low * THIRDS
    total = upper(logarithm + logarithm_low + k)
    return Pair(total, logarithm_low - ((total - k) - logarithm))


def raised(whole: Scalar, rest: Scalar, coefficients: Sequence[float]) -> Scalar:
    """2^(whole + rest) for a whole number in range of the exponent and a rest up to ½."""
    fraction = multiply_add(rest, polynomial(rest, coefficients), 1.0)
    shifted = whole + (FLOAT64.round_off + FLOAT64.bias)
    return fraction * FLOAT64.scale(shifted).bits(float64)


def power_float64(size: Scalar, y: Scalar) -> tuple[Scalar, Scalar]:
    """|x| to the y, and where that can be trusted."""
    logarithm = binary_logarithm(size)
    y_high = upper(y)
    high = y_high * logarithm.high
    low = multiply_add(y - y_high, logarithm.high, y * logarithm.low)
    whole = round_even(high + low)
    within = absolute(high) < 1021.0
    known = within & (size < math.inf) & (number(FLOAT64.smallest, float64) <= size)
    return raised(whole, (high - whole) + low, POWER_OF_TWO), known


def power_float32(size: Scalar, y: Scalar) -> tuple[Scalar, Scalar]:
    """|x| to the y, and where that can be trusted."""
    wide = size.cast(float64)
    found = split(wide, FLOAT64)
    k = FLOAT64.whole(found.biased) - FLOAT64.bias
    logarithm = multiply_add(found.f, polynomial(found.f, BINARY_LOGARITHM), k)
    exponent = at_least(at_most(logarithm * y.cast(float64), 160.0), -160.0)
    whole = round_even(exponent)
    result = raised(whole, exponent - whole, POWER_OF_TWO_SHORT).cast(float32)
    return result, (size < math.inf) & (absolute(y) < math.inf)


def power(x: Scalar, y: Scalar) -> Scalar:
    """The power xʸ; NaN for x < 0 unless y is whole; 1 for y = 0, whatever x is."""
    form = layout(x.dtype)
    size = absolute(x)
    compute = power_float32 if x.dtype == float32 else power_float64
    positive, known = compute(size, y)
    # 0 to the y is ∞, 0 or 1, and y + 1 also hands on NaN.
    at_zero = select(y < 0.0, math.inf, select(number(0.0, y.dtype) < y, 0.0, y + 1.0))
    zero = size.equals(0.0)
    half = y * 0.5
    whole = trunc(y).equals(y)
    odd = whole & trunc(half).differs(half)
    top = number(1 << (8 * x.dtype.itemsize - 1), form.natural)
    sign = select(odd, x.bits(form.natural) & top, 0)
    signed = (select(zero, at_zero, positive).bits(form.natural) ^ sign).bits(x.dtype)
    real = select((x < 0.0) & ~whole, number(math.nan, x.dtype), signed)
    return call_where(~(known | zero), "pow", real, x, y)
