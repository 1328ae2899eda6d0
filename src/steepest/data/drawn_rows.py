"""Rows drawn by their numbers while a table passes by: evenly, whatever the blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import final

import numpy as np
from numpy.typing import NDArray

from steepest.data.relation import join
from steepest.data.table import Column, NumberColumn, Table, TextColumn
from steepest.ops.philox import philox4x32

Places = NDArray[np.int64]

_SITE = 2**31 - 2  # below those of permutations
_BITS = 64


def draws(first: int, rows: int, *, seed: int, stream: int) -> NDArray[np.uint64]:
    """Draw a number for each row, uniform over 64 bits, from its place in the table alone.

    Args:
        first: place of the first row, from 0.
        rows: how many.
        seed: of the draw.
        stream: which of several independent draws.
    """
    places = np.arange(first, first + rows, dtype=np.uint64)
    low, high = places & np.uint64(0xFFFFFFFF), places >> np.uint64(32)
    words = philox4x32((low, high, 0, _SITE - stream), (seed, 0))
    return words[0].astype(np.uint64) << np.uint64(32) | words[1].astype(np.uint64)


@dataclass(frozen=True)
class _Candidates:
    """Rows that may be drawn, with what was drawn for them and where they stand."""

    drawn: NDArray[np.uint64]
    places: Places
    table: Table

    def take(self, rows: NDArray[np.intp]) -> _Candidates:
        return _Candidates(self.drawn[rows], self.places[rows], self.table.take(rows))


@final
class DrawnRows:
    """A share of the rows that pass by, at most so many: those with the smallest draws.

    Each set of as many rows is as likely as any other, and the same rows are drawn however the
    table is cut into blocks.

    Args:
        share: of all rows, 0 to 1.
        most: rows that are kept.
        seed: of the draws.
        stream: which of several independent draws.
    """

    def __init__(self, share: float, most: int, *, seed: int, stream: int) -> None:
        self._limit = int(share * 2**_BITS) - 1  # the largest draw that may be among them
        self._most = most
        self._seed = seed
        self._stream = stream
        self._parts: list[_Candidates] = []
        self._count = 0
        self.was_cut = False

    def add(self, table: Table, places: Places, first: int, rows: int) -> None:
        """See rows pass by.

        Args:
            table: those that may be drawn.
            places: of these in the whole table, from 0.
            first: of the places that are looked at.
            rows: how many these are.
        """
        if self._limit < 0:
            return
        drawn = draws(first, rows, seed=self._seed, stream=self._stream)[places - first]
        chosen = np.flatnonzero(drawn <= np.uint64(self._limit))
        if len(chosen):
            found = _Candidates(drawn, places, table).take(chosen)
            self._parts.append(replace(found, table=_compact(found.table)))
            self._count += len(chosen)
        if self._count > 2 * self._most:
            self._cut()

    @property
    def places(self) -> Places:
        """Of the rows drawn, ascending."""
        return self._joined().places if self._parts else np.empty(0, np.int64)

    def table(self) -> Table | None:
        """The rows drawn, in the order of the table; None where there are none."""
        return self._joined().table if self._parts else None

    def _joined(self) -> _Candidates:
        if self._count > self._most:
            self._cut()
        if len(self._parts) > 1:
            self._parts = [_joined(self._parts)]
        (whole,) = self._parts
        order = np.argsort(whole.places, kind="stable")
        self._parts = [whole.take(order)]
        return self._parts[0]

    def _cut(self) -> None:
        """Keep the smallest draws; what is above them is not looked at again."""
        whole = _joined(self._parts)
        kept = np.argsort(whole.drawn, kind="stable")[: self._most]
        self._limit = int(whole.drawn[kept[-1]]) if len(kept) else -1
        self._parts, self._count = [whole.take(np.sort(kept))], len(kept)
        self.was_cut = True


def _joined(parts: list[_Candidates]) -> _Candidates:
    return _Candidates(
        np.concatenate([part.drawn for part in parts]),
        np.concatenate([part.places for part in parts]),
        joined_tables([part.table for part in parts]),
    )


def joined_tables(tables: list[Table]) -> Table:
    """Put tables one below the other; a column that is text in one is text in all."""
    first = tables[0]
    columns: dict[str, Column] = {}
    for name in first.names:
        parts = [table.columns[name] for table in tables]
        if all(isinstance(part, NumberColumn) for part in parts):
            columns[name] = join(parts)
        else:
            columns[name] = join([part.as_text() for part in parts])
    numbers = np.concatenate([table.numbers for table in tables])
    return replace(first, columns=MappingProxyType(columns), numbers=numbers)


def _compact(table: Table) -> Table:
    """Without the levels of text that no row has."""
    columns: dict[str, Column] = {}
    for name, column in table.columns.items():
        if isinstance(column, TextColumn):
            used = np.flatnonzero(column.counts())
            code_of = np.full(len(column.levels) + 1, -1, np.int32)
            code_of[used] = np.arange(len(used), dtype=np.int32)
            levels = tuple(column.levels[code] for code in used.tolist())
            column = replace(column, codes=code_of[column.codes], levels=levels)
        columns[name] = column
    return replace(table, columns=MappingProxyType(columns))
