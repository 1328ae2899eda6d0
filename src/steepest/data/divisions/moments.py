"""A column as moments in time: one number a row that grows with time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steepest.data.dates import day_order, moments as read_moments
from steepest.data.divisions.division import refuse_missing
from steepest.data.table import NumberColumn, Table, TextColumn
from steepest.errors import DataError

__all__ = ["moments"]


def moments(table: Table, name: str) -> NDArray[np.float64]:
    """Numbers as they are; dates and times, however they are written, as seconds since 1970.

    Args:
        table: the rows.
        name: of the column.

    Raises:
        DataError: a missing value, text that is neither, or dates such as 1/3/2024 of which no
            value shows what is the day; names the row.

    >>> from steepest.data import read_table
    >>> moments(read_table({"day": ["1970-01-02", "1970-01-01T00:00:01"]}), "day")
    array([8.64e+04, 1.00e+00])
    """
    refuse_missing(table, name, "time", "without one")
    column = table.column(name)
    if isinstance(column, NumberColumn):
        values = column.values
    else:
        values, wrong = column.as_numbers()
        if wrong.any():
            values = _seconds(table, name, column)
    unknown = np.flatnonzero(~np.isfinite(values))
    if len(unknown):
        row = int(unknown[0])
        raise DataError(
            f"{table.place(row, name)}: {column.texts()[row]!r} is no number, date or time; write "
            "it as 2024-03-01 or 2024-03-01T12:30"
        )
    return values


def _seconds(table: Table, name: str, column: TextColumn) -> NDArray[np.float64]:
    found = day_order(column.levels)
    if found.order is None:
        row = int(np.flatnonzero(column.codes == column.levels.index(found.example))[0])
        raise DataError(
            f"{table.place(row, name)}: {found.example!r} may begin with its day or with its "
            "month, and the column does not show which; write dates as 2024-03-01"
        )
    read = read_moments(column.levels, found.order)
    seconds = read.astype("datetime64[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(read), np.nan, seconds)[column.codes]
