"""The rows of a table that is read in every epoch: checked once, then blocks to train on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import Preprocessor, Table, drop_rows_without, read_targets, sample_weights
from steepest.data.streams import TableStream
from steepest.tabular.configuration import Configuration
from steepest.tabular.heads import Head
from steepest.tabular.network import network_inputs
from steepest.tabular.streaming.memory import Budget
from steepest.tabular.streaming.survey import Places, Survey
from steepest.tabular.weights import check_class_weight, class_weights
from steepest.tensor.random import permutation
from steepest.train.arrays import Tables, leaves_of
from steepest.train.blocks import Blocks
from steepest.train.samplers import Draw

_PIECES = 2**31  # which of an epoch's permutations is that of its pieces
_ORDER = 40  # bytes that drawing the order of a block takes for each of its rows


@final
class StreamedRows:
    """All rows of a table that are trained on, of which memory holds some at a time.

    Args:
        stream: the table.
        found: by a look at it.
        budget: what rows may take.
    """

    def __init__(self, stream: TableStream, found: Survey, budget: Budget) -> None:
        self._stream = stream
        self._held: Places = found.held
        self._targets = found.targets
        self._torn = found.text
        self._rows = found.rows - len(self._held)
        self._budget = budget

    def __len__(self) -> int:
        """Count the rows to train on."""
        return self._rows

    def blocks(
        self, preprocessor: Preprocessor, head: Head, configuration: Configuration, like: Tables
    ) -> Blocks:
        """Read and check all rows, and say how they are read in every epoch.

        Args:
            preprocessor: fitted to a sample.
            head: encodes the targets.
            configuration: says how much rows count.
            like: some rows as arrays.

        Raises:
            DataError: a value that the columns' kinds do not allow, anywhere; names row and column.
        """
        reading = _Reading(preprocessor, head, configuration, self._torn)
        check = _Check(reading)
        for table in self._tables(reading.text, None):
            check.add(table)
        factors = check.factors()
        each = sum(array.nbytes / len(array) for array in leaves_of(like)) + 16
        block_rows = int(self._budget.blocks / (2 * each + _ORDER))
        if self._rows * (each + _ORDER) <= self._budget.blocks:
            block_rows = self._rows

        def read(draw: Draw) -> Iterator[tuple[Any, ...]]:
            for table in self._tables(reading.text, self._order(draw)):
                yield reading.arrays(table, factors)

        return Blocks(read, rows=self._rows, block_rows=max(1, block_rows), contents=check.contents)

    def _order(self, draw: Draw) -> Sequence[int] | None:
        """That of the pieces in an epoch."""
        count = len(self._stream.pieces)
        options = {"draw": draw.epoch, "member": draw.member, "part": _PIECES}
        return permutation(count, seed=draw.seed, **options).tolist() if count else None

    def _tables(self, text: Collection[str], order: Sequence[int] | None) -> Iterator[Table]:
        """The rows to train on, piece by piece."""
        for first, table in self._stream.tables(text, order):
            start, end = np.searchsorted(self._held, [first, first + len(table)])
            if end > start:
                free = np.ones(len(table), bool)
                free[self._held[start:end] - first] = False
                table = table.take(np.flatnonzero(free))
            table, _ = drop_rows_without(table, *self._targets)
            if len(table):
                yield table


@final
class Factors(Struct, frozen=True):
    """What weights are multiplied by: one number for each class, or for all."""

    each: NDArray[np.float64]
    of_classes: bool


@final
class _Reading:
    """From rows to what is trained on."""

    def __init__(
        self,
        preprocessor: Preprocessor,
        head: Head,
        configuration: Configuration,
        torn: frozenset[str],
    ) -> None:
        self._preprocessor = preprocessor
        self._head = head
        self._schema = preprocessor.schema
        self._names = self._schema.target_names
        self._weight = configuration.data.sample_weight
        self._dtype = configuration.training.dtype
        check_class_weight(configuration, self._schema)
        self.class_weight = configuration.training.class_weight
        self.classes: tuple[str, ...] = ()
        if self._schema.task == "classification" and len(self._schema.targets) == 1:
            self.classes = self._schema.target.classes
        self.text = preprocessor.text_columns | torn

    @property
    def is_weighted(self) -> bool:
        """Whether rows count differently."""
        return bool(self._weight) or (bool(self.classes) and self.class_weight != "none")

    def arrays(self, table: Table, factors: Factors | None) -> tuple[Any, ...]:
        """Inputs, targets, and weights if there are some."""
        inputs = network_inputs(self._preprocessor.transform(table, self._dtype))
        actual = self.actual(table)
        targets = self._head.encode(actual, lambda row, i: table.place(row, self._names[i]))
        if factors is None:
            return inputs, targets
        by_class = factors.each[actual] if factors.of_classes else factors.each
        return inputs, targets, self.weights(table) * by_class

    def actual(self, table: Table) -> NDArray[Any]:
        """Codes of classes, or numbers."""
        return read_targets(table, self._schema.targets)

    def weights(self, table: Table) -> NDArray[np.float64]:
        """The rows' own."""
        if not self._weight:
            return np.ones(len(table))
        return sample_weights(table, self._weight)


@final
class _Check:
    """A pass over all rows to train on, which finds what cannot be trained on before anything is.

    Attributes:
        contents: tells these rows from others.
    """

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading
        self._hash = hashlib.blake2b(digest_size=16)
        classes = max(1, len(reading.classes))
        self._counts = np.zeros(classes)
        self._weights = np.zeros(classes)

    @property
    def contents(self) -> str:
        """A hash of all values, in the order of the table."""
        return self._hash.hexdigest()

    def add(self, table: Table) -> None:
        """Check some rows.

        Raises:
            DataError: with row and column.
        """
        reading = self._reading
        inputs, targets = reading.arrays(table, None)
        for array in (*leaves_of(inputs), targets):
            self._hash.update(np.ascontiguousarray(array).view(np.uint8).data)
        if reading.is_weighted:
            weights = reading.weights(table)
            self._hash.update(weights.view(np.uint8).data)
            codes = reading.actual(table) if reading.classes else np.zeros(len(table), np.int32)
            self._counts += np.bincount(codes, minlength=len(self._counts))
            self._weights += np.bincount(codes, weights, minlength=len(self._counts))

    def factors(self) -> Factors | None:
        """What makes the mean of all rows' weights 1, with their classes' weights in it."""
        reading, counts = self._reading, self._counts
        if not reading.is_weighted:
            return None
        factors: NDArray[np.float64] | None = None
        if reading.classes and reading.class_weight == "balanced":
            present = np.count_nonzero(counts)
            factors = np.where(counts > 0, counts.sum() / (present * np.maximum(counts, 1)), 0.0)
        elif reading.classes:
            codes = np.arange(len(counts))
            factors = class_weights(reading.class_weight, codes, reading.classes)
        factors = np.ones(len(counts)) if factors is None else factors
        total = float((factors * self._weights).sum())
        scaled = factors * (counts.sum() / total) if total > 0 else factors
        return Factors(scaled, bool(reading.classes))
