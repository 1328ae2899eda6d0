"""The engine: order, sharing, who else uses a node, reports, and an end."""

from __future__ import annotations

import numpy as np
import pytest

from steepest.ir.graph import Graph
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import TensorType, float32, float64, int64
from steepest.ops.elementwise import add, exp, maximum, negative, relu, sigmoid, subtract, tanh
from steepest.ops.movement import permute_dims, reshape
from steepest.rewrite import RULES, SHARED, Rule, rewrite
from steepest.rewrite.build import apply, is_op

TYPE = TensorType((2, 3), float32)


def one(name: str = "x", type: TensorType = TYPE) -> Node:
    return placeholder(type, name)


def rewritten(inputs: list[Node], *outputs: Node) -> Graph:
    return rewrite(Graph(tuple(inputs), outputs)).graph


def count(graph: Graph, name: str) -> int:
    return sum(is_op(node, name) for node in graph.nodes)


# ------------------------------------------------------------------------------------ equal nodes


def test_equal_nodes_become_one() -> None:
    x, y = one(), one("y")
    graph = rewritten([x, y], tanh(x + y), tanh(x + y) * exp(x + y))
    assert (count(graph, "add"), count(graph, "tanh"), count(graph, "exp")) == (1, 1, 1)
    first, second = graph.outputs
    assert second.inputs[0] is first


def test_nodes_that_commute_are_equal_in_both_orders() -> None:
    x, y = one(), one("y")
    graph = rewritten([x, y], x + y, y + x, x * y, y * x)
    assert (count(graph, "add"), count(graph, "multiply")) == (1, 1)


def test_nodes_that_do_not_commute_stay_apart() -> None:
    x, y = one(), one("y")
    graph = rewritten([x, y], x - y, y - x, maximum(x, y), maximum(y, x), x / y, y / x)
    assert (count(graph, "subtract"), count(graph, "maximum"), count(graph, "divide")) == (2, 2, 2)


def test_attributes_tell_nodes_apart() -> None:
    x = one()
    casts = [apply("cast", x, dtype=dtype) for dtype in (float64, int64, float64)]
    sums = [apply("reduce_sum", x, axes=axes) for axes in ((0,), (1,), (0,))]
    graph = rewritten([x], *casts, *sums)
    assert (count(graph, "cast"), count(graph, "reduce_sum")) == (2, 2)
    assert [graph.outputs.index(each) for each in graph.outputs] == [0, 1, 0, 3, 4, 3]


def test_inputs_of_one_type_stay_apart() -> None:
    x, y = one("a"), one("a")
    graph = rewritten([x, y], tanh(x), tanh(y))
    assert [node.inputs[0] for node in graph.outputs] == [x, y]


NUMBERS = [0.0, -0.0, 1.0, float("nan")]


def test_numbers_are_equal_by_their_bits() -> None:
    x = one()
    ways = [(value, dtype) for value in NUMBERS for dtype in (float32, float64)]
    twice = [constant(np.asarray(value, dtype)) for value, dtype in [*ways, *ways]]
    graph = rewritten([x], *twice)
    assert len(set(graph.outputs)) == len(ways)
    for node, (value, dtype) in zip(graph.outputs, [*ways, *ways], strict=True):
        found = node.attributes["value"]
        assert found.tobytes() == np.asarray(value, dtype).tobytes()


def test_numbers_of_equal_bytes_and_other_types_stay_apart() -> None:
    zeros = [np.zeros((2,), np.int32), np.zeros((1,), np.int64), np.asarray(0, np.int64)]
    some = [np.arange(1, 5, dtype=np.int8).reshape(shape) for shape in ((4,), (2, 2))]
    graph = rewritten([], *map(constant, [*zeros, *some]))
    assert [node.type for node in graph.outputs] == [
        TensorType(each.shape, each.dtype) for each in [*zeros, *some]
    ]


def test_attributes_are_equal_only_as_what_they_are() -> None:
    """No op has such attributes today; the day one has, 0.0 and −0.0 must not be mixed up."""
    x = one()
    unlike = [1, 1.0, True, 0.0, -0.0, (1,), (1.0,), "1", np.arange(3), np.arange(3.0)]
    nodes = [Node(OPS["tanh"], (x,), {"extra": each}, TYPE) for each in [*unlike, *unlike]]
    graph = rewrite(Graph((x,), tuple(nodes)), {}).graph
    assert len(set(graph.outputs)) == len(unlike)


# ------------------------------------------------------------------------------- the whole graph


def test_what_nobody_uses_is_gone_and_inputs_stay() -> None:
    x, y = one(), one("y")
    graph = rewritten([x, y], apply("where", x > 0.0, x, x))
    assert graph.inputs == (x, y)
    assert graph.outputs == (x,)
    assert graph.nodes == (x, y)


def test_state_keeps_its_next_value() -> None:
    x, w = one(), one("w")
    graph = rewrite(Graph((x, w), (w * 1.0,), ((w, negative(negative(x))),))).graph
    assert graph.outputs == (w,)
    assert graph.updates == ((w, x),)


def test_a_graph_that_is_simple_stays_the_same_object() -> None:
    x = one()
    graph = Graph((x,), (tanh(x),))
    result = rewrite(graph)
    assert result.graph is graph
    assert result.firings == ()
    assert result.counts == {}


def test_the_given_graph_is_left_alone() -> None:
    x = one()
    graph = Graph((x,), (tanh(negative(negative(x))) + tanh(x),))
    before = repr(graph)
    assert repr(rewrite(graph).graph) != before
    assert repr(graph) == before


