"""Dates and times: a running number of days, the year, and cycles of month, weekday and hour."""

from __future__ import annotations

from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data.dates import Moments, Order, day_order, moments
from steepest.data.kinds.kind import Fitting, Inputs, Kind, Layout, Sight
from steepest.data.kinds.numeric import NumericColumn, fit_numbers, scaled_with_indicator
from steepest.data.kinds.wording import quoted
from steepest.data.schema import Feature
from steepest.data.table import Table, TextColumn
from steepest.errors import ConfigurationError, DataError, clipped

MOSTLY_DATES = 0.95
"""From this share of dates on, other text in a column is taken for a mistake."""

_TRIED = 200  # levels that tell whether the others are worth reading

CYCLES = {"month": 12, "weekday": 7, "hour": 24}
"""Parts that begin again, and how often each changes until then."""


@final
class DatetimeColumn(Struct, frozen=True, kw_only=True, tag_field="kind", tag="datetime"):
    """A moment as numbers, of which only those are there that vary in the training rows.

    Days since 1970 and the year are scaled; a cycle of period P is sin(2πt/P) and cos(2πt/P), with
    t the months since January, the days since Monday, or the hours since midnight. A missing moment
    has the training rows' median of days and year, and 0 for all cycles.

    Attributes:
        name: of the column.
        order: which comes first in 1/3/2024.
        numbers: days and year, as far as they vary.
        cycles: names of `CYCLES`, as far as they vary.
        indicator: one more column, 1 where the moment is missing.
    """

    name: str
    order: Order
    numbers: tuple[NumericColumn, ...]
    cycles: tuple[str, ...]
    indicator: bool

    def __post_init__(self) -> None:
        """Refuse parts that there are not."""
        if not {_part(self, each) for each in self.numbers} <= {"days", "year"}:
            raise ValueError("a moment has days and a year")
        if not set(self.cycles) <= set(CYCLES):
            raise ValueError(f"cycles are {', '.join(CYCLES)}")

    @property
    def layout(self) -> Layout:
        """Numbers, pairs of sine and cosine, and the indicator."""
        names = [each.name for each in self.numbers]
        names += [f"{self.name} {each} {wave}" for each in self.cycles for wave in ("sin", "cos")]
        names += [f"{self.name} is missing"] * self.indicator
        return Layout(numeric=tuple(names), continuous=len(self.numbers) + 2 * len(self.cycles))

    @property
    def keeps_text(self) -> bool:
        """Digits alone, 20240301, stay text."""
        return True

    def transform(self, table: Table) -> Inputs:
        """Take moments apart.

        Raises:
            DataError: text that is no date or time, with row and column.
        """
        read = feature_moments(table, self.name, self.order)
        columns = [
            scaled_with_indicator(each, part_of(read, _part(self, each)))[:, 0]
            for each in self.numbers
        ]
        for cycle in self.cycles:
            angle = part_of(read, cycle) * (2.0 * np.pi / CYCLES[cycle])
            columns += [np.nan_to_num(np.sin(angle)), np.nan_to_num(np.cos(angle))]
        if self.indicator:
            columns.append(np.isnat(read))
        found = np.empty((len(table), len(columns)))
        for place, column in enumerate(columns):
            found[:, place] = column
        return {"numeric": found}

    def unseen(self, table: Table) -> tuple[str, ...]:
        """No moment is new."""
        return ()


def _part(column: DatetimeColumn, number: NumericColumn) -> str:
    return number.name.removeprefix(f"{column.name} ")


def part_of(read: Moments, part: str) -> NDArray[np.float64]:
    """Take one part out of moments: float64, NaN where there is none.

    Args:
        read: datetime64[us].
        part: "days" since 1970 with their fraction, "year", "month" 0 to 11, "weekday" 0 (Monday)
            to 6, "hour" with its fraction.

    >>> moment = moments(["2024-03-01 06:30"])
    >>> [float(part_of(moment, part)[0]) for part in ("year", "month", "weekday", "hour")]
    [2024.0, 2.0, 4.0, 6.5]
    """
    absent = np.isnat(read)
    known = np.where(absent, np.datetime64(0, "us"), read)
    midnight = known.astype("datetime64[D]").astype("datetime64[us]")
    hours = (known - midnight) / np.timedelta64(1, "h")
    days = midnight.astype("datetime64[D]").astype(np.int64)
    months = known.astype("datetime64[M]").astype(np.int64)
    found = {
        "days": days + hours / 24.0,
        "year": 1970.0 + months // 12,
        "month": months % 12,
        "weekday": (days + 3) % 7,
        "hour": hours,
    }[part].astype(np.float64)
    return np.where(absent, np.nan, found)


