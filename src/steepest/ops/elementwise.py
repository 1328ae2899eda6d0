"""The elementwise ops: each is its meaning in NumPy and a derivative in a line of mathematics.

In a pullback, g is the gradient that comes in; then come the result and the inputs. Adding an op
here is all it takes: the table test, the documentation and ``st.<name>`` pick it up.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steepest.errors import DTypeError, ShapeError
from steepest.ir import scalar
from steepest.ir.lowering import pointwise
from steepest.ir.node import Node
from steepest.ir.op import (
    Case,
    NotDifferentiable,
    Op,
    Operand,
    PiecewiseConstant,
    Sample,
    Stopped,
    define,
)
from steepest.ir.types import Array, TensorType, bool_, broadcast, float32, is_floating
from steepest.ops import formulas
from steepest.ops.formulas import library, of_floats
from steepest.ops.rows import (
    accept,
    batch_elementwise,
    binary,
    converted,
    default_dtype,
    of_one_type,
    stretched,
    together,
    unary,
)

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "erf",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "identity",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "pow",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "sigmoid",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "where",
]

ZERO = PiecewiseConstant()
LN2, LN10, TWO_OVER_SQRT_PI = math.log(2), math.log(10), 2 / math.sqrt(math.pi)


def _only(condition: Node, g: Node) -> Node:
    """``g`` where the condition holds, 0 elsewhere (also where ``g`` is not finite)."""
    return where(condition, g, 0.0)


def _floats_together(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Aligned, and integers converted: a quotient is a floating-point number."""
    aligned = together(inputs)
    return tuple(e if is_floating(e.dtype) else converted(e, float32) for e in aligned)


# ------------------------------------------------------------------------------ arithmetic
# fmt: off
add = binary("add", "The sum x + y.",
    reference=np.add, formula=lambda x, y: x + y,
    pullback=lambda g, z, x, y: (g, g))
subtract = binary("subtract", "The difference x − y.",
    reference=np.subtract, formula=lambda x, y: x - y,
    pullback=lambda g, z, x, y: (g, -g))
multiply = binary("multiply", "The product x · y.",
    reference=np.multiply, formula=lambda x, y: x * y,
    pullback=lambda g, z, x, y: (g * y, g * x))
divide = binary("divide", "The quotient x / y; integers are converted to float32 first.",
    reference=np.divide, formula=lambda x, y: x / y,
    takes="floating", right=(0.5, 2.0), align=_floats_together,
    pullback=lambda g, z, x, y: (g / y, -g * z / y))
pow = binary("pow", "The power x^y.",
    reference=lambda x, y: _power(x, y), formula=formulas.power, left=(0.3, 2.0),
    check=formulas.has_power,
    # x^y is 0 near x = 0 for every y > 0, so ∂/∂y there is 0 and not 0 · log 0
    pullback=lambda g, z, x, y: (
        g * y * pow(x, _not_both_zero(y, x) - 1.0), _only(x > 0.0, g * z * log(x))))
floor_divide = binary("floor_divide", "The quotient rounded down, ⌊x / y⌋.",
    reference=np.floor_divide, formula=formulas.floor_quotient,
    choices=(-2.6, -0.7, 1.3, 2.4), right_choices=(1.1, -1.1),
    pullback=ZERO)
remainder = binary("remainder", "x − y ⌊x / y⌋: what whole multiples of y leave, signed like y.",
    reference=np.remainder, formula=formulas.remainder,
    choices=(-2.6, -0.7, 1.3, 2.4), right_choices=(1.1, -1.1),
    pullback=lambda g, z, x, y: (g, -g * floor(x / y)))
negative = unary("negative", "The negation −x.",
    reference=np.negative, formula=lambda x: -x, takes="numeric",
    pullback=lambda g, y, x: (-g,))
