"""exp, expm1 and sigmoid: x = n·log 2 + r, so that eˣ = 2ⁿ·eʳ with |r| ≤ ½ log 2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.codegen.vmath.floats import (
    FLOAT32,
    FLOAT64,
    Layout,
    at_least,
    at_most,
    layout,
    polynomial,
    tiny_is_itself,
)
from steepest.ir.scalar import Scalar, absolute, multiply_add, select


@final
@dataclass(frozen=True)
class Constants:
    """What the exponential functions of one element type need.

    Args:
        log2: log 2 in two parts, whose first has so few bits that n times it is exact.
        coefficients: eʳ = 1 + r + r²·P(r).
        lowest: eˣ rounds to 0 from here down.
        highest: eˣ is ∞ from here up.
        denormal: below, eˣ is near enough to the denormal numbers to need care.
        saturated: e^−x vanishes beside 1 from here up.
    """

    log2: tuple[float, float]
    coefficients: tuple[float, ...]
    lowest: float
    highest: float
    denormal: float
    saturated: float


CONSTANTS: Mapping[Layout, Constants] = {
    FLOAT32: Constants(
        (0.693359375, -2.12194440e-4),
        (
            0.5,
            0.16666540503501892,
            0.04166647791862488,
            0.0083668427541852,
            0.001393371494486928,
        ),
        lowest=-104.0,
        highest=89.0,
        denormal=-86.9,
        saturated=18.5,
    ),
    FLOAT64: Constants(
        (float.fromhex("0x1.62e42feep-1"), 1.90821492927058770002e-10),
        (
            0.5000000000000006,
            0.16666666666666677,
            0.041666666666573295,
            0.008333333333321421,
            0.0013888888932543691,
            0.0001984126988666152,
            2.480150420112783e-05,
            2.7557243661925588e-06,
            2.762643799275023e-07,
            2.510923149436572e-08,
        ),
        lowest=-746.0,
        highest=710.0,
        denormal=-708.0,
        saturated=40.0,
    ),
}


@final
@dataclass(frozen=True)
class Parts:
    """eˣ = 2 · half_scale · (1 + rest).

    Args:
        half_scale: the bits of 2^(n − 1), right where that is a normal number.
        rest: eʳ − 1.
    """

    half_scale: Scalar
    rest: Scalar


def parts(x: Scalar, form: Layout) -> Parts:
    """The exponent and the fraction of eˣ, for x in the range of the element type."""
    constants = CONSTANTS[form]
    shift = form.round_off + form.bias - 1
    shifted = multiply_add(x, 1 / math.log(2), shift)
    n = shifted - shift
    first, second = constants.log2
    r = multiply_add(n, -second, multiply_add(n, -first, x))
    rest = multiply_add(r * r, polynomial(r, constants.coefficients), r)
    return Parts(form.scale(shifted), rest)


def denormal_exponential(found: Parts, form: Layout) -> Scalar:
    """eˣ below the normal numbers, rounded once: it is an integer, read as a number's bits."""
    # Multiplying into the denormal numbers would take the processor a hundred times as long.
    unit = form.fraction + form.bias - 1
    scale = (found.half_scale + (unit << form.fraction)).bits(form.dtype)
    twice = multiply_add(found.rest, 2.0, 2.0)
    return form.rounded(twice * scale).bits(form.dtype)


def exponential(x: Scalar) -> Scalar:
    """eˣ."""
    form = layout(x.dtype)
    constants = CONSTANTS[form]
    found = parts(at_least(at_most(x, constants.highest), constants.lowest), form)
    twice = multiply_add(found.rest, 2.0, 2.0)
    normal = twice * found.half_scale.bits(x.dtype)
    return select(x < constants.denormal, denormal_exponential(found, form), normal)


def exponential_minus_one(x: Scalar) -> Scalar:
    """eˣ − 1, with all its digits near 0."""
    form = layout(x.dtype)
    constants = CONSTANTS[form]
    within = at_least(at_most(x, constants.highest), -constants.saturated)
    found = parts(within, form)
    scale = found.half_scale.bits(x.dtype)
    half = multiply_add(scale, found.rest, scale - 0.5)
    return tiny_is_itself(x, 2.0 ** -(form.fraction + 2), half + half)


def logistic(x: Scalar) -> Scalar:
    """1 / (1 + e^−x), from e^−|x| on both sides so that nothing overflows."""
    form = layout(x.dtype)
    constants = CONSTANTS[form]
    within = at_least(-absolute(x), constants.lowest)
    found = parts(within, form)
    scaled = multiply_add(found.rest, 2.0, 2.0) * found.half_scale.bits(x.dtype)
    small = select(within < constants.denormal, 0.0, scaled)
    share = select(x < 0.0, small, 1.0) / (small + 1.0)
    return select(x < constants.denormal, denormal_exponential(found, form), share)
