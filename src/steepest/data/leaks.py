"""Columns that say the answer: what one feature alone knows of a target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data.kinds import KINDS, Fitting
from steepest.data.schema import Feature, Schema, Target
from steepest.data.table import Column, NumberColumn, Table, TextColumn
from steepest.data.targets import read_targets

__all__ = ["LEAK", "Leak", "explained", "suspected_leaks"]

LEAK = 0.95
"""From this share of the target explained on, a single column is suspected to be a leak.

No column of the tables that come with scikit-learn, nor of adult, california-housing, diamonds and
penguins, explains more than 0.94 of the table's own target; one with 1 % of two equally frequent
classes exchanged explains 0.96.
"""

_FEWEST_ROWS = 50  # of fewer, one column in many explains all by chance
_MOST_ROWS = 20_000  # evenly spaced; of more columns fewer rows
_MOST_VALUES = 1_000_000
_MOST_CELLS = 4_000_000  # of folds, bins and classes
_MOST_BINS = 64
_FOLDS = 5

_Codes = NDArray[np.intp]


@final
@dataclass(frozen=True)
class Leak:
    """A column that alone predicts a target almost perfectly."""

    column: str
    target: str
    explained: float

    def __str__(self) -> str:
        """Say so to a person, and what to do."""
        name = repr(self.column) if " " in self.column else self.column
        return (
            f"suspected leak: {self.column!r} alone explains {100 * self.explained:.1f} % of "
            f"{self.target!r}; if it is not known yet when you predict, leave it out "
            f"(--drop {name})"
        )


def suspected_leaks(table: Table, schema: Schema) -> list[Leak]:
    """Find the features that alone predict a target almost perfectly.

    Args:
        table: the training rows.
        schema: its features and targets.

    Returns:
        Those with :func:`explained` of :data:`LEAK` or more, the most telling first.
    """
    rows = len(table)
    if rows < _FEWEST_ROWS:
        return []
    most = min(_MOST_ROWS, max(300, _MOST_VALUES // len(schema.features)))
    if rows > most:
        table = table.take(np.linspace(0, rows - 1, most).astype(np.intp))
    found: list[Leak] = []
    for target, values in _targets(table, schema.targets):
        for feature in schema.features:
            share = max(
                explained(column, values, len(target.classes))
                for column in _columns(table, feature)
            )
            if share >= LEAK:
                found.append(Leak(feature.name, target.name, share))
    return sorted(found, key=lambda leak: -leak.explained)


def explained(column: Column, target: NDArray[Any], classes: int) -> float:
    r"""The share of a target that one column explains, for rows that it was not fitted to.

    :math:`1 - \sum_i |y_i - p_i|^2 / \sum_i |y_i - \bar y|^2`, with y the ranks of a number, or
    for each class 1 or 0, and p_i the mean of y in the rows of the same bin in the other four of
    five folds, one mean of all those rows added to it. A column of numbers has up to 64 bins of
    equal counts, at most the square root of the rows, one of text a bin for each level; missing is
    one more.

    Args:
        column: (rows,).
        target: numbers, or codes of classes, (rows,).
        classes: how many there are; 0 for numbers.

    >>> from steepest.data.table import number_column
    >>> x = number_column(np.arange(400) % 8)
    >>> bool(explained(x, np.arange(400) % 2, 2) > 0.999)
    True
    >>> bool(explained(x, np.arange(400) % 3, 3) < 0)
    True
    """
    bins = _bins(column)
    count = int(bins.max(initial=0)) + 1
    if classes * count * _FOLDS > _MOST_CELLS:
        return 0.0
    place = bins + count * (np.arange(len(bins)) % _FOLDS)
    if classes:
        y = target.astype(np.intp)
        sums = np.bincount(place * classes + y, minlength=_FOLDS * count * classes)
        sums = sums.reshape(_FOLDS, count, classes).astype(np.float64)
        squares = sums.sum(axis=2)
    else:
        y = _ranks(target)
        sums = _binned(place, y, count)[..., None]
        squares = _binned(place, y**2, count)
    sizes = _binned(place, np.ones(len(bins)), count)
    others = sums.sum(axis=0) - sums
    other_sizes = sizes.sum(axis=0) - sizes
    means = others.sum(axis=1) / other_sizes.sum(axis=1)[:, None]
    guesses = (others + means[:, None, :]) / (other_sizes + 1)[..., None]
    errors = squares - 2 * (guesses * sums).sum(axis=2) + sizes * (guesses**2).sum(axis=2)
    whole = sums.sum(axis=(0, 1))
    spread = squares.sum() - (whole**2).sum() / len(bins)
    return float(1 - errors.sum() / spread) if spread > 0 else 0.0


def _targets(table: Table, targets: Sequence[Target]) -> Iterator[tuple[Target, NDArray[Any]]]:
    for target in targets:
        yield target, read_targets(table, [target])


def _columns(table: Table, feature: Feature) -> list[Column]:
    """The column as it is; text of another kind also as the numbers that the kind reads in it."""
    column = table.column(feature.name)
    if isinstance(column, NumberColumn) or feature.kind == "categorical":
        return [column]
    fit = KINDS[feature.kind].fit
    if not fit(table.take(slice(0, 100)), feature, Fitting()).layout.continuous:
        return [column]
    fitted = fit(table, feature, Fitting())
    numbers = fitted.transform(table)["numeric"][:, : fitted.layout.continuous]
    return [column, *(NumberColumn(each.astype(np.float64)) for each in numbers.T)]


def _bins(column: Column) -> _Codes:
    """The bin of each row, counted from 1, and 0 where the value is missing."""
    if isinstance(column, TextColumn):
        values, wrong = column.as_numbers()
        if wrong.any():
            return column.codes.astype(np.intp) + 1
    else:
        values = column.values
    present = np.sort(values[~np.isnan(values)])
    if not len(present):
        return np.zeros(len(values), np.intp)
    count = min(_MOST_BINS, int(len(values) ** 0.5))
    edges = np.unique(present[np.arange(1, count) * len(present) // count])
    bins = np.searchsorted(edges, values, side="left").astype(np.intp) + 1
    bins[np.isnan(values)] = 0
    return bins


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, equal values sharing theirs, so that a few wild values do not decide."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - (counts - 1) / 2) / len(values))[place]


def _binned(place: _Codes, values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    sums = np.bincount(place, values, minlength=_FOLDS * count).astype(np.float64)
    return sums.reshape(_FOLDS, count)
