"""Rules for formulas that lose digits or overflow: the same value from a form that does not."""

from __future__ import annotations

from steepest.ir.node import Node
from steepest.ir.types import TensorType, float64, is_floating
from steepest.ops.composite import logsumexp, softmax
from steepest.ops.elementwise import exp, log, log1p, pow, sigmoid
from steepest.ops.reduce import sum
from steepest.rewrite.build import apply, full, is_number, is_op
from steepest.rewrite.rule import example, floats, rule

_TWO = (floats(2, 3), floats(2, 3))


@rule("pow", on=(example(lambda x: pow(x, 2.0)),), keeps="accuracy")
def power_two(node: Node) -> Node | None:
    """x^2 = x², which is rounded once."""
    x, y = node.inputs
    return apply("square", x) if is_floating(node.dtype) and is_number(y, 2) else None


@rule("pow", on=(example(lambda x: pow(x, -1.0)),), keeps="accuracy")
def power_minus_one(node: Node) -> Node | None:
    """x^−1 = 1 / x, which is rounded once."""
    x, y = node.inputs
    if not is_floating(node.dtype) or not is_number(y, -1):
        return None
    return apply("divide", full(1, node.dtype, node.shape), x)


# ------------------------------------------------------------------------------------- near 0 and 1


@rule(
    *("subtract", "add"),
    on=(example(lambda x: exp(x) - 1.0), example(lambda x: -1.0 + exp(x))),
    keeps="accuracy",
)
def exp_minus_one(node: Node) -> Node | None:
    """exp(x) − 1 = expm1(x), which keeps the digits of a small x."""
    x, y = node.inputs
    if is_op(node, "add") and is_number(x, -1):
        x, y = y, x
    power, one = x, -1 if is_op(node, "add") else 1
    return apply("expm1", *power.inputs) if is_op(power, "exp") and is_number(y, one) else None


@rule(
    "log",
    on=(
        example(lambda x: log(exp(x) + 1.0)),
        example(lambda x, y: log(exp(x) + exp(y)), *_TWO),
    ),
    keeps="accuracy",
)
def log_of_two_exps(node: Node) -> Node | None:
    """log(exp x + exp y) = logaddexp(x, y), and 1 is exp 0: neither overflows."""
    (total,) = node.inputs
    if not is_op(total, "add") or not any(is_op(each, "exp") for each in total.inputs):
        return None
    x, y = (_logarithm(each) for each in sorted(total.inputs, key=_is_one))
    return None if x is None or y is None else apply("logaddexp", x, y)


def _is_one(node: Node) -> bool:
    return is_number(node, 1)


def _logarithm(node: Node) -> Node | None:
    if is_op(node, "exp"):
        return node.inputs[0]
    return full(0, node.dtype, node.shape) if _is_one(node) else None


@rule("log1p", on=(example(lambda x: log1p(exp(x))),), keeps="accuracy")
def log1p_of_exp(node: Node) -> Node | None:
    """log1p(exp x) = logaddexp(x, 0), which does not overflow."""
    (power,) = node.inputs
    if not is_op(power, "exp"):
        return None
    return apply("logaddexp", *power.inputs, full(0, node.dtype, node.shape))


@rule(
    "log", on=(example(lambda x: log(1.0 + x)), example(lambda x: log(1.0 - x))), keeps="accuracy"
)
def log_near_one(node: Node) -> Node | None:
    """log(1 ± x) = log1p(±x), which keeps the digits of a small x."""
    (total,) = node.inputs
    if not is_op(total, "add", "subtract"):
        return None
    x, y = total.inputs
    if is_number(x, 1):
        return apply("log1p", y if is_op(total, "add") else apply("negative", y))
    return apply("log1p", x) if is_op(total, "add") and is_number(y, 1) else None


# ----------------------------------------------------------------------------------------- sigmoids


@rule(
    *("divide", "reciprocal"),
    on=(
        example(lambda x: 1.0 / (1.0 + exp(-x))),
        example(lambda x: apply("reciprocal", 1.0 + exp(x))),
    ),
    keeps="accuracy",
)
def logistic(node: Node) -> Node | None:
    """1 / (1 + exp(−x)) = sigmoid(x), which does not overflow."""
    total = node.inputs[-1]
    if is_op(node, "divide") and not is_number(node.inputs[0], 1):
        return None
    if not is_op(total, "add"):
        return None
    x, y = total.inputs
    one, power = (x, y) if is_number(x, 1) else (y, x)
    if not is_number(one, 1) or not is_op(power, "exp"):
        return None
    return apply("sigmoid", apply("negative", *power.inputs))


@rule("subtract", on=(example(lambda x: 1.0 - sigmoid(x)),), keeps="accuracy", absorbs=1)
def one_minus_sigmoid(node: Node) -> Node | None:
    """1 − sigmoid(x) = sigmoid(−x), which keeps its digits for a large x."""
    one, y = node.inputs
    if not is_number(one, 1) or not is_op(y, "sigmoid"):
        return None
    return apply("sigmoid", apply("negative", *y.inputs))


@rule("log", on=(example(lambda x: log(sigmoid(x))),), keeps="accuracy")
def log_of_sigmoid(node: Node) -> Node | None:
    """log(sigmoid(x)) = −logaddexp(−x, 0), also where sigmoid(x) is 0."""
    (y,) = node.inputs
    if not is_op(y, "sigmoid"):
        return None
    negative = apply("negative", *y.inputs)
    return apply("negative", apply("logaddexp", negative, full(0, node.dtype, node.shape)))


# ------------------------------------------------------------------------------------------ softmax


@rule("log", on=(example(lambda x: log(exp(x))),), keeps="accuracy")
def log_of_exp(node: Node) -> Node | None:
    """log(exp x) = x, which does not overflow."""
    (power,) = node.inputs
    return power.inputs[0] if is_op(power, "exp") else None


@rule(
    "log",
    on=(
        example(lambda x: log(softmax(x))),
        example(lambda x, y: log(exp(x) / y), *(TensorType((2, 3), float64),) * 2),
    ),
    keeps="accuracy",
)
def log_of_quotient(node: Node) -> Node | None:
    """log(exp(x) / y) = x − log y: log softmax, also where softmax is 0."""
    (quotient,) = node.inputs
    if not is_op(quotient, "divide") or not is_op(quotient.inputs[0], "exp"):
        return None
    power, y = quotient.inputs
    return apply("subtract", *power.inputs, apply("log", y))


@rule("log", on=(example(lambda x: log(sum(exp(x), axis=1))),), keeps="accuracy")
def log_of_sum_of_exps(node: Node) -> Node | None:
    """The largest x first: log Σ exp x = p + log Σ exp(x − p), so that nothing overflows."""
    (total,) = node.inputs
    if not is_op(total, "reduce_sum") or not is_op(total.inputs[0], "exp"):
        return None
    (x,) = total.inputs[0].inputs
    axes: tuple[int, ...] = total.attributes["axes"]
    if _is_shifted(x) or any(x.shape[axis] == 0 for axis in axes):
        return None
    return logsumexp(x, axis=axes)


def _is_shifted(x: Node) -> bool:
    """Whether a largest element has been subtracted already."""
    if not is_op(x, "subtract"):
        return False
    peak = x.inputs[1]
    while is_op(peak, "broadcast_to", "reshape", "permute_dims", "where"):
        peak = peak.inputs[1 if is_op(peak, "where") else 0]
    return is_op(peak, "reduce_max")