def test_a_long_chain_needs_no_stack() -> None:
    x = node = one()
    for _ in range(5000):
        node = negative(tanh(node) * 1.0)
    graph = rewritten([x], node)
    assert (count(graph, "tanh"), count(graph, "multiply")) == (5000, 0)


def test_a_long_chain_collapses() -> None:
    x = node = one()
    for _ in range(2000):
        node = relu(reshape(node, (2, 1, 3) if node.shape == (2, 3) else (2, 3)))
    graph = rewritten([x], node)
    assert len(graph.nodes) == 2


def test_a_reshape_that_mixes_axes_stays_before_what_is_computed_in_its_shape() -> None:
    """So the flat array is what a kernel writes, and no second one has to rearrange rows."""
    x = one()
    graph = rewritten([x], tanh(reshape(x, (6,))))
    assert graph.outputs[0].op is OPS["tanh"]


# --------------------------------------------------------------------------------- who else uses it


def product(x: Node, y: Node) -> Node:
    return apply("contract", x, y, left=(0, 1), right=(2, 1), result=(0, 2))


def test_a_transposed_product_is_computed_transposed() -> None:
    x, y = one(), one("y")
    graph = rewritten([x, y], permute_dims(product(x, y), (1, 0)))
    assert graph.outputs[0].attributes["result"] == (2, 0)
    assert count(graph, "permute_dims") == 0


@pytest.mark.parametrize("other", ["output", "node", "state"])
def test_a_product_that_is_used_elsewhere_is_computed_once(other: str) -> None:
    x, y, state = one(), one("y"), one("state", TensorType((2, 2), float32))
    z = product(x, y)
    outputs = [permute_dims(z, (1, 0))]
    outputs += {"output": [z], "node": [tanh(z)], "state": []}[other]
    updates = ((state, z),) if other == "state" else ()
    graph = rewrite(Graph((x, y, state), tuple(outputs), updates)).graph
    assert (count(graph, "contract"), count(graph, "permute_dims")) == (1, 1)


def test_a_product_that_becomes_unused_is_absorbed_later() -> None:
    """The rule asks again in the pass after the one in which the other use went away."""
    x, y = one(), one("y")
    z = product(x, y)
    graph = rewritten([x, y], apply("where", z > 0.0, *[permute_dims(z, (1, 0))] * 2))
    assert count(graph, "contract") == 1
    assert count(graph, "permute_dims") == 0


def test_one_minus_sigmoid_computes_no_second_sigmoid() -> None:
    x = one()
    y = sigmoid(x)
    assert count(rewritten([x], 1.0 - y), "sigmoid") == 1
    graph = rewritten([x], y * (1.0 - y))
    assert (count(graph, "sigmoid"), count(graph, "subtract")) == (1, 1)


# --------------------------------------------------------------------------------------- the report


def test_a_firing_names_the_rule_the_nodes_and_the_line() -> None:
    x = one()
    doubled = tanh(x) * 1.0
    (firing,) = rewrite(Graph((x,), (doubled,))).firings
    assert firing.rule == "times_one"
    assert firing.before is doubled
    assert firing.after is doubled.inputs[0]
    assert "test_engine.py: doubled = tanh(x) * 1.0" in str(firing)


def test_sharing_is_reported_too() -> None:
    x = one()
    first, second = tanh(x), tanh(x)
    (firing,) = rewrite(Graph((x,), (first, second))).firings
    assert (firing.rule, firing.before, firing.after) == (SHARED, second, first)


def test_counts_come_in_order() -> None:
    x, y = one(), one("y")
    result = rewrite(Graph((x, y), (tanh(x) * 1.0, tanh(y) * 1.0, negative(negative(x)))))
    assert next(iter(result.counts.items())) == ("times_one", 2)
    assert result.counts["double_negation"] == 1


def test_what_is_made_keeps_the_line_of_what_it_replaces() -> None:
    x, y = one(), one("y")
    difference = x + (-y)  # this line
    outside = tanh(difference)
    graph = rewritten([x, y], outside)
    (made,) = graph.outputs[0].inputs
    assert made.op is OPS["subtract"]
    assert made.origin == difference.origin
    assert graph.outputs[0].origin == outside.origin
    assert "this line" in str(made.origin)


# ------------------------------------------------------------------------------------------- an end


def swap(node: Node) -> Node | None:
    return apply("add", *reversed(node.inputs))


def there(node: Node) -> Node | None:
    return subtract(node.inputs[0], negative(node.inputs[1]))


def grow(node: Node) -> Node | None:
    return add(tanh(node.inputs[0]), node.inputs[1])


def inside(node: Node) -> Node | None:
    return tanh(add(*node.inputs))


CIRCLES = {
    "a swap that is undone": [("swap", "add", swap)],
    "there and back": [("there", "add", there), ("minus_negative", "subtract", None)],
    "ever larger": [("grow", "add", grow)],
    "made of itself": [("inside", "add", inside)],
}


@pytest.mark.parametrize("circle", CIRCLES)
def test_rules_that_go_in_circles_are_named(circle: str) -> None:
    rules = {
        name: Rule(name, "Wrong.", (op,), apply_, ()) if apply_ else RULES[name]
        for name, op, apply_ in CIRCLES[circle]
    }
    x, y = one(), one("y")
    graph = Graph((x, y), (x + y,))
    with pytest.raises(AssertionError, match=f"undo each other's work: .*{next(iter(rules))}"):
        rewrite(graph, rules)
