"""What the compiler makes of deep networks and long graphs grows no faster than they do."""

from __future__ import annotations

import steepest as st
from steepest.bench.growth import deep, long
from steepest.compile import Source, stages
from steepest.runtime.processor import this_processor
from steepest.transform.trace import record


def test_equal_layers_share_their_text() -> None:
    eight, many = deep(8), deep(64)
    assert many.kernels > 6 * eight.kernels
    # The step counter's kernel alone may look different, since other kernels stand beside it.
    assert many.functions <= eight.functions + 2


def test_a_graph_of_ten_thousand_nodes_reaches_text() -> None:
    found = long(10_000)
    assert found.nodes >= 10_000
    assert found.functions < 10


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
