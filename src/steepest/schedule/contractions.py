"""Contractions brought to one row axis, one column axis and one summed axis, beside batch axes."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from steepest.ir.node import Node
from steepest.ir.op import OPS
from steepest.ir.types import Shape

Labels = tuple[int, ...]


class Groups(NamedTuple):
    """The labels of a contraction by what they do, without those of extent 1."""

    batch: Labels
    rows: Labels
    columns: Labels
    summed: Labels


def groups(node: Node) -> Groups:
    """Which labels both operands share with the result, which one has, which are summed."""
    left, right, result = (node.attributes[name] for name in ("left", "right", "result"))
    extents = extents_of(node)
    wide = [label for label in dict.fromkeys((*result, *left, *right)) if extents[label] != 1]
    return Groups(
        batch=tuple(n for n in wide if n in result and n in left and n in right),
        rows=tuple(n for n in wide if n in result and n not in right),
        columns=tuple(n for n in wide if n in result and n not in left),
        summed=tuple(n for n in wide if n not in result),
    )


def extents_of(node: Node) -> dict[int, int]:
    """The extent of each label."""
    a, b = node.inputs
    return {
        **dict(zip(node.attributes["left"], a.type.shape, strict=True)),
        **dict(zip(node.attributes["right"], b.type.shape, strict=True)),
    }


def canonical(node: Node) -> Node:
    """An equal node: a contraction with one axis of each kind, or a sum of products without one."""
    found = groups(node)
    is_empty = any(each.type.size == 0 for each in node.inputs)
    if is_empty or not found.rows or not found.columns or not found.summed:
        return _sum_of_products(node)
    if all(len(group) == 1 for group in (found.rows, found.columns, found.summed)):
        return node
    return _merged(node, found)


def _sum_of_products(node: Node) -> Node:
    """Both operands stretched over all labels, multiplied, and the rest summed away.

    The labels summed come last, where vectors will run, if the larger operand has one of them last.
    """
    result: Labels = node.attributes["result"]
    extents = extents_of(node)
    summed = tuple(label for label, n in extents.items() if label not in result and n != 1)
    a, b = node.inputs
    larger = "left" if a.type.size >= b.type.size else "right"
    wide = [label for label in node.attributes[larger] if extents[label] != 1]
    is_last = bool(wide) and wide[-1] in summed
    labels = (*result, *summed) if is_last else (*summed, *result)
    shape = tuple(extents[label] for label in labels)
    x, y = (
        _spread(each, node.attributes[name], labels, shape)
        for each, name in zip(node.inputs, ("left", "right"), strict=True)
    )
    product = OPS["multiply"](x, y)
    axes = tuple(labels.index(label) for label in summed)
    return OPS["reduce_sum"](product, axes=axes) if axes else product


def _spread(x: Node, own: Labels, labels: Labels, shape: Shape) -> Node:
    kept = tuple(axis for axis, label in enumerate(own) if label in labels)
    if len(kept) < len(own):  # a summed axis of extent 1
        x = OPS["reshape"](x, shape=tuple(x.type.shape[axis] for axis in kept))
        own = tuple(own[axis] for axis in kept)
    axes = tuple(own.index(label) for label in labels if label in own)
    if axes != tuple(range(len(axes))):
        x = OPS["permute_dims"](x, axes=axes)
    lifted = tuple(
        extent if label in own else 1 for label, extent in zip(labels, shape, strict=True)
    )
    if lifted != x.type.shape:
        x = OPS["reshape"](x, shape=lifted)
    return x if lifted == shape else OPS["broadcast_to"](x, shape=shape)


def _merged(node: Node, found: Groups) -> Node:
    """Axes of one kind flattened together, on a copy where memory is not so flat."""
    extents = extents_of(node)
    a = _flattened(node.inputs[0], node.attributes["left"], found.batch, found.rows, found.summed)
    b = _flattened(
        node.inputs[1], node.attributes["right"], found.batch, found.summed, found.columns
    )
    count = len(found.batch)
    batch, m, k, n = tuple(range(count)), count, count + 1, count + 2
    product: Node = node.op(a, b, left=(*batch, m, k), right=(*batch, k, n), result=(*batch, m, n))
    labels = (*found.batch, *found.rows, *found.columns)
    split = OPS["reshape"](product, shape=tuple(extents[label] for label in labels))
    wide = [label for label in node.attributes["result"] if extents[label] != 1]
    axes = tuple(labels.index(label) for label in wide)
    if axes != tuple(range(len(axes))):
        split = OPS["permute_dims"](split, axes=axes)
    return OPS["reshape"](split, shape=node.type.shape)


def _flattened(x: Node, own: Labels, batch: Labels, first: Labels, second: Labels) -> Node:
    kept = (*batch, *first, *second)
    axes = (
        *(own.index(label) for label in kept),
        *(axis for axis, label in enumerate(own) if label not in kept),
    )
    if axes != tuple(range(len(axes))):
        x = OPS["permute_dims"](x, axes=axes)
    shape = dict(zip(own, (x.type.shape[axes.index(a)] for a in range(len(own))), strict=True))
    flat = (
        *(shape[label] for label in batch),
        prod(shape[label] for label in first),
        prod(shape[label] for label in second),
    )
    return x if flat == x.type.shape else OPS["reshape"](x, shape=flat)
