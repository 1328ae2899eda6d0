"""Rows divided by whole groups: no patient, customer or document is in two parts."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.data.divisions.division import DIVISIONS, Fold, refuse_missing
from steepest.data.split import Rows, Split, check_shares
from steepest.data.table import Table
from steepest.errors import ConfigurationError, DataError
from steepest.tensor.random import permutation

__all__ = ["Grouped"]

# Draws of permutations: after those of rows drawn one by one.
_PARTS_DRAW = 2**31 + 3
_FOLDS_DRAW = 2**31 + 5
_CHOICE = 8

_Counts = NDArray[np.int64]


@final
@DIVISIONS.register("group")
class Grouped:
    r"""Whole groups: as scikit-learn's `GroupShuffleSplit` and `StratifiedGroupKFold` in meaning.

    Groups come in an order shuffled by the seed; of the next eight that bring a part nearer to its
    share of the rows, the one goes there that keeps classes most even, by
    :math:`\sum_k (c_k / n_k - c / n)^2` with c the part's rows of all n, and those of class k. Each
    class keeps a row for training. So a part's share counts rows, where GroupShuffleSplit's counts
    groups, and classes are held to their shares as near as groups allow.

    Args:
        table: the rows.
        name: the column that says which rows belong together.
        classes: the class of each row, (rows,), or None.

    Raises:
        DataError: a row without a group.

    >>> from steepest.data import read_table
    >>> rows = Grouped(read_table({"patient": ["a", "a", "b", "b", "c", "c"]}), "patient")
    >>> rows.told(rows.split(validation=0.33, test=0.0, seed=0))
    "no value of 'patient' is in two parts: 2 to train on, 1 for validation"
    """

    def __init__(self, table: Table, name: str, classes: ArrayLike | None = None) -> None:
        self.name = name
        self.values, self.codes = np.unique(_texts(table, name), return_inverse=True)
        labels = np.zeros(len(table)) if classes is None else np.asarray(classes)
        kinds, kind = np.unique(labels, return_inverse=True)
        self._counts: _Counts = np.zeros((len(self.values), len(kinds)), np.int64)
        np.add.at(self._counts, (self.codes, kind), 1)

    def split(self, *, validation: float, test: float, seed: int) -> Split:
        """Draw whole groups for test, then for validation; the rest is for training.

        Raises:
            ConfigurationError: shares that leave nothing for training.
            DataError: fewer groups than parts, or each holds all rows of a class.
        """
        check_shares(validation=validation, test=test)
        wanted = {"test": test, "validation": validation}
        asked = [name for name, share in wanted.items() if share > 0]
        if len(self.values) <= len(asked):
            parts = " and ".join(["training", *reversed(asked)])
            raise DataError(
                f"{self.name!r} has {len(self.values)} different values, too few for {parts}: no "
                "group may be in two parts; give a table of its own for one of them, or leave "
                "--group out"
            )
        place = np.zeros(len(self.values), np.intp)
        for stream, (part, share) in enumerate(wanted.items()):
            if share > 0:
                order = permutation(len(self.values), seed=seed, draw=_PARTS_DRAW + stream)
                free = order[place[order] == 0]
                others = 1 if part == "test" and validation > 0 else 0
                place[self._drawn(part, free, share, others)] = stream + 1
        of_rows = place[self.codes]
        return Split(
            train=np.flatnonzero(of_rows == 0),
            validation=np.flatnonzero(of_rows == 2),
            test=np.flatnonzero(of_rows == 1),
        )

    def _drawn(self, part: str, free: Rows, share: float, others: int) -> Rows:
        """The groups of a part, of those that are free, leaving so many and one for others."""
        rows, sizes = self._counts.sum(axis=1), self._counts.sum(axis=0)
        goal, left = share * sizes.sum(), self._counts[free].sum(axis=0)
        has, drawn, pool = np.zeros(len(sizes)), list[int](), free.tolist()
        while pool and has.sum() < goal and len(drawn) < len(free) - 1 - others:
            near: list[int] = []
            while pool and len(near) < _CHOICE:
                group = pool.pop(0)
                # What does not fit now does not fit later, when the part is larger.
                fits = abs(has.sum() + rows[group] - goal) < goal - has.sum()
                if fits and (left - has - self._counts[group] >= 1).all():
                    near.append(group)
            if near:
                after = has + self._counts[near]
                uneven = (after / sizes - after.sum(axis=1, keepdims=True) / sizes.sum()) ** 2
                chosen = near.pop(int(uneven.sum(axis=1).argmin()))
                has += self._counts[chosen]
                drawn.append(chosen)
                pool = near + pool
        if drawn:
            return np.array(drawn, np.intp)
        possible = free[(left - self._counts[free] >= 1).all(axis=1)]
        if not len(possible):
            raise DataError(
                f"no group of {self.name!r} can be taken for {part}: each holds all rows of a "
                "class that are left, and training needs one; give a table of its own, or leave "
                "--group out"
            )
        return possible[[rows[possible].argmin()]]  # all are larger than the part should be

    def folds(self, count: int, *, seed: int) -> list[Fold]:
        """Each group is for validation once; large groups are dealt out first.

        Raises:
            ConfigurationError: fewer than two folds, or more than there are groups.
        """
        if not 2 <= count <= len(self.values):
            raise ConfigurationError(
                f"cross-validation takes from 2 folds up to one for each of the "
                f"{len(self.values):,} groups of {self.name!r}, not {count}"
            )
        order = permutation(len(self.values), seed=seed, draw=_FOLDS_DRAW)
        order = order[np.argsort(-self._counts[order].sum(axis=1), kind="stable")]
        sizes = self._counts.sum(axis=0)
        has = np.zeros((count, len(sizes)))
        place = np.empty(len(self.values), np.intp)
        for number, group in enumerate(order.tolist()):
            shares = self._counts[group] / sizes
            # What the sum of squared shares would grow by, but for what is equal for all folds.
            growth = (has / sizes) @ shares
            growth[: min(count, number)] += 1.0 if number < count else 0.0  # each gets one first
            fold = int(np.lexsort((has.sum(axis=1), growth))[0])
            place[group] = fold
            has[fold] += self._counts[group]
        of_rows = place[self.codes]
        return [
            (np.flatnonzero(of_rows != fold), np.flatnonzero(of_rows == fold))
            for fold in range(count)
        ]

    def told(self, split: Split) -> str:
        """How many groups each part has."""
        parts = [("to train on", split.train)]
        parts += [("for validation", split.validation), ("for test", split.test)]
        counted = [
            f"{len(np.unique(self.codes[rows])):,} {words}" for words, rows in parts if len(rows)
        ]
        return f"no value of {self.name!r} is in two parts: {', '.join(counted)}"

    def mixed(self, part: str, other: Table) -> str:
        """How many rows of another table are of groups that this one has."""
        if self.name not in other.columns:
            return ""
        known = int(np.isin(np.array(other.column(self.name).texts()), self.values).sum())
        if not known:
            return ""
        return (
            f"{known:,} of {len(other):,} rows of the {part} table have a {self.name!r} that the "
            "table to train on has too: they are no test for new ones"
        )


def _texts(table: Table, name: str) -> NDArray[np.str_]:
    refuse_missing(table, name, "group", "that may belong to any")
    return np.array(table.column(name).texts())