def feature_moments(table: Table, name: str, order: Order) -> Moments:
    """Read a column of moments: datetime64[us], NaT where missing.

    Raises:
        DataError: text that is no date or time, with row and column.
    """
    column = table.column(name).as_text()
    read = _read(column, order)
    wrong = np.flatnonzero(np.isnat(read) & ~column.missing)
    if len(wrong):
        row = int(wrong[0])
        level = column.levels[column.codes[row]]
        raise DataError(
            f"{table.place(row, name)}: {clipped(level)!r} is no date or time that is written "
            f"like the others{f' ({order})' if order else ''}; if it marks a missing value, name "
            "it (--missing)"
        )
    return read


def _read(column: TextColumn, order: Order) -> Moments:
    used = np.flatnonzero(column.counts())
    read = np.full(len(column.levels) + 1, "NaT", dtype="datetime64[us]")
    read[used] = moments([column.levels[code] for code in used], order)
    return read[column.codes]


def _recognise(sight: Sight) -> Feature | str | None:
    if not isinstance(sight.column, TextColumn):
        return None
    tried = sight.levels[:: max(1, len(sight.levels) // _TRIED)]
    either = [moments(tried, order) for order in ("day-first", "month-first")]
    if 2 * np.sum(np.isnat(either[0]) & np.isnat(either[1])) > len(tried):
        return None
    order = _order(sight)
    read = _read(sight.column, order)
    wrong = np.flatnonzero(np.isnat(read) & ~sight.column.missing)
    if len(wrong) > (1 - MOSTLY_DATES) * sight.present:
        return None
    if len(wrong):
        row = int(wrong[0])
        level = sight.text.levels[sight.text.codes[row]]
        raise DataError(
            f"{sight.table.place(row, sight.name)}: {clipped(level)!r} stands in a column "
            f"where {sight.present - len(wrong)} of {sight.present} values are dates; if it marks "
            "a missing value name it (--missing), or say that the column is text "
            f"(--types {quoted(sight.name)}=categorical)"
        )
    return _describe(sight, order, read)


def _take(sight: Sight) -> Feature | str:
    for order in ("day-first", "month-first"):
        if sight.how == (order,):
            return _describe(sight, order, feature_moments(sight.table, sight.name, order))
    if sight.how:
        raise ConfigurationError(
            f"types: {sight.name!r}: datetime:{'<'.join(sight.how)} is not possible; say "
            "datetime:day-first or datetime:month-first"
        )
    order = _order(sight)
    return _describe(sight, order, feature_moments(sight.table, sight.name, order))


def _order(sight: Sight) -> Order:
    found = day_order(sight.levels)
    if found.order is not None:
        return found.order
    given = quoted(sight.name)
    if found.day_first:
        raise DataError(
            f"{sight.table.place(sight.first_row(found.month_first), sight.name)}: "
            f"{found.month_first!r} puts the month first and {found.day_first!r} the day; write "
            f"the dates alike (2024-03-01), or say --types {given}=categorical or --drop {given}"
        )
    raise DataError(
        f"{sight.table.place(sight.first_row(found.example), sight.name)}: {found.example!r} may "
        "put the day or the month first, and no date of the column shows which; say --types "
        f"{given}=datetime:day-first, or datetime:month-first"
    )


def _describe(sight: Sight, order: Order, read: Moments) -> Feature | str:
    present = read[~np.isnat(read)]
    low, high = present.min(), present.max()
    if low == high and not sight.missing:
        return f"the same value in every row ({sight.levels[0]})"
    parts = [part for part in ("days", "year", *CYCLES) if _varies(present, part)]
    unit = "D" if np.all(part_of(present, "hour") == 0) else "m"
    ends = " to ".join(
        str(end.astype(f"datetime64[{unit}]")).replace("T", " ") for end in (low, high)
    )
    said = f", {order}" if order else ""
    detail = f"{ends}{said}; as {', '.join(parts) or 'known or not'}"
    return sight.feature("datetime", "dates or times", detail, (order,) if order else ())


def _varies(present: Moments, part: str) -> bool:
    values = part_of(present, part)
    return len(values) > 0 and bool(values.min() != values.max())


def _fit(table: Table, feature: Feature, fitting: Fitting) -> DatetimeColumn:
    order: Order = "day-first" if feature.how == ("day-first",) else "month-first"
    read = feature_moments(table, feature.name, order if feature.how else "")
    present = read[~np.isnat(read)]
    return DatetimeColumn(
        name=feature.name,
        order=order if feature.how else "",
        numbers=tuple(
            fit_numbers(f"{feature.name} {part}", part_of(present, part), fitting.scaling)
            for part in ("days", "year")
            if _varies(present, part)
        ),
        cycles=tuple(part for part in CYCLES if _varies(present, part)),
        indicator=len(present) < len(read),
    )


DATETIME = Kind(
    name="datetime",
    meaning="a date or time: days, year, cycles of month, weekday and hour",
    how="day-first|month-first",
    keeps_text=True,
    recognise=_recognise,
    take=_take,
    fit=_fit,
    fitted=DatetimeColumn,
)
