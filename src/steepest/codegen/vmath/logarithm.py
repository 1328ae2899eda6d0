"""log, log2, log10 and log1p: with x = 2ᵏ·(1 + f), log x = k·log 2 + log (1 + f)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
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
# log₂ (1 + f) = f·factor + f·P(f), and the same to base 10; the factor is 1 / log base, rounded.
BINARY_FACTOR: Mapping[Layout, float] = {
    FLOAT32: 1.4426950216293335,
    FLOAT64: 1.4426950408889634,
}
BINARY: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        1.9286153118969196e-08,
        -0.7213473320007324,
        0.4808982014656067,
        -0.360697865486145,
        0.2885701656341553,
        -0.23959633708000183,
        0.20454257726669312,
        -0.1911541074514389,
        0.1865423023700714,
        -0.11019165068864822,
    ),
    FLOAT64: (
        2.380761244645142e-17,
        -0.7213475204444824,
        0.480898346962982,
        -0.36067376022184333,
        0.28853900817917827,
        -0.24044917355326667,
        0.20609929146172773,
        -0.18033687417260721,
        0.16029944877245422,
        -0.14426977012268563,
        0.13115436859759363,
        -0.12021768911896877,
        0.1109636450532998,
        -0.10315300777368121,
        0.09646158107681659,
        -0.08936126449439487,
        0.08161480450917927,
        -0.0819069061972243,
        0.09426895788962096,
        -0.08674884203610903,
        0.03779959008114217,
    ),
}
DECIMAL_FACTOR: Mapping[Layout, float] = {
    FLOAT32: 0.4342944920063019,
    FLOAT64: 0.4342944819032518,
}
DECIMAL: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        -1.0095065228199473e-08,
        -0.21714718639850616,
        0.14476478099822998,
        -0.10858073830604553,
        0.08686833083629608,
        -0.07212837785482407,
        0.06157388538122177,
        -0.05752445012331009,
        0.056145939975976944,
        -0.033201295882463455,
    ),
    FLOAT64: (
        1.2022454007721048e-17,
        -0.2171472409516261,
        0.1447648273010822,
        -0.10857362047569614,
        0.08685889638106922,
        -0.07238241367182333,
        0.06204206881463762,
        -0.054286808468083765,
        0.04825494240458194,
        -0.04342952773833209,
        0.039481397586342254,
        -0.03618913943011779,
        0.0334034166775243,
        -0.03105207256854032,
        0.029037452113830138,
        -0.026900595683540474,
        0.02457085300564055,
        -0.02465822892089639,
        0.028372463314241654,
        -0.02610426559893579,
        0.01137427660298014,
    ),
}
# log₁₀ 2 in two parts, as LOG2.
DECIMAL_2: Mapping[Layout, tuple[float, float]] = {
    FLOAT32: (0.301025390625, 4.605038981195214e-06),
    FLOAT64: (0.30102999566383914, 1.42050232272661e-13),
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


def of_any(x: Scalar, formula: Callable[[Scalar, Scalar, Layout], Scalar]) -> Scalar:
    """A logarithm by its formula for 2ᵏ·(1 + f); −∞ at 0, NaN below."""
    form = layout(x.dtype)
    # The bits of a denormal number are an integer, how many of the smallest one it is.
    denormal = x < form.smallest
    whole = form.whole(x.bits(form.natural))
    found = split(select(denormal, whole, x), form)
    bias = select(denormal, number(2 * form.bias + form.fraction - 1, x.dtype), form.bias)
    usual = formula(form.whole(found.biased) - bias, found.f, form)
    at_edge = select(x.equals(0.0), number(-math.inf, x.dtype), math.nan)
    return select(number(0.0, x.dtype) < x, select(x < math.inf, usual, math.inf), at_edge)


def logarithm(x: Scalar) -> Scalar:
    """The natural logarithm."""
    return of_any(x, logarithm_of)


def binary_logarithm_of(k: Scalar, f: Scalar, form: Layout) -> Scalar:
    """The logarithm k + log₂ (1 + f)."""
    return k + multiply_add(f, BINARY_FACTOR[form], f * polynomial(f, BINARY[form]))


def binary_logarithm(x: Scalar) -> Scalar:
    """The logarithm to base 2, exact for powers of 2."""
    return of_any(x, binary_logarithm_of)


def decimal_logarithm_of(k: Scalar, f: Scalar, form: Layout) -> Scalar:
    """The logarithm k · log₁₀ 2 + log₁₀ (1 + f)."""
    first, second = DECIMAL_2[form]
    rest = multiply_add(f, polynomial(f, DECIMAL[form]), k * second)
    return multiply_add(k, first, multiply_add(f, DECIMAL_FACTOR[form], rest))


def decimal_logarithm(x: Scalar) -> Scalar:
    """The logarithm to base 10."""
    return of_any(x, decimal_logarithm_of)


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
