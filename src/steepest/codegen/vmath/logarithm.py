"""log and log1p: x = 2ᵏ·(1 + f) with √½ ≤ 1 + f < √2, so that log x = k·log 2 + log (1 + f)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.codegen.vmath.floats import FLOAT32, FLOAT64, Layout, layout, polynomial
from steepest.ir.scalar import Scalar, copysign, multiply_add, number, select

# log (1 + f) = f + f²·P(f)
COEFFICIENTS: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        -0.5,
        0.3333335518836975,
        -0.2500085234642029,
        0.1999976634979248,
        -0.16621315479278564,
        0.14228098094463348,
        -0.132034569978714,
        0.12615211308002472,
        -0.07353847473859787,
    ),
    FLOAT64: (
        -0.5,
        0.3333333333333286,
        -0.24999999999988234,
        0.2000000000015007,
        -0.16666666669792468,
        0.1428571427121906,
        -0.12499999689646628,
        0.11111111619581593,
        -0.10000015587556799,
        0.09090909770117302,
        -0.08332893820162467,
        0.07691777956805948,
        -0.07149930047383561,
        0.06682136797749051,
        -0.06190167582069677,
        0.056798459600803854,
        -0.057222178306401486,
        0.0649861114681745,
        -0.05858912425588061,
        0.0251216718943061,
    ),
}
# log 2 in two parts, whose first has so few bits that k times it is exact.
LOG2: Mapping[Layout, tuple[float, float]] = {
    FLOAT32: (0.693359375, -2.12194440e-4),
    FLOAT64: (float.fromhex("0x1.62e42feep-1"), 1.90821492927058770002e-10),
}


@final
@dataclass(frozen=True)
class Split:
    """A positive number as 2ᵏ·(1 + f).

    Args:
        biased: k + bias, as an unsigned integer.
        f: exact, between √½ − 1 and √2 − 1.
    """

    biased: Scalar
    f: Scalar


def split(x: Scalar, form: Layout) -> Split:
    """The exponent and the fraction of a normal positive number."""
    middle = form.pattern(math.sqrt(0.5))
    moved = x.bits(form.natural) + (form.pattern(1.0) - middle)
    mantissa = (moved & ((1 << form.fraction) - 1)) + middle
    return Split(moved >> form.fraction, mantissa.bits(x.dtype) - 1.0)


def logarithm_of(k: Scalar, f: Scalar, form: Layout) -> Scalar:
    """The logarithm k · log 2 + log (1 + f)."""
    first, second = LOG2[form]
    rest = multiply_add(f * f, polynomial(f, COEFFICIENTS[form]), k * second)
    return multiply_add(k, first, f + rest)


def logarithm(x: Scalar) -> Scalar:
    """The natural logarithm; −∞ at 0, NaN below."""
    form = layout(x.dtype)
    # The bits of a denormal number are an integer, how many of the smallest one it is.
    denormal = x < form.smallest
    whole = form.whole(x.bits(form.natural))
    found = split(select(denormal, whole, x), form)
    bias = select(denormal, number(2 * form.bias + form.fraction - 1, x.dtype), form.bias)
    usual = logarithm_of(form.whole(found.biased) - bias, found.f, form)
    at_edge = select(x.equals(0.0), number(-math.inf, x.dtype), math.nan)
    return select(number(0.0, x.dtype) < x, select(x < math.inf, usual, math.inf), at_edge)


def logarithm_of_one_plus(x: Scalar) -> Scalar:
    """The natural logarithm of 1 + x, with all its digits near 0; −∞ at −1, NaN below."""
    form = layout(x.dtype)
    sum_ = x + 1.0
    lost = x - (sum_ - 1.0)
    found = split(sum_, form)
    # 2^−k · lost, by which 1 + x is larger than its rounded sum; nothing where x is large.
    twice = 2 * form.bias << form.fraction
    inverse = (twice - (found.biased << form.fraction)).bits(x.dtype)
    moderate = x < 2.0**form.fraction
    f = select(moderate, multiply_add(lost, inverse, found.f), found.f)
    usual = logarithm_of(form.whole(found.biased) - form.bias, f, form)
    at_edge = select(x.equals(-1.0), number(-math.inf, x.dtype), math.nan)
    inside = select(x < math.inf, copysign(usual, x), math.inf)
    return select(number(-1.0, x.dtype) < x, inside, at_edge)
