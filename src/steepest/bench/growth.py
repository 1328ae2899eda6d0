"""How long compiling takes for deep networks and long graphs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import final

from steepest.bench.training import Training
from steepest.bench.workloads import Workload
from steepest.compile import Source, Stages, stages
from steepest.ops.elementwise import tanh
from steepest.ops.reduce import mean
from steepest.runtime.executable import compile_program
from steepest.runtime.processor import this_processor
from steepest.tensor.creation import ones
from steepest.tensor.tensor import Tensor
from steepest.transform.trace import record

_TURN = 9  # nodes of the graph for each turn of a loop below


@final
@dataclass(frozen=True)
class Compiling:
    """Of one graph, in seconds.

    Args:
        name: for people.
        nodes: of the graph as traced.
        kernels: calls of a step.
        functions: bodies, which equal kernels share.
        trace: from Python to the graph.
        text: from the graph to LLVM's text.
        machine: from text to machine code; 0 where that was not done.
    """

    name: str
    nodes: int
    kernels: int
    functions: int
    trace: float
    text: float
    machine: float

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.trace + self.text + self.machine


def deep(layers: int) -> Compiling:
    """A training step of so many equal layers, 256 wide, with Adam."""
    workload = Workload(f"{layers} layers", (256,) * (layers + 1), 128, "adam", 1)
    training = Training(workload)
    start = time.perf_counter()
    step = training.step()
    traced = time.perf_counter()
    made = step.stages()
    written = time.perf_counter()
    compile_program(made.text, this_processor())
    end = time.perf_counter()
    times = (traced - start, written - traced, end - written)
    return _compiling(workload.name, made, *times)


def long(nodes: int) -> Compiling:
    """A graph of so many nodes or a few more, formulas and means, as far as text."""

    def chain(x: Tensor) -> Tensor:
        for _ in range(-(-nodes // _TURN)):
            x = tanh(x * 0.9 + mean(x))
        return x

    start = time.perf_counter()
    trace = record(chain, ones((64,)))
    traced = time.perf_counter()
    made = stages(Source(trace.graph, ("whole",)), this_processor().target)
    written = time.perf_counter()
    name = f"{len(trace.graph.nodes):,} nodes"
    return _compiling(name, made, traced - start, written - traced, 0.0)


def _compiling(name: str, made: Stages, trace: float, text: float, machine: float) -> Compiling:
    kernels, functions = len(made.scheduled.kernels), len(made.plan.functions)
    nodes = len(made.traced.nodes)
    return Compiling(name, nodes, kernels, functions, trace, text, machine)
