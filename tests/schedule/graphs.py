"""Graphs made at random of everything that a schedule has to deal with, and values for them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kit.ways import Choose, contracted, permuted, placed, stretched
from steepest.errors import SteepestError
from steepest.ir.graph import Graph
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import (
    Array,
    DType,
    Shape,
    TensorType,
    bool_,
    float32,
    float64,
    int64,
    is_floating,
    uint32,
)
from steepest.ops.creation import iota
from steepest.schedule.plan import InputRole

ROLES: tuple[InputRole, ...] = ("table", "state", "stepped", "whole")
MOST_ELEMENTS = 600
SHAPES: list[Shape] = [
    *[(), (1,), (3,), (17,), (2, 3), (3, 2), (1, 3), (2, 1), (3, 17), (17, 2)],
    *[(3, 1, 2), (2, 3, 4), (4, 3, 2), (2, 2, 3, 2), (0, 3), (2, 0)],
]
# A last digit in does not become a first digit out; what grows is brought back by tanh.
UNARY = ("tanh", "tanh", "sigmoid", "sin", "negative", "relu", "abs", "square")
BINARY = ("add", "subtract", "multiply", "maximum", "minimum")
FOLDS = ("reduce_sum", "reduce_sum", "reduce_max", "reduce_min")
POSITIONS = tuple(np.dtype(name) for name in ("int64", "int32", "uint8", "uint32", "int8"))


@dataclass
class Garden:
    """Nodes to make nodes of.

    Args:
        choose: one of several.
        dtype: of the floating-point nodes.
        limits: for inputs that are positions, what they stay below.
    """

    choose: Choose
    dtype: DType
    inputs: list[Node] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    limits: dict[Node, int] = field(default_factory=dict)

    def sow(self, shape: Shape, dtype: DType | None = None, limit: int = 0) -> Node:
        """One more input."""
        node = placeholder(TensorType(shape, dtype or self.dtype), f"x{len(self.inputs)}")
        self.inputs.append(node)
        self.nodes.append(node)
        if limit:
            self.limits[node] = limit
        return node

    def grow(self) -> None:
        """One more node, unless what was chosen does not fit."""
        floats = [node for node in self.nodes if node.dtype == self.dtype]
        try:
            node = self.choose(WAYS)(self, self.choose([*floats, *floats[-3:]]))
        except SteepestError:
            return
        if node.size <= MOST_ELEMENTS and node.ndim <= 6:
            self.nodes.append(node)

    def positions(self, shape: Shape, limit: int) -> Node:
        """An input whose numbers are below a limit, counted from the start of an axis."""
        found = self.sow(shape, self.choose(POSITIONS), limit)
        return OPS["position"](found, extent=limit) if self.choose([True, False]) else found


def grown(choose: Choose, dtype: DType, *, steps: int = 14) -> tuple[Graph, dict[Node, int]]:
    """A graph with state, and the limits of its inputs that are positions."""
    garden = Garden(choose, dtype)
    for _ in range(3):
        garden.sow(choose(SHAPES))
    for _ in range(steps):
        garden.grow()
    used = {each for node in garden.nodes for each in node.inputs}
    outputs = [node for node in garden.nodes if node not in used]
    graph = Graph(tuple(garden.inputs), (choose(garden.nodes), *outputs), _updates(garden))
    return graph, garden.limits


def _updates(garden: Garden) -> tuple[tuple[Node, Node], ...]:
    """Some inputs are state: they swap, stay, get an equal value twice, or what was computed."""
    updates: list[tuple[Node, Node]] = []
    for node in garden.inputs:
        if garden.choose([True, False, False]):
            continue
        alike = [each for each in garden.nodes if each.type == node.type]
        if node in garden.limits:
            alike = [each for each in alike if garden.limits.get(each, 99) <= garden.limits[node]]
        if not any(each.inputs for each in alike) and is_floating(node.dtype):
            alike.append(OPS["tanh"](node))
        updates.append((node, garden.choose([*alike, *alike[-2:]])))
    return tuple(updates)


def roles_for(graph: Graph, choose: Choose) -> list[InputRole]:
    """What is updated is state; the rest is anything."""
    updated = {state for state, _ in graph.updates}
    return ["state" if node in updated else choose(ROLES) for node in graph.inputs]


def values_for(graph: Graph, limits: dict[Node, int], random: np.random.Generator) -> list[Array]:
    """Moderate numbers, and positions below their limits."""

    def value(node: Node) -> Array:
        shape, dtype = node.type
        if is_floating(dtype):
            return random.uniform(-1.5, 1.5, shape).astype(dtype)
        return np.asarray(random.integers(0, limits.get(node, 2), shape)).astype(dtype)

    return [value(node) for node in graph.inputs]


# -------------------------------------------------------------------------------------------- ways


def unary(garden: Garden, x: Node) -> Node:
    return OPS[garden.choose(UNARY)](x)


def binary(garden: Garden, x: Node) -> Node:
    fits = [y for y in garden.nodes if y.dtype == x.dtype and _meet(x.shape, y.shape)]
    return OPS[garden.choose(BINARY)](*garden.choose(list(itertools.pairwise([x, *fits[-4:], x]))))


def _meet(a: Shape, b: Shape) -> bool:
    pairs = zip(a[::-1], b[::-1], strict=False)
    return all(m == n or 1 in (m, n) for m, n in pairs)


def with_number(garden: Garden, x: Node) -> Node:
    return OPS[garden.choose(BINARY)](x, garden.choose([0.5, -1.0, 2.0]))


def with_array(garden: Garden, x: Node) -> Node:
    numbers = np.linspace(-1, 1, x.size).reshape(x.shape).astype(x.dtype)
    return OPS["add"](x, constant(numbers))


def chosen(garden: Garden, x: Node) -> Node:
    same = [y for y in garden.nodes if y.type == x.type]
    conditions = [y for y in garden.nodes if y.type == TensorType(x.shape, bool_)]
    condition = garden.choose(conditions) if conditions else garden.sow(x.shape, bool_)
    return OPS["where"](condition, x, garden.choose(same))


def compared(garden: Garden, x: Node) -> Node:
    """Inputs only: what was computed may differ in the last digit."""
    inputs = [y for y in garden.inputs if y.dtype == garden.dtype]
    return OPS["less"](garden.choose(inputs), 0.25)


def through_another_type(garden: Garden, x: Node) -> Node:
    """No more is lost on the way than digits of float32, once."""
    other = float64 if garden.dtype == float32 else float32
    return OPS["cast"](OPS["multiply"](OPS["cast"](x, dtype=other), 0.5), dtype=garden.dtype)


def counted(garden: Garden, x: Node) -> Node:
    """Conditions and positions as numbers."""
    whole = [y for y in garden.nodes if not is_floating(y.dtype)]
    found = garden.choose(whole) if whole else iota(x, 5)
    return OPS["multiply"](OPS["cast"](found, dtype=garden.dtype), 0.125)


def softmax(garden: Garden, x: Node) -> Node:
    if not x.ndim or not x.size:
        return OPS["tanh"](x)
    axes = (garden.choose(range(x.ndim)),)
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    top = OPS["reshape"](OPS["reduce_max"](x, axes=axes), shape=kept)
    powers = OPS["exp"](OPS["subtract"](x, top))
    total = OPS["reshape"](OPS["reduce_sum"](powers, axes=axes), shape=kept)
    return OPS["divide"](powers, total)


def reshaped(garden: Garden, x: Node) -> Node:
    """Neighbouring axes made one, or an axis made two."""
    shapes: list[Shape] = [(x.size,), (*x.shape, 1), (1, *x.shape), x.shape[::-1]]
    for axis, extent in enumerate(x.shape):
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        splits = [(k, extent // k) for k in (2, 3, 4) if extent and extent % k == 0]
        shapes += [(*before, *pair, *after) for pair in splits]
        if after:
            shapes.append((*before, extent * after[0], *after[1:]))
    return OPS["reshape"](x, shape=garden.choose(shapes))


def part(garden: Garden, x: Node) -> Node:
    def cuts(n: int) -> list[tuple[int, int, int]]:
        whole = [(0, n, 1), (0, n, 1), (n - 1, -1, -1), (n // 2, n, 1)]
        return [*whole, (0, n, 2), (n - 1, -1, -2), (0, 1, 1)] if n else [(0, 0, 1)]

    return OPS["cut"](x, cut=tuple(garden.choose(cuts(extent)) for extent in x.shape))


def joined(garden: Garden, x: Node) -> Node:
    if not x.ndim:
        return OPS["negative"](x)
    axis = garden.choose(range(x.ndim))
    rest = (x.shape[:axis], x.shape[axis + 1 :])
    fits = [
        y
        for y in garden.nodes
        if (y.dtype, y.ndim) == (x.dtype, x.ndim) and (y.shape[:axis], y.shape[axis + 1 :]) == rest
    ]
    more = [garden.choose(fits) for _ in range(garden.choose([1, 1, 2]))]
    return OPS["concat"](x, *more, axis=axis)


def folded(garden: Garden, x: Node) -> Node:
    axes = tuple(axis for axis in range(x.ndim) if garden.choose([True, False]))
    return OPS[garden.choose(FOLDS)](x, axes=axes) if axes else OPS["abs"](x)


def folded_conditions(garden: Garden, x: Node) -> Node:
    conditions = [y for y in garden.nodes if y.dtype == bool_ and y.ndim]
    y = garden.choose(conditions) if conditions else garden.sow((3, 17), bool_)
    return OPS[garden.choose(["reduce_all", "reduce_any"])](y, axes=(garden.choose(range(y.ndim)),))


def multiplied(garden: Garden, x: Node) -> Node:
    """A layer: rows of x times a matrix of weights, as it is or transposed."""
    if x.ndim < 2 or 0 in x.shape:
        return OPS["tanh"](x)
    weights = garden.sow((x.shape[-1], garden.choose([1, 2, 5, 17])))
    label = x.ndim
    right = garden.choose([(label - 1, label), (label, label - 1)])
    if right[0] == label:
        weights = OPS["permute_dims"](weights, axes=(1, 0))
    left = tuple(range(x.ndim))
    return OPS["contract"](x, weights, left=left, right=right, result=(*left[:-1], label))


def taken(garden: Garden, x: Node) -> Node:
    if not x.ndim:
        return OPS["tanh"](x)
    axis = garden.choose(range(x.ndim))
    extent = x.shape[axis]
    if not extent:
        return OPS["tanh"](x)
    if garden.choose([True, False, False]):
        return OPS["take"](x, constant(np.asarray([extent - 1, 0])), axis=axis)
    shape = garden.choose([(), (1,), (4,), (2, 2), (18,)])
    return OPS["take"](x, garden.positions(shape, extent), axis=axis)


def picked(garden: Garden, x: Node) -> Node:
    if not x.ndim:
        return OPS["tanh"](x)
    axis = garden.choose(range(x.ndim))
    if not x.shape[axis]:
        return OPS["tanh"](x)
    positions = garden.positions((*x.shape[:axis], *x.shape[axis + 1 :]), x.shape[axis])
    return OPS["pick"](x, positions, axis=axis)


def scattered(garden: Garden, x: Node) -> Node:
    axis = garden.choose(range(x.ndim + 1))
    rank = garden.choose(range(min(2, x.ndim - axis) + 1))
    size = garden.choose([1, 3, 5])
    positions = garden.positions(x.shape[axis : axis + rank], size)
    return OPS["scatter_add"](x, positions, axis=axis, size=size)


def summed_up(garden: Garden, x: Node) -> Node:
    if not x.ndim:
        return OPS["tanh"](x)
    return OPS["tanh"](OPS["cumulative_sum"](x, axis=garden.choose(range(x.ndim))))


def noisy(garden: Garden, x: Node) -> Node:
    """Random words as numbers below 1, for one key or for several."""
    lead = garden.choose([(), (), (2,)])
    key, step = garden.sow((*lead, 2), uint32, 99), garden.sow(lead, uint32, 99)
    shape = x.shape if x.size else (3,)
    bits = OPS["random_bits"](key, step, site=7, shape=shape)
    numbers = OPS["cast"](OPS["cast"](bits, dtype=int64), dtype=garden.dtype)
    return OPS["multiply"](numbers, 2.0**-32)


WAYS: list[Callable[[Garden, Node], Node]] = [
    *[unary, unary, unary, binary, binary, binary, with_number, with_array, chosen, compared],
    *[through_another_type, counted, softmax, reshaped, reshaped, permuted, stretched, part],
    *[placed, joined, folded, folded, folded_conditions, contracted, multiplied, multiplied],
    *[taken, picked, scattered, summed_up, noisy],
]
