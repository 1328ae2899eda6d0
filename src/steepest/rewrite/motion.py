"""Rules that move broadcasts and views outwards past pointwise ops, which then do less."""

from __future__ import annotations

from steepest.ir.node import CONSTANT, Node
from steepest.ir.types import Shape, broadcast, float64
from steepest.ops.elementwise import add, exp, relu
from steepest.ops.movement import broadcast_to, permute_dims, reshape
from steepest.rewrite.build import (
    again,
    apply,
    extents,
    is_op,
    is_pointwise,
    number,
    permuted,
    reshaped,
    size,
    stretched,
)
from steepest.rewrite.rule import ANY, example, floats, rule


@rule(
    ANY,
    on=(
        example(lambda x: exp(broadcast_to(x, shape=(2, 3))), floats(3)),
        example(lambda x: apply("cast", broadcast_to(x, shape=(2, 3)), dtype=float64), floats()),
        example(
            lambda x, y: broadcast_to(x, shape=(4, 2, 3)) * broadcast_to(y, shape=(4, 2, 3)),
            *(floats(3), floats(2, 1)),
        ),
    ),
)
def broadcast_past_pointwise(node: Node) -> Node | None:
    """f(broadcast(x), broadcast(y)) = broadcast(f(x, y)) where f then has fewer elements to do."""
    if not all(is_op(each, "broadcast_to") for each in node.inputs) or not is_pointwise(node):
        return None
    sources = [each.inputs[0] for each in node.inputs]
    shape = broadcast(*(each.shape for each in sources))
    if size(shape) >= size(node.shape):
        return None
    inputs = [stretched(each, shape) for each in sources]
    return stretched(again(node.op.name, inputs, node.attributes), node.shape)


@rule(
    ANY,
    on=(
        example(lambda x: exp(reshape(x, (2, 1, 3)))),
        example(lambda x, y: reshape(x, (2,)) * 2.0 + reshape(y, (2,)), *(floats(2, 1),) * 2),
    ),
)
def new_axis_past_pointwise(node: Node) -> Node | None:
    """f(reshape(x), reshape(y)) = reshape(f(x, y)) if only axes of extent 1 come or go."""
    inputs = _moved(node, "reshape")
    if inputs is None or extents(inputs[0].shape) != extents(node.shape):
        return None
    return reshaped(again(node.op.name, inputs, node.attributes), node.shape)


@rule(
    ANY,
    on=(
        example(lambda x: relu(permute_dims(x, (1, 0)))),
        example(
            lambda x, y: add(permute_dims(x, (1, 0)), permute_dims(y, (1, 0))) / 3.0,
            *(floats(2, 3), floats(2, 3)),
        ),
    ),
)
def permute_past_pointwise(node: Node) -> Node | None:
    """f(permute(x), permute(y)) = permute(f(x, y)), numbers aside."""
    inputs = _moved(node, "permute_dims")
    if inputs is None:
        return None
    axes = next(e for e in node.inputs if is_op(e, "permute_dims")).attributes["axes"]
    return permuted(again(node.op.name, inputs, node.attributes), axes)


def _moved(node: Node, view: str) -> list[Node] | None:
    """The inputs before a view that all have in common; numbers have any shape."""
    views = [each for each in node.inputs if is_op(each, view)]
    if not views or not is_pointwise(node):
        return None
    shape = views[0].inputs[0].shape
    same = {(each.inputs[0].shape, *each.attributes.values()) for each in views}
    others = [each for each in node.inputs if not is_op(each, view)]
    if len(same) > 1 or any(number(each) is None for each in others):
        return None
    return [
        each.inputs[0] if is_op(each, view) else _number_in(each, shape) for each in node.inputs
    ]


def _number_in(node: Node, shape: Shape) -> Node:
    source = node if node.op is CONSTANT else node.inputs[0]
    return stretched(source, shape)
