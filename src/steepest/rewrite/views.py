"""Rules for ops that only move elements: chains become one, and what moves nothing goes."""

from __future__ import annotations

from steepest.ir.node import Node
from steepest.ir.types import Shape
from steepest.ops.joins import concat
from steepest.ops.movement import broadcast_to, cut, permute_dims, place, reshape
from steepest.rewrite.build import (
    apply,
    extents,
    is_op,
    padded,
    permuted,
    reshaped,
    size,
    stretched,
)
from steepest.rewrite.rule import example, floats, rule

Part = tuple[int, int, int]
_BOX = floats(2, 3, 4)


@rule(
    *("reshape", "broadcast_to"),
    on=(
        example(lambda x: apply("reshape", x, shape=x.shape)),
        example(lambda x: broadcast_to(x, shape=x.shape)),
    ),
)
def shape_it_has(node: Node) -> Node | None:
    """A reshape or broadcast to the shape that x has is x."""
    (x,) = node.inputs
    return x if x.shape == node.shape else None


@rule("reshape", on=(example(lambda x: reshape(reshape(x, (6,)), (3, 2))),))
def reshape_of_reshape(node: Node) -> Node | None:
    """reshape(reshape(x)) = reshape(x)."""
    (x,) = node.inputs
    return reshaped(x.inputs[0], node.shape) if is_op(x, "reshape") else None


@rule(
    "permute_dims",
    on=(example(lambda x: permute_dims(permute_dims(x, (2, 0, 1)), (1, 0, 2)), _BOX),),
)
def permute_of_permute(node: Node) -> Node | None:
    """Two orders of axes, one after the other, are one."""
    (x,) = node.inputs
    if not is_op(x, "permute_dims"):
        return None
    first = x.attributes["axes"]
    return permuted(x.inputs[0], tuple(first[axis] for axis in node.attributes["axes"]))


@rule(
    "permute_dims",
    on=(
        example(lambda x: permute_dims(x, (1, 2, 0)), floats(1, 2, 3)),
        example(lambda x: apply("permute_dims", x, axes=(0, 1))),
    ),
)
def permute_without_effect(node: Node) -> Node | None:
    """An order of axes that keeps the order of those longer than 1 is a reshape."""
    (x,) = node.inputs
    kept = [axis for axis in node.attributes["axes"] if x.shape[axis] != 1]
    return reshaped(x, node.shape) if kept == sorted(kept) else None


@rule(
    "broadcast_to",
    on=(
        example(
            lambda x: broadcast_to(broadcast_to(x, shape=(2, 3)), shape=(4, 2, 3)), floats(1, 3)
        ),
    ),
)
def broadcast_of_broadcast(node: Node) -> Node | None:
    """broadcast_to(broadcast_to(x)) = broadcast_to(x)."""
    (x,) = node.inputs
    return stretched(x.inputs[0], node.shape) if is_op(x, "broadcast_to") else None


@rule(
    "broadcast_to",
    on=(
        example(lambda x: broadcast_to(x, shape=(2, 3)), floats(1, 3)),
        example(lambda x: broadcast_to(x, shape=(2, 3)), floats(1, 1)),
    ),
)
def broadcast_with_leading_ones(node: Node) -> Node | None:
    """broadcast_to aligns at the right: leading axes of extent 1 do not matter."""
    (x,) = node.inputs
    shape = _without_leading_ones(x.shape)
    return None if shape == x.shape else stretched(reshaped(x, shape), node.shape)


def _without_leading_ones(shape: Shape) -> Shape:
    first = next((axis for axis, extent in enumerate(shape) if extent != 1), len(shape))
    return shape[first:]


# ------------------------------------------------------------- broadcasts move outwards past views


@rule(
    "reshape",
    on=(
        example(lambda x: reshape(broadcast_to(x, shape=(2, 3)), (2, 1, 3)), floats(3)),
        example(lambda x: reshape(broadcast_to(x, shape=(2, 3)), (3, 2)), floats()),
    ),
)
def reshape_of_broadcast(node: Node) -> Node | None:
    """reshape(broadcast_to(x)) = broadcast_to(reshape(x)) if only axes of extent 1 come or go."""
    (wide,) = node.inputs
    if not is_op(wide, "broadcast_to"):
        return None
    (x,) = wide.inputs
    if size(x.shape) == 1:
        return stretched(reshaped(x, ()), node.shape)
    if extents(wide.shape) != extents(node.shape):
        return None
    own = padded(x.shape, wide.ndim)
    long = iter([here for here, extent in zip(own, wide.shape, strict=True) if extent != 1])
    shape = tuple(1 if extent == 1 else next(long) for extent in node.shape)
    return stretched(reshaped(x, shape), node.shape)


