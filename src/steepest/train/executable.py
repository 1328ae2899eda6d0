"""Programs bound to a model's state. Today they run on the reference interpreter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import numpy as np

from steepest.ir.interpret import Program
from steepest.ir.types import Array
from steepest.tensor.state import State
from steepest.transform.trace import Trace


@final
class Memory:
    """The values of cells while programs run: shared by those for training, tail and evaluation.

    Arrays in here are never changed, only replaced; so ``values`` at some moment is a snapshot.
    """

    def __init__(self, cells: Iterable[State]) -> None:
        self.values: dict[State, Array] = {cell: cell.value.data for cell in cells}

    def load(self) -> None:
        """Take over what the cells hold."""
        for cell in self.values:
            self.values[cell] = cell.value.data

    def store(self) -> None:
        """Give the cells what the programs have made of them."""
        for cell, value in self.values.items():
            if cell.value.data is not value:
                cell.assign(value)
        self.load()

    def snapshot(self) -> dict[State, Array]:
        """All values now."""
        return dict(self.values)


@final
class Executable:
    """A traced function, to be run many times on the state in a memory.

    Args:
        trace: the function; its cells must be in the memory.
        memory: read at each run, and changed by the graph's updates.
    """

    def __init__(self, trace: Trace, memory: Memory) -> None:
        self._program = Program(trace.graph.inputs, trace.graph.results)
        self._memory = memory
        self._cells = trace.cells
        self._captured = trace.captured
        self._count = len(trace.graph.outputs)
        cell_of = dict(zip(_state_inputs(trace), trace.cells, strict=True))
        self._updated = [cell_of[node] for node, _ in trace.graph.updates]

    def __call__(self, *values: Array) -> list[Array]:
        """Run; the outputs. State changes only if the first output is finite."""
        held = self._memory.values
        cells = [held[cell] for cell in self._cells]
        results = self._program(*values, *cells, *self._captured)
        if self._updated and np.isfinite(results[0]).all():
            held.update(zip(self._updated, results[self._count :], strict=True))
        return results[: self._count]


def _state_inputs(trace: Trace) -> list[object]:
    first = len(trace.graph.inputs) - len(trace.cells) - len(trace.captured)
    return list(trace.graph.inputs[first : first + len(trace.cells)])
