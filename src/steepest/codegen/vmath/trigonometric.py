"""sin, cos and tan: |x| = n·π/2 + r with |r| ≤ π/4; n mod 4 says which of them, and its sign."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.codegen.vmath.floats import (
    FLOAT32,
    FLOAT64,
    Layout,
    layout,
    odd_polynomial,
    polynomial,
)
from steepest.ir.scalar import Scalar, absolute, call_where, multiply_add, number, select

# sin r = r + r³·P(r²)
SINE: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        -0.16666655242443085,
        0.008332191035151482,
        -0.000195186075870879,
    ),
    FLOAT64: (
        -0.1666666666666663,
        0.008333333333321966,
        -0.0001984126982951138,
        2.7557313602854226e-06,
        -2.505074567011891e-08,
        1.5896138362612009e-10,
    ),
}
# cos r = 1 − r²/2 + r⁴·P(r²)
COSINE: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        0.04166664555668831,
        -0.0013887312961742282,
        2.4432962163700722e-05,
    ),
    FLOAT64: (
        0.041666666666666595,
        -0.001388888888887345,
        2.4801587289108046e-05,
        -2.755731425414208e-07,
        2.08757109618928e-09,
        -1.1359053047953803e-11,
    ),
}
# tan r = r + r³·P(r²)
TANGENT: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        0.3333335220813751,
        0.13332591950893402,
        0.05406709387898445,
        0.02124842256307602,
        0.010916897095739841,
        -6.809361821069615e-06,
        0.0044212061911821365,
    ),
    FLOAT64: (
        0.33333333333332693,
        0.13333333333424707,
        0.053968253922330144,
        0.021869489704486593,
        0.00886321791348344,
        0.0035922996635124405,
        0.0014546972517066358,
        0.0005953072448585137,
        0.00022169794698464167,
        0.00013787016571718624,
        -2.8206373691501196e-05,
        9.106323578868744e-05,
        -4.571590096309463e-05,
        2.1058481088768456e-05,
    ),
}
# π/2 in parts that are all positive; the first two have so few bits that n times them is exact for
# small n also where products are rounded.
HALF_PI: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: tuple(
        map(float.fromhex, ("0x1.92p+0", "0x1.fbp-12", "0x1.5110b4p-22", "0x1.846988p-48"))
    ),
    FLOAT64: tuple(
        map(
            float.fromhex,
            (
                "0x1.921fb544p+0",
                "0x1.0b4611a6p-34",
                "0x1.3198a2e037073p-69",
                "0x1.129024e088a67p-123",
            ),
        )
    ),
}
# From here up the C library is asked: π/2 would need more bits.
LARGE: Mapping[Layout, float] = {FLOAT32: 2.0**15, FLOAT64: 2.0**20}


@final
@dataclass(frozen=True)
class Reduced:
    """A number ≥ 0 as n quarters of a turn and a remainder.

    Args:
        quarters: n in the lowest bits of an unsigned integer.
        r: the remainder, rounded.
        rest: what rounding took from it last.
    """

    quarters: Scalar
    r: Scalar
    rest: Scalar


def reduced(size: Scalar, form: Layout) -> Reduced:
    """What is left of a number below LARGE after whole quarters of a turn."""
    shifted = multiply_add(size, 2 / math.pi, form.round_off)
    n = shifted - form.round_off
    *most, least = HALF_PI[form]
    before = size
    for part in most:
        before = multiply_add(n, -part, before)
    r = multiply_add(n, -least, before)
    rest = multiply_add(n, -least, before - r)
    return Reduced(shifted.bits(form.natural), r, rest)


def turned(quarters: Scalar, r: Scalar, sign: Scalar, form: Layout) -> Scalar:
    """The sine of r and so many quarters of a turn, with the highest bit of ``sign`` as well."""
    square = r * r
    tail = multiply_add(square, polynomial(square, COSINE[form]), -0.5)
    even, odd = odd_polynomial(r, SINE[form]), multiply_add(square, tail, 1.0)
    value = select((quarters & 1).equals(1), odd, even).bits(form.natural)
    top = 8 * form.dtype.itemsize - 1
    flip = (sign ^ (quarters << (top - 1))) & (1 << top)
    return (value ^ flip).bits(form.dtype)


def sine(x: Scalar) -> Scalar:
    """The sine of x radians."""
    form = layout(x.dtype)
    size = absolute(x)
    found = reduced(size, form)
    usual = turned(found.quarters, found.r, x.bits(form.natural), form)
    return call_where(number(LARGE[form], x.dtype) < size, "sin", usual, x)


def cosine(x: Scalar) -> Scalar:
    """The cosine of x radians, sin (x + π/2)."""
    form = layout(x.dtype)
    size = absolute(x)
    found = reduced(size, form)
    usual = turned(found.quarters + 1, found.r, number(0, form.natural), form)
    return call_where(number(LARGE[form], x.dtype) < size, "cos", usual, x)


def tangent(x: Scalar) -> Scalar:
    """The tangent of x radians; after an odd number of quarters −1 / tan of the remainder."""
    form = layout(x.dtype)
    size = absolute(x)
    found = reduced(size, form)
    odd = (found.quarters & 1).equals(1)
    square = found.r * found.r
    tail = multiply_add(found.r * square, polynomial(square, TANGENT[form]), found.rest)
    near = found.r + tail
    ratio = select(odd, 1.0, near) / select(odd, near, 1.0)
    top = 8 * x.dtype.itemsize - 1
    flip = (x.bits(form.natural) ^ (found.quarters << top)) & (1 << top)
    usual = (ratio.bits(form.natural) ^ flip).bits(x.dtype)
    return call_where(number(LARGE[form], x.dtype) < size, "tan", usual, x)
