"""A column as moments in time: one number a row that grows with time."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import NumberColumn, Table
from steepest.errors import DataError

__all__ = ["moments"]


def moments(table: Table, name: str) -> NDArray[np.float64]:
    """Numbers as they are; dates and times as seconds since 1970, those without a zone in UTC.

    Args:
        table: the rows.
        name: of the column.

    Errors:
        DataError: a missing value, or text that is neither; names its row.

    >>> from steepest.data import read_table
    >>> moments(read_table({"day": ["1970-01-02", "1970-01-01T00:00:01"]}), "day")
    array([8.64e+04, 1.00e+00])
    """
    column = table.column(name)
    absent = np.flatnonzero(column.missing)
    if len(absent):
        raise DataError(
            f"{table.place(int(absent[0]), name)}: the time is missing"
            + (f" (and in {len(absent) - 1:,} more rows)" if len(absent) > 1 else "")
            + "; a row without one can be in no part: fill it in, or leave the row out"
        )
    if isinstance(column, NumberColumn):
        values = column.values
    else:
        values, wrong = column.as_numbers()
        if wrong.any():
            values = np.array([_seconds(level) for level in column.levels])[column.codes]
    unknown = np.flatnonzero(~np.isfinite(values))
    if len(unknown):
        row = int(unknown[0])
        raise DataError(
            f"{table.place(row, name)}: {column.texts()[row]!r} is no number, date or time; write "
            "it as 2024-03-01 or 2024-03-01T12:30"
        )
    return values


def _seconds(text: str) -> float:
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return math.nan
