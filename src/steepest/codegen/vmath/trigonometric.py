"""sin, cos and tan: |x| = n·π/2 + r with |r| ≤ π/4; n mod 4 says which of them, and its sign."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.codegen.vmath.floats import FLOAT32, FLOAT64, Layout, layout, polynomial
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
    """What is left of |x| after n quarters of a turn.

    Args:
        quarters: n in the lowest bits of an unsigned integer.
        sine: of the remainder r.
        cosine: of the remainder r.
    """

    quarters: Scalar
    sine: Scalar
    cosine: Scalar


def reduced(size: Scalar, form: Layout) -> Reduced:
    """The remainder and its functions, of a number that is not negative."""
    shifted = multiply_add(size, 2 / math.pi, form.round_off)
    n = shifted - form.round_off
    r = size
    for part in HALF_PI[form]:
        r = multiply_add(n, -part, r)
    square = r * r
    odd = multiply_add(r * square, polynomial(square, SINE[form]), r)
    tail = multiply_add(square, polynomial(square, COSINE[form]), -0.5)
    return Reduced(shifted.bits(form.natural), odd, multiply_add(square, tail, 1.0))


def turned(found: Reduced, form: Layout, quarters: Scalar, sign: Scalar) -> Scalar:
    """The sine after so many quarters of a turn, with the highest bit of ``sign`` as well."""
    odd = (quarters & 1).equals(1)
    value = select(odd, found.cosine, found.sine).bits(form.natural)
    top = 8 * form.dtype.itemsize - 1
    flip = (sign ^ (quarters << (top - 1))) & (1 << top)
    return (value ^ flip).bits(form.dtype)


def sine(x: Scalar) -> Scalar:
    """The sine of x radians."""
    form = layout(x.dtype)
    size = absolute(x)
    found = reduced(size, form)
    usual = turned(found, form, found.quarters, x.bits(form.natural))
    return call_where(number(LARGE[form], x.dtype) < size, "sin", usual, x)


def cosine(x: Scalar) -> Scalar:
    """The cosine of x radians, sin (x + π/2)."""
    form = layout(x.dtype)
    size = absolute(x)
    found = reduced(size, form)
    usual = turned(found, form, found.quarters + 1, number(0, form.natural))
    return call_where(number(LARGE[form], x.dtype) < size, "cos", usual, x)
