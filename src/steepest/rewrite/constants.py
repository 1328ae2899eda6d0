"""Rules for numbers that the program states: what they make is computed now."""

from __future__ import annotations

import numpy as np

from steepest.errors import SteepestError
from steepest.ir.node import CONSTANT, Node, constant
from steepest.ir.types import Array, TensorType, int64
from steepest.ops.elementwise import exp
from steepest.ops.movement import broadcast_to
from steepest.ops.reduce import reduce_sum
from steepest.rewrite.build import apply, full, is_op, size, stretched
from steepest.rewrite.rule import ANY, example, floats, rule

_MOST_ELEMENTS = 64  # of a folded result that is larger than what it is made of
_MOST_READ = 4096  # elements, to compute a result here


@rule(
    ANY,
    on=(
        example(lambda x: x * x, floats(0, 3)),
        example(lambda x: broadcast_to(x, shape=(3, 0)), floats(1)),
    ),
)
def empty(node: Node) -> Node | None:
    """An array without elements is a broadcast number."""
    if size(node.shape) or (node.op.name == "broadcast_to" and node.inputs[0].op is CONSTANT):
        return None
    return full(0, node.dtype, node.shape)


@rule(
    "constant",
    on=(
        example(lambda x: x + np.full((2, 3), 7, np.float32)),
        example(lambda x: x + np.zeros((1, 3), np.float32)),
    ),
)
def repeated_number(node: Node) -> Node | None:
    """An array of equal numbers is a broadcast number."""
    value = node.attributes["value"]
    if not node.shape or not value.size:
        return None
    first = np.ravel(value)[:1]
    if value.tobytes() != first.tobytes() * value.size:
        return None
    return stretched(constant(first.reshape(()).copy()), node.shape)


@rule(
    ANY,
    on=(
        example(lambda x: x * (x.lift(2.0) ** 0.5)),
        example(lambda x: x + exp(x.lift(np.arange(3, dtype=np.float32)))),
        example(lambda x: x + x.lift(np.arange(3, dtype=np.float32)) * 2.0),
    ),
)
def constant_folding(node: Node) -> Node | None:
    """f(numbers) is a number: computed here, unless it is larger than what it is made of."""
    if not node.inputs or is_op(node, "broadcast_to"):
        return None
    sources = [each.inputs[0] if is_op(each, "broadcast_to") else each for each in node.inputs]
    if any(each.op is not CONSTANT for each in sources):
        return None
    most = max(_MOST_ELEMENTS, *(size(each.shape) for each in sources))
    if size(node.shape) > most or sum(size(each.shape) for each in node.inputs) > _MOST_READ:
        return None
    try:
        with np.errstate(all="ignore"):
            values = [_value(each) for each in node.inputs]
            value = np.array(node.op.reference(*values, **node.attributes))
    except SteepestError:  # the run says it, if it comes to it
        return None
    return constant(value)


def _value(node: Node) -> Array:
    source = node.inputs[0] if is_op(node, "broadcast_to") else node
    return np.array(np.broadcast_to(source.attributes["value"], node.shape))


@rule(
    *("reduce_sum", "reduce_all", "reduce_any", "contract", "scatter_add"),
    on=(
        example(lambda x: reduce_sum(x, axes=(1,)), floats(2, 0)),
        example(
            lambda x, y: apply("contract", x, y, left=(0, 1), right=(1, 2), result=(0, 2)),
            *(floats(2, 0), floats(0, 3)),
        ),
        example(
            lambda x, i: apply("scatter_add", x, i, axis=0, size=3),
            *(floats(0, 2), TensorType((0,), int64)),
        ),
        example(lambda x: apply("reduce_all", x, axes=(0,)), TensorType((0, 2), np.dtype(bool))),
    ),
)
def sum_of_nothing(node: Node) -> Node | None:
    """Σ over no elements is 0; all of none is true, any of none is false."""
    if not any(size(each.shape) == 0 for each in node.inputs):
        return None
    return full(is_op(node, "reduce_all"), node.dtype, node.shape)
