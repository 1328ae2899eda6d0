"""Rules of arithmetic that hold to the last bit, −0.0, infinities and NaN included."""

from __future__ import annotations

import numpy as np

from steepest.ir.node import Node
from steepest.ir.types import TensorType, bool_, float64, int64, is_floating, is_integer
from steepest.ops.elementwise import (
    abs,
    identity,
    logical_not,
    maximum,
    negative,
    relu,
    square,
    stop_gradient,
    where,
)
from steepest.rewrite.build import apply, full, is_number, is_op, number
from steepest.rewrite.rule import example, rule

_WHOLE = TensorType((2, 3), int64)
_TRUTH = TensorType((2, 3), bool_)
_PICK = (_TRUTH, TensorType((2, 3), float64), TensorType((2, 3), float64))


@rule("identity", "stop_gradient", on=(example(lambda x: identity(x)), example(stop_gradient)))
def same_value(node: Node) -> Node | None:
    """identity(x) = x, stop_gradient(x) = x: both have done their work in derivatives."""
    return node.inputs[0]


@rule("multiply", on=(example(lambda x: x * 1.0), example(lambda x: 1 * x, _WHOLE)))
def times_one(node: Node) -> Node | None:
    """A factor 1 goes: x · 1 = x."""
    x, y = node.inputs
    return x if is_number(y, 1) else y if is_number(x, 1) else None


@rule("divide", on=(example(lambda x: x / 1.0),))
def divided_by_one(node: Node) -> Node | None:
    """A divisor 1 goes: x / 1 = x."""
    x, y = node.inputs
    return x if is_number(y, 1) else None


@rule(
    "add",
    on=(
        example(lambda x: x + -0.0),
        example(lambda x: -0.0 + x),
        example(lambda x: x + 0, _WHOLE),
    ),
)
def plus_nothing(node: Node) -> Node | None:
    """A −0.0 that is added goes, for integers a 0; not so 0.0, which makes 0.0 of −0.0."""
    nothing = -0.0 if is_floating(node.dtype) else 0
    x, y = node.inputs
    return x if is_number(y, nothing) else y if is_number(x, nothing) else None


@rule("subtract", on=(example(lambda x: x - 0.0), example(lambda x: x - 0, _WHOLE)))
def minus_nothing(node: Node) -> Node | None:
    """A 0 that is subtracted goes: x − 0 = x."""
    x, y = node.inputs
    return x if is_number(y, 0) else None


@rule("subtract", on=(example(lambda x: -0.0 - x), example(lambda x: 0 - x, _WHOLE)))
def nothing_minus(node: Node) -> Node | None:
    """(−0.0) − x = −x; for integers 0 − x = −x."""
    x, y = node.inputs
    nothing = -0.0 if is_floating(node.dtype) else 0
    return apply("negative", y) if is_number(x, nothing) else None


@rule(
    *("multiply", "divide"),
    on=(
        example(lambda x: x * -1.0),
        example(lambda x: -1 * x, _WHOLE),
        example(lambda x: x / -1.0),
    ),
)
def times_minus_one(node: Node) -> Node | None:
    """A factor or divisor −1 is a negation: x · (−1) = −x."""
    x, y = node.inputs
    if is_number(y, -1):
        return apply("negative", x)
    return apply("negative", y) if is_op(node, "multiply") and is_number(x, -1) else None


@rule("divide", on=(example(lambda x: x / 8.0), example(lambda x: x / -0.25)))
def divided_by_power_of_two(node: Node) -> Node | None:
    """Division by a power of two is a product, which is cheaper: x / 2ⁿ = x · 2⁻ⁿ."""
    x, y = node.inputs
    divisor = number(y)
    if divisor is None or not np.isfinite(divisor) or abs_mantissa(float(divisor)) != 0.5:
        return None
    with np.errstate(all="ignore"):
        factor = node.dtype.type(1 / float(divisor))
    if not np.isfinite(factor) or np.abs(factor) < np.finfo(node.dtype).tiny:
        return None
    return apply("multiply", x, full(factor, node.dtype, node.shape))


