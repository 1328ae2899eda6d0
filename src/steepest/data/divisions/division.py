"""What a way to divide rows offers, and the registry of those that a column asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from steepest.data.split import Rows, Split
from steepest.data.table import Table
from steepest.errors import DataError
from steepest.methods import Registry

__all__ = ["DIVISIONS", "Division", "Fold", "refuse_missing"]

Fold: TypeAlias = tuple[Rows, Rows]
"""Rows to train on, and rows to validate on."""


class Division(Protocol):
    """Which rows of one table train, validate and test."""

    def split(self, *, validation: float, test: float, seed: int) -> Split:
        """Divide all rows into three parts; a share of 0 makes an empty one.

        Raises:
            ConfigurationError: shares that leave nothing for training.
            DataError: rows that cannot be divided so.
        """
        ...

    def folds(self, count: int, *, seed: int) -> list[Fold]:
        """Divide for cross-validation.

        Raises:
            ConfigurationError: more folds than the rows allow, or fewer than two.
        """
        ...

    def told(self, split: Split) -> str:
        """Say in a line what a person should know of a split; empty where nothing is special."""
        ...

    def mixed(self, part: str, other: Table) -> str:
        """Say what rows of a table of their own have in common with these; empty for nothing.

        Args:
            part: what the other table is for: "validation" or "test".
            other: its rows.
        """
        ...


def refuse_missing(table: Table, name: str, what: str, why: str) -> None:
    """Refuse rows that do not say where they belong.

    Args:
        table: the rows.
        name: of the column that divides them.
        what: its values are, one of them.
        why: a row without one has no place, as in "a row ... can be in no part".

    Raises:
        DataError: a missing value; names the first row.
    """
    absent = np.flatnonzero(table.column(name).missing)
    if len(absent):
        more = f" (and in {len(absent) - 1:,} more rows)" if len(absent) > 1 else ""
        raise DataError(
            f"{table.place(int(absent[0]), name)}: the {what} is missing{more}; a row {why} can be "
            "in no part: fill it in, or leave the row out"
        )


# By the name of the option that names the column: (table, column, class of each row or None).
DIVISIONS = Registry[Callable[[Table, str, ArrayLike | None], Division]](
    "division", option="--NAME COL", in_textbook=False
)
