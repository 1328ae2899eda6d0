"""Frames in memory mean what a file of the same table means."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from steepest.data import NumberColumn, TextColumn, infer_schema, read_blocks, read_table
from steepest.errors import DataError

PLAIN: dict[str, Any] = {
    "whole": [1, 2, 3],
    "real": [0.5, None, 2.0],
    "text": ["a", "?", " b "],
    "truth": [True, False, True],
    "day": [datetime.date(2020, 1, 2)] * 3,
}
TEXTS = {
    "whole": ["1", "2", "3"],
    "real": ["0.5", "", "2.0"],
    "text": ["a", "", "b"],
    "truth": ["True", "False", "True"],
    "day": ["2020-01-02"] * 3,
}


def frame(kind: str) -> object:
    if kind == "dict":
        return PLAIN
    if kind == "pandas":
        return pd.DataFrame(PLAIN)
    if kind == "pandas nullable":
        return pd.DataFrame(PLAIN).convert_dtypes()
    if kind == "polars":
        return pl.DataFrame(PLAIN)
    return pa.table(PLAIN)


@pytest.mark.parametrize("kind", ["dict", "pandas", "pandas nullable", "polars", "arrow"])
def test_frames_of_every_kind(kind: str) -> None:
    table = read_table(frame(kind))
    assert {name: column.texts() for name, column in table.columns.items()} == TEXTS
    kinds = {name: type(column) for name, column in table.columns.items()}
    assert kinds["whole"] is kinds["real"] is NumberColumn
    assert kinds["text"] is kinds["truth"] is TextColumn
    assert table.place(1) == "row 2"


def test_pandas_special_columns() -> None:
    table = read_table(
        pd.DataFrame(
            {
                "level": pd.Categorical(["x", None, "y"]),
                "time": pd.to_datetime(["2020-01-02", "", "2021-01-01"]),
                "mixed": [1, "two", None],
                "objects": np.array([1, 2.5, None], dtype=object),
                "flag": pd.array([True, None, False], dtype="boolean"),
                "small": np.array([1, 2, 3], dtype=np.uint8),
            }
        )
    )
    texts = {name: column.texts() for name, column in table.columns.items()}
    assert texts["level"] == ["x", "", "y"]
    assert texts["time"] == ["2020-01-02 00:00:00", "", "2021-01-01 00:00:00"]
    assert texts["mixed"] == ["1", "two", ""]
    assert texts["objects"] == ["1.0", "2.5", ""]
    assert texts["flag"] == ["True", "", "False"]
    assert texts["small"] == ["1", "2", "3"]


def test_dict_of_arrays() -> None:
    table = read_table(
        {
            "half": np.array([1, 2], dtype=np.float16),
            "time": np.array(["2020-01-01", "NaT"], dtype="datetime64[ns]"),
            "text": np.array(["a", "b"]),
            "numpy": [np.float32(0.5), np.int64(2)],
            "gone": [pd.NA, pd.NaT],
        }
    )
    texts = {name: column.texts() for name, column in table.columns.items()}
    assert texts["half"] == ["1.0", "2.0"]
    assert texts["time"] == ["2020-01-01T00:00:00.000000000", ""]
    assert texts["text"] == ["a", "b"]
    assert texts["numpy"] == ["0.5", "2.0"]
    assert texts["gone"] == ["", ""]


@pytest.mark.parametrize("kind", ["dict", "array", "pandas", "polars", "arrow"])
def test_durations_are_seconds(kind: str) -> None:
    spans = [datetime.timedelta(days=2), None, datetime.timedelta(milliseconds=-1500)]
    made: dict[str, Any] = {
        "dict": {"t": spans},
        "array": {"t": np.array(spans, "timedelta64[ms]")},
        "pandas": pd.DataFrame({"t": spans}),
        "polars": pl.DataFrame({"t": spans}),
        "arrow": pa.table({"t": spans}),
    }
    column = read_table(made[kind]).column("t")
    assert isinstance(column, NumberColumn)
    np.testing.assert_array_equal(column.values, [172800.0, np.nan, -1.5])


def test_blocks_of_a_frame_keep_their_row_numbers() -> None:
    blocks = list(read_blocks({"a": list(range(5))}, rows=2))
    assert [block.numbers.tolist() for block in blocks] == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (3, "a int is not a table"),
        ([[1, 2]], "a list is not a table"),
        ({"a": [1, 2], "b": [1]}, "column 'b' has 1 rows where column 'a' has 2"),
        ({"a": [[1, 2], [3, 4]]}, "2 dimensions"),
        ({"a": [[1, 2], [3]]}, "nested"),
        ({"a": [{}, {}]}, "nested"),
        ({3: [1, 2]}, "column names must be text"),
        ({"": [1, 2]}, "column names must be text"),
        ({}, "no columns"),
        ({"a": 3}, "0 dimensions"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a'"),
        (pd.DataFrame([[1, 2]]), "column names must be text"),
        (pl.LazyFrame({"a": [1, 2]}), "a LazyFrame has no rows yet: give what its collect"),
    ],
)
def test_what_is_no_table(source: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_table(source)


def test_missing_column_tells_the_nearest() -> None:
    with pytest.raises(DataError, match="no column 'incom'; did you mean 'income'"):
        infer_schema(read_table({"income": [1, 2], "x": [1, 2]}), "incom")
    with pytest.raises(DataError, match="has no column 'price'; its columns: 'a', 'b'"):
        read_table({"a": [1, 2], "b": [1, 2]}).column("price")
