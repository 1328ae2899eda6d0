"""A workload as a native program of this library, ready to be timed."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from steepest.bench.clock import Turn, turn
from steepest.bench.regular import RegularStep, regular_step, trace_regular
from steepest.bench.workloads import Workload
from steepest.compile import Stages, compiled, stages
from steepest.ir.types import Array, DType, float32, is_floating, uint32
from steepest.losses import BinaryLogistic, CrossEntropy
from steepest.nn import MLP
from steepest.optim import Adam, Momentum
from steepest.optim.rule import make_slots
from steepest.runtime.cache import ObjectCache
from steepest.runtime.executable import BoundProgram
from steepest.runtime.processor import this_processor
from steepest.tensor import random
from steepest.tensor.state import State
from steepest.train.step import Objective, Step, step_roles, trace_step
from steepest.transform.executable import Task
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace


class Trained(ABC):
    """A network, and the step that trains it."""

    @property
    @abstractmethod
    def cells(self) -> Sequence[State]:
        """All state that is read or changed."""

    @abstractmethod
    def trace(self, x: Array, y: Array, batch: int) -> Trace:
        """The step's graph, whose first output is the objective."""


@final
@dataclass(frozen=True)
class Plain(Trained):
    """A perceptron, trained as the Trainer does it."""

    step: Step

    @property
    def cells(self) -> Sequence[State]:
        """See :class:`Trained`."""
        return self.step.cells

    def trace(self, x: Array, y: Array, batch: int) -> Trace:
        """See :class:`Trained`."""
        return trace_step(self.step, x, y, None, batch, outputs=3)


@final
@dataclass(frozen=True)
class Regular(Trained):
    """One with all that regularises training."""

    step: RegularStep

    @property
    def cells(self) -> Sequence[State]:
        """See :class:`Trained`."""
        return self.step.cells

    def trace(self, x: Array, y: Array, batch: int) -> Trace:
        """See :class:`Trained`."""
        return trace_regular(self.step, x, y, batch)


def trained(workload: Workload) -> Trained:
    """The network of a workload, before its first step."""
    sizes = workload.sizes
    if workload.is_regular:
        return Regular(regular_step(sizes))
    with random.stream(0):
        model = MLP(sizes[0], sizes[1:-1], sizes[-1])
    loss = BinaryLogistic() if sizes[-1] == 1 else CrossEntropy()
    rule = Adam(1e-3) if workload.optimizer == "adam" else Momentum(1e-3)
    counter = State(np.zeros((), uint32), trainable=False, name="step")
    slots = make_slots(rule, model.parameters())
    return Plain(Step(Objective(model, loss, 0.0), rule, slots, counter))


@final
class Training:
    """A workload's data and network.

    Args:
        workload: what to train.
        dtype: of the features and of all state; the numbers are the same.
    """

    def __init__(self, workload: Workload, dtype: DType = float32) -> None:
        self.workload = workload
        self.trained = trained(workload)
        for cell in self.trained.cells:
            if is_floating(cell.dtype):
                cell.convert(dtype)
        x, classes, self.rows = workload.data()
        self.x = x.astype(dtype, copy=False)
        scores = (workload.sizes[-1],)
        loss = BinaryLogistic() if scores == (1,) else CrossEntropy()
        self.y = loss.prepare(classes, scores, self.x.dtype)

    def step(self) -> TrainingStep:
        """Trace the step: from Python to a graph."""
        trace = self.trained.trace(self.x, self.y, self.workload.batch)
        memory = Memory(self.trained.cells)
        roles = step_roles(self.x, None)
        return TrainingStep(self, Task(trace, roles, memory, guarded=True))


@final
@dataclass(frozen=True)
class TrainingStep:
    """The step as a graph.

    Args:
        training: whose step.
        task: for the compiler.
    """

    training: Training
    task: Task

    def stages(self) -> Stages:
        """What the compiler makes of it."""
        return stages(self.task.source, this_processor().target)

    def program(self, cache: ObjectCache) -> Program:
        """Its machine code, from the cache or made."""
        made = compiled(self.task.source, cache=cache)
        whole = [
            random.make_key(0).data,
            np.zeros((), uint32),  # the epoch
            *self.task.trace.captured,
        ]
        # As the Trainer's programs: what is guarded takes denormal numbers for 0.
        bound = made.bind(self.task.memory.arena, flushes_denormals=self.task.guarded)
        return Program(self.training, bound, whole)


@final
@dataclass(frozen=True)
class Program:
    """A step in machine code, on its memory.

    Args:
        training: whose step.
        bound: the machine code with its memory.
        whole: the arrays that all steps get.
    """

    training: Training
    bound: BoundProgram
    whole: list[Array]

    def run(self, steps: int) -> Sequence[Array]:
        """Do so many steps, at most an epoch; the objective, mean loss and penalty of each."""
        return self.run_on(self.training.rows[:steps])

    def run_on(self, rows: Array) -> Sequence[Array]:
        """Do a step on each of these batches of rows; objective, mean loss and penalty of each."""
        tables = [self.training.x, self.training.y]
        finished = self.bound.run(len(rows), tables=tables, stepped=[rows], whole=self.whole)
        assert finished.steps == len(rows), "the loss is finite"
        return finished.outputs

    def measure(self, seconds: float) -> Turn:
        """Seconds per step, of whole epochs."""
        steps = self.training.workload.batches
        wall, processor = turn(lambda: self.run(steps), seconds)
        return Turn(wall / steps, processor / steps)

    def profile(self, seconds: float) -> list[tuple[str, float]]:
        """Each kernel's name and seconds per step: the medians of epochs."""
        training = self.training
        rows = training.rows
        epochs: list[Array] = []
        end = time.perf_counter() + seconds
        while not epochs or time.perf_counter() < end:
            _, times = self.bound.profile(
                len(rows), tables=[training.x, training.y], stepped=[rows], whole=self.whole
            )
            epochs.append(times / len(rows))
        middle = np.median(epochs, axis=0)
        names = self.bound.plan.call_names
        return [(name, float(each)) for name, each in zip(names, middle, strict=True)]
