"""A table: named columns of numbers or text, with the place each row came from.

>>> import numpy as np
>>> age, job = number_column([31.0, np.nan]), text_column(["cook", ""])
>>> table = Table.from_columns({"age": age, "job": job})
>>> len(table), table.names, table.place(1)
(2, ('age', 'job'), 'row 2')
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.errors import DataError, nearest


def parse_number(text: str, decimal: str = ".") -> float | None:
    """Read one number, or None where the text is not one.

    Stricter than `float`: no underscores, and "nan" is no number (missing values have markers).

    >>> parse_number(" -1.5e3 "), parse_number("2,5", ","), parse_number("1_000")
    (-1500.0, 2.5, None)
    """
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    try:
        value = float(text)
    except ValueError:
        return None
    return None if "_" in text or math.isnan(value) else value


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn:
    """Numbers, float64 of shape (rows,), NaN where missing; `whole` if written without a point."""

    values: NDArray[np.float64]
    whole: bool = False

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.values)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """True where the value is missing."""
        return np.isnan(self.values)

    def take(self, rows: NDArray[np.intp] | slice) -> NumberColumn:
        """Select rows, in the order given."""
        return NumberColumn(self.values[rows], self.whole)

    def as_text(self) -> TextColumn:
        """Write each number as text: "3" where the source wrote whole numbers, else "3.0"."""
        distinct, inverse = np.unique(self.values, return_inverse=True)
        present = distinct[~np.isnan(distinct)]
        levels = tuple(number_text(float(value), self.whole) for value in present)
        codes = np.where(self.missing, -1, inverse.reshape(-1)).astype(np.int32)
        return TextColumn(codes, levels)

    def texts(self) -> list[str]:
        """Give the rows as text, "" where missing."""
        return [
            "" if math.isnan(value) else number_text(value, self.whole)
            for value in self.values.tolist()
        ]


@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """Text as codes into distinct levels: int32 of shape (rows,), −1 where missing.

    Levels stand in the order of their first appearance in the source; after `take` some may be
    unused. `decimal` is the sign that the source writes before decimals; `order` are the levels,
    the lowest first, where the source says so.
    """

    codes: NDArray[np.int32]
    levels: tuple[str, ...]
    decimal: str = "."
    order: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.codes)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """True where the value is missing."""
        return self.codes < 0

    def take(self, rows: NDArray[np.intp] | slice) -> TextColumn:
        """Select rows, in the order given."""
        return TextColumn(self.codes[rows], self.levels, self.decimal, self.order)

    def as_text(self) -> TextColumn:
        """Give the column itself, for those who take a column of numbers as text too."""
        return self

    def counts(self) -> NDArray[np.intp]:
        """Count the rows of each level."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.levels))

    def as_numbers(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Read the text as numbers: (values with NaN, True where text stands that is no number)."""
        parsed = [parse_number(level, self.decimal) for level in self.levels]
        values = np.array([*(math.nan if p is None else p for p in parsed), math.nan])
        wrong = np.array([*(p is None for p in parsed), False])
        return values[self.codes], wrong[self.codes]

    def texts(self) -> list[str]:
        """Give the rows as text, "" where missing."""
        levels = (*self.levels, "")
        return [levels[code] for code in self.codes.tolist()]


Column = NumberColumn | TextColumn


def number_text(value: float, whole: bool) -> str:
    """Write a number as text that reads back as exactly that number.

    >>> number_text(3.0, True), number_text(3.0, False), number_text(0.1, False)
    ('3', '3.0', '0.1')
    """
    return str(int(value)) if whole and math.isfinite(value) else repr(value)


def number_column(values: ArrayLike) -> NumberColumn:
    """Make a column of numbers; NaN is missing.

    >>> number_column([1, 2]).whole
    True
    """
    array = np.asarray(values)
    return NumberColumn(array.astype(np.float64), bool(np.issubdtype(array.dtype, np.integer)))


def text_column(texts: Sequence[str | None], missing: frozenset[str] = frozenset()) -> TextColumn:
    """Make a column of text, stripped of blanks; None, "" and the markers given are missing.

    >>> text_column(["a", " b", "?", None, "a"], frozenset({"?"})).codes.tolist()
    [0, 1, -1, -1, 0]
    """
    index: dict[str, int] = {}
    codes = np.empty(len(texts), dtype=np.int32)
    for row, text in enumerate(texts):
        stripped = "" if text is None else text.strip()
        absent = not stripped or stripped in missing
        codes[row] = -1 if absent else index.setdefault(stripped, len(index))
    return TextColumn(codes, tuple(index))


def without(values: NDArray[np.float64], markers: Sequence[float]) -> NDArray[np.float64]:
    """Put NaN where a value is one of the numbers that stand for a missing one.

    >>> without(np.array([1.0, -999.0]), [-999.0])
    array([ 1., nan])
    """
    if not markers:
        return values
    return np.where(np.isin(values, markers), np.nan, values)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length, and the line or row number each row has in its source.

    Attributes:
        columns: name → column, in the order of the source.
        numbers: int64 of shape (rows,), counted from 1 as a person counts.
        unit: what `numbers` counts, lines of a text file or rows.
        source: the file's name for messages, or "".
        files: of a table from several files, how many numbers stand before each file's own, and its
            name; `numbers` go on from file to file.
        notes: what reading decided by itself, in sentences for people.
    """

    columns: Mapping[str, Column]
    numbers: NDArray[np.int64]
    unit: Literal["line", "row"] = "row"
    source: str = ""
    files: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def from_columns(cls, columns: Mapping[str, Column]) -> Table:
        """Make a table from columns of equal length.

        Raises:
            DataError: there is no column, or lengths differ.
        """
        if not columns:
            raise DataError("the table has no columns")
        lengths = {name: len(column) for name, column in columns.items()}
        rows = next(iter(lengths.values()))
        for name, length in lengths.items():
            if length != rows:
                first = next(iter(lengths))
                raise DataError(
                    f"column {name!r} has {length} rows where column {first!r} has {rows}"
                )
        return cls(MappingProxyType(dict(columns)), np.arange(1, rows + 1))

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the source."""
        return tuple(self.columns)

    def column(self, name: str) -> Column:
        """Find a column.

        Raises:
            DataError: no column has this name; the nearest names are told.
        """
        if name not in self.columns:
            where = f"{self.source} has" if self.source else "the table has"
            known = nearest(name, self.names, called="its columns")
            raise DataError(f"{where} no column {name!r}; {known}")
        return self.columns[name]

    def take(self, rows: NDArray[np.intp] | slice) -> Table:
        """Select rows, in the order given; they keep their numbers."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        return replace(self, columns=MappingProxyType(columns), numbers=self.numbers[rows])

    def place(self, row: int, column: str | None = None) -> str:
        """Say where a row is: "adult.csv, line 17, column 'age'"."""
        number, source = int(self.numbers[row]), self.source
        if self.files:
            before, source = self.files[bisect_left(self.files, (number,)) - 1]
            number -= before
        parts = [source] if source else []
        parts.append(f"{self.unit} {number}")
        if column is not None:
            parts.append(f"column {column!r}")
        return ", ".join(parts)
