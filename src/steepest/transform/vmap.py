"""vmap: a function of one example becomes a function of a batch, graph to graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from steepest.errors import ShapeError
from steepest.ir.graph import order
from steepest.ir.node import Node, placeholder
from steepest.ir.types import TensorType
from steepest.methods import implements
from steepest.ops.movement import moveaxis
from steepest.ops.rows import stretched
from steepest.tensor.tensor import Tensor, computed
from steepest.transform.arguments import Flat, flatten

__all__ = [
    "vmap",
]


@implements("D5")
def vmap(
    function: Callable[..., Any], axes: int | tuple[int | None, ...] | None = 0
) -> Callable[..., Any]:
    """Apply a function to each slice along an axis at once; results are stacked along axis 0.

    The function is traced on one slice, then each op is replaced by its batched form.

    Args:
        function: of one example.
        axes: the axis to map over, for all arguments or one each; None for an argument that is the
            same for every example.

    Raises:
        ShapeError: the arguments have different numbers of examples.

    >>> import steepest as st
    >>> w = st.tensor([1.0, 10.0])
    >>> st.vmap(lambda x: st.sum(w * x))(st.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([21., 43.])
    """

    @wraps(function)
    def mapped(*arguments: Any) -> Any:
        flat = flatten(list(arguments))
        given = _axis_of_each_leaf(arguments, axes)
        slices, batches = _split(flat, given)
        size = _common_size(flat, given)
        outputs = flatten(function(*flat.call(slices)), what="the result")
        nodes = _batched([leaf.node for leaf in outputs.leaves], batches, size)
        return outputs.call(computed(nodes, record=_any_requires_grad(nodes)))

    return mapped


def _axis_of_each_leaf(
    arguments: tuple[Any, ...], axes: int | tuple[int | None, ...] | None
) -> list[int | None]:
    each = axes if isinstance(axes, tuple) else (axes,) * len(arguments)
    if len(each) != len(arguments):
        raise ShapeError(f"vmap(): {len(each)} axes for {len(arguments)} arguments")
    return [
        axis
        for argument, axis in zip(arguments, each, strict=True)
        for _ in flatten(argument).leaves
    ]


def _common_size(flat: Flat, axes: list[int | None]) -> int:
    sizes = {
        name: leaf.shape[axis]
        for name, leaf, axis in zip(flat.names, flat.leaves, axes, strict=True)
        if axis is not None
    }
    if len(set(sizes.values())) != 1:
        raise ShapeError(f"vmap(): arguments should have equally many examples, not {sizes}")
    return next(iter(sizes.values()))


def _split(flat: Flat, axes: list[int | None]) -> tuple[list[Tensor], dict[Node, Node]]:
    """For each mapped leaf a traced Tensor of one example, which stands for the whole batch."""
    slices: list[Tensor] = []
    batches: dict[Node, Node] = {}
    for leaf, axis, name in zip(flat.leaves, axes, flat.names, strict=True):
        if axis is None:
            slices.append(leaf)
            continue
        if not leaf.ndim:
            raise ShapeError(f"vmap(): argument {name} is a single number; give None as its axis")
        batch = moveaxis(leaf, axis, 0)
        one = placeholder(TensorType(batch.shape[1:], batch.dtype), name)
        batches[one] = batch.node
        slices.append(Tensor(None, one))
    return slices, batches


def _batched(outputs: list[Node], batches: Mapping[Node, Node], size: int) -> list[Node]:
    """Nodes with a leading axis for those that depend on the examples."""
    new: dict[Node, Node] = dict(batches)
    for node in order(outputs, new.__contains__):
        if node in new or not any(each in new for each in node.inputs):
            continue
        inputs = tuple(new.get(each, each) for each in node.inputs)
        is_mapped = tuple(each in new for each in node.inputs)
        new[node] = node.op.batch(node.op, inputs, is_mapped, size, node.attributes)
    return [new[node] if node in new else stretched(node, (size, *node.shape)) for node in outputs]


def _any_requires_grad(nodes: list[Node]) -> bool:
    return any(n.record is not None and n.record.requires_grad for n in order(nodes))
