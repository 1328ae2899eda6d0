"""A graph brought to the few forms that kernels are made for; its meaning stays."""

from __future__ import annotations

from math import prod

import numpy as np

from steepest.ir.graph import Graph, order
from steepest.ir.lowering import (
    Composed,
    Contract,
    Part,
    Permute,
    Random,
    Reshape,
    Scan,
    Scatter,
    Stretch,
)
from steepest.ir.node import CONSTANT, INPUT, Node, constant
from steepest.ir.op import OPS
from steepest.ir.types import Shape
from steepest.schedule.contractions import canonical


def normalise(graph: Graph, tables: frozenset[Node]) -> Graph:
    """What a schedule starts from.

    Contractions read no table, since its rows are not padded; scatters and running sums have three
    axes (before, along, after); what is composed of other ops is written in them; each output and
    each next value of state is a node of its own.
    """
    new: dict[Node, Node] = {node: node for node in graph.inputs}
    for node in order(graph.results, new.__contains__):
        if node in new:
            continue
        inputs = tuple(new[each] for each in node.inputs)
        new[node] = _canonical(node, inputs, tables) if node.type.size else _nothing(node)
    taken: set[Node] = set()
    updates = [(state, _own(new[value], taken)) for state, value in graph.updates]
    outputs = [_readable(new[output]) for output in graph.outputs]
    return Graph(graph.inputs, tuple(outputs), tuple(updates))


def _canonical(node: Node, inputs: tuple[Node, ...], tables: frozenset[Node]) -> Node:
    if node.op in (INPUT, CONSTANT):
        return node
    match node.op.lower(**node.attributes):
        case Contract():
            inputs = tuple(_copy(each) if _source(each) in tables else each for each in inputs)
            return canonical(node.of(inputs))
        case Scatter(axis):
            return _scatter(node, inputs, axis)
        case Random():
            return _drawn(node, inputs)
        case Scan(axis):
            return _three_axes(node, inputs[0], axis)
        case Composed(write):
            return write(*inputs, **node.attributes)
        case _:
            pass
    return node.of(inputs)


def _nothing(node: Node) -> Node:
    """A value without elements, which nothing has to be computed for."""
    return constant(np.empty(*node.type))


def _source(node: Node) -> Node:
    """What a node is a view of, or itself."""
    while node.op not in (INPUT, CONSTANT) and isinstance(
        node.op.lower(**node.attributes), Stretch | Permute | Part | Reshape
    ):
        (node,) = node.inputs
    return node


def _copy(node: Node) -> Node:
    return OPS["identity"](node)


def _reshape(node: Node, shape: Shape) -> Node:
    return node if node.type.shape == shape else OPS["reshape"](node, shape=shape)


def _drawn(node: Node, inputs: tuple[Node, ...]) -> Node:
    """Draws have rows and a width; the words of all keys lie one after the other in memory."""
    key, step = inputs
    keys = step.type.shape
    if keys or key.op is not INPUT:
        key = _reshape(_copy(_reshape(key, (key.type.size,))), (*_flat(keys), 2))
    shape = node.attributes["shape"]
    if len(shape) > 2:
        shape = (shape[0], prod(shape[1:]))
    step = _reshape(step, _flat(keys))
    return _reshape(node.op(key, step, **{**node.attributes, "shape": shape}), node.type.shape)


def _flat(shape: Shape) -> Shape:
    """One axis for several."""
    return (prod(shape),) if shape else ()


def _scatter(node: Node, inputs: tuple[Node, ...], axis: int) -> Node:
    updates, indices = inputs
    if not updates.type.size:
        return OPS["broadcast_to"](constant(np.zeros((), node.type.dtype)), shape=node.type.shape)
    rank = len(indices.type.shape)
    before, after = updates.type.shape[:axis], updates.type.shape[axis + rank :]
    rows, size = prod(indices.type.shape), node.attributes["size"]
    flat = node.op(
        _reshape(updates, (prod(before), rows, prod(after))),
        _reshape(indices, (rows,)),
        axis=1,
        size=size,
    )
    return _reshape(flat, node.type.shape)


def _three_axes(node: Node, source: Node, axis: int) -> Node:
    shape = node.type.shape
    flat = _reshape(source, (prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])))
    return _reshape(node.op(flat, axis=1), shape)


def _own(value: Node, taken: set[Node]) -> Node:
    """The next value of state, as a node that no other state has."""
    if value.op in (INPUT, CONSTANT) or value in taken:
        value = _copy(value)
    taken.add(value)
    return value


def _readable(output: Node) -> Node:
    """An output that is computed: an input, or a number, is copied."""
    return _copy(output) if output.op in (INPUT, CONSTANT) else output
