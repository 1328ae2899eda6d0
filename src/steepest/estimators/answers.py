"""What a scikit-learn user hands over as y: columns of a table, and what a schema says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Target
from steepest.data.levels import in_order
from steepest.data.table import Column, NumberColumn, TextColumn
from steepest.errors import DataError
from steepest.estimators.labels import class_codes, label_text, reason_of

_LABELS = np.array([0, 1])


@final
@dataclass(frozen=True)
class Answers:
    """The targets of some rows.

    Args:
        columns: one, or several that are all numbers or all labels of two classes.
        names: what they are called, if they are.
        reason: why they are what they are, for the schema.
    """

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    reason: str

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.columns[0])

    def take(self, rows: NDArray[np.intp]) -> Answers:
        """Those of some rows."""
        return replace(self, columns=tuple(each.take(rows) for each in self.columns))

    def targets(self, names: Sequence[str]) -> tuple[Target, ...]:
        """What a schema says of them."""
        return tuple(
            _classes(name, each, self.reason)
            if isinstance(each, TextColumn)
            else Target(
                name=name, task="regression", reason=self.reason, classes=(), counts=(), missing=0
            )
            for name, each in zip(names, self.columns, strict=True)
        )


def numbers(y: NDArray[np.float64], names: Sequence[str]) -> Answers:
    """Numbers (n,) or (n, targets)."""
    columns = y.reshape(len(y), -1).T
    return Answers(tuple(NumberColumn(each) for each in columns), tuple(names), "asked for numbers")


def classes_of(y: NDArray[Any], classes: NDArray[Any], names: Sequence[str]) -> Answers:
    """Labels (n,), each one of the classes, which are in order.

    Raises:
        DataError: another label, or two classes that are written alike, such as 1 and "1".
    """
    texts = tuple(label_text(each) for each in classes)
    if len(set(texts)) < len(texts):
        raise DataError(f"two of the classes are written alike: {', '.join(map(repr, texts[:9]))}")
    column = TextColumn(class_codes(y, classes), texts)
    return Answers((column,), tuple(names), reason_of(classes))


def labels_of(y: NDArray[Any], names: Sequence[str]) -> Answers:
    """An indicator matrix (n, labels) of 0 and 1."""
    columns = tuple(TextColumn(each, ("0", "1")) for each in y.astype(np.int32).T)
    return Answers(columns, tuple(names), reason_of(_LABELS))


def names_of(y: Any) -> tuple[str, ...]:
    """The names that a series or a frame has for its columns; none where some are no text."""
    given: list[Any] = list(y.columns) if hasattr(y, "columns") else [getattr(y, "name", None)]
    are_names = all(isinstance(each, str) and each for each in given)
    return tuple(str(each) for each in given) if are_names else ()


def _classes(name: str, column: TextColumn, reason: str) -> Target:
    counts = dict(zip(column.levels, column.counts().tolist(), strict=True))
    classes = in_order(list(column.levels))
    return Target(
        name=name,
        task="classification",
        reason=reason,
        classes=classes,
        counts=tuple(counts[each] for each in classes),
        missing=0,
    )
