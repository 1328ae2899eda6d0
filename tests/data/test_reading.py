"""What a file says is what a table holds, however it is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from steepest.data import (
    NumberColumn,
    ReadOptions,
    Table,
    TextColumn,
    read_blocks,
    read_names,
    read_table,
)
from steepest.data.table import parse_number

EXPECTED = {"size": ["1.5", "", "3.0"], "sort": ["a, b", "", 'say "c"']}

WAYS: dict[str, bytes] = {
    "plain": b'size,sort\n1.5,"a, b"\n,\n3,"say ""c"""\n',
    "no last line end": b'size,sort\n1.5,"a, b"\n,\n3,"say ""c"""',
    "CRLF": b'size,sort\r\n1.5,"a, b"\r\n,\r\n3,"say ""c"""\r\n',
    "CR": b'size,sort\r1.5,"a, b"\r,\r3,"say ""c"""\r',
    "blanks": b'size , sort\n 1.5, "a, b" \n NA , ? \n 3 ,"say ""c"""\n',
    "byte-order mark": b'\xef\xbb\xbfsize,sort\n1.5,"a, b"\n,\n3,"say ""c"""\n',
    "UTF-16": 'size\tsort\n1.5\ta, b\n\tnull\n3\t"say ""c"""\n'.encode("utf-16"),
    "tabs": b'size\tsort\n1.5\ta, b\n\tNaN\n3\t"say ""c"""\n',
    "semicolons, decimal commas": b'size;sort\n1,5;a, b\n;\n3,0;"say ""c"""\n',
    "bars": b'size|sort\n1.5|a, b\n|\n3|"say ""c"""\n',
    "blank lines": b'\n\nsize,sort\n1.5,"a, b"\n\n,\n3,"say ""c"""\n\n\n',
    "gzip": gzip.compress(b'size,sort\n1.5,"a, b"\n,\n3,"say ""c"""\n'),
    "two gzip members": gzip.compress(b'size,sort\n1.5,"a, b"\n,\n')
    + gzip.compress(b'3,"say ""c"""\n'),
}


