"""Running averages of the parameters, in use: validation and predictions take them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import numpy as np

from steepest.ir.types import Array
from steepest.nn import ExactStatistics, Module, has_batch_norm
from steepest.tensor.state import State
from steepest.train.arrays import Tables, mapped, rows_of
from steepest.transform.executable import Backend
from steepest.transform.memory import Memory

_SOME = 4096  # rows that statistics are taken from at the end of an epoch


@final
@dataclass(frozen=True)
class Raw:
    """The parameters themselves, where the model holds their averages after a fit.

    Args:
        values: of the model's cells, from which training goes on.
        averaged: what the cells held instead.
    """

    values: Mapping[State, Array]
    averaged: Mapping[State, Array]

    @property
    def is_current(self) -> bool:
        """Whether the cells still hold the averages, and nobody has given them other values."""
        return all(
            cell.shape == value.shape and np.array_equal(cell.value.data, value)
            for cell, value in self.averaged.items()
        )


@final
class Averages:
    """Puts the averages into the place of the parameters; nothing where the rule keeps none.

    Batch normalisation gets statistics of its inputs as they are with the averaged parameters:
    exact ones, of some thousand rows at the end of an epoch and of all rows at the end of the fit.

    Args:
        averages: of each parameter the cell with its average; see
            :class:`steepest.optim.AveragedParameters`.
        model: whose parameters they are.
        memory: what the step works on.
        x: the training rows.
        backend: ``native`` or ``reference``.
    """

    def __init__(
        self,
        averages: Mapping[State, State],
        model: Module,
        memory: Memory,
        x: Tables,
        backend: Backend,
    ) -> None:
        self._averages = averages
        self._memory = memory
        self._cells = list(model.states().values())
        self._statistics: ExactStatistics | None = None
        self._x = x
        if averages and has_batch_norm(model):
            self._statistics = ExactStatistics(model, backend=backend)
        self.raw: Raw | None = None

    @contextmanager
    def in_use(self) -> Generator[None]:
        """Within this block the memory holds the averages."""
        if not self._averages:
            yield
            return
        raw = self._memory.snapshot(self._cells)
        self._put_averages()
        self._gather(_SOME)
        try:
            yield
        finally:
            for cell, value in raw.items():
                self._memory.write(cell, value)

    def finish(self, best: Mapping[State, Array] | None) -> None:
        """Leave in the memory what the fit ends with, and keep the parameters themselves apart.

        Args:
            best: what the model had at the end of its best epoch; None: what it has now is left.
        """
        raw = self._memory.snapshot(self._cells)
        if best is None:
            self._put_averages()
        for cell, value in (best or {}).items():
            self._memory.write(cell, value)
        if self._averages:
            self._gather(None)
            self.raw = Raw(raw, self._memory.snapshot(self._cells))

    def go_on(self, raw: Raw | None) -> None:
        """Begin another fit: with the parameters themselves again, where an earlier one kept them.

        Where somebody has given the model other values since, averages start from those.
        """
        if raw is not None and raw.is_current:
            for cell, value in raw.values.items():
                self._memory.write(cell, value)
        elif raw is not None:
            for cell, average in self._averages.items():
                self._memory.write(average, self._memory.read(cell))

    def _put_averages(self) -> None:
        for cell, average in self._averages.items():
            self._memory.write(cell, self._memory.read(average))

    def _gather(self, most: int | None) -> None:
        """Set statistics to those of at most so many training rows."""
        if self._statistics is not None:
            self._memory.store()
            self._statistics.gather(self._x if most is None else spread(self._x, most))
            self._memory.load()


def spread(x: Tables, most: int) -> Tables:
    """At most so many rows, evenly spread over all."""
    rows = rows_of(x)
    if rows <= most:
        return x
    chosen = np.linspace(0, rows - 1, most).astype(np.intp)
    return mapped(x, lambda table: table[chosen])
