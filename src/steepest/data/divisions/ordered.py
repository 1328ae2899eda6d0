"""Rows divided by time: the oldest train, the newest test."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from steepest.data.divisions.division import DIVISIONS, Fold
from steepest.data.divisions.moments import moments
from steepest.data.split import Rows, Split, check_shares
from steepest.data.table import Table
from steepest.errors import ConfigurationError, DataError

__all__ = ["Ordered"]


@final
@DIVISIONS.register("time")
class Ordered:
    """The oldest rows train, the newest test, those between validate; no seed plays a part.

    Rows of one moment stay together, so a part's share is as near as moments allow. Folds are
    scikit-learn's `TimeSeriesSplit`: of k + 1 stretches of time each but the first validates what
    all stretches before it have trained.

    Args:
        table: the rows.
        name: a column of numbers, dates or times.
        classes: of the rows; they play no part, for time decides.

    Raises:
        DataError: a row without a time, or text that is none.

    >>> from steepest.data import read_table
    >>> rows = Ordered(read_table({"day": [3, 1, 4, 2, 5, 6]}), "day")
    >>> rows.split(validation=0.2, test=0.3, seed=0)
    Split(train=array([0, 1, 3]), validation=array([2]), test=array([4, 5]))
    """

    def __init__(self, table: Table, name: str, classes: ArrayLike | None = None) -> None:
        self.name = name
        self.times = moments(table, name)
        self._order = np.argsort(self.times, kind="stable")
        ordered = self.times[self._order]
        self._boundaries = np.flatnonzero(np.diff(ordered) > 0) + 1
        self._texts = table.column(name).texts()

    def split(self, *, validation: float, test: float, seed: int) -> Split:
        """Cut the rows, ordered by time, in two places.

        Raises:
            ConfigurationError: shares that leave nothing for training.
            DataError: fewer different times than parts.
        """
        check_shares(validation=validation, test=test)
        rows = len(self.times)
        asked = [name for name, share in (("validation", validation), ("test", test)) if share > 0]
        if len(self._boundaries) < len(asked):
            parts = " and ".join(["training", *asked])
            raise DataError(
                f"{self.name!r} has {len(self._boundaries) + 1} different times, too few for "
                f"{parts}: rows of one moment stay together; give a table of its own for one of "
                "them, or leave --time out"
            )
        cuts = self._boundaries
        last, first = rows, rows
        if test > 0:
            room = cuts[1:] if validation > 0 else cuts
            last = first = int(room[np.argmin(np.abs(room - (rows - test * rows)))])
        if validation > 0:
            room = cuts[cuts < last]
            first = int(room[np.argmin(np.abs(room - (last - validation * rows)))])
        return Split(
            train=self._between(0, first),
            validation=self._between(first, last),
            test=self._between(last, rows),
        )

    def folds(self, count: int, *, seed: int) -> list[Fold]:
        """Each stretch of time but the first validates what those before it have trained.

        Raises:
            ConfigurationError: fewer than two folds, or more than there are different times.
        """
        rows = len(self.times)
        if not 2 <= count <= len(self._boundaries):
            raise ConfigurationError(
                f"cross-validation by time takes from 2 folds up to {len(self._boundaries):,} here "
                f"({self.name!r} has {len(self._boundaries) + 1:,} different times), not {count}"
            )
        cuts = list[int]()
        for number in range(1, count + 1):
            later = self._boundaries[self._boundaries > (cuts[-1] if cuts else 0)]
            later = later[: len(later) - (count - number)]  # each fold to come needs one
            cuts.append(int(later[np.argmin(np.abs(later - rows * number / (count + 1)))]))
        ends = [*cuts[1:], rows]
        return [
            (self._between(0, start), self._between(start, end))
            for start, end in zip(cuts, ends, strict=True)
        ]

    def told(self, split: Split) -> str:
        """From when to when each part is."""
        parts = [("train", split.train), ("validate", split.validation), ("test", split.test)]
        told = [f"{word} {self._span(rows)}" for word, rows in parts if len(rows)]
        return f"divided by {self.name!r}: {', '.join(told)}"

    def mixed(self, part: str, other: Table) -> str:
        """How many rows of another table are not newer than all of this one."""
        if self.name not in other.columns:
            return ""
        older = int((moments(other, self.name) <= self.times.max()).sum())
        if not older:
            return ""
        return (
            f"{older:,} of {len(other):,} rows of the {part} table are no newer than the newest "
            f"row to train on ({self.name!r})"
        )

    def _between(self, start: int, end: int) -> Rows:
        return np.sort(self._order[start:end])

    def _span(self, rows: Rows) -> str:
        oldest, newest = (rows[pick(self.times[rows])] for pick in (np.argmin, np.argmax))
        first, last = self._texts[int(oldest)], self._texts[int(newest)]
        return first if first == last else f"{first} to {last}"