abs = unary("abs", "The absolute value |x|; its derivative at 0 is 0.",
    reference=np.abs, formula=formulas.magnitude, takes="numeric", choices=(-1.5, -0.4, 0.7, 2.0),
    pullback=lambda g, y, x: (g * sign(x),))
sign = unary("sign", "−1, 0 or 1.",
    reference=np.sign, formula=formulas.sign, takes="numeric", choices=(-1.5, -0.4, 0.7, 2.0),
    pullback=ZERO)
square = unary("square", "The square x².",
    reference=np.square, formula=lambda x: x * x, takes="numeric",
    pullback=lambda g, y, x: (2.0 * g * x,))
reciprocal = unary("reciprocal", "1 / x.",
    reference=lambda x: 1 / x, formula=lambda x: 1 / x, domain=(0.5, 2.0),
    pullback=lambda g, y, x: (-g * y * y,))
maximum = binary("maximum", "The larger of x and y; NaN wins. Equal inputs share the gradient.",
    reference=np.maximum, formula=formulas.larger,
    pullback=lambda g, z, x, y: (_share(x > y, x, y, g), _share(y > x, x, y, g)))
minimum = binary("minimum", "The smaller of x and y; NaN wins. Equal inputs share the gradient.",
    reference=np.minimum, formula=formulas.smaller,
    pullback=lambda g, z, x, y: (_share(x < y, x, y, g), _share(y < x, x, y, g)))
copysign = binary("copysign", "|x| with the sign of y.",
    reference=np.copysign, formula=scalar.copysign,
    takes="floating", choices=(-1.5, -0.4, 0.7, 2.0),
    pullback=lambda g, z, x, y: (where(equal(signbit(x), signbit(y)), g, -g), None))
hypot = binary("hypot", "√(x² + y²) without overflow on the way.",
    reference=np.hypot, formula=library("hypot"),
    takes="floating", left=(0.3, 2.0), right=(0.3, 2.0),
    pullback=lambda g, z, x, y: (g * x / z, g * y / z))
atan2 = binary("atan2", "The angle of the point (y, x), in −π…π.",
    reference=np.arctan2, formula=library("atan2"),
    takes="floating", left=(0.3, 2.0), right=(0.3, 2.0),
    pullback=lambda g, z, x, y: (g * y / (x * x + y * y), -g * x / (x * x + y * y)))
logaddexp = binary("logaddexp", "log(exp x + exp y), safe for large x and y.",
    reference=np.logaddexp, formula=formulas.log_add_exp, takes="floating",
    pullback=lambda g, z, x, y: (g * sigmoid(x - y), g * sigmoid(y - x)))

# ----------------------------------------------------------- exponentials, roots, logarithms
sqrt = unary("sqrt", "The square root √x.",
    reference=np.sqrt, formula=scalar.sqrt, domain=(0.5, 2.0),
    pullback=lambda g, y, x: (0.5 * g / y,))
exp = unary("exp", "e to the x.",
    reference=np.exp, formula=scalar.exp,
    pullback=lambda g, y, x: (g * y,))
expm1 = unary("expm1", "exp(x) − 1, exact for small x.",
    reference=np.expm1, formula=scalar.expm1,
    pullback=lambda g, y, x: (g * (y + 1.0),))
log = unary("log", "The natural logarithm.",
    reference=np.log, formula=scalar.log, domain=(0.5, 2.0),
    pullback=lambda g, y, x: (g / x,))
log1p = unary("log1p", "log(1 + x), exact for small x.",
    reference=np.log1p, formula=scalar.log1p, domain=(-0.5, 2.0),
    pullback=lambda g, y, x: (g / (1.0 + x),))
log2 = unary("log2", "The logarithm to base 2.",
    reference=np.log2, formula=library("log2"), domain=(0.5, 2.0),
    pullback=lambda g, y, x: (g / (x * LN2),))
log10 = unary("log10", "The logarithm to base 10.",
    reference=np.log10, formula=library("log10"), domain=(0.5, 2.0),
    pullback=lambda g, y, x: (g / (x * LN10),))

