"""The memory of a model while programs run on it: every cell's value, in one arena."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import final

from steepest.ir.node import placeholder
from steepest.ir.types import Array
from steepest.runtime.memory import Arena, Place
from steepest.schedule.memory import bytes_of
from steepest.schedule.plan import state_buffer
from steepest.tensor.state import State


@final
class Memory:
    """The values of cells while programs run: shared by those for training, tail and evaluation.

    Args:
        cells: whose values; each lies where its type and place in this order say.
    """

    def __init__(self, cells: Iterable[State]) -> None:
        self.cells = tuple(cells)
        buffers = [state_buffer(cell.name, placeholder(cell.type)) for cell in self.cells]
        ends = list(accumulate((bytes_of(each) for each in buffers), initial=0))
        self.arena = Arena(ends[-1], "the model's state")
        self.offsets = dict(zip(self.cells, ends, strict=False))
        self._ends = dict(zip(self.cells, ends[1:], strict=True))
        self._views = {
            cell: self.arena.view(Place("state", offset, each.dtype, each.extents, each.strides))
            for (cell, offset), each in zip(self.offsets.items(), buffers, strict=True)
        }
        self._is_ahead = False
        self.load()

    def bytes_up_to(self, cells: Iterable[State]) -> int:
        """What lies before the end of the last of these cells, itself included."""
        return max((self._ends[cell] for cell in cells), default=0)

    def read(self, cell: State) -> Array:
        """A copy of a cell's value."""
        return self._views[cell].copy(order="C")

    def write(self, cell: State, value: Array) -> None:
        """Give a cell a value."""
        self._views[cell][...] = value
        self._is_ahead = True

    def ran(self) -> None:
        """A program has changed values: the cells are behind."""
        self._is_ahead = True

    def load(self) -> None:
        """Take over what the cells hold."""
        for cell, view in self._views.items():
            view[...] = cell.value.data
        self._is_ahead = False

    def store(self) -> None:
        """Give the cells what the programs have made of them."""
        if self._is_ahead:
            for cell in self.cells:
                cell.assign(self.read(cell))
        self._is_ahead = False

    def take_over(self, other: Memory) -> None:
        """Copy what another memory of the same cells holds."""
        self.arena.bytes[:] = other.arena.bytes
        self._is_ahead = True

    def snapshot(self, cells: Sequence[State]) -> dict[State, Array]:
        """Copies of some values now."""
        return {cell: self.read(cell) for cell in cells}
