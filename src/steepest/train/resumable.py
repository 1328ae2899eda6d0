"""What of a running fit can be kept in a file and taken up again: plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from steepest.ir.types import Array
from steepest.tensor.state import State
from steepest.transform.memory import Memory

# None, truth values, numbers, text and arrays, and lists and dicts (by text) of them.
Kept: TypeAlias = dict[str, Any]


@runtime_checkable
class Resumable(Protocol):
    """Something that goes on, after ``restore(state())``, as if it had never been interrupted."""

    def state(self) -> Kept:
        """All that changes while it runs, except the cells in its memory that others keep."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        ...


def cell_values(cells: Iterable[State], memory: Memory) -> dict[str, Array]:
    """What cells hold now, by name; equal names are told apart by their order."""
    return {name: memory.read(cell) for name, cell in _by_name(cells).items()}


def set_cells(cells: Iterable[State], memory: Memory, values: Mapping[str, Array]) -> None:
    """Give cells the values that :func:`cell_values` gave."""
    for name, cell in _by_name(cells).items():
        memory.write(cell, values[name])


def _by_name(cells: Iterable[State]) -> dict[str, State]:
    named: dict[str, State] = {}
    for cell in cells:
        name = cell.name
        while name in named:
            name += "'"
        named[name] = cell
    return named