# ------------------------------------------------------------------ what networks are made of
sigmoid = unary("sigmoid", "The logistic function 1 / (1 + exp(−x)).",
    reference=lambda x: _sigmoid(x), formula=scalar.sigmoid,
    pullback=lambda g, y, x: (g * y * (1.0 - y),))
tanh = unary("tanh", "The hyperbolic tangent, 2 sigmoid(2x) − 1.",
    reference=np.tanh, formula=scalar.tanh,
    pullback=lambda g, y, x: (g * (1.0 - y * y),))
relu = unary("relu", "max(x, 0); its derivative at 0 is 0, and NaN stays NaN.",
    reference=lambda x: np.maximum(x, x.dtype.type(0)),
    formula=lambda x: scalar.select(x < 0, 0, x),
    choices=(-1.5, -0.4, 0.7, 2.0),
    # a product: NumPy's where is 6 times slower on a mask without pattern
    # y > 0 where x > 0, so that x itself need not be kept
    pullback=lambda g, y, x: (g * converted(y > 0.0, x.dtype),))
erf = unary("erf", "The error function 2/√π ∫₀ˣ exp(−t²) dt.",
    reference=lambda x: _erf(x), formula=scalar.erf,
    pullback=lambda g, y, x: (g * TWO_OVER_SQRT_PI * exp(-x * x),))

# -------------------------------------------------------------------------------- trigonometry
sin = unary("sin", "The sine of x radians.",
    reference=np.sin, formula=scalar.sin,
    pullback=lambda g, y, x: (g * cos(x),))
cos = unary("cos", "The cosine of x radians.",
    reference=np.cos, formula=scalar.cos,
    pullback=lambda g, y, x: (-g * sin(x),))
tan = unary("tan", "The tangent of x radians.",
    reference=np.tan, formula=library("tan"), domain=(-1.0, 1.0),
    pullback=lambda g, y, x: (g * (1.0 + y * y),))
asin = unary("asin", "The angle in −π/2…π/2 whose sine is x.",
    reference=np.arcsin, formula=library("asin"), domain=(-0.8, 0.8),
    pullback=lambda g, y, x: (g / sqrt(1.0 - x * x),))
acos = unary("acos", "The angle in 0…π whose cosine is x.",
    reference=np.arccos, formula=library("acos"), domain=(-0.8, 0.8),
    pullback=lambda g, y, x: (-g / sqrt(1.0 - x * x),))
atan = unary("atan", "The angle in −π/2…π/2 whose tangent is x.",
    reference=np.arctan, formula=library("atan"),
    pullback=lambda g, y, x: (g / (1.0 + x * x),))
sinh = unary("sinh", "The hyperbolic sine (exp x − exp −x) / 2.",
    reference=np.sinh, formula=library("sinh"),
    pullback=lambda g, y, x: (g * cosh(x),))
cosh = unary("cosh", "The hyperbolic cosine (exp x + exp −x) / 2.",
    reference=np.cosh, formula=library("cosh"),
    pullback=lambda g, y, x: (g * sinh(x),))
asinh = unary("asinh", "The inverse of sinh.",
    reference=np.arcsinh, formula=library("asinh"),
    pullback=lambda g, y, x: (g / sqrt(x * x + 1.0),))
acosh = unary("acosh", "The inverse of cosh, for x ≥ 1.",
    reference=np.arccosh, formula=library("acosh"), domain=(1.3, 2.5),
    pullback=lambda g, y, x: (g / sqrt(x * x - 1.0),))
atanh = unary("atanh", "The inverse of tanh, for |x| < 1.",
    reference=np.arctanh, formula=library("atanh"), domain=(-0.8, 0.8),
    pullback=lambda g, y, x: (g / (1.0 - x * x),))

