"""CSV against the csv module and against itself: quick ways change nothing, lines are counted."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from steepest.data import NumberColumn, ReadOptions, Table, TextColumn, read_blocks, read_table
from steepest.data.plain_lines import PlainLines
from steepest.data.table import parse_number
from steepest.errors import ConfigurationError, DataError

FIELD = st.text(alphabet="aé0.5-,;\"\n\r #'", max_size=6)


def texts(table: Table) -> list[list[str]]:
    columns = [column.texts() for column in table.columns.values()]
    return [list(row) for row in zip(*columns, strict=True)]


@given(
    rows=st.lists(st.lists(FIELD, min_size=3, max_size=3), min_size=1, max_size=12),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(deadline=None, max_examples=80)
def test_fields_are_those_of_the_csv_module(
    rows: list[list[str]],
    separator: str,
    end: str,
    quoting: Literal[0, 1],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # Python's writer quotes no line ends but its own
        others = str.maketrans("", "", "".join({*"\r\n"} - {*end}))
        rows = [[field.translate(others) for field in row] for row in rows]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([["x", "y", "z"], *rows])
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_bytes(file.getvalue().encode())
    options = ReadOptions(separator=separator, missing=())
    expected = [[field.strip() for field in row] for row in rows]
    table = read_table(path, options, text_columns=None)
    assert texts(table) == expected
    blocks = read_blocks(path, options, rows=5, text_columns=None)
    assert [row for block in blocks for row in texts(block)] == expected
    # Line numbers: as many line ends stand before a record as the csv module has counted.
    reader = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=separator)
    next(reader)
    starts = [reader.line_num + 1, *(reader.line_num + 1 for _ in reader)][: len(rows)]
    assert table.numbers.tolist() == starts


MARKERS = ("NA", "NaN", "nan", "null", "?", "-999")
NUMBER = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["", "NA", "NaN", "nan", "null", "?", " 1.5", "2 ", "1e3", "-.5", "1E-400"]),
    st.sampled_from(["-999", "-999.0", "inf", "-Infinity", "+7", "00012", "1.", " ", " NA "]),
)
ODD = st.sampled_from(
    ["1_0", "NAN", "-nan", "0x1f", "1,5", "one", "1 2", "٣", "1.5.2", "--1", "e5"]
)


@given(
    rows=st.lists(st.lists(NUMBER, min_size=3, max_size=3), min_size=1, max_size=20),
    odd=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 2), ODD), max_size=2),
    end=st.sampled_from(["\n", "\r\n"]),
    decimal=st.sampled_from([".", ","]),
    last=st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_numbers_at_once_are_those_of_each_field(
    rows: list[list[str]],
    odd: list[tuple[int, int, str]],
    end: str,
    decimal: str,
    last: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    for row, column, text in odd:
        rows[row % len(rows)][column] = text
    if decimal == ",":
        rows = [[text.replace(".", ",") for text in row] for row in rows]
    folder = tmp_path_factory.mktemp("numbers")
    lines = ["w\tx\ty\tz", *("\t".join([*row, "label"]) for row in rows)]
    plain, quoted = folder / "plain.tsv", folder / "quoted.tsv"
    plain.write_bytes((end.join(lines) + end * last).encode())
    # A quote in each line sends it to the csv module.
    quoted.write_bytes((end.join(line.replace("label", '"label"') for line in lines)).encode())
    options = ReadOptions(separator="\t", decimal=decimal, missing=MARKERS)
    for path in (plain, quoted):
        table = read_table(path, options)
        assert table.numbers.tolist() == list(range(2, len(rows) + 2))
        for place, name in enumerate("wxy"):
            column = table.columns[name]
            fields = [row[place].strip() for row in rows]
            present = [field for field in fields if field not in {"", *MARKERS}]
            parsed = [parse_number(field, decimal) for field in present]
            if None in parsed:
                assert isinstance(column, TextColumn)
                assert column.texts() == [field if field in present else "" for field in fields]
                continue
            assert isinstance(column, NumberColumn)
            values = dict(zip(present, parsed, strict=True))
            expected = np.array([values.get(field, np.nan) for field in fields], dtype=np.float64)
            expected[expected == -999] = np.nan
            np.testing.assert_array_equal(column.values, expected)
            assert column.whole == (not any(sign in "".join(present) for sign in ".,eEnN"))


def test_wide_numbers_are_read_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found: list[bool] = []
    matrix = PlainLines.matrix

    def noted(self: PlainLines, *given: object) -> object:
        result = matrix(self, *given)  # pyright: ignore[reportArgumentType]
        found.append(result is not None)
        return result

    monkeypatch.setattr(PlainLines, "matrix", noted)
    values = np.random.default_rng(0).normal(size=(300, 1000)).round(4)
    lines = [",".join(f"x{at}" for at in range(1000)) + ",label"]
    lines += [",".join(map(str, row)) + ",none" for row in values.tolist()]
    lines[7] = ",,," + lines[7].split(",", 3)[3]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(lines))
    table = read_table(path, text_columns=["label"])
    assert found == [True] * 3  # 131 rows of 1,001 fields at once
    read = np.array([table.columns[f"x{at}"].values for at in range(1000)]).T  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    values[6, :3] = np.nan
    np.testing.assert_array_equal(read, values)
    assert isinstance(table.columns["label"], TextColumn)


COMMENTS: dict[str, tuple[str, ReadOptions, tuple[str, ...], list[list[str]], list[int]]] = {
    "above the header": (
        "# made\n# by hand, in May\nx,y\n1,a\n",
        ReadOptions(),
        ("x", "y"),
        [["1", "a"]],
        [4],
    ),
    "a header with #": ("#x,y\n1,a\n", ReadOptions(), ("#x", "y"), [["1", "a"]], [2]),
    "above a header with #": ("# made\n#x,y\n1,a\n", ReadOptions(), ("#x", "y"), [["1", "a"]], [3]),
    "blank lines too": ("# made\n\n\nx,y\n1,a\n", ReadOptions(), ("x", "y"), [["1", "a"]], [5]),
    "above no header": (
        "# made\n1,a\n",
        ReadOptions(header=False),
        ("column_1", "column_2"),
        [["1", "a"]],
        [2],
    ),
    "anywhere, by option": (
        "x,y\n# one\n1,a\n# two\n# three\n2,b\n#end",
        ReadOptions(comment="#"),
        ("x", "y"),
        [["1", "a"], ["2", "b"]],
        [3, 6],
    ),
    "none within quotes": (
        'x,y\n1,"a\n#b"\n#2,c\n',
        ReadOptions(comment="#"),
        ("x", "y"),
        [["1", "a\n#b"]],
        [2],
    ),
    "another sign": ("%x\nx,y\n1,#\n", ReadOptions(comment="%"), ("x", "y"), [["1", "#"]], [3]),
    "data with #": ("x,y\n#1,a\n", ReadOptions(), ("x", "y"), [["#1", "a"]], [2]),
}


@pytest.mark.parametrize("name", COMMENTS)
def test_comments(name: str, tmp_path: Path) -> None:
    text, options, names, rows, numbers = COMMENTS[name]
    path = tmp_path / "table.csv"
    path.write_text(text)
    table = read_table(path, options, text_columns=None)
    assert (table.names, texts(table), table.numbers.tolist()) == (names, rows, numbers)
    told = " ".join(table.notes)
    assert ("left out as comments" in told) == (text.startswith("# made"))


@pytest.mark.parametrize("comment", [",x", '"', "\n"])
def test_impossible_comments(comment: str) -> None:
    with pytest.raises(ConfigurationError, match="comment cannot be"):
        ReadOptions(comment=comment, separator=",")


def test_mixed_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'x,y\r\n1,a\n2,b\r3,"c\r\nd"\r\n\r4,e')
    table = read_table(path)
    assert texts(table) == [["1", "a"], ["2", "b"], ["3", "c\r\nd"], ["4", "e"]]
    assert table.numbers.tolist() == [2, 3, 4, 7]


@pytest.mark.parametrize(
    "field", ["x" * 10_000_000, '"' + f"{'x' * 97},\n" * 100_000 + '"'], ids=["plain", "quoted"]
)
def test_a_field_of_ten_megabytes(field: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"a,b\n1,{field}\n2,y\n")
    table = read_table(path)
    assert table.columns["b"].texts() == [field.strip('"\n'), "y"]


def test_decimal_commas_are_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a;b\n1,5;x\n2,25;y\n")
    table = read_table(path)
    assert texts(table) == [["1.5", "x"], ["2.25", "y"]]
    assert "decimal commas" in table.notes[0]
    assert not read_table(path, ReadOptions(decimal=",")).notes


def test_text_far_below_numbers_in_blocks(tmp_path: Path) -> None:
    wide = ",".join("0" * 63)
    path = tmp_path / "table.csv"
    rows = "".join(f"{row}.50,{wide}\n" for row in range(3000))
    path.write_text("a," + ",".join(f"w{at}" for at in range(63)) + f"\n{rows}end,{wide}\n")
    (block,) = read_blocks(path, rows=5000)
    assert block.columns["a"].texts()[-2:] == ["2999.50", "end"]


def test_a_ragged_line_among_plain_ones(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    # One field too few and one too many: together as many separators as there should be.
    path.write_text("a,b,c\n" + "1,2,3\n" * 50 + "1,2\n1,2,3,4\n" + "1,2,3\n" * 50)
    with pytest.raises(DataError, match="line 52: 2 fields where the header has 3"):
        read_table(path)
