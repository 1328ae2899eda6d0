"""Ways to make a node of another that all gardens of random graphs have."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from steepest.ir.node import Node
from steepest.ir.op import OPS

Choose = Callable[[Sequence[Any]], Any]


class Garden(Protocol):
    """Nodes to make nodes of, and how to choose one of several."""

    choose: Choose
    nodes: list[Node]


def permuted(garden: Garden, x: Node) -> Node:
    orders = list(itertools.islice(itertools.permutations(range(x.ndim)), 24))
    return OPS["permute_dims"](x, axes=garden.choose(orders))


def stretched(garden: Garden, x: Node) -> Node:
    wide = tuple(garden.choose([1, 2, 3]) if extent == 1 else extent for extent in x.shape)
    lead = garden.choose([(), (), (), (1,), (2,), (3,), (0,), (2, 1)])
    return OPS["broadcast_to"](x, shape=(*lead, *wide))


def placed(garden: Garden, x: Node) -> Node:
    before = [garden.choose([0, 0, 1]) for _ in x.shape]
    step = [garden.choose([1, 1, 2]) for _ in x.shape]
    ends = [b + s * (n - 1) + 1 if n else b for b, s, n in zip(before, step, x.shape, strict=True)]
    shape = tuple(end + garden.choose([0, 0, 1]) for end in ends)
    return OPS["place"](x, shape=shape, cut=tuple(zip(before, ends, step, strict=True)))


def contracted(garden: Garden, x: Node) -> Node:
    """Labels at random: axes of equal extent are shared, some of those summed."""
    y = garden.choose([each for each in garden.nodes if each.dtype == x.dtype])
    left = tuple(range(x.ndim))
    free = list(left)
    right: list[int] = []
    for axis, extent in enumerate(y.shape):
        same = [label for label in free if x.shape[label] == extent]
        right.append(garden.choose([*same, *same, x.ndim + axis]))
        free = [each for each in free if each != right[-1]]
    result = [e for e in {*left, *right} if not (e in left and e in right) or garden.choose([0, 1])]
    orders = list(itertools.islice(itertools.permutations(result), 24))
    return OPS["contract"](x, y, left=left, right=tuple(right), result=garden.choose(orders))
