"""Graphs of Python functions: golden texts, captured values, updates, and long chains."""

import gc
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import pytest

import steepest as st
from kit.draw import generator
from steepest.autodiff import gradients
from steepest.errors import SteepestError, TraceError
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.ir.node import placeholder
from steepest.ir.op import OPS, Operand
from steepest.ir.types import TensorType, float32
from steepest.tensor.tensor import Tensor
from steepest.transform.trace import record

pytestmark = pytest.mark.row("D1")


def lines(*expected: str) -> str:
    return "\n".join(expected)


def test_the_text_of_a_graph() -> None:
    def layer(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return st.relu(x @ w + b)

    graph = st.trace(layer)(st.ones((2, 3)), st.ones((3, 4)), st.ones((4,)))
    assert repr(graph) == lines(
        "graph(x: float32[2, 3], w: float32[3, 4], b: float32[4])",
        "  %0 = contract(x, w, left=(0, 1), right=(1, 2), result=(0, 2))  : float32[2, 4]",
        "  %1 = broadcast_to(b, shape=(2, 4))                             : float32[2, 4]",
        "  %2 = add(%0, %1)                                               : float32[2, 4]",
        "  %3 = relu(%2)                                                  : float32[2, 4]",
        "  return %3",
    )


def test_the_text_of_a_backward_graph() -> None:
    graph = st.trace(st.grad(lambda x: st.sum(x * x)))(st.ones((2,)))
    text = repr(graph)
    assert text.startswith("graph(x: float32[2])\n")
    assert "multiply(" in text
    assert "reduce_sum" not in text, "the value is not needed for the gradient"
    assert text.endswith(f"return %{len(graph.nodes) - len(graph.inputs) - 1 - constants(graph)}")


def constants(graph: Graph) -> int:
    return sum(node.op.name == "constant" for node in graph.nodes)


def test_shared_values_are_written_once() -> None:
    def f(x: Tensor) -> Tensor:
        y = st.exp(x)
        return y * y + y

    assert repr(st.trace(f)(1.0)) == lines(
        "graph(x: float32[])",
        "  %0 = exp(x)            : float32[]",
        "  %1 = multiply(%0, %0)  : float32[]",
        "  %2 = add(%1, %0)       : float32[]",
        "  return %2",
    )


def test_names_of_arguments_and_structures() -> None:
    graph = st.trace(lambda x, parameters: x * parameters["w"][0])(
        1.0, {"w": [st.ones((2,))], "unused": st.ones((3,))}
    )
    assert repr(graph).startswith(
        "graph(x: float32[], parameters.w.0: float32[2], parameters.unused: float32[3])"
    )


def test_literals_are_constants_and_captured_values_inputs() -> None:
    captured = st.tensor([1.0, 2.0])
    trace = record(lambda x: x * captured + 0.5 + st.zeros((2,)), st.ones((2,)))
    text = repr(trace.graph)
    assert text.startswith("graph(x: float32[2], captured0: float32[2])")
    assert "broadcast_to(0.5, shape=(2,))" in text
    assert "broadcast_to(0.0, shape=(2,))" in text
    assert [value.tolist() for value in trace.captured] == [[1.0, 2.0]]


def test_a_captured_value_is_one_input_however_often_it_is_used() -> None:
    captured = st.tensor([1.0, 2.0])
    trace = record(lambda x: x * captured + captured, st.ones((2,)))
    assert len(trace.graph.inputs) == 2


def test_what_was_computed_before_is_captured_as_a_value() -> None:
    w = st.tensor([1.0, 2.0], requires_grad=True)
    scaled = w * 3.0
    trace = record(lambda x: x * scaled, st.ones((2,)))
    assert len(trace.graph.inputs) == 2
    assert [value.tolist() for value in trace.captured] == [[3.0, 6.0]]


def test_an_argument_returned_and_a_constant_returned() -> None:
    assert repr(st.trace(lambda x: x)(1.0)).endswith("return x")
    assert repr(st.trace(lambda x: (x, 2.0))(1.0)).splitlines()[-1].startswith("  return x, ")
    assert repr(st.trace(lambda: {})()) == "graph()\n  return nothing"


def run(graph: Graph, *values: Any) -> list[Any]:
    return Program(graph.inputs, graph.outputs)(*map(np.asarray, values))


def test_a_graph_computes_what_the_function_does() -> None:
    def f(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        z = st.softmax(x @ y)
        return st.sum(z * z, axis=0), st.argmax(z, axis=1)

    x, y = generator().normal(size=(5, 3)), generator(1).normal(size=(3, 4))
    graph = st.trace(f)(st.tensor(x), st.tensor(y))
    for found, expected in zip(run(graph, x, y), f(st.tensor(x), st.tensor(y)), strict=True):
        np.testing.assert_array_equal(found, expected.numpy())


def test_only_shapes_and_types_of_the_arguments_matter() -> None:
    f = st.trace(lambda x: st.sum(x * 2.0))
    assert repr(f(st.ones((3,)))) == repr(f(st.tensor([7.0, 8.0, 9.0])))
    assert repr(f(st.ones((4,)))) != repr(f(st.ones((3,))))


def test_every_node_of_a_trace_is_of_the_registry_and_knows_the_users_line() -> None:
    graph = st.trace(st.grad(lambda x: st.logsumexp(x @ x.T) + st.prod(x)))(st.ones((3, 3)))
    for node in graph.nodes:
        if node.inputs:
            assert OPS[node.op.name] is node.op
            assert node.origin is not None
            assert node.origin.file == __file__


@pytest.mark.parametrize("stop", [bool, float, lambda x: x.numpy()])
def test_what_needs_a_value_says_so_and_where(stop: Any) -> None:
    with pytest.raises(TraceError, match=r"test_trace\.py"):
        st.trace(lambda x: stop(x))(1.0)


def test_a_function_that_is_stopped_halfway_leaves_no_trace() -> None:
    cell = st.State(st.tensor(1.0))

    def f(x: Tensor) -> Tensor:
        cell.assign(x)
        raise SteepestError("stopped")

    with pytest.raises(SteepestError, match="stopped"):
        st.trace(f)(2.0)
    assert cell.value.item() == 1.0
    assert not cell.value.is_traced


def test_traces_within_traces() -> None:
    inner: list[Graph] = []

    def f(x: Tensor) -> Tensor:
        inner.append(st.trace(lambda y: y * y)(x))
        return x + 1.0

    outer = st.trace(f)(st.ones((2,)))
    assert repr(inner[0]) == lines(
        "graph(y: float32[2])", "  %0 = multiply(y, y)  : float32[2]", "  return %0"
    )
    assert "add" in repr(outer)


def test_a_cell_is_an_input_and_its_assignment_an_update_also_through_grad() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = st.State(st.tensor([1.0, 2.0]), name="w")
            self.n = st.State(st.tensor(0.0), trainable=False, name="n")

        def states(self) -> dict[str, st.State]:
            return {"w": self.w, "n": self.n}

        def __call__(self, x: Tensor) -> Tensor:
            self.n.assign(self.n.value + 1.0)
            return st.sum(self.w.value * x)

    model = Model()

    def step(model: Model, x: Tensor) -> Tensor:
        value, gradient = st.value_and_grad(lambda m: m(x))(model)
        model.w.assign(model.w.value - 0.5 * gradient["w"])
        return value

    graph = record(step, model, st.tensor([3.0, 4.0])).graph
    assert [node.name for node in graph.inputs] == ["x", "w", "n"]
    assert sorted(state.name for state, _ in graph.updates) == ["n", "w"]
    program = Program(graph.inputs, graph.results)
    values = [np.array([3.0, 4.0], "f4"), np.array([1.0, 2.0], "f4"), np.array(0.0, "f4")]
    value, *updates = program(*values)
    by_name = {s.name: u.tolist() for (s, _), u in zip(graph.updates, updates, strict=True)}
    assert value == 11.0
    assert by_name == {"w": [-0.5, 0.0], "n": 1.0}
    assert model.w.value.tolist() == [1.0, 2.0]
    step(model, st.tensor([3.0, 4.0]))
    assert model.w.value.tolist() == by_name["w"]
    assert model.n.value.item() == 1.0


LONG = 100_000
SCALAR = TensorType((), float32)
T = TypeVar("T", bound=Operand)


@pytest.fixture
def _no_collection() -> Iterator[None]:
    """The collector would walk all the nodes again and again; there are no cycles to find."""
    gc.disable()
    yield
    gc.enable()


def chain(x: T, length: int = LONG) -> T:
    for _ in range(length):
        x = -x
    return x


@pytest.mark.usefixtures("_no_collection")
def test_a_chain_of_a_hundred_thousand_ops_traces_and_prints() -> None:
    text = repr(st.trace(chain)(1.0))
    assert text.count(" = negative(") == LONG
    assert re.search(r"  %99999 = negative\(%99998\) +: float32\[\]\n  return %99999$", text)


@pytest.mark.usefixtures("_no_collection")
def test_a_chain_of_a_hundred_thousand_ops_differentiates_and_runs() -> None:
    x, seed = placeholder(SCALAR), placeholder(SCALAR)
    end = chain(x)
    (found,) = gradients([end], [seed], [x])
    assert found is not None
    values = Program((x, seed), (end, found))(np.float32(3.0), np.float32(5.0))  # pyright: ignore
    assert values == [3.0, 5.0]


@pytest.mark.usefixtures("_no_collection")
def test_backward_of_a_long_chain_and_its_end() -> None:
    x = st.tensor(3.0, requires_grad=True)
    y = chain(x, LONG // 2)
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 1.0
    del y  # a long chain of nodes is taken down without recursion as well


def test_long_chains_are_mapped_and_differentiated_twice() -> None:
    assert st.vmap(lambda x: chain(x, 5000))(st.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
    twice = st.grad(st.grad(lambda x: chain(x, 2000) ** 2))
    assert twice(3.0).item() == 2.0
