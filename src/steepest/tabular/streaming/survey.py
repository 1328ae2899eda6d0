"""The first look at a table that does not fit in memory: a sample, the classes, rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import NumberColumn, Table, Target, TextColumn, infer_targets, named_targets
from steepest.data.drawn_rows import DrawnRows
from steepest.data.streams import TableStream
from steepest.errors import DataError
from steepest.tabular.sections.data import Data
from steepest.tabular.streaming.memory import Budget

_MOST_CLASSES = 1 << 16  # different values of a target that are counted
_SHOWN = 1_000_000  # rows that stand for all where the task is found out
_SAMPLE, _TEST, _VALIDATION = 0, 1, 2  # streams of draws

Places = NDArray[np.int64]


@final
class Survey(Struct, frozen=True, kw_only=True):
    """What one pass over a table found.

    Attributes:
        rows: with a value in each target.
        dropped: without.
        targets: their names.
        known: the target with the counts of all its classes, where it is one of classes.
        sample: rows to train on, drawn evenly.
        held_out: "validation" and "test" → rows and their places, where some are held out.
        was_cut: the parts of which memory does not hold as many rows as were asked for.
        text: the columns that are read as text.
        first: the first rows, to see how large they are.
    """

    rows: int
    dropped: int
    targets: tuple[str, ...]
    known: Target | None
    sample: Table
    held_out: dict[str, tuple[Table, Places]]
    was_cut: tuple[str, ...]
    text: frozenset[str]

    @property
    def held(self) -> Places:
        """The places of all rows that are not trained on, ascending."""
        places = [each for _, each in self.held_out.values()]
        return np.sort(np.concatenate(places)) if places else np.empty(0, np.int64)


def survey(
    stream: TableStream,
    data: Data,
    shares: dict[str, float],
    text: frozenset[str],
    seed: int,
    budget: Budget,
) -> Survey:
    """Read all rows once.

    Args:
        stream: the table.
        data: names the targets.
        shares: "validation" and "test" → how many of the rows.
        text: columns to read as text.
        seed: of all draws.
        budget: what may be kept.

    Raises:
        DataError: the table cannot be read, or no row has a target.
    """
    while True:
        look = _Look(stream, data, shares, seed, budget)
        for first, table in stream.tables(text):
            look.add(first, table)
        if not look.torn - text:
            return look.survey(text)
        text |= look.torn  # numbers in one block and text in another: read it all as written


@final
class _Look:
    """A pass under way."""

    def __init__(
        self, stream: TableStream, data: Data, shares: dict[str, float], seed: int, budget: Budget
    ) -> None:
        self._stream = stream
        self._data = data
        self._shares = shares
        self._seed = seed
        self._budget = budget
        self._targets = named_targets(data.target, stream.names)
        self._drawn: dict[str, DrawnRows] = {}
        self._is_text: dict[str, bool] = {}
        self._labels = Labels() if len(self._targets) == 1 else None
        self._rows = self._dropped = 0
        self.torn: set[str] = set()

    def add(self, first: int, table: Table) -> None:
        """See some rows."""
        self._drawn = self._drawn or self._draws(table)
        for name, column in table.columns.items():
            if not column.missing.all():
                is_text = isinstance(column, TextColumn)
                if self._is_text.setdefault(name, is_text) != is_text:
                    self.torn.add(name)
        present = np.ones(len(table), bool)
        for name in self._targets:
            present &= ~table.column(name).missing
        rows = np.flatnonzero(present)
        whole = table if len(rows) == len(table) else table.take(rows)
        self._rows += len(rows)
        self._dropped += len(table) - len(rows)
        if self._labels is not None and len(rows):
            self._labels.add(whole, self._targets[0])
        for each in self._drawn.values():
            each.add(whole, first + rows, first, len(table))

    def _draws(self, like: Table) -> dict[str, DrawnRows]:
        most = self._budget.held_out_rows(like)
        test, validation = self._shares["test"], self._shares["validation"]
        sampled = self._budget.sampled_rows(like)

        def drawn(share: float, most: int, stream: int) -> DrawnRows:
            return DrawnRows(share, most, seed=self._seed, stream=stream)

        return {
            "sample": drawn(1.0, sampled, _SAMPLE),
            "test": drawn(test, most, _TEST),
            # Of what is left by test, so that both have their shares of the whole.
            "validation": drawn(validation / (1 - test), most, _VALIDATION),
        }

    def survey(self, text: frozenset[str]) -> Survey:
        """What was found in the whole table."""
        if not self._rows:
            names = ", ".join(map(repr, self._targets))
            raise DataError(f"no row of the table has a value in the target {names}")
        held_out = self._held_out()
        taken = [each for _, each in held_out.values()]
        sample = self._drawn["sample"]
        rows = sample.table()
        assert rows is not None, "a sample is drawn of any rows"
        is_held = np.isin(sample.places, np.concatenate(taken)) if taken else None
        if is_held is not None:
            rows = rows.take(np.flatnonzero(~is_held))
        known = self._labels and self._labels.target(
            self._targets[0], self._data, sample.table() or rows, self._dropped
        )
        return Survey(
            rows=self._rows,
            dropped=self._dropped,
            targets=self._targets,
            known=known,
            sample=rows,
            held_out=held_out,
            was_cut=tuple(name for name in held_out if self._drawn[name].was_cut),
            text=text,
        )

    def _held_out(self) -> dict[str, tuple[Table, Places]]:
        """The rows of each part; a row that was drawn for both is one for test."""
        found: dict[str, tuple[Table, Places]] = {}
        tested = self._drawn["test"].places
        for name in ("test", "validation"):
            table, places = self._drawn[name].table(), self._drawn[name].places
            if table is not None and name == "validation":
                free = np.flatnonzero(~np.isin(places, tested))
                table, places = table.take(free), places[free]
            if table is not None and len(table):
                found[name] = table, places
        return found


@final
class Labels:
    """How often each value of a target stands in the table, and where first."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._like: Table | None = None
        self._is_over = False

    def add(self, table: Table, name: str) -> None:
        """Count the values of some rows, all of which have one."""
        if self._is_over:
            return
        self._like = self._like or table.take(slice(0, 1))
        column = table.column(name)
        if isinstance(column, NumberColumn):
            if len(np.unique(column.values)) > _MOST_CLASSES:
                self._is_over = True
                return
            column = column.as_text()
        codes, firsts, counts = np.unique(column.codes, return_index=True, return_counts=True)
        for code, first, count in zip(codes, firsts, counts, strict=True):
            label = column.levels[code]
            self._counts[label] = self._counts.get(label, 0) + int(count)
            self._numbers.setdefault(label, int(table.numbers[first]))
        self._is_over = len(self._counts) > _MOST_CLASSES

    def target(self, name: str, data: Data, sample: Table, dropped: int) -> Target | None:
        """The target by all its values; None where it is a number with too many to be counted.

        Raises:
            DataError: as `infer_targets`; too many classes.
        """
        task = None if data.task == "auto" else data.task
        if self._is_over:
            (found,) = infer_targets(sample, [name], task)
            if found.task == "classification":
                raise DataError(
                    f"the target {name!r} has more than {_MOST_CLASSES:,} classes, which is more "
                    "than --memory counts: merge the rare ones, or say --task regression"
                )
            return replace(found, missing=dropped)
        labels = list(self._counts)
        counts = np.array([self._counts[label] for label in labels])
        (found,) = infer_targets(self._shown(name, labels, counts), [name], task)
        counted = tuple(self._counts[label] for label in found.classes)
        return replace(found, counts=counted, missing=dropped)

    def _shown(self, name: str, labels: Sequence[str], counts: NDArray[np.int64]) -> Table:
        """A table of the target alone, each value as often as it is; of many rows by their share.

        Each row has the number of the first that has its value.
        """
        total = int(counts.sum())
        times = counts
        if total > _SHOWN:
            times = np.maximum(np.minimum(counts, 2), counts * _SHOWN // total)
        codes = np.repeat(np.arange(len(labels), dtype=np.int32), times)
        numbers = np.array([self._numbers[label] for label in labels])[codes]
        assert self._like is not None, "values were counted"
        column = TextColumn(codes, tuple(labels))
        return replace(self._like, columns={name: column}, numbers=numbers)
