"""Rules for contractions and folds: what moves axes goes into their labels and axes."""

from __future__ import annotations

from steepest.ir.node import Node
from steepest.ir.types import TensorType, int64, is_floating
from steepest.ops.contract import contract
from steepest.ops.movement import permute_dims, reshape
from steepest.ops.reduce import reduce_max, reduce_sum
from steepest.rewrite.build import again, apply, extents, full, is_op, reshaped
from steepest.rewrite.rule import example, floats, rule

Labels = tuple[int, ...]
_PAIR = (floats(2, 3), floats(4, 3))
_PRODUCT = {"left": (0, 1), "right": (2, 1), "result": (0, 2)}


def _times(x: Node, y: Node) -> Node:
    return contract(x, y, **_PRODUCT)


@rule(
    "contract",
    on=(
        example(lambda x, y: _times(permute_dims(x, (1, 0)), y), floats(3, 2), floats(4, 3)),
        example(lambda x, y: _times(x, permute_dims(y, (1, 0))), floats(2, 3), floats(3, 4)),
    ),
    keeps="sums",
)
def contract_of_permute(node: Node) -> Node | None:
    """A contraction of permute_dims(x) is one of x, with its labels in another order."""
    for at, name in enumerate(("left", "right")):
        operand = node.inputs[at]
        if is_op(operand, "permute_dims"):
            labels = node.attributes[name]
            axes = operand.attributes["axes"]
            before = tuple(labels[axes.index(axis)] for axis in range(len(axes)))
            inputs = [operand.inputs[0] if i == at else e for i, e in enumerate(node.inputs)]
            return again("contract", inputs, {**node.attributes, name: before})
    return None


@rule(
    "permute_dims",
    on=(example(lambda x, y: permute_dims(_times(x, y), (1, 0)), *_PAIR),),
    keeps="sums",
    absorbs=0,
)
def permute_of_contract(node: Node) -> Node | None:
    """permute_dims of a contraction is one with its result's labels in another order."""
    (product,) = node.inputs
    if not is_op(product, "contract"):
        return None
    result = tuple(product.attributes["result"][axis] for axis in node.attributes["axes"])
    return again("contract", product.inputs, {**product.attributes, "result": result})


@rule(
    "contract",
    on=(
        example(lambda x, y: _times(reshape(x, (1, 3)), y), floats(3), floats(4, 3)),
        example(lambda x, y: _times(x, reshape(y, (1, 3))), floats(2, 3), floats(3)),
    ),
    keeps="sums",
)
def contract_of_new_axis(node: Node) -> Node | None:
    """An axis of extent 1 that a reshape adds to one operand is added to the result instead."""
    for at, (mine, other) in enumerate((("left", "right"), ("right", "left"))):
        operand = node.inputs[at]
        if not is_op(operand, "reshape"):
            continue
        labels, others = node.attributes[mine], node.attributes[other]
        new = _new_labels(operand, labels, others)
        if not new:
            continue
        kept = tuple(label for label in labels if label not in new)
        shape = tuple(n for n, label in zip(operand.shape, labels, strict=True) if label in kept)
        inputs = [reshaped(operand, shape) if i == at else e for i, e in enumerate(node.inputs)]
        result = tuple(label for label in node.attributes["result"] if label not in new)
        attributes = {**node.attributes, mine: kept, "result": result}
        return reshaped(again("contract", inputs, attributes), node.shape)
    return None


def _new_labels(operand: Node, labels: Labels, others: Labels) -> set[int]:
    """Labels of axes of extent 1 that the operand before its reshape did not have."""
    (x,) = operand.inputs
    if extents(x.shape) != extents(operand.shape):
        return set()
    ones = [
        label
        for label, extent in zip(labels, operand.shape, strict=True)
        if extent == 1 and label not in others
    ]
    return set(ones[: max(operand.ndim - x.ndim, 0)])


@rule(
    *("reduce_sum", "reduce_max", "reduce_min", "reduce_all", "reduce_any"),
    on=(
        example(lambda x: reduce_max(x, axes=(1,)), floats(2, 1)),
        example(lambda x: reduce_sum(x, axes=(0, 1)), floats(1, 3)),
        example(lambda x: reduce_sum(x, axes=(0, 1)), floats(1, 1)),
        example(lambda x: reduce_sum(x, axes=(0,)), TensorType((1, 3), int64)),
    ),
)
def fold_of_one(node: Node) -> Node | None:
    """A fold over axes of extent 1 is a reshape; a sum starts at 0.0, and −0.0 + 0.0 is 0.0."""
    (x,) = node.inputs
    axes = node.attributes["axes"]
    long = tuple(axis for axis in axes if x.shape[axis] != 1)
    if len(long) == len(axes) and axes:
        return None
    if long:
        shape = tuple(n for i, n in enumerate(x.shape) if i not in axes or i in long)
        before = [sum(i not in axes or i in long for i in range(axis)) for axis in long]
        return apply(node.op.name, reshaped(x, shape), axes=tuple(before))
    if is_op(node, "reduce_sum") and is_floating(x.dtype):
        x = apply("add", x, full(0.0, x.dtype, x.shape))
    return reshaped(x, node.shape)


@rule(
    *("reduce_max", "reduce_min", "reduce_all", "reduce_any", "reduce_sum"),
    on=(
        example(lambda x: reduce_max(reduce_max(x, axes=(1,)), axes=(0, 1)), floats(2, 3, 4)),
        example(
            lambda x: reduce_sum(reduce_sum(x, axes=(0,)), axes=(1,)),
            TensorType((2, 3, 4), int64),
        ),
    ),
)
def fold_of_fold(node: Node) -> Node | None:
    """max(max(x)) = max(x) over all their axes; likewise min, all, any, and sums of integers."""
    (inner,) = node.inputs
    if inner.op is not node.op or (is_op(node, "reduce_sum") and is_floating(node.dtype)):
        return None
    (x,) = inner.inputs
    gone: tuple[int, ...] = inner.attributes["axes"]
    kept = [axis for axis in range(x.ndim) if axis not in gone]
    further: tuple[int, ...] = node.attributes["axes"]
    axes = sorted([*gone, *(kept[axis] for axis in further)])
    return apply(node.op.name, x, axes=tuple(axes))
