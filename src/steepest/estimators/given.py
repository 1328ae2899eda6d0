"""X, y and weights of a fit as one table, whose columns have names that do not clash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Table, Target
from steepest.data.table import Column, number_column
from steepest.errors import DataError
from steepest.estimators.answers import Answers


@final
@dataclass(frozen=True)
class Given:
    """What is learnt from.

    Args:
        table: all columns; rows of weight 0 are not in it.
        features: the names of X's.
        targets: what y is, with the names of its columns.
        weights: the name of the column of weights, or empty.
    """

    table: Table
    features: tuple[str, ...]
    targets: tuple[Target, ...]
    weights: str

    @classmethod
    def of(
        cls,
        features: Table,
        answers: Answers,
        weights: NDArray[np.float64] | None,
        names: Sequence[str] = (),
    ) -> Self:
        """Put them together.

        Args:
            features: X.
            answers: y.
            weights: of the rows, if any.
            names: of the targets, where they are known already.

        Raises:
            DataError: another number of rows.
        """
        named = tuple(names) or _names(answers, features.names)
        table = _joined(features, answers, named)
        column = ""
        if weights is not None:
            column = _free("sample_weight", table.names)
            table = Table.from_columns({**table.columns, column: number_column(weights)})
            present = np.flatnonzero(weights)
            table, answers = table.take(present), answers.take(present)
        return cls(table, features.names, answers.targets(named), column)

    def check_classes(self) -> None:
        """Refuse to learn one class.

        Raises:
            DataError: all other classes have rows of weight 0 only.
        """
        first = self.targets[0]
        if len(self.targets) == 1 and first.classes and np.count_nonzero(first.counts) < 2:
            raise DataError(
                "one class only has rows of a weight above 0: there is nothing to learn"
            )

    def others(self, features: Table, answers: Answers) -> Table:
        """Rows to validate on, as a table with the same columns; each counts alike."""
        if len(answers.columns) != len(self.targets):
            raise DataError(
                f"y_val has {len(answers.columns)} targets for each row, and y {len(self.targets)}"
            )
        table = _joined(features, answers, [each.name for each in self.targets])
        if not self.weights:
            return table
        return Table.from_columns(
            {**table.columns, self.weights: number_column([1.0] * len(table))}
        )


def _joined(features: Table, answers: Answers, names: Sequence[str]) -> Table:
    if answers.rows != len(features):
        raise DataError(
            f"Found input variables with inconsistent numbers of samples: X has {len(features):,} "
            f"rows and y {answers.rows:,}"
        )
    columns: dict[str, Column] = dict(features.columns)
    return Table.from_columns(columns | dict(zip(names, answers.columns, strict=True)))


def _names(answers: Answers, taken: Sequence[str]) -> tuple[str, ...]:
    """Their own where they have some; else y, or y0, y1 and so on."""
    count = len(answers.columns)
    wanted = answers.names or (["y"] if count == 1 else [f"y{place}" for place in range(count)])
    named: list[str] = []
    for name in wanted:
        named.append(_free(name, [*taken, *named]))
    return tuple(named)


def _free(wanted: str, taken: Sequence[str]) -> str:
    """A name that no other column has.

    >>> _free("y", ["x"]), _free("y", ["x", "y"])
    ('y', 'y_')
    """
    while wanted in taken:
        wanted += "_"
    return wanted
