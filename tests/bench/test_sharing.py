"""What the compiler makes of deep networks and long graphs grows no faster than they do."""

from __future__ import annotations

import steepest as st
from steepest.bench.training import Training
from steepest.bench.workloads import Workload
from steepest.compile import Source, Stages, stages
from steepest.runtime.processor import this_processor
from steepest.transform.trace import record


def deep(layers: int) -> Stages:
    """A training step of so many equal layers."""
    sizes = (32,) * (layers + 1)
    return Training(Workload("deep", sizes, 16, "adam", 1)).step().stages()


def test_equal_layers_share_their_text() -> None:
    eight, many = deep(8), deep(64)
    assert len(many.scheduled.kernels) > 6 * len(eight.scheduled.kernels)
    # The step counter's kernel alone may look different, since other kernels stand beside it.
    assert len(many.plan.functions) <= len(eight.plan.functions) + 1
    assert len(many.text) <= 1.05 * len(eight.text)


def test_a_graph_of_ten_thousand_nodes_reaches_text() -> None:
    def long(x: st.Tensor) -> st.Tensor:
        for _ in range(1250):
            x = x * 0.9 + st.mean(x)
        return x

    trace = record(long, st.ones((64,)))
    assert len(trace.graph.nodes) >= 10_000
    made = stages(Source(trace.graph, ("whole",)), this_processor().target)
    assert len(made.plan.functions) < 10


def test_a_chain_of_formulas_reaches_text() -> None:
    # Each tanh is dozens of instructions; text that grew with the square of them would not end.
    def chain(x: st.Tensor) -> st.Tensor:
        for _ in range(300):
            x = st.tanh(x * 1.5 + 0.5) - x
        return x

    trace = record(chain, st.ones((64,)))
    made = stages(Source(trace.graph, ("whole",)), this_processor().target)
    assert len(made.scheduled.kernels) == 1
    assert len(made.text) < 4000 * 300
