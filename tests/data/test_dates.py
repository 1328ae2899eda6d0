"""Dates and times: read, and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from steepest.data import Preprocessor, infer_schema, read_table
from steepest.data.dates import Order, day_order, moments
from steepest.data.kinds.datetime import part_of
from steepest.errors import ConfigurationError, DataError

LABELS = ["no", "yes"] * 12
DAYS = pd.date_range("2023-11-20 06:15", periods=24, freq="53h")

PATTERNS: list[tuple[str, Order]] = [
    ("%Y-%m-%d %H:%M:%S", ""),
    ("%Y-%m-%dT%H:%M:%S", ""),
    ("%Y-%m-%dT%H:%M:%S.%f", ""),
    ("%Y-%m-%d %H:%M:%S+02:00", ""),
    ("%Y-%m-%dT%H:%M:%SZ", ""),
    ("%Y/%m/%d %H:%M:%S", ""),
    ("%d.%m.%Y %H:%M:%S", "day-first"),
    ("%d. %m. %Y %H:%M:%S", "day-first"),
    ("%d/%m/%y %H:%M:%S", "day-first"),
    ("%m/%d/%Y %I:%M:%S %p", "month-first"),
    ("%m-%d-%Y %H:%M:%S", "month-first"),
    ("%d %b %Y %H:%M:%S", ""),
    ("%d-%b-%y %H:%M:%S", ""),
    ("%d %B %Y, %H:%M:%S", ""),
    ("%B %d, %Y %I:%M:%S %p", ""),
    ("%a, %d %b %Y %H:%M:%S GMT", ""),
    ("%A, %B %d, %Y %H:%M:%S", ""),
]


@pytest.mark.parametrize(("pattern", "order"), PATTERNS)
@given(moment=st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)))
def test_what_python_writes_is_read_back(pattern: str, order: Order, moment: datetime) -> None:
    if "%f" not in pattern:
        moment = moment.replace(microsecond=0)
    found = moments([moment.strftime(pattern), "x"], order)
    assert found[0] == np.datetime64(moment, "us")
    assert np.isnat(found[1])


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "31.4.2024", "2024-13-01", "25:00", "12:60", "1.2", "1/2-2024", "0/1/2024",
     "13:00 pm", "10-20-30", "12 Foo 2024", "2024", "20240301", "March", "1.2.3.4", "-1", "today"],
)  # fmt: skip
def test_no_dates(text: str) -> None:
    for order in ("day-first", "month-first"):
        if (text, order) != ("10-20-30", "month-first"):
            assert np.isnat(moments([text], order)[0])


@given(st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), min_size=1))
def test_parts_against_pandas(found: list[datetime]) -> None:
    known = pd.Series(found, dtype="datetime64[us]")
    read = known.to_numpy()
    np.testing.assert_array_equal(part_of(read, "year"), known.dt.year)
    np.testing.assert_array_equal(part_of(read, "month"), known.dt.month - 1)
    np.testing.assert_array_equal(part_of(read, "weekday"), known.dt.day_of_week)
    midnight = known.dt.normalize()
    hours = (known - midnight).dt.total_seconds() / 3600
    np.testing.assert_allclose(part_of(read, "hour"), hours, atol=1e-9)
    days = (known - pd.Timestamp(0)).dt.total_seconds() / 86400
    np.testing.assert_allclose(part_of(read, "days"), days, atol=1e-6)


@pytest.mark.parametrize(
    ("levels", "order"),
    [
        (["1/3/2024", "25/3/2024"], "day-first"),
        (["1/3/2024", "3/25/2024"], "month-first"),
        (["1/3/2024", "2/4/2024"], None),
        (["25/3/2024", "3/25/2024"], None),
        (["1.3.2024", "2.4.2024"], "day-first"),
        (["1.3.2024", "3.25.2024"], "month-first"),
        (["2024-03-01"], ""),
    ],
)
def test_where_the_day_stands(levels: list[str], order: Order | None) -> None:
    assert day_order(levels).order == order


def fit(values: Sequence[object], **types: str) -> tuple[Preprocessor, np.ndarray[Any, Any]]:
    table = read_table({"day": values, "y": LABELS[: len(values)]})
    fitted = Preprocessor.fit(table, infer_schema(table, "y", types=types), scaling="none")
    return fitted, fitted.transform(table)["numeric"]


def expected(days: pd.DatetimeIndex) -> np.ndarray[Any, Any]:
    columns: list[Any] = [(days - pd.Timestamp(0)) / pd.Timedelta(days=1), days.year]
    hours = days.hour + days.minute / 60
    for values, period in ((days.month - 1, 12), (days.day_of_week, 7), (hours, 24)):
        angle = 2 * np.pi * np.asarray(values) / period
        columns += [np.sin(angle), np.cos(angle)]
    return np.stack([np.asarray(each, dtype=np.float64) for each in columns], axis=1)


SOURCES: dict[str, Any] = {
    "text": [str(each) for each in DAYS],
    "dotted": [each.strftime("%d.%m.%Y %H:%M") for each in DAYS],
    "timestamps": list(DAYS),
    "numpy": DAYS.to_numpy(),
    "python": [each.to_pydatetime() for each in DAYS],
    "with a zone": list(DAYS.tz_localize("Europe/Berlin")),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_moment_as_numbers(source: str) -> None:
    fitted, found = fit(SOURCES[source])
    assert fitted.numeric_names == (
        "day days", "day year", "day month sin", "day month cos", "day weekday sin",
        "day weekday cos", "day hour sin", "day hour cos",
    )  # fmt: skip
    assert fitted.continuous == tuple(range(8))
    np.testing.assert_allclose(found, expected(DAYS), rtol=1e-6, atol=1e-6)
    feature = fitted.schema.features[0]
    assert feature.kind == "datetime"
    assert "2023-11-20 06:15 to 2024-01-10" in feature.detail


def test_only_what_varies() -> None:
    same_year = [f"2024-03-{row:02}" for row in range(1, 25)]
    assert fit(same_year)[0].numeric_names == ("day days", "day weekday sin", "day weekday cos")
    mondays = [str(day.date()) for day in pd.date_range("2024-01-01", periods=24, freq="7D")]
    assert fit(mondays)[0].numeric_names == ("day days", "day month sin", "day month cos")
    clock = [f"{row:02}:30" for row in range(24)]
    assert fit(clock)[0].numeric_names == ("day days", "day hour sin", "day hour cos")


def test_missing_moments() -> None:
    values = [None, *(f"2024-03-{row:02}" for row in range(1, 24))]
    fitted, found = fit(values)
    assert fitted.numeric_names[-1] == "day is missing"
    assert found[:, -1].tolist() == [1.0] + [0.0] * 23
    assert found[0, 0] == np.median(found[1:, 0])
    assert found[0, 1:3].tolist() == [0.0, 0.0]
    # Where training missed none, a missing one is the median and no time of the week.
    whole, _ = fit(values[1:])
    rows = whole.transform(read_table({"day": [None, "2024-03-02"]}))["numeric"]
    assert rows[0].tolist() == [np.float32(np.median(found[1:, 0])), 0.0, 0.0]


def test_the_order_of_the_whole_column_counts() -> None:
    fitted, _ = fit([f"{1 + row % 28}/{1 + row % 12}/2024" for row in range(24)])
    assert "day-first" in fitted.schema.describe()
    table = read_table({"day": ["2/1/2024", "1/2/2024"]})  # alone they would not tell
    days = fitted.transform(table)["numeric"][:, 0]
    assert np.diff(days).tolist() == [30.0]


UNCLEAR = {
    "no date tells": ([f"{1 + row % 12}/{1 + row % 9}/24" for row in range(24)],
                      ["row 1", "'1/1/24'", "--types day=datetime:day-first"]),
    "both ways": (["25/3/2024", "3/25/2024"] * 12, ["row 2", "'3/25/2024'", "'25/3/2024' the day"]),
    "no date": (["2024-03-01"] * 20 + ["2024-03-02"] * 3 + ["soon"],
                ["row 24", "'soon'", "23 of 24", "--missing", "--types day=categorical"]),
    "no such day": (["2024-02-28"] * 20 + ["2024-02-29"] * 3 + ["2024-02-30"],
                    ["row 24", "'2024-02-30'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_is_unclear_is_refused(name: str) -> None:
    values, told = UNCLEAR[name]
    with pytest.raises(DataError) as caught:
        fit(values)
    for words in told:
        assert words in str(caught.value)


def test_who_says_where_the_day_stands_is_heard() -> None:
    values = [f"{1 + row % 12}/{1 + row % 9}/2024" for row in range(24)]
    for how, first in (("day-first", "2024-02-03"), ("month-first", "2024-03-02")):
        fitted, _ = fit(values, day=f"datetime:{how}")
        days = fitted.transform(read_table({"day": ["3/2/2024", first]}))["numeric"][:, 0]
        assert days[0] == days[1]
    with pytest.raises(ConfigurationError, match="datetime:day-first or datetime:month-first"):
        fit(values, day="datetime:year-first")


def test_rows_that_do_not_fit() -> None:
    fitted, _ = fit([f"2024-03-{row:02}" for row in range(1, 25)])
    for value in ("soon", "7", "3.1.2024"):
        with pytest.raises(DataError, match=r"row 2, column 'day': .* is no date or time"):
            fitted.transform(read_table({"day": ["2024-03-01", value]}))


@pytest.mark.parametrize("values", [["a", "2024-03-01"] * 12, ["10-20", "3-4"] * 12])
def test_half_dates_are_categories(values: list[str]) -> None:
    table = read_table({"day": values, "y": LABELS})
    assert infer_schema(table, "y").features[0].kind == "categorical"
