"""Text that a person reads as numbers or dates: "1.609,13", "$1,001.50", "2024-03-01"."""

from __future__ import annotations

import re

import numpy as np

from steepest.data.table import Table, TextColumn, parse_number
from steepest.errors import DataError

# Named currencies only: three capitals and digits may be a product's code.
_CURRENCY = r"(?:[$€£¥₹₽₩%]|USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|BRL)"
_COMMAS = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?"
_POINTS = r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?"
_BLANKS = r"[1-9]\d{0,2}(?:[ '’\u00a0\u202f]\d{3})+(?:[.,]\d+)?"
_PLAIN = r"\d+(?:[.,]\d+)?"
_GROUPED = re.compile(rf"[+-]?(?:{_COMMAS}|{_POINTS}|{_BLANKS})")
_UNGROUPED = re.compile(rf"[+-]?{_PLAIN}")
_NUMBER = rf"(?:{_COMMAS}|{_POINTS}|{_BLANKS}|{_PLAIN})"
_MONEY = re.compile(
    rf"[+-]?{_CURRENCY}\s?[+-]?{_NUMBER}|[+-]?{_NUMBER}\s?{_CURRENCY}|\({_CURRENCY}?{_NUMBER}\)"
)
_YEAR_FIRST = re.compile(r"\d{4}([-/.])(\d{1,2})\1(\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(?:\d{4}|\d{2})(?:[T ]\d{1,2}:\d{2}.*)?")


def refuse_written_numbers(table: Table, name: str, column: TextColumn, remedy: str) -> None:
    """Refuse a column whose values mostly are numbers with groups or a currency's sign.

    Taken for categories they would be hundreds of levels without order.

    Args:
        table: for the row's place.
        name: of the column.
        column: as the file writes it.
        remedy: what else to do, for the end of the message.

    Raises:
        DataError: names the first such row and its value.
    """
    counts = column.counts()
    if not counts.any():
        return
    written = np.array([_is_written(level, column.decimal) for level in column.levels], np.bool_)
    if not counts[written].any():
        return
    number = np.array([_is_number(level, column.decimal) for level in column.levels], np.bool_)
    present = int(counts.sum())
    like = int(counts[written | number].sum())
    if 2 * like <= present:
        return
    first = int(np.flatnonzero(np.append(written, False)[column.codes])[0])
    raise DataError(
        f"{table.place(first, name)}: {column.levels[column.codes[first]]!r} looks like a number "
        f"written with groups or a currency's sign, and so do {like} of {present} values; write "
        f"them without ({'1234.5' if column.decimal == '.' else '1234,5'}), or {remedy}"
    )


def looks_like_dates(column: TextColumn) -> bool:
    """Tell whether most values are dates, 2024-03-01 or 1.3.2024 or 3/1/24.

    >>> import numpy as np
    >>> looks_like_dates(TextColumn(np.array([0, 1, -1], np.int32), ("2024-03-01", "1.3.2024")))
    True
    """
    counts = column.counts()
    dates = sum(int(counts[code]) for code in np.flatnonzero(counts) if _is_date(column, int(code)))
    return 2 * dates > int(counts.sum())


def _is_written(text: str, decimal: str) -> bool:
    # Where the point is the decimal sign, "1.000" has no groups: it is one.
    if parse_number(text, decimal) is not None:
        return False
    return bool(_GROUPED.fullmatch(text) or _MONEY.fullmatch(text))


def _is_number(text: str, decimal: str) -> bool:
    return parse_number(text, decimal) is not None or bool(_UNGROUPED.fullmatch(text))


def _is_date(column: TextColumn, code: int) -> bool:
    text = column.levels[code]
    if found := _YEAR_FIRST.fullmatch(text):
        month, day = int(found[2]), int(found[3])
    elif found := _YEAR_LAST.fullmatch(text):
        month, day = sorted((int(found[1]), int(found[3])))
    else:
        return False
    return 1 <= month <= 12 and 1 <= day <= 31
