"""Which functions the compiler writes out in basic instructions, by the instruction's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from steepest.codegen.vmath.arc import arc_cosine, arc_sine, arc_tangent, arc_tangent_of_two
from steepest.codegen.vmath.error_function import error_function
from steepest.codegen.vmath.exponential import exponential, exponential_minus_one, logistic
from steepest.codegen.vmath.hyperbolic import (
    hyperbolic_cosine,
    hyperbolic_sine,
    hyperbolic_tangent,
)
from steepest.codegen.vmath.logarithm import (
    binary_logarithm,
    decimal_logarithm,
    logarithm,
    logarithm_of_one_plus,
)
from steepest.codegen.vmath.power import power
from steepest.codegen.vmath.trigonometric import cosine, sine, tangent
from steepest.ir.scalar import Scalar

# "call:name" is a function of the C library that is written out all the same.
EXPANSIONS: Mapping[str, Callable[..., Scalar]] = {
    "exp": exponential,
    "expm1": exponential_minus_one,
    "log": logarithm,
    "log1p": logarithm_of_one_plus,
    "sin": sine,
    "cos": cosine,
    "erf": error_function,
    "tanh": hyperbolic_tangent,
    "sigmoid": logistic,
    "power": power,
    "call:log2": binary_logarithm,
    "call:log10": decimal_logarithm,
    "call:tan": tangent,
    "call:sinh": hyperbolic_sine,
    "call:cosh": hyperbolic_cosine,
    "call:asin": arc_sine,
    "call:acos": arc_cosine,
    "call:atan": arc_tangent,
    "call:atan2": arc_tangent_of_two,
}
