"""Graphs made at random from the op registry, values for them, and what they compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from kit.ways import Choose, contracted, permuted, placed, stretched
from steepest.errors import SteepestError
from steepest.ir.graph import Graph
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import Array, DType, TensorType, bool_, float32, float64, int64, is_floating
from steepest.rewrite import Rule

T = TypeVar("T")

MOST_ELEMENTS = 400
NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -8.0, 3.0)
# The sign of NaN is nobody's promise; a negative power of an integer is an error.
OBSERVERS_OF_NAN_SIGNS = {"signbit", "copysign"}
ELEMENTWISE = [
    op
    for op in OPS.values()
    if any(case.any_shape for case in op.cases) and op.name not in OBSERVERS_OF_NAN_SIGNS
]
# Where a last digit in does not become a first digit out.
SMOOTH = ("add", "subtract", "multiply", "negative", "tanh", "sigmoid", "sin", "where", "relu")
# What most rules are about, so it should come up more often than each of 60 functions does.
ARITHMETIC = ("add", "subtract", "multiply", "divide", "negative", "where", "maximum", "abs")
FOLDS = ("reduce_sum", "reduce_max", "reduce_min", "reduce_all", "reduce_any")


@dataclass
class Garden:
    """Nodes to make nodes of."""

    choose: Choose
    dtypes: tuple[DType, ...]
    rules: Sequence[Rule]
    smooth: bool = False
    inputs: list[Node] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def sow(self, type: TensorType) -> Node:
        node = placeholder(type, f"x{len(self.inputs)}")
        self.inputs.append(node)
        self.nodes.append(node)
        return node

    def grow(self) -> None:
        """One more node, unless what was chosen does not fit."""
        way = self.choose(WAYS)
        try:
            node = way(self, self.choose(self.nodes))
        except SteepestError:
            return
        if node.size <= MOST_ELEMENTS:
            self.nodes.append(node)

    def like(self, x: Node) -> Node:
        """A node of the same type."""
        return self.choose([each for each in self.nodes if each.type == x.type])


def grown(
    choose: Choose,
    dtypes: tuple[DType, ...],
    rules: Sequence[Rule],
    *,
    steps: int = 12,
    smooth: bool = False,
) -> Graph:
    """A graph of some inputs of these element types, with some of what these rules fire on."""
    garden = Garden(choose, dtypes, rules, smooth)
    shapes = [(), (3,), (2, 3), (2, 3), (1, 3), (2, 1), (3, 1, 2), (0, 3), (1,)]
    for _ in range(3):
        garden.sow(TensorType(choose(shapes), choose(dtypes)))
    for _ in range(steps):
        garden.grow()
    used = {each for node in garden.nodes for each in node.inputs}
    outputs = [node for node in garden.nodes if node not in used]
    return Graph(tuple(garden.inputs), (*outputs, choose(garden.nodes)))


def ops_for(garden: Garden) -> list[Any]:
    if garden.smooth:
        return [op for op in ELEMENTWISE if op.name in SMOOTH]
    return garden.choose([ELEMENTWISE, [op for op in ELEMENTWISE if op.name in ARITHMETIC]])


def elementwise(garden: Garden, x: Node) -> Node:
    op = garden.choose(ops_for(garden))
    case = next(case for case in op.cases if case.any_shape)
    inputs = [x, *(garden.like(x) for _ in case.inputs[1:])]
    if op.name == "where":
        conditions = [each for each in garden.nodes if each.dtype == bool_]
        inputs = [
            garden.choose(conditions or [garden.sow(TensorType(x.shape, bool_))]),
            x,
            inputs[1],
        ]
    refuse_powers(op.name, inputs)
    return op(*inputs, **case.attributes)


def refuse_powers(name: str, inputs: Sequence[Node]) -> None:
    if name in ("pow", "position") and not is_floating(inputs[0].dtype):
        raise SteepestError("it may be an error when it runs")


def with_number(garden: Garden, x: Node) -> Node:
    op = garden.choose([op for op in ops_for(garden) if len(op.cases[0].inputs) == 2])
    number = garden.choose(NUMBERS)
    if garden.smooth and number == -8.0:
        number = 0.25
    value: Any = (
        number if is_floating(x.dtype) else bool(number) if x.dtype == bool_ else int(number)
    )
    pair = garden.choose([(x, value), (value, x)])
    if op.name == "pow" and not is_floating(x.dtype) and (pair[0] is not x or value < 0):
        raise SteepestError("an integer with a negative power is an error when it runs")
    return op(*pair)


def twice(garden: Garden, x: Node) -> Node:
    """The same op on its own result, or on x twice."""
    if len(x.inputs) != 1 or x.attributes or garden.smooth:
        return OPS[garden.choose(["add", "multiply", "maximum", "subtract"])](x, x)
    return x.op(x)


def rule_example(garden: Garden, x: Node) -> Node:
    """What a rule fires on."""
    rule = garden.choose(garden.rules)
    example = garden.choose(rule.examples)
    if not {type.dtype for type in example.types} <= {*garden.dtypes, bool_}:
        raise SteepestError("another kind of garden")
    inputs: list[Node] = []
    for type in example.types:
        there = [each for each in garden.nodes if each.type == type and each not in inputs]
        inputs.append(garden.choose(there) if there else garden.sow(type))
    return example.build(*inputs)


def reshaped(garden: Garden, x: Node) -> Node:
    at = garden.choose(range(x.ndim + 1))
    shapes = [
        (x.size,),
        x.shape[::-1],
        (*x.shape[:at], 1, *x.shape[at:]),
        tuple(extent for extent in x.shape if extent != 1),
        x.shape,
    ]
    return OPS["reshape"](x, shape=garden.choose(shapes))


def part(garden: Garden, x: Node) -> Node:
    return OPS["cut"](x, cut=tuple(garden.choose(parts_of(extent)) for extent in x.shape))


def parts_of(extent: int) -> list[tuple[int, int, int]]:
    parts = [
        (0, extent, 1),
        (0, extent, 1),
        (extent - 1, -1, -1),
        (0, 0, 1),
        (extent // 2, extent, 1),
    ]
    return [*parts, (0, extent, 2), (extent - 1, -1, -2)] if extent else [(0, 0, 1)]


def joined(garden: Garden, x: Node) -> Node:
    if not x.ndim:
        raise SteepestError("there is no axis to join along")
    return OPS["concat"](x, garden.like(x), axis=garden.choose(range(x.ndim)))


def folded(garden: Garden, x: Node) -> Node:
    axes = tuple(axis for axis in range(x.ndim) if garden.choose([True, False]))
    if not axes:
        raise SteepestError("a fold of nothing is never made")
    return OPS[garden.choose(FOLDS)](x, axes=axes)


def taken(garden: Garden, x: Node) -> Node:
    if not x.ndim or not x.shape[0]:
        raise SteepestError("there is nothing to take")
    return OPS["take"](x, constant(np.asarray([x.shape[0] - 1, 0])), axis=0)


def cast(garden: Garden, x: Node) -> Node:
    """Not from floats to integers, where NaN becomes anything."""
    if garden.smooth:
        return OPS["identity"](x)
    to = (
        [bool_, float32, float64]
        if is_floating(x.dtype)
        else [bool_, int64, np.dtype("int8"), float64]
    )
    return OPS["cast"](x, dtype=garden.choose(to))


WAYS = (
    *(elementwise, elementwise, with_number, with_number, twice, rule_example, rule_example),
    *(reshaped, permuted, stretched, part, placed, joined, folded, contracted, taken, cast),
)

# ------------------------------------------------------------------------------------------ values

SPECIAL = (
    0.0,
    -0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1.0,
    -1.0,
    5e-324,
    1e-40,
    1.5e308,
    3e38,
    -1e-45,
)


def value_of(type: TensorType, random: np.random.Generator, *, special: bool) -> Array:
    """An array of a type: some moderate numbers, and some of the special ones."""
    if type.dtype == bool_:
        return random.integers(0, 2, type.shape).astype(bool)
    if not is_floating(type.dtype):
        return random.integers(-3 if type.dtype.kind == "i" else 0, 4, type.shape).astype(
            type.dtype
        )
    numbers = random.choice([-2.0, -1.0, 0.5, 1.0, 3.0], type.shape)
    numbers = np.where(random.random(type.shape) < 0.5, numbers, random.normal(size=type.shape))
    if special:
        rare = random.choice(np.asarray(SPECIAL), type.shape)
        numbers = np.where(random.random(type.shape) < 0.3, rare, numbers)
    with np.errstate(over="ignore"):
        return numbers.astype(type.dtype)


def values_of(graph: Graph, random: np.random.Generator, *, special: bool) -> list[Array]:
    return [value_of(node.type, random, special=special) for node in graph.inputs]


def run(graph: Graph, values: Sequence[Array]) -> list[Array]:
    """Each op on contiguous arrays: NumPy's last bit may depend on strides, ours may not."""
    known = dict(zip(graph.inputs, values, strict=True))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node not in known:
                inputs = [known[each] for each in node.inputs]
                known[node] = np.array(node.op.reference(*inputs, **node.attributes), order="C")
                assert (known[node].shape, known[node].dtype) == tuple(node.type)
    return [known[node] for node in graph.results]


def assert_same_bits(found: Array, expected: Array) -> None:
    """Equal to the last bit; a NaN is a NaN."""
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if is_floating(found.dtype):
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        found, expected = (np.where(np.isnan(each), 0, each) for each in (found, expected))
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
    np.testing.assert_array_equal(found, expected)