# ------------------------------------------------------------------------------------ rounding
floor = unary("floor", "The largest whole number ≤ x.",
    reference=lambda x: np.floor(x).astype(x.dtype), formula=of_floats(scalar.floor),
    takes="numeric", choices=(-1.5, 0.4, 1.7),
    pullback=ZERO)
ceil = unary("ceil", "The smallest whole number ≥ x.",
    reference=lambda x: np.ceil(x).astype(x.dtype), formula=of_floats(scalar.ceil),
    takes="numeric", choices=(-1.5, 0.4, 1.7),
    pullback=ZERO)
trunc = unary("trunc", "x without its fractional part.",
    reference=lambda x: np.trunc(x).astype(x.dtype), formula=of_floats(scalar.trunc),
    takes="numeric", choices=(-1.5, 0.4, 1.7),
    pullback=ZERO)
round = unary("round", "The nearest whole number; halves go to the even one.",
    reference=lambda x: np.round(x).astype(x.dtype), formula=of_floats(scalar.round_even),
    takes="numeric", choices=(-1.7, 0.4, 1.7),
    pullback=ZERO)
nextafter = binary("nextafter", "The floating-point number after x in the direction of y.",
    reference=np.nextafter, formula=library("nextafter"), takes="floating",
    pullback=NotDifferentiable("it moves by one unit in the last place: a property of the number "
                               "format, not a function with a slope"))

# ---------------------------------------------------------------------- comparisons and logic
equal = binary("equal", "Whether x = y.",
    reference=np.equal, formula=lambda x, y: x.equals(y),
    takes="any", gives=bool_, choices=(-1.5, 0.5), pullback=ZERO)
not_equal = binary("not_equal", "Whether x ≠ y.",
    reference=np.not_equal, formula=lambda x, y: x.differs(y),
    takes="any", gives=bool_, choices=(-1.5, 0.5), pullback=ZERO)
less = binary("less", "Whether x < y.",
    reference=np.less, formula=lambda x, y: x < y,
    takes="any", gives=bool_, choices=(-1.5, 0.5), pullback=ZERO)
less_equal = binary("less_equal", "Whether x ≤ y.",
    reference=np.less_equal, formula=lambda x, y: x <= y,
    takes="any", gives=bool_, choices=(-1.5, 0.5), pullback=ZERO)
greater = binary("greater", "Whether x > y.",
    reference=np.greater, formula=lambda x, y: x > y,
    takes="any", gives=bool_, choices=(-1.5, 0.5), pullback=ZERO)
greater_equal = binary("greater_equal", "Whether x ≥ y.",
    reference=np.greater_equal, formula=lambda x, y: x >= y,
    takes="any", gives=bool_, choices=(-1.5, 0.5), pullback=ZERO)
logical_and = binary("logical_and", "Whether both are true.",
    reference=np.logical_and, formula=lambda x, y: x & y, takes="boolean", pullback=ZERO)
logical_or = binary("logical_or", "Whether at least one is true.",
    reference=np.logical_or, formula=lambda x, y: x | y, takes="boolean", pullback=ZERO)
logical_xor = binary("logical_xor", "Whether exactly one is true.",
    reference=np.logical_xor, formula=lambda x, y: x ^ y, takes="boolean", pullback=ZERO)
logical_not = unary("logical_not", "Whether x is false.",
    reference=np.logical_not, formula=lambda x: ~x, takes="boolean", pullback=ZERO)
isnan = unary("isnan", "Whether x is not a number.",
    reference=np.isnan, formula=lambda x: x.differs(x),
    takes="numeric", gives=bool_, choices=(math.nan, 1.0), pullback=ZERO)
isinf = unary("isinf", "Whether x is infinite.",
    reference=np.isinf, formula=formulas.infinite,
    takes="numeric", gives=bool_, choices=(math.inf, 1.0), pullback=ZERO)
isfinite = unary("isfinite", "Whether x is neither infinite nor NaN.",
    reference=np.isfinite, formula=formulas.finite,
    takes="numeric", gives=bool_, choices=(math.nan, 1.0), pullback=ZERO)
