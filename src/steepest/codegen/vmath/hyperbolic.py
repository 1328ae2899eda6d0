"""tanh, sinh and cosh out of eˣ, near 0 by polynomials."""

from __future__ import annotations

from collections.abc import Mapping

from steepest.codegen.vmath.exponential import CONSTANTS, parts
from steepest.codegen.vmath.floats import (
    FLOAT32,
    FLOAT64,
    Layout,
    at_most,
    layout,
    odd_polynomial,
)
from steepest.ir.scalar import Scalar, absolute, copysign, multiply_add, select

# tanh x = x + x³·P(x²) for |x| < TANGENT_BOUND
TANGENT_BOUND = 0.27
TANGENT: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (-0.333331823348999, 0.13320884108543396, -0.051009178161621094),
    FLOAT64: (
        -0.3333333333333175,
        0.13333333332784683,
        -0.05396825332117182,
        0.02186945221000255,
        -0.008862140795011665,
        0.0035738969812231427,
        -0.0012965554834176705,
    ),
}
# sinh x = x + x³·P(x²) for |x| < 1
SINE: Mapping[Layout, tuple[float, ...]] = {
    FLOAT32: (
        0.1666666716337204,
        0.008333315141499043,
        0.00019841665925923735,
        2.7899839096789947e-06,
    ),
    FLOAT64: (
        0.16666666666666669,
        0.00833333333333297,
        0.00019841269841531245,
        2.7557319130352524e-06,
        2.5052126861989364e-08,
        1.6056999965204122e-10,
        7.765916630596675e-13,
    ),
}
# sinh and cosh are ∞ from here up.
OVERFLOW: Mapping[Layout, float] = {FLOAT32: 89.5, FLOAT64: 710.6}


def hyperbolic_tangent(x: Scalar) -> Scalar:
    """The hyperbolic tangent (e²ˣ − 1) / (e²ˣ + 1) of |x|, with the sign of x."""
    form = layout(x.dtype)
    size = absolute(x)
    found = parts(at_most(size + size, CONSTANTS[form].saturated), form)
    scale = found.half_scale.bits(x.dtype)
    half = multiply_add(scale, found.rest, scale - 0.5)
    near = odd_polynomial(size, TANGENT[form])
    return copysign(select(size < TANGENT_BOUND, near, half / (half + 1.0)), x)


def quarter_exponential(size: Scalar, form: Layout) -> Scalar:
    """¼·e^|x|, which is finite where sinh and cosh are; beyond, ∞."""
    found = parts(at_most(size, OVERFLOW[form]), form)
    scale = (found.half_scale - (1 << form.fraction)).bits(form.dtype)
    return multiply_add(scale, found.rest, scale)


def hyperbolic_sine(x: Scalar) -> Scalar:
    """The hyperbolic sine (eˣ − e^−x) / 2."""
    form = layout(x.dtype)
    size = absolute(x)
    quarter = quarter_exponential(size, form)
    half = quarter - 0.0625 / quarter
    return copysign(select(size < 1.0, odd_polynomial(size, SINE[form]), half + half), x)


def hyperbolic_cosine(x: Scalar) -> Scalar:
    """The hyperbolic cosine (eˣ + e^−x) / 2."""
    quarter = quarter_exponential(absolute(x), layout(x.dtype))
    half = quarter + 0.0625 / quarter
    return half + half