@rule(
    "permute_dims",
    on=(example(lambda x: permute_dims(broadcast_to(x, shape=(2, 3)), (1, 0)), floats(3)),),
)
def permute_of_broadcast(node: Node) -> Node | None:
    """permute_dims(broadcast_to(x)) = broadcast_to(permute_dims(x))."""
    (wide,) = node.inputs
    if not is_op(wide, "broadcast_to"):
        return None
    (x,) = wide.inputs
    x = reshaped(x, padded(x.shape, wide.ndim))
    return stretched(permuted(x, node.attributes["axes"]), node.shape)


@rule(
    "cut",
    on=(
        example(
            lambda x: cut(broadcast_to(x, shape=(4, 3)), cut=((0, 4, 2), (2, 0, -1))), floats(3)
        ),
    ),
)
def cut_of_broadcast(node: Node) -> Node | None:
    """A part of broadcast_to(x) is a broadcast part of x."""
    (wide,) = node.inputs
    if not is_op(wide, "broadcast_to"):
        return None
    (x,) = wide.inputs
    x = reshaped(x, padded(x.shape, wide.ndim))
    parts = tuple(
        (0, 1, 1) if extent == 1 else part
        for extent, part in zip(x.shape, node.attributes["cut"], strict=True)
    )
    return stretched(apply("cut", x, cut=parts), node.shape)


# ------------------------------------------------------------------------------------ parts, joins


@rule("cut", on=(example(lambda x: cut(x, cut=((0, 2, 1), (0, 3, 1)))),))
def cut_of_the_whole(node: Node) -> Node | None:
    """The part that is everything is x."""
    (x,) = node.inputs
    parts = zip(node.attributes["cut"], x.shape, strict=True)
    whole = all(range(*part) == range(extent) for part, extent in parts)
    return x if whole else None


@rule("cut", on=(example(lambda x: cut(cut(x, cut=((1, 7, 2),)), cut=((2, -1, -2),)), floats(8)),))
def cut_of_cut(node: Node) -> Node | None:
    """A part of a part is a part."""
    (x,) = node.inputs
    if not is_op(x, "cut"):
        return None
    pairs = zip(x.attributes["cut"], node.attributes["cut"], strict=True)
    return apply("cut", x.inputs[0], cut=tuple(_part_of_part(*pair) for pair in pairs))


def _part_of_part(first: Part, second: Part) -> Part:
    found = range(*first)[slice(second[0], second[1] if second[1] >= 0 else None, second[2])]
    return (found.start, found.stop, found.step) if len(found) else (0, 0, 1)


@rule("place", on=(example(lambda x: place(x, shape=(2, 3), cut=((0, 2, 1), (0, 3, 1)))),))
def place_in_the_whole(node: Node) -> Node | None:
    """What is placed where there is no room beside it is itself."""
    (x,) = node.inputs
    parts = zip(node.attributes["cut"], node.shape, strict=True)
    return x if all(range(*part) == range(extent) for part, extent in parts) else None


@rule(
    "cut",
    on=(
        example(
            lambda x: cut(
                place(x, shape=(5, 3), cut=((1, 4, 2), (0, 3, 1))), cut=((1, 4, 2), (0, 3, 1))
            )
        ),
    ),
)
def cut_of_place(node: Node) -> Node | None:
    """The part in which x was placed is x."""
    (placed,) = node.inputs
    if is_op(placed, "place") and placed.attributes["cut"] == node.attributes["cut"]:
        return placed.inputs[0]
    return None


@rule(
    "concat",
    on=(
        example(lambda x: concat([x])),
        example(lambda x, y: concat([x, y]), floats(2, 3), floats(0, 3)),
    ),
)
def concat_of_one(node: Node) -> Node | None:
    """Arrays without elements join nothing to the others; one on its own is itself."""
    axis = node.attributes["axis"]
    some = [each for each in node.inputs if each.shape[axis]]
    if len(some) == 1:
        return some[0]
    return apply("concat", *some, axis=axis) if 0 < len(some) < len(node.inputs) else None


@rule(
    "concat", on=(example(lambda x, y: concat([x, concat([y, x]), y]), floats(2, 3), floats(1, 3)),)
)
def concat_of_concat(node: Node) -> Node | None:
    """concat(x, concat(y, z)) = concat(x, y, z) along the same axis."""
    flat: list[Node] = []
    for each in node.inputs:
        same = is_op(each, "concat") and each.attributes == node.attributes
        flat += each.inputs if same else [each]
    return (
        apply("concat", *flat, axis=node.attributes["axis"])
        if len(flat) > len(node.inputs)
        else None
    )