@pytest.mark.parametrize("way", WAYS)
def test_one_table_written_in_many_ways(way: str, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(WAYS[way])
    table = read_table(path)
    assert {name: column.texts() for name, column in table.columns.items()} == EXPECTED
    assert isinstance(table.columns["size"], NumberColumn)
    assert read_names(path) == ("size", "sort")
    blocks = list(read_blocks(path, rows=2))
    assert [len(block) for block in blocks] == [2, 1]
    assert [text for block in blocks for text in block.columns["sort"].texts()] == EXPECTED["sort"]


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('a,b\n\n1,"x\ny"\n\n2,z\n3,w')
    table = read_table(path)
    assert table.numbers.tolist() == [3, 6, 7]
    assert table.place(1, "b") == f"{path}, line 6, column 'b'"
    assert table.take(np.array([2, 0])).numbers.tolist() == [7, 3]
    assert [block.numbers.tolist() for block in read_blocks(path, rows=2)] == [[3, 6], [7]]


def test_no_header(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("1, a\n2, b\n")
    table = read_table(path, ReadOptions(header=False))
    assert table.names == ("column_1", "column_2")
    assert table.columns["column_2"].texts() == ["a", "b"]


def test_missing_markers_replace_the_usual_ones(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n-999,NA\n-999.0,none\n4,\n")
    table = read_table(path, ReadOptions(missing=("-999", "none")))
    assert table.columns["a"].missing.tolist() == [True, True, False]
    assert table.columns["b"].texts() == ["NA", "", ""]


def test_text_columns_keep_the_text_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("zip,size\n01,1.50\n02,2\n")
    assert read_table(path).columns["zip"].texts() == ["1", "2"]
    assert read_table(path, text_columns=["zip"]).columns["zip"].texts() == ["01", "02"]
    everything = read_table(path, text_columns=None)
    assert everything.columns["size"].texts() == ["1.50", "2"]


WIDE = ",".join(f"w{place}" for place in range(63))
ZEROS = ",".join("0" for _ in range(63))
MANY = 3000  # rows: more than one block of 64 columns


def test_text_far_below_numbers(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = "".join(f"{row}.50,{ZEROS}\n" for row in range(MANY))
    path.write_text(f"a,{WIDE}\n{rows}?,{ZEROS}\nend,{ZEROS}\n")
    table = read_table(path)
    column = table.columns["a"]
    assert isinstance(column, TextColumn)
    assert column.texts() == [*(f"{row}.50" for row in range(MANY)), "", "end"]
    other = table.columns["w7"]
    assert isinstance(other, NumberColumn)
    assert not other.values.any()


def test_a_column_is_whole_if_all_of_it_is(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = [f"{row},{ZEROS}\n" for row in range(MANY)]
    path.write_text(f"a,{WIDE}\n0.5,{ZEROS}\n{''.join(rows)}")
    assert read_table(path).columns["a"].texts()[:3] == ["0.5", "0.0", "1.0"]


def test_text_far_below_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"a,{WIDE}\n" + f"?,{ZEROS}\n" * MANY + f"end,{ZEROS}\n")
    assert read_table(path).columns["a"].texts() == [*[""] * MANY, "end"]


@pytest.mark.parametrize("text", ["1_000", "0x10", "1,5", "1 2", "one", "--1", "1e", "١_٢"])
def test_what_is_no_number(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text(f"a\tb\n{text}\t1.5\n2\t2\n")
    assert isinstance(read_table(path).columns["a"], TextColumn)
    assert parse_number(text) is None


def test_nan_is_text_when_it_is_no_marker(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a\nnan\n2\n")
    column = read_table(path, ReadOptions(missing=("NA",))).columns["a"]
    assert column.texts() == ["nan", "2"]


def test_the_comma_wins_a_tie(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b|c\n1,2|3\n")
    assert read_names(path) == ("a", "b|c")


@pytest.mark.parametrize("number", ["1,234", "12,345,678"])
def test_groups_of_thousands_are_not_taken_for_decimals(number: str, tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text(f"a\tb\n{number}\tx\n5,678\ty\n")
    assert read_table(path).columns["a"].texts() == [number, "5,678"]


def test_quotes_can_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('a,b\n5" pipe,1\n"x,2\n')
    table = read_table(path, ReadOptions(quote=""))
    assert table.columns["a"].texts() == ['5" pipe', '"x']


def test_stray_quotes_inside_a_field(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('a,b\n5" pipe,1\n6" pipe,2\n')
    assert read_table(path).columns["a"].texts() == ['5" pipe', '6" pipe']


@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(allow_nan=False)),
            st.one_of(st.none(), st.integers(-(2**53), 2**53)),
        ),
        min_size=1,
    )
)
@settings(deadline=None, max_examples=50)
def test_numbers_come_back_exactly(
    rows: list[tuple[float | None, int | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("numbers") / "table.csv"
    lines = [
        f"{'NA' if real is None else repr(real)},{'' if whole is None else whole}\n"
        for real, whole in rows
    ]
    path.write_text("real,whole\n" + "".join(lines))
    table = read_table(path)
    for name, place in (("real", 0), ("whole", 1)):
        column = table.columns[name]
        assert isinstance(column, NumberColumn)
        expected = [np.nan if row[place] is None else float(row[place] or 0.0) for row in rows]
        np.testing.assert_array_equal(column.values, expected)
    assert table.columns["whole"].texts() == [
        "" if whole is None else str(whole) for _, whole in rows
    ]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            """CREATE TABLE rows AS SELECT i AS whole, i / 4 AS real,
            CAST(i / 8 AS DECIMAL(9, 3)) AS exact,
            CASE WHEN i % 3 = 0 THEN NULL ELSE 'level ' || (i % 5) END AS "a ""text"" ",
            i % 2 = 0 AS truth, DATE '2020-01-01' + CAST(i AS INTEGER) AS day
            FROM range(5000) numbers(i)"""
        )
        connection.execute(f"COPY rows TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    return path


def test_parquet(parquet: Path) -> None:
    table = read_table(parquet)
    assert len(table) == 5000
    assert table.numbers[[0, -1]].tolist() == [1, 5000]
    whole, real, exact = (table.columns[name] for name in ("whole", "real", "exact"))
    assert isinstance(whole, NumberColumn)
    assert whole.whole
    np.testing.assert_array_equal(whole.values, np.arange(5000.0))
    assert isinstance(real, NumberColumn)
    np.testing.assert_array_equal(real.values, np.arange(5000) / 4)
    assert isinstance(exact, NumberColumn)
    np.testing.assert_array_equal(exact.values, np.arange(5000) / 8)
    assert table.columns['a "text" '].texts()[:4] == ["", "level 1", "level 2", ""]
    assert table.columns["truth"].texts()[:2] == ["true", "false"]
    assert table.columns["day"].texts()[1] == "2020-01-02"


def test_parquet_in_blocks(parquet: Path) -> None:
    whole = read_table(parquet, text_columns=["whole"])
    blocks = list(read_blocks(parquet, rows=777, text_columns=["whole"]))
    assert [len(block) for block in blocks] == [777] * 6 + [338]
    for name in whole.names:
        joined = [text for block in blocks for text in block.columns[name].texts()]
        assert joined == whole.columns[name].texts()
    assert np.concatenate([block.numbers for block in blocks]).tolist() == whole.numbers.tolist()


def test_a_table_is_read_as_it_is() -> None:
    table = read_table({"a": [1, 2]})
    assert isinstance(table, Table)
    assert read_table(table) is table
