"""Graphs at random as machine code: what the reference computes, at every width.

Many are one program, because what takes time is LLVM.
"""

import numpy as np
import pytest

from compile.native import WIDTHS, Native, check_close, one_by_one, reference, rows_of
from kit.workloads import Workload, joined
from schedule.graphs import Choose, grown, roles_for, values_for
from steepest.ir.types import float32, float64

STEPS = 2
TOGETHER = 6


def chooser(random: np.random.Generator) -> Choose:
    return lambda options: options[int(random.integers(len(options)))]


def some_graph(seed: int) -> Workload:
    random = np.random.default_rng([23, seed])
    choose = chooser(random)
    graph, limits = grown(choose, float64 if seed % 2 else float32)
    roles = roles_for(graph, choose)
    return Workload(graph, roles, rows_of(roles, values_for(graph, limits, random), STEPS))


@pytest.mark.parametrize("first", range(0, 8 * TOGETHER, TOGETHER))
def test_random_graphs(first: int) -> None:
    alone = [some_graph(seed) for seed in range(first, first + TOGETHER)]
    labels = [f"graph {first + n}" for n, each in enumerate(alone) for _ in each.graph.outputs]
    every = joined(alone)
    graph, roles, values = every.graph, every.roles, every.values
    expected = reference(graph, roles, values, STEPS)
    bits: dict[int, list[bytes]] = {}
    for lanes in WIDTHS if first % 4 else (16, 8):
        program = Native(graph, roles, lanes)
        program.put(values)
        found = program.run(values, STEPS)
        check_close(found, expected, labels)
        bits[lanes] = found.bits
        if lanes == 8:
            assert one_by_one(program, values, STEPS).bits == found.bits
    assert bits[16] == bits[8]
