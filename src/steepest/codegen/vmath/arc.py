"""asin, acos, atan and atan2: a polynomial near 0, and identities that lead there."""

from __future__ import annotations

import math
from collections.abc import Mapping

from steepest.codegen.vmath.floats import FLOAT32, FLOAT64, Layout, layout, odd_polynomial
from steepest.ir.scalar import Scalar, absolute, call_where, copysign, number, select, sqrt

# atan t = t + t³·P(t²) for |t| ≤ √2 − 1
TANGENT: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        -0.3333331346511841,
        0.1999838948249817,
        -0.1424223929643631,
        0.10585490614175797,
        -0.060593873262405396,
    ),
    FLOAT64: (
        -0.33333333333333187,
        0.19999999999951196,
        -0.1428571427999201,
        0.11111110774487824,
        -0.09090897526694505,
        0.07692056482223208,
        -0.06663065101485637,
        0.05847627010038334,
        -0.050382036226465775,
        0.03803835907480119,
        -0.017880217137586814,
    ),
}
# asin t = t + t³·P(t²) for |t| ≤ NEAR
NEAR = 0.55
SINE: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        0.1666664034128189,
        0.07501610368490219,
        0.044315047562122345,
        0.0334089994430542,
        0.008698963560163975,
        0.04514174535870552,
    ),
    FLOAT64: (
        0.16666666666668392,
        0.0749999999956068,
        0.044642857535422686,
        0.03038192677255513,
        0.022372627507679797,
        0.0173448127631821,
        0.014055556072665756,
        0.010838303621862114,
        0.013662155675836651,
        -0.006285955875054698,
        0.04405123488572051,
        -0.05010117077978143,
        0.049407066454996804,
    ),
}
# π/2 less its rounded value
HALF_PI_REST: Mapping[Layout, float] = {
    FLOAT32: -4.3711390001862426e-08,
    FLOAT64: 6.123233995736766e-17,
}


def angle(smaller: Scalar, larger: Scalar, swapped: Scalar, form: Layout) -> Scalar:
    """The arc tangent of smaller / larger, of numbers ≥ 0; its complement where swapped."""
    # atan t = π/4 + atan ((t − 1) / (t + 1))
    high = larger * (math.sqrt(2) - 1) < smaller
    above = select(high, smaller - larger, smaller)
    below = select(high, smaller + larger, larger)
    found = odd_polynomial(above / below, TANGENT[form])
    # π/4 of the one and π/2 of the other are added in one step, most of it exactly.
    found = select(swapped, -found, found)
    side = select(swapped, number(math.pi / 2, form.dtype), 0.0)
    start = select(high, math.pi / 4, side)
    rest = HALF_PI_REST[form]
    side_rest = select(swapped, number(rest, form.dtype), 0.0)
    start_rest = select(high, rest / 2, side_rest)
    return start + (found + start_rest)


def arc_tangent(x: Scalar) -> Scalar:
    """The angle in (−π/2, π/2) whose tangent is x."""
    form = layout(x.dtype)
    size = absolute(x)
    swapped = number(1.0, x.dtype) < size
    smaller, larger = select(swapped, 1.0, size), select(swapped, size, 1.0)
    return copysign(angle(smaller, larger, swapped, form), x)


def arc_tangent_of_two(y: Scalar, x: Scalar) -> Scalar:
    """The angle of the point (x, y) in [−π, π]."""
    form = layout(x.dtype)
    width, height = absolute(x), absolute(y)
    swapped = width < height
    smaller, larger = select(swapped, width, height), select(swapped, height, width)
    found = angle(smaller, larger, swapped, form)
    rest = number(2 * HALF_PI_REST[form], x.dtype)
    behind = math.pi - (found - rest)
    usual = copysign(select(x < 0.0, behind, found), y)
    # Sums and quotients of all others are normal numbers, or as small as the angle itself.
    moderate = (larger < 2.0 ** (form.bias - 2)) & (2.0 ** (4 - form.bias) < larger)
    return call_where(~moderate, "atan2", usual, y, x)


def half_angle(size: Scalar, form: Layout) -> tuple[Scalar, Scalar, Scalar]:
    """Whether |x| ≤ NEAR, asin |x| there, and acos |x| = 2 asin √((1 − |x|) / 2) elsewhere."""
    near = size <= NEAR
    within = select(near, size, sqrt((1.0 - size) * 0.5))
    found = odd_polynomial(within, SINE[form])
    return near, found, found + found


def arc_sine(x: Scalar) -> Scalar:
    """The angle in [−π/2, π/2] whose sine is x; NaN for |x| > 1."""
    form = layout(x.dtype)
    near, small, complement = half_angle(absolute(x), form)
    return copysign(select(near, small, math.pi / 2 - (complement - HALF_PI_REST[form])), x)


def arc_cosine(x: Scalar) -> Scalar:
    """The angle in [0, π] whose cosine is x; NaN for |x| > 1."""
    form = layout(x.dtype)
    near, small, complement = half_angle(absolute(x), form)
    rest = HALF_PI_REST[form]
    middle = math.pi / 2 - (copysign(small, x) - rest)
    return select(near, middle, select(x < 0.0, math.pi - (complement - 2 * rest), complement))
