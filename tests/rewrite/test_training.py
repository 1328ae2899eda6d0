"""A whole training step computes the same before and after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import steepest as st
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.ir.node import Node
from steepest.ir.types import Array, is_floating
from steepest.rewrite import rewrite

ROWS, BATCH = 12, 5
RANDOM = np.random.default_rng([6, 1])
X = RANDOM.normal(size=(ROWS, 4))
LABELS = RANDOM.integers(0, 3, ROWS)
NUMBERS = RANDOM.normal(size=(ROWS, 1))
SIGNS = RANDOM.choice([-1, 1], ROWS)


def classifier(activation: str) -> Graph:
    model = st.nn.MLP(4, [6, 5], 3, activation=activation)
    return st.Trainer(model, "cross_entropy", st.optim.Adam(0.01), l2=1e-3).graph(
        X, LABELS, batch_size=BATCH
    )


def regression(optimizer: st.optim.Rule) -> Graph:
    layers = [st.nn.Linear(4, 6), st.nn.gelu, st.nn.Dropout(0.5), st.nn.Linear(6, 1)]
    model = st.nn.Sequential(*layers)
    return st.Trainer(model, "half_squared_error", optimizer).graph(X, NUMBERS, batch_size=BATCH)


def two_classes() -> Graph:
    model = st.nn.MLP(4, [6], 1, activation="selu")
    return st.Trainer(model, "binary_logistic", st.optim.SGD(0.1)).graph(X, SIGNS, batch_size=BATCH)


def double_precision() -> Graph:
    model = st.nn.MLP(4, [6], 3, activation="tanh").astype(np.float64)
    return st.Trainer(model, "cross_entropy", st.optim.SGD(0.1)).graph(X, LABELS, batch_size=1)


def ensemble() -> Graph:
    """Gradients of three networks at once, each with weights and a random key of its own."""

    def loss(w: st.Tensor, b: st.Tensor, v: st.Tensor, x: st.Tensor, y: st.Tensor) -> st.Tensor:
        hidden = st.tanh(st.matmul(x, w) + b)
        return st.mean(st.losses.CrossEntropy()(st.matmul(hidden, v), y))

    members = [st.ones((3, *shape)) for shape in ((4, 6), (6,), (6, 3))]
    step = st.vmap(st.grad(loss, (0, 1, 2)), (0, 0, 0, None, None))
    return st.trace(step)(*members, st.ones((5, 4)), st.tensor([0, 1, 2, 1, 0]))


STEPS: dict[str, Callable[[], Graph]] = {
    **{name: lambda name=name: classifier(name) for name in ("relu", "sigmoid", "silu", "mish")},
    "sgd": lambda: regression(st.optim.SGD(0.1)),
    "momentum": lambda: regression(st.optim.Momentum(0.1, 0.9)),
    "two classes": two_classes,
    "ensemble": ensemble,
    "float64, batches of one": double_precision,
}


def value_for(node: Node, random: np.random.Generator) -> Array:
    """Positions of rows, small counters, positive mean squares, moderate numbers."""
    if node.name == "y" and not is_floating(node.dtype):
        return random.integers(0, 3, node.shape).astype(node.dtype)
    if not is_floating(node.dtype):
        return random.integers(0, ROWS if node.name == "rows" else 5, node.shape).astype(node.dtype)
    numbers = random.normal(size=node.shape).astype(node.dtype)
    return numbers**2 if "square" in node.name else numbers


@pytest.mark.parametrize("name", STEPS)
def test_a_training_step_computes_the_same(name: str) -> None:
    graph = STEPS[name]()
    rewritten = rewrite(graph)
    assert rewritten.graph.inputs == graph.inputs
    assert [state for state, _ in rewritten.graph.updates] == [s for s, _ in graph.updates]
    assert len(rewritten.graph.nodes) < 0.9 * len(graph.nodes)
    assert rewrite(rewritten.graph).firings == ()
    before, after = (Program(each.inputs, each.results) for each in (graph, rewritten.graph))
    for seed in range(5):
        values = [value_for(node, np.random.default_rng([4, seed])) for node in graph.inputs]
        for found, expected in zip(after(*values), before(*values), strict=True):
            assert found.dtype == expected.dtype
            precise = 1e-5 if expected.dtype == np.float32 else 1e-13
            np.testing.assert_allclose(found, expected, rtol=precise, atol=precise)


def test_where_the_work_of_a_step_goes() -> None:
    """The nodes a step keeps, besides views and numbers: nothing is computed twice."""
    graph = rewrite(regression(st.optim.SGD(0.1))).graph
    views = ("input", "constant", "broadcast_to", "reshape")
    names = sorted(node.op.name for node in graph.nodes if node.op.name not in views)
    assert names.count("contract") == 5
    assert names.count("take") == 2
    assert names.count("position") == 1
    assert names.count("erf") == 1
    assert names.count("random_bits") == 1