def abs_mantissa(value: float) -> float:
    """0.5 for powers of two, negative ones included, and for no other number."""
    return float(np.abs(np.frexp(value)[0]))


@rule("multiply", on=(example(lambda x: x * x), example(lambda x: x * x, _WHOLE)))
def product_with_itself(node: Node) -> Node | None:
    """A product with itself is a square: x · x = x²."""
    x, y = node.inputs
    return apply("square", x) if x is y else None


@rule("pow", on=(example(lambda x: x**1.0), example(lambda x: x**0), example(lambda x: x**0.0)))
def power_zero_or_one(node: Node) -> Node | None:
    """x¹ = x, x⁰ = 1 (that of NaN too)."""
    x, y = node.inputs
    if is_number(y, 1):
        return x
    exponent = number(y)
    return full(1, node.dtype, node.shape) if exponent is not None and not exponent else None


@rule("pow", on=(example(lambda x: x**2, _WHOLE),))
def whole_power_two(node: Node) -> Node | None:
    """x^2 = x² for integers."""
    x, y = node.inputs
    return apply("square", x) if is_integer(node.dtype) and is_number(y, 2) else None


# ---------------------------------------------------------------------------------------- negation


@rule("negative", on=(example(lambda x: negative(negative(x))),))
def double_negation(node: Node) -> Node | None:
    """−(−x) = x."""
    (x,) = node.inputs
    return x.inputs[0] if is_op(x, "negative") else None


@rule(
    "add",
    on=(example(lambda x, y: x + -y, *_PICK[1:]), example(lambda x, y: -x + y, *_PICK[1:])),
)
def plus_negative(node: Node) -> Node | None:
    """A sum with a negative is a difference: x + (−y) = x − y."""
    x, y = node.inputs
    if is_op(y, "negative"):
        return apply("subtract", x, y.inputs[0])
    return apply("subtract", y, x.inputs[0]) if is_op(x, "negative") else None


@rule("subtract", on=(example(lambda x, y: x - negative(y), *_PICK[1:]),))
def minus_negative(node: Node) -> Node | None:
    """A difference from a negative is a sum: x − (−y) = x + y."""
    x, y = node.inputs
    return apply("add", x, y.inputs[0]) if is_op(y, "negative") else None


@rule(
    *("multiply", "divide"),
    on=(
        example(lambda x, y: -x * y, *_PICK[1:]),
        example(lambda x, y: x / -y, *_PICK[1:]),
        example(lambda x: -x * 3.0),
        example(lambda x: 3.0 / -x),
    ),
)
def negative_factor(node: Node) -> Node | None:
    """(−x) · y = −(x · y), likewise /: the sign moves outwards, or into a number."""
    x, y = node.inputs
    for at, (each, other) in enumerate(((x, y), (y, x))):
        if not is_op(each, "negative"):
            continue
        value = number(other)
        if value is not None:
            other = full(np.negative(value), node.dtype, node.shape)
        pair = (each.inputs[0], other) if at == 0 else (other, each.inputs[0])
        positive = apply(node.op.name, *pair)
        return positive if value is not None else apply("negative", positive)
    return None


@rule(
    *("abs", "square"),
    on=(
        example(lambda x: abs(-x)),
        example(lambda x: square(-x)),
        example(lambda x: square(abs(x))),
    ),
)
def sign_that_is_lost(node: Node) -> Node | None:
    """|−x| = |x|, (−x)² = x², |x|² = x²."""
    (x,) = node.inputs
    lost = is_op(x, "negative") or (is_op(node, "square") and is_op(x, "abs"))
    return apply(node.op.name, x.inputs[0]) if lost else None


# ------------------------------------------------------------------------------ once is enough


@rule(
    *("relu", "abs", "floor", "ceil", "trunc", "round", "sign"),
    on=(example(lambda x: relu(relu(x))), example(lambda x: abs(abs(x)))),
)
def again_the_same(node: Node) -> Node | None:
    """f(f(x)) = f(x) for relu, abs, sign and the roundings."""
    (x,) = node.inputs
    return x if x.op is node.op else None


