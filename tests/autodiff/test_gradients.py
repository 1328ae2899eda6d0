"""Reverse-mode differentiation of graphs: the sum over consumers, and what it leaves out."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some

import steepest as st
from steepest.autodiff import gradients
from steepest.errors import GradientError
from steepest.ir.graph import Graph, order
from steepest.ir.interpret import Program
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import TensorType, float32, float64, int64

pytestmark = pytest.mark.row("D2")

SCALAR = TensorType((), float64)


def one(node: Node) -> Node:
    return constant(np.ones(node.shape, node.dtype))


def value(node: Node | None, inputs: dict[Node, float]) -> float:
    assert node is not None
    return float(Program(tuple(inputs), (node,))(*map(np.float64, inputs.values()))[0])  # pyright: ignore


def test_the_sum_over_consumers() -> None:
    x, y = placeholder(SCALAR), placeholder(SCALAR)
    u = x * y
    result = u * x + u
    by_x, by_y, by_u = gradients([result], [one(result)], [x, y, u])
    at = {x: 3.0, y: 5.0}
    assert value(by_x, at) == 2 * 3 * 5 + 5
    assert value(by_y, at) == 9 + 3
    assert value(by_u, at) == 3 + 1


def test_a_node_that_is_its_own_output() -> None:
    x = placeholder(SCALAR)
    seed = constant(np.array(7.0))
    assert gradients([x], [seed], [x]) == [seed]


def test_several_outputs_add_up_and_one_may_be_given_twice() -> None:
    x = placeholder(SCALAR)
    y = x * 2.0
    (found,) = gradients([y, x, y], [one(y), one(x), one(y)], [x])
    assert value(found, {x: 1.0}) == 5.0


def test_independence_is_none() -> None:
    x, y = placeholder(SCALAR), placeholder(SCALAR)
    result = x * 2.0
    assert gradients([result], [one(result)], [y]) == [None]
    assert gradients([result], [one(result)], []) == []


def test_integers_and_steps_pass_nothing() -> None:
    x, n = placeholder(TensorType((3,), float32)), placeholder(TensorType((), int64))
    result = st.sum(st.floor(x)) + st.astype(n, float32)
    assert gradients([result], [one(result)], [x, n]) == [None, None]
    taken = st.take(x, st.expand_dims(n))
    by_x, by_n = gradients([taken], [one(taken)], [x, n])
    assert by_x is not None
    assert by_n is None


def test_no_pullback_is_asked_of_ops_off_the_path() -> None:
    """An op without derivative is fine where no derivative passes."""
    x, y = placeholder(SCALAR), placeholder(SCALAR)
    result = x * st.nextafter(y, y)
    (by_x,) = gradients([result], [one(result)], [x])
    assert by_x is not None
    with pytest.raises(GradientError, match=r"nextafter has no derivative: .*number format"):
        gradients([result], [one(result)], [y])


def test_nodes_behind_the_variables_are_left_alone() -> None:
    """Differentiating by an intermediate node does not go past it."""
    x = placeholder(SCALAR)
    middle = st.nextafter(x, x)
    result = middle * middle
    (found,) = gradients([result], [one(result)], [middle])
    assert value(found, {middle: 3.0}) == 6.0


def test_a_pullback_of_the_wrong_type_is_our_mistake() -> None:
    wrong = dataclasses.replace(OPS["exp"], pullback=lambda g, y, x: (st.expand_dims(g),))
    x = placeholder(SCALAR)
    result = Node(wrong, (x,), {}, SCALAR)
    with pytest.raises(AssertionError, match=r"pullback of exp gives float64\[1\] .* float64\[\]"):
        gradients([result], [one(result)], [x])


def test_the_backward_graph_is_linear_in_size() -> None:
    """A chain in which every value is used twice has 2ⁿ paths, and n derivatives."""
    x = placeholder(SCALAR)
    y = x
    for _ in range(200):
        y = y + y
    (found,) = gradients([y], [one(y)], [x])
    assert found is not None
    assert len(order([found])) < 1000
    assert value(found, {x: 1.0}) == 2.0**200


UNARY = ["sin", "tanh", "negative", "square", "sigmoid"]
BINARY = ["add", "multiply", "subtract", "maximum"]


@some.composite
def expressions(draw: some.DrawFn) -> tuple[list[Node], Node]:
    """A random graph of a few ops over three inputs, values used as often as it comes."""
    inputs = [placeholder(SCALAR, name) for name in "abc"]
    nodes = list(inputs)
    for _ in range(draw(some.integers(1, 12))):
        any_node = some.sampled_from(nodes)
        if draw(some.booleans()):
            nodes.append(OPS[draw(some.sampled_from(UNARY))](draw(any_node)))
        else:
            nodes.append(OPS[draw(some.sampled_from(BINARY))](draw(any_node), draw(any_node)))
    return inputs, nodes[-1]


@given(expressions(), some.integers(0, 2**32 - 1))
def test_random_graphs_by_central_differences(
    expression: tuple[list[Node], Node], seed: int
) -> None:
    inputs, result = expression
    random = np.random.default_rng(seed)
    at, along = random.uniform(-1, 1, 3), random.normal(size=3)
    found = gradients([result], [one(result)], inputs)
    exact = sum(
        float(v * Program(inputs, [g])(*map(np.asarray, at))[0])
        for v, g in zip(along, found, strict=True)
        if g is not None
    )
    forward = Program(inputs, [result])

    def f(step: float) -> float:
        return float(forward(*map(np.asarray, at + step * along))[0])

    h = 1e-6
    numeric = (f(h) - f(-h)) / (2 * h)
    second = (f(h) - 2 * f(0) + f(-h)) / h
    if abs(second) < 1e-3 * (1 + abs(numeric)):  # not at the corner of a maximum
        assert exact == pytest.approx(numeric, rel=1e-4, abs=1e-5)


def test_the_gradient_graph_is_differentiated_like_any_other() -> None:
    x = placeholder(SCALAR)
    y: Node = st.sin(x) * x
    at: dict[Node, Any] = {x: 0.7}
    expected = [
        np.sin(0.7) + 0.7 * np.cos(0.7),
        2 * np.cos(0.7) - 0.7 * np.sin(0.7),
        -3 * np.sin(0.7) - 0.7 * np.cos(0.7),
        -4 * np.cos(0.7) + 0.7 * np.sin(0.7),
    ]
    for derivative in expected:
        (found,) = gradients([y], [one(y)], [x])
        assert found is not None
        y = found
        assert value(y, at) == pytest.approx(derivative, rel=1e-12)
    Graph((x,), (y,))


def test_whole_numbers_on_the_way_cut_the_path() -> None:
    """What depends on x through integers only is a step function: nothing to differentiate."""
    x = placeholder(TensorType((3,), float32))
    steps = st.astype(st.astype(x, int64), float32)
    result = x * st.nextafter(steps, steps)
    (found,) = gradients([result], [one(result)], [x])
    assert found is not None
