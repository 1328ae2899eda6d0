"""What rules are written with: nodes made, and questions asked about nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from steepest.ir.node import CONSTANT, Node, constant
from steepest.ir.op import OPS
from steepest.ir.types import Array, DType, Shape
from steepest.ops.rows import batch_elementwise


def apply(name: str, *inputs: Node, **attributes: object) -> Node:
    """The op of this name on inputs that need no alignment."""
    return again(name, inputs, attributes)


def again(name: str, inputs: Sequence[Node], attributes: Mapping[str, object]) -> Node:
    """The op of this name with the attributes of another node."""
    op = OPS[name]
    type = op.infer(*(each.type for each in inputs), **attributes)
    return Node(op, tuple(inputs), dict(attributes), type)


def reshaped(x: Node, shape: Shape) -> Node:
    """``x`` in another shape, if it has not that shape."""
    return x if x.shape == shape else apply("reshape", x, shape=shape)


def stretched(x: Node, shape: Shape) -> Node:
    """``x`` broadcast, if it has not that shape."""
    return x if x.shape == shape else apply("broadcast_to", x, shape=shape)


def permuted(x: Node, axes: tuple[int, ...]) -> Node:
    """``x`` with its axes in another order, if it is another."""
    return x if axes == tuple(range(x.ndim)) else apply("permute_dims", x, axes=axes)


def full(value: float | np.generic | Array, dtype: DType, shape: Shape) -> Node:
    """A number, repeated."""
    return stretched(constant(np.asarray(value).astype(dtype)), shape)


def is_op(node: Node, *names: str) -> bool:
    """Whether the node is a call of one of these ops."""
    return node.op.name in names


def number(node: Node) -> Array | None:
    """The value of all elements of a node that is a number of the program, repeated or not."""
    if node.op.name == "broadcast_to":
        (node,) = node.inputs
    return node.attributes["value"] if node.op is CONSTANT and not node.shape else None


def is_number(node: Node, value: float) -> bool:
    """Whether all elements are this number of the program; −0.0 is not 0.0."""
    found = number(node)
    if found is None or found != value:
        return False
    return value != 0 or bool(np.signbit(found) == np.signbit(value))


def is_pointwise(node: Node) -> bool:
    """Whether each element is made of the inputs' elements at the same place."""
    return (
        bool(node.inputs)
        and node.op.batch is batch_elementwise
        and all(each.shape == node.shape for each in node.inputs)
    )


def padded(shape: Shape, rank: int) -> Shape:
    """The shape with leading axes of extent 1, as a broadcast aligns it."""
    return (1,) * (rank - len(shape)) + shape


def extents(shape: Shape) -> Shape:
    """The shape without its axes of extent 1."""
    return tuple(extent for extent in shape if extent != 1)


def size(shape: Shape) -> int:
    """The number of elements."""
    return prod(shape)