@rule(
    *("maximum", "minimum", "logical_and", "logical_or", "bitwise_and", "bitwise_or"),
    on=(example(lambda x: maximum(x, x)), example(lambda x: x & x, _TRUTH)),
)
def both_the_same(node: Node) -> Node | None:
    """max(x, x) = x; likewise min, and, or."""
    x, y = node.inputs
    return x if x is y else None


@rule(
    *("logical_not", "bitwise_invert"),
    on=(example(lambda x: logical_not(logical_not(x)), _TRUTH), example(lambda x: ~~x, _WHOLE)),
)
def double_inversion(node: Node) -> Node | None:
    """Two inversions cancel: not not x = x."""
    (x,) = node.inputs
    return x.inputs[0] if x.op is node.op else None


@rule("where", on=(example(lambda c, x, _: where(c, x, x), *_PICK),))
def where_alike(node: Node) -> Node | None:
    """where(c, x, x) = x."""
    _, x, y = node.inputs
    return x if x is y else None


@rule("where", on=(example(lambda _, x, y: where(x.lift(True), x, y), *_PICK),))
def where_known(node: Node) -> Node | None:
    """where(true, x, y) = x, where(false, x, y) = y."""
    condition, x, y = node.inputs
    known = number(condition)
    return None if known is None else x if known else y


@rule("where", on=(example(lambda c, x, y: where(logical_not(c), x, y), *_PICK),))
def where_not(node: Node) -> Node | None:
    """where(not c, x, y) = where(c, y, x)."""
    condition, x, y = node.inputs
    if is_op(condition, "logical_not", "bitwise_invert"):
        return apply("where", condition.inputs[0], y, x)
    return None


@rule(
    "where",
    on=(
        example(lambda c, x, y: where(c, where(c, x, y), x * y), *_PICK),
        example(lambda c, x, y: where(c, x, where(c, x * y, y)), *_PICK),
    ),
)
def where_within_where(node: Node) -> Node | None:
    """where(c, where(c, x, y), z) = where(c, x, z); likewise on the other side."""
    condition, x, y = node.inputs
    if is_op(x, "where") and x.inputs[0] is condition:
        return apply("where", condition, x.inputs[1], y)
    if is_op(y, "where") and y.inputs[0] is condition:
        return apply("where", condition, x, y.inputs[2])
    return None


# -------------------------------------------------------------------------------------------- cast


@rule("cast", on=(example(lambda x: apply("cast", x, dtype=x.dtype)),))
def cast_to_the_same(node: Node) -> Node | None:
    """A cast to the type that x has is x."""
    (x,) = node.inputs
    return x if x.dtype == node.dtype else None


@rule(
    "cast",
    on=(
        example(lambda x: apply("cast", apply("cast", x, dtype=float64), dtype=x.dtype)),
        example(lambda x: apply("cast", apply("cast", x, dtype=int64), dtype=float64), _TRUTH),
    ),
)
def cast_of_cast(node: Node) -> Node | None:
    """cast(cast(x)) = cast(x) where the inner one loses nothing."""
    (inner,) = node.inputs
    if not is_op(inner, "cast"):
        return None
    (x,) = inner.inputs
    out_of_range = is_floating(x.dtype) and is_integer(
        node.dtype
    )  # what that gives nobody promises
    if out_of_range or not _holds(inner.dtype, x.dtype):
        return None
    return apply("cast", x, dtype=node.dtype)


def _holds(wide: np.dtype, narrow: np.dtype) -> bool:  # pyright: ignore
    """Whether each value of ``narrow`` is one of ``wide``, unlike NumPy's int64 in float64."""
    if wide.kind == "f" and narrow.kind in "iu":
        return 8 * narrow.itemsize <= np.finfo(wide).nmant
    return np.can_cast(narrow, wide, "safe")
