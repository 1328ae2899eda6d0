"""Rows that stand in two parts of a table: a model is not tested on what it has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import Column, NumberColumn, Table, parse_number

__all__ = ["repeated", "row_keys"]

_Keys = NDArray[np.uint64]


def repeated(known: Table, rows: Table, names: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which rows have, in these columns, the values of a row that is known already.

    Args:
        known: the rows that were seen.
        rows: those in question.
        names: the columns to compare, such as all features.

    Returns:
        Of shape (rows,).

    >>> from steepest.data import read_table
    >>> known = read_table({"x": [1, 2], "s": ["u", None]})
    >>> repeated(known, read_table({"x": [2, 1], "s": [None, "v"]}), ["x", "s"]).tolist()
    [True, False]
    """
    return np.isin(row_keys(rows, names), row_keys(known, names))


def row_keys(table: Table, names: Sequence[str]) -> _Keys:
    """A number for each row, equal where all values are; "1" and 1.0 are, and missing ones.

    Two different rows share one with a probability of 2⁻⁶⁴.

    Args:
        table: the rows.
        names: the columns that count, in this order.
    """
    keys = np.zeros(len(table), np.uint64)
    for name in names:
        keys = _mixed(keys * np.uint64(0x9E3779B97F4A7C15) + _column_keys(table.column(name)))
    return keys


def _column_keys(column: Column) -> _Keys:
    if isinstance(column, NumberColumn):
        return _number_keys(column.values)
    keys = np.zeros(len(column.levels) + 1, np.uint64)  # the last entry serves code -1
    for code, level in enumerate(column.levels):
        number = parse_number(level, column.decimal)
        if number is None:
            digest = hashlib.blake2b(level.encode("utf-8", "surrogatepass"), digest_size=8)
            keys[code] = int.from_bytes(digest.digest(), "little")
        else:
            keys[code] = _number_keys(np.array([number]))[0]
    keys[-1] = _number_keys(np.array([np.nan]))[0]
    return keys[column.codes]


def _number_keys(values: NDArray[np.float64]) -> _Keys:
    one_way = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and no -0.0
    return _mixed(one_way.view(np.uint64))


def _mixed(bits: _Keys) -> _Keys:
    """Each bit of the result depends on all: the end of SplitMix64 (Steele, Lea, Flood 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