signbit = unary("signbit", "Whether the sign of x is negative, that of −0.0 included.",
    reference=np.signbit, formula=formulas.negative_sign,
    gives=bool_, choices=(-0.0, 0.0, 1.0, -1.0), pullback=ZERO)

# ---------------------------------------------------------------------------------------- bits
bitwise_and = binary("bitwise_and", "The bits set in both.",
    reference=np.bitwise_and, formula=lambda x, y: x & y, takes="bits", pullback=ZERO)
bitwise_or = binary("bitwise_or", "The bits set in at least one.",
    reference=np.bitwise_or, formula=lambda x, y: x | y, takes="bits", pullback=ZERO)
bitwise_xor = binary("bitwise_xor", "The bits set in exactly one.",
    reference=np.bitwise_xor, formula=lambda x, y: x ^ y, takes="bits", pullback=ZERO)
bitwise_invert = unary("bitwise_invert", "All bits turned over.",
    reference=np.invert, formula=lambda x: ~x, takes="bits", pullback=ZERO)
bitwise_left_shift = binary("bitwise_left_shift", "x · 2^y, for y ≥ 0.",
    reference=np.left_shift, formula=lambda x, y: x << y,
    takes="integer", right=(0.0, 5.0), pullback=ZERO)
bitwise_right_shift = binary("bitwise_right_shift", "⌊x / 2^y⌋, for y ≥ 0.",
    reference=np.right_shift, formula=lambda x, y: x >> y,
    takes="integer", right=(0.0, 5.0), pullback=ZERO)

# ------------------------------------------------------------------- identities with a purpose
identity = unary("identity", "x itself, as a node of its own.",
    reference=lambda x: x, formula=lambda x: x, takes="any",
    pullback=lambda g, y, x: (g,))
stop_gradient = unary("stop_gradient", "x itself; derivatives treat it as a constant.",
    reference=lambda x: x, formula=lambda x: x, takes="any",
    pullback=Stopped())
# fmt: on


def _share(mine: Node, x: Node, y: Node, g: Node) -> Node:
    return where(mine, g, where(equal(x, y), 0.5 * g, 0.0))


def _not_both_zero(y: Node, x: Node) -> Node:
    """The exponent y, but 1 where x = y = 0: y x^(y − 1) is 0 there and not 0 · ∞."""
    return where(equal(y, 0.0), where(equal(x, 0.0), 1.0, y), y)


def _power(x: Array, y: Array) -> Array:
    if not is_floating(y.dtype) and np.any(y < 0):
        raise DTypeError("a negative power of an integer is a fraction; use .astype(st.float32)")
    return np.power(x, y)


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[x.dtype])(x)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)


# --------------------------------------------------------------------------------------- where


def _where_together(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    condition, *branches = inputs
    if not any(isinstance(each, Operand) for each in branches):
        branches[0] = condition.lift(branches[0], default_dtype(branches[0]))
    x, y = of_one_type(tuple(branches))
    if not isinstance(condition, Operand):
        condition = x.lift(condition, bool_)
    shape = broadcast(condition.shape, x.shape, y.shape)
    return tuple(stretched(each, shape) for each in (condition, x, y))


def _where_type(condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
    accept("boolean", condition)
    if x != y or condition.shape != x.shape:
        raise ShapeError(f"{condition}, {x} and {y} differ")
    return x


where = define(
    Op(
        name="where",
        summary="x where the condition holds, y elsewhere.",
        infer=_where_type,
        reference=np.where,
        lower=pointwise(scalar.select),
        pullback=lambda g, z, condition, x, y: (
            None,
            where(condition, g, 0.0),
            where(condition, 0.0, g),
        ),
        batch=batch_elementwise,
        align=_where_together,
        cases=(Case((Sample(dtype="bool"), Sample(), Sample()), any_shape=True),),
    )
)
