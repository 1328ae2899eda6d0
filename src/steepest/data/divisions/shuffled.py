"""Rows drawn at random, each class by its share."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.data.divisions.division import Fold
from steepest.data.split import Split, split
from steepest.data.table import Table
from steepest.errors import ConfigurationError
from steepest.tensor.random import permutation

__all__ = ["Shuffled"]

_DRAW = 2**31 + 2  # after those of the test and the validation part


@final
class Shuffled:
    """Rows drawn at random, each class by its share: `StratifiedShuffleSplit`, `StratifiedKFold`.

    Args:
        rows: how many there are.
        classes: the class of each row, (rows,), or None.

    >>> parts = Shuffled(10).split(validation=0.2, test=0.1, seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (7, 2, 1)
    """

    def __init__(self, rows: int, classes: ArrayLike | None = None) -> None:
        self.rows = rows
        self.classes = None if classes is None else np.asarray(classes)

    def split(self, *, validation: float, test: float, seed: int) -> Split:
        """As :func:`steepest.data.split`."""
        return split(self.rows, validation=validation, test=test, seed=seed, stratify=self.classes)

    def folds(self, count: int, *, seed: int) -> list[Fold]:
        """Each row is for validation once, and each fold has each class by its share."""
        place = self.places(count, seed=seed)
        return [
            (np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(count)
        ]

    def places(self, count: int, *, seed: int) -> NDArray[np.intp]:
        """The fold of each row, dealt out in a shuffled order, class after class.

        Raises:
            ConfigurationError: fewer than two folds, or more than there are rows.
        """
        if not 2 <= count <= self.rows:
            raise ConfigurationError(
                f"cross-validation takes from 2 folds up to one for each of the {self.rows:,} "
                f"rows, not {count}"
            )
        order = permutation(self.rows, seed=seed, draw=_DRAW)
        if self.classes is not None:
            order = order[np.argsort(self.classes[order], kind="stable")]
        fold = np.empty(self.rows, np.intp)
        fold[order] = np.arange(self.rows) % count
        return fold

    def told(self, split: Split) -> str:
        """Nothing is special."""
        return ""

    def mixed(self, part: str, other: Table) -> str:
        """Rows are not known by anything."""
        return ""
