"""Dates and times as people and programs write them: 2024-03-01T12:30, 1.3.24, 1 Mar 2024.

A clock's offset ("+01:00", "Z") is read over: hours are those of the clock that was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from steepest.data.table import TextColumn

Order: TypeAlias = Literal["", "day-first", "month-first"]
Moments: TypeAlias = "NDArray[np.datetime64]"

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?")
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
)
_TIME = rf"(?:(?:T|,?\s){_CLOCK})?"
_WEEKDAY = r"(?:[A-Za-z]{2,9}\.?,?\s)?"
_MONTH = r"(?P<word>[^\W\d_]{3,9})\.?"
_DATE_FORMS = [
    re.compile(
        rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}}){_TIME}"
    ),
    re.compile(
        rf"(?P<first>\d{{1,2}})(?P<mark>[-/]|\.\s?)(?P<second_>\d{{1,2}})(?P=mark)"
        rf"(?P<year>\d{{4}}|\d\d){_TIME}"
    ),
    re.compile(
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[\s-]?{_MONTH}[\s,-]{{0,2}}"
        rf"(?P<year>\d{{4}}|\d\d){_TIME}"
    ),
    re.compile(
        rf"{_WEEKDAY}{_MONTH}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<year>\d{{4}}){_TIME}"
    ),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)"),
    re.compile(_CLOCK),
]  # fmt: skip
_TWO_NUMBERS = _DATE_FORMS[1]
_MONTHS = {
    **{word: 1 + place for place, word in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    )},
    **{"mär": 3, "mai": 5, "okt": 10, "dez": 12},
}  # fmt: skip
_NOTHING = np.datetime64("NaT", "us")


def moments(levels: Sequence[str], order: Order = "") -> Moments:
    """Read dates and times: datetime64[us], NaT where a text is neither.

    Args:
        levels: texts.
        order: which comes first in 1/3/2024; by default nothing of the kind is read. A day alone
            is its midnight, a time alone is of 1970-01-01, of a two-digit year 69 is 1969.

    >>> moments(["2024-03-01 12:30", "1.3.24", "March 1, 2024", "abc"], "day-first")
    array(['2024-03-01T12:30:00.000000', '2024-03-01T00:00:00.000000',
           '2024-03-01T00:00:00.000000',                        'NaT'],
          dtype='datetime64[us]')
    """
    if all(_ISO.fullmatch(level) for level in levels):
        try:
            return np.array(levels, dtype="datetime64[us]").reshape(len(levels))
        except ValueError:  # the 30th of February
            pass
    return np.array([_moment(level, order) for level in levels], dtype="datetime64[us]").reshape(
        len(levels)
    )


@final
@dataclass(frozen=True)
class DayOrder:
    """What a column's dates such as 1/3/2024 say about where the day stands.

    Attributes:
        example: the first of the kind; "" if there is none.
        day_first: the first that has no month in front; "" if there is none.
        month_first: the first that has no month in the middle.
        dotted: all are written with points, as where the day comes first.
    """

    example: str
    day_first: str
    month_first: str
    dotted: bool

    @property
    def order(self) -> Order | None:
        """What follows from them; None if nothing does, or the opposite as well."""
        if not self.example:
            return ""
        if self.day_first and self.month_first:
            return None
        if self.day_first or (self.dotted and not self.month_first):
            return "day-first"
        return "month-first" if self.month_first else None


def day_order(levels: Iterable[str]) -> DayOrder:
    """Look where the day stands in a column's dates.

    >>> day_order(["1/3/2024", "25/3/2024"]).order, day_order(["1/3/2024", "2/3/2024"]).order
    ('day-first', None)
    """
    example = day_first = month_first = ""
    dotted = True
    for level in levels:
        found = _TWO_NUMBERS.fullmatch(level)
        if found is None:
            continue
        example = example or level
        dotted = dotted and found["mark"].startswith(".")
        if int(found["first"]) > 12:
            day_first = day_first or level
        if int(found["second_"]) > 12:
            month_first = month_first or level
    return DayOrder(example, day_first, month_first, dotted)


def is_date(text: str) -> bool:
    """Tell whether a text is a date or a time, whichever comes first in it.

    >>> is_date("31.12.1999"), is_date("31.12."), is_date("12:30")
    (True, False, True)
    """
    return any(_moment(text, order) is not None for order in ("day-first", "month-first"))


def looks_like_dates(column: TextColumn) -> bool:
    """Tell whether most values are dates or times.

    >>> looks_like_dates(TextColumn(np.array([0, 1, -1], np.int32), ("2024-03-01", "1.3.2024")))
    True
    """
    counts = column.counts()
    used = np.flatnonzero(counts)
    tried = used[:: max(1, len(used) // 200)]  # of many levels some tell
    dates = sum(int(counts[code]) for code in tried if is_date(column.levels[code]))
    return 2 * dates > int(counts[tried].sum())


def _moment(text: str, order: Order) -> datetime | None:
    for form in _DATE_FORMS:
        found = form.fullmatch(text)
        if found is not None:
            try:
                return _made(found.groupdict(), order)
            except ValueError:  # no such day, hour or month
                return None
    return None


def _made(parts: dict[str, str | None], order: Order) -> datetime | None:
    month, day = parts.get("month") or 1, parts.get("day") or 1
    if parts.get("first"):
        if not order:
            return None
        day, month = parts["first"], parts["second_"]
        if order == "month-first":
            day, month = month, day
    if word := parts.get("word"):
        if word.lower()[:3] not in _MONTHS:
            return None
        month = _MONTHS[word.lower()[:3]]
    hour = int(parts.get("hour") or 0)
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half in "pP")
    micro = int((parts.get("part") or "0")[:6].ljust(6, "0"))
    minute, second = int(parts.get("minute") or 0), int(parts.get("second") or 0)
    return datetime(
        _year(parts.get("year")), int(month or 0), int(day or 0), hour, minute, second, micro
    )


def _year(text: str | None) -> int:
    if text is None:
        return 1970
    year = int(text)
    return year if len(text) > 2 else year + (1900 if year >= 69 else 2000)
