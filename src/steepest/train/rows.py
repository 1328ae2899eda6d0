"""Where the rows of an epoch come from: blocks of rows in memory, one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import final

from steepest.ir.types import Array
from steepest.train.arrays import Tables, leaves, rows_of
from steepest.train.fingerprint import DATA, Fingerprint, contents
from steepest.train.samplers import Draw


@final
@dataclass(frozen=True)
class Examples:
    """Checked data: tables, targets, and weights of mean 1."""

    x: Tables
    y: Array
    weights: Array | None


@final
@dataclass(frozen=True)
class Block:
    """Rows that are in memory at one time.

    Args:
        examples: arrays that begin with them and may be longer.
        rows: how many there are.
        number: of the block in its epoch, from 0.
        first: how many rows the epoch has before them.
    """

    examples: Examples
    rows: int
    number: int = 0
    first: int = 0


class Reader(ABC):
    """The blocks of one epoch after the other, as they are asked for."""

    @abstractmethod
    def next(self, is_over: Callable[[], bool]) -> Block | None:
        """The next block; the one before may be gone by then.

        Args:
            is_over: looked at while there is none yet; None is returned when it says so.
        """


class RowSource(ABC):
    """Rows to train on; each is in one block of an epoch. All but the last have equally many."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many there are."""

    @property
    @abstractmethod
    def like(self) -> Examples:
        """Arrays of the shapes and types that every block has, whatever their values."""

    @property
    @abstractmethod
    def some(self) -> Examples:
        """Rows to take statistics of: all, or as many as there is memory for."""

    @property
    @abstractmethod
    def about(self) -> Fingerprint:
        """What the bits of a fit depend on."""

    @abstractmethod
    def reader(self, draws: Iterable[Draw], first: int) -> AbstractContextManager[Reader]:
        """Open the epochs of these draws, the first one from the block with row ``first`` on."""


@final
class ResidentRows(RowSource):
    """Arrays in memory: one block, which is there all the time."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples

    @property
    def rows(self) -> int:
        """See :class:`RowSource`."""
        return rows_of(self._examples.x)

    @property
    def like(self) -> Examples:
        """See :class:`RowSource`."""
        return self._examples

    @property
    def some(self) -> Examples:
        """See :class:`RowSource`."""
        return self._examples

    @property
    def about(self) -> Fingerprint:
        """See :class:`RowSource`."""
        return about(self._examples)

    def reader(self, draws: Iterable[Draw], first: int) -> AbstractContextManager[Reader]:
        """See :class:`RowSource`."""
        return nullcontext(_Again(Block(self._examples, self.rows)))


@final
class _Again(Reader):
    """The same block in each epoch."""

    def __init__(self, block: Block) -> None:
        self._block = block

    def next(self, is_over: Callable[[], bool]) -> Block | None:
        """See :class:`Reader`."""
        return self._block


def about(examples: Examples, prefix: str = "") -> Fingerprint:
    """The number of rows, and hashes of their values."""
    arrays = [*leaves(examples.x), ("y", examples.y)]
    if examples.weights is not None:
        arrays.append(("sample_weight", examples.weights))
    return {
        f"{prefix}rows": f"{len(examples.y):,}",
        **{f"{DATA}{prefix}{name}": contents(array) for name, array in arrays},
    }
