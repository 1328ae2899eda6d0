"""A traced function that runs many times on a memory: natively, or on the reference."""

from __future__ import annotations

import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from steepest.compile import Source, compiled
from steepest.errors import CompilationError
from steepest.ir.interpret import Program
from steepest.ir.types import Array
from steepest.runtime.executable import NativeProgram, Stop
from steepest.schedule.plan import CannotSchedule, InputRole
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace

Backend: TypeAlias = Literal["native", "reference"]
BACKENDS: tuple[Backend, ...] = ("native", "reference")


class ReferenceFallback(UserWarning):
    """A program runs on the reference interpreter, more slowly; the text says why."""


@final
@dataclass(frozen=True)
class Run:
    """What came of some steps.

    Args:
        steps: that were done.
        outputs: one array each, with a leading axis of these steps.
        ended: why there are no more: all were done, somebody asked to stop, or the first output of
            the next step is not finite (state is as it was before that step).
    """

    steps: int
    outputs: tuple[Array, ...]
    ended: Literal["done", "stopped", "not finite"]


class Executable(ABC):
    """A traced function with a memory."""

    @abstractmethod
    def run(self, steps: int, arguments: Sequence[Array], stop: Stop | None = None) -> Run:
        """Do so many steps.

        Args:
            steps: how many.
            arguments: the function's own, in order; those that are ``stepped`` have a leading axis
                of ``steps``.
            stop: looked at before each step.
        """


@final
@dataclass(frozen=True)
class Task:
    """What is to be run, however it runs.

    Args:
        trace: the function; its cells must be in the memory.
        roles: of the function's own arguments.
        memory: read and changed by each step.
        guarded: whether a first output that is not finite keeps state from changing.
    """

    trace: Trace
    roles: tuple[InputRole, ...]
    memory: Memory
    guarded: bool = False

    @property
    def source(self) -> Source:
        """For the compiler; the same wherever the cells lie alike, whatever lies behind them."""
        trace = self.trace
        cells: tuple[InputRole, ...] = ("state",) * len(trace.cells)
        captured: tuple[InputRole, ...] = ("whole",) * len(trace.captured)
        return Source(
            trace.graph,
            (*self.roles, *cells, *captured),
            tuple(self.memory.offsets[cell] for cell in trace.cells),
            self.memory.bytes_up_to(trace.cells),
            self.guarded,
        )


@final
class _Programs:
    """Native programs by the key of their source."""

    def __init__(self) -> None:
        self.made: dict[bytes, NativeProgram] = {}
        self.lock = threading.Lock()


_shared: ContextVar[_Programs | None] = ContextVar("shared", default=None)


@contextmanager
def sharing_programs() -> Generator[None]:
    """Within this block, in threads with a copy of its context too, equal programs are made once.

    What is shared is the machine code; each task has its own memory for it.
    """
    token = _shared.set(_shared.get() or _Programs())
    try:
        yield
    finally:
        _shared.reset(token)


def _native_program(source: Source) -> NativeProgram:
    programs = _shared.get()
    if programs is None:
        return compiled(source)
    with programs.lock:
        key = source.key
        if key not in programs.made:
            programs.made[key] = compiled(source)
        return programs.made[key]


def executable(task: Task, backend: Backend = "native") -> Executable:
    """The task on a back end; on the reference where the native one cannot serve, said once."""
    if backend == "reference":
        return ReferenceExecutable(task)
    try:
        return NativeExecutable(task)
    except (CannotSchedule, CompilationError, ImportError) as error:
        warnings.warn(
            f"running on the reference interpreter, which is slower: {error}",
            ReferenceFallback,
            stacklevel=2,
        )
        return ReferenceExecutable(task)


@final
class ReferenceExecutable(Executable):
    """The interpreter, step after step."""

    def __init__(self, task: Task) -> None:
        trace = task.trace
        self._task = task
        self._program = Program(trace.graph.inputs, trace.graph.results)
        self._count = len(trace.graph.outputs)
        inputs = trace.graph.inputs[len(task.roles) :]
        cell_of = dict(zip(inputs, trace.cells, strict=False))
        self._updated = [cell_of[node] for node, _ in trace.graph.updates]

    def run(self, steps: int, arguments: Sequence[Array], stop: Stop | None = None) -> Run:
        """See :class:`Executable`."""
        task, memory = self._task, self._task.memory
        rows: list[list[Array]] = []
        ended: Literal["done", "stopped", "not finite"] = "done"
        for step in range(steps):
            if stop is not None and stop.is_set:
                ended = "stopped"
                break
            given = [
                array[step] if role == "stepped" else array
                for array, role in zip(arguments, task.roles, strict=True)
            ]
            cells = [memory.read(cell) for cell in task.trace.cells]
            results = self._program(*given, *cells, *task.trace.captured)
            if task.guarded and not np.isfinite(results[0]).all():
                ended = "not finite"
                break
            for cell, value in zip(self._updated, results[self._count :], strict=True):
                memory.write(cell, value)
            rows.append(results[: self._count])
        return Run(len(rows), self._stacked(rows), ended)

    def _stacked(self, rows: list[list[Array]]) -> tuple[Array, ...]:
        if rows:
            return tuple(np.stack(column) for column in zip(*rows, strict=True))
        outputs = self._task.trace.graph.outputs
        return tuple(np.empty((0, *node.type.shape), node.type.dtype) for node in outputs)


@final
class NativeExecutable(Executable):
    """Machine code, with the loop over steps in it.

    Raises:
        CannotSchedule, CompilationError: the reference must serve.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._program = _native_program(task.source).bind(
            task.memory.arena, flushes_denormals=task.guarded
        )

    def run(self, steps: int, arguments: Sequence[Array], stop: Stop | None = None) -> Run:
        """See :class:`Executable`."""
        task = self._task
        finished = self._program.run(
            steps,
            tables=[np.asarray(each, order="C") for each in self._those("table", arguments)],
            stepped=self._those("stepped", arguments),
            whole=(*self._those("whole", arguments), *task.trace.captured),
            stop=stop,
        )
        if finished.steps and task.trace.graph.updates:
            task.memory.ran()
        if finished.failed is None:
            return Run(finished.steps, finished.outputs, "stopped" if finished.stopped else "done")
        if finished.failed == self._program.plan.guard:
            return Run(finished.steps, finished.outputs, "not finite")
        return self._again_on_the_reference(finished.steps, arguments)

    def _those(self, role: InputRole, arguments: Sequence[Array]) -> list[Array]:
        pairs = zip(arguments, self._task.roles, strict=True)
        return [array for array, its in pairs if its == role]

    def _again_on_the_reference(self, step: int, arguments: Sequence[Array]) -> Run:
        """A check failed in this step, before state changed: the reference says what is wrong."""
        given = [
            array[step : step + 1] if role == "stepped" else array
            for array, role in zip(arguments, self._task.roles, strict=True)
        ]
        ReferenceExecutable(self._task).run(1, given)
        raise AssertionError("a check of the native program failed, and the reference is content")
