"""Each table that cannot be used is refused by a text that says what, where, and what to do."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from steepest.data import ReadOptions, infer_schema, read_blocks, read_table
from steepest.errors import ConfigurationError, DataError

FORTY = "x,y\n" + "".join(f"{row},{row % 2}\n" for row in range(40))

UNREADABLE: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["is empty", "header line"]),
    "blank lines": (b"\n\r\n\n", ["is empty"]),
    "header only": (b"a,b\n", ["has a header but no rows"]),
    "NUL bytes": (b"a,b\n1,2\n\x00\x01,2\n", ["line 3", "binary data"]),
    "NUL in the header": (b"a\x00,b\n1,2\n", ["line 1", "binary data"]),
    "Cyrillic": (
        "город,y\nМосква,1\n".encode("cp1251"),
        ["line 1", "0xe3", "--encoding"],
    ),
    "damaged UTF-8": ("name,y\né,1\n".encode() + b"caf\xe9,1\n", ["line 3", "0xe9", "--encoding"]),
    "damaged UTF-8, far down": (
        "é,b\n".encode() + b"1,2\n" * 300_000 + b"caf\xe9,2\n",
        ["line 300002", "0xe9", "--encoding"],
    ),
    "not UTF-8, far down": (
        b"a,b\n" + b"1,2\n" * 30_000 + b"\xff,2\n" + b"1,2\n" * 30_000,
        ["line 30002", "0xff"],
    ),
    "short row": (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", ["line 3", "2 fields", "header has 3"]),
    "long row": (b"a;b;c\n1;2;3\n4;5;6;7\n", ["line 3", "4 fields", "header has 3", "';'"]),
    "short row under a broken line": (
        b'a,b\n1,"x\ny"\n2,z\n3\n4,5\n',
        ["line 5", "1 field where", "header has 2", "','"],
    ),
    "most rows short": (b"a,b,c\n1,2\n3,4\n5,6\n", ["line 2", "2 fields", "header has 3"]),
    "one name, wide rows": (b"a\n1,2\n3,4\n", ["line 2", "2 fields", "header has 1"]),
    "far ragged row": (b"a,b\n" + b"1,2\n" * 90_000 + b"3\n", ["line 90002", "1 field where"]),
    "duplicate names": (b"a,b,a\n1,2,3\n", ["2 columns are called 'a'", "columns 1, 3"]),
    "data as header": (b"0,1,0\n1,2,3\n", ["called '0'", "--no-header"]),
    "no first name": (b",a\n0,1\n", ["column 1 has no name", "index=False"]),
    "no last name": (b"a,b,\n1,2,\n", ["column 3 has no name", "separator too many"]),
    "no name between": (b"a,,b\n1,2,3\n", ["column 2 has no name"]),
    "open quote": (b'a,b\n1,"x\n2,y\n3,z\n', ["line 2", "never closed", "--quote"]),
    "open quote, long": (b'a,b\n1,"x\n' + b"2,y\n" * 90_000, ["line 2", "never closed"]),
    "torn ZIP": (b"PK\x03\x04rest", ["damaged ZIP", "Excel"]),
    "torn gzip": (gzip.compress(b"a,b\n1,2\n" * 9_000)[:-20], ["damaged gzip"]),
    "gzip of nothing": (gzip.compress(b""), ["is empty"]),
    "torn Parquet": (b"PAR1 and no more", ["cannot be read as Parquet"]),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file(name: str, tmp_path: Path) -> None:
    content, told = UNREADABLE[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert_told(caught.value, ["table.csv", *told])


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file_in_blocks(name: str, tmp_path: Path) -> None:
    content, told = UNREADABLE[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_blocks(path, rows=1000))
    assert_told(caught.value, told)


def test_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "housing.csv").write_text(FORTY)
    with pytest.raises(DataError, match=r"housin\.csv does not exist; did you mean 'housing\.csv'"):
        read_table(tmp_path / "housin.csv")


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory"):
        read_table(tmp_path)


UNUSABLE: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "target not there": ("job,income\na,1\n", {"target": "incom"}, ["'incom'", "mean 'income'"]),
    "target all missing": ("x,y\n1,\n2,NA\n", {}, ["target 'y' has no value"]),
    "target constant text": ("x,y\n1,a\n2,a\n", {}, ["one class only ('a')"]),
    "target constant number": ("x,y\n1,2.5\n2,2.5\n", {}, ["2.5 in every row"]),
    "class of one row": (
        FORTY + "9,7\n",
        {},
        ["line 42", "class '7'", "one row only", "--task regression"],
    ),
    "class of one row, text": ("x,y\n1,a\n2,a\n3,b\n", {}, ["line 4", "class 'b'", "one row only"]),
    "text in a target of numbers": (
        FORTY.replace("\n9,1", "\n9,oops"),
        {},
        ["line 11", "'oops'", "39 of 40", "--missing"],
    ),
    "text in a regression": (
        "x,y\n1,1.5\n2,a\n3,b\n",
        {"task": "regression"},
        ["line 3", "column 'y'", "'a' is not a number"],
    ),
    "infinite target": ("x,y\n1,2.5\n2,inf\n", {}, ["line 3", "column 'y'", "infinite"]),
    "feature all missing": ("w,y\n,0\n?,0\nNA,1\n,1\n", {}, ["'w'", "no value in any row"]),
    "infinite feature": (FORTY + "-inf,1\n", {}, ["line 42", "column 'x'", "infinite", "--drop x"]),
    "overflowing feature": (FORTY + "1e999,1\n", {}, ["line 42", "column 'x'", "infinite"]),
    "text in a column of numbers": (
        FORTY + "oops,1\n",
        {},
        ["line 42", "column 'x'", "'oops'", "40 of 41", "--missing", "--types x=categorical"],
    ),
    "text in a column said to be numeric": (
        "x,y\n1,0\na,1\nb,0\n2,1\n",
        {"types": {"x": "numeric"}},
        ["line 3", "column 'x'", "'a' is not a number"],
    ),
    "target alone": ("y\n1\n2\n1\n2\n", {}, ["no column is left to learn from"]),
    "nothing left": (FORTY, {"drop": ["x"]}, ["no column is left", "'x': dropped by option"]),
    "unknown feature": (FORTY, {"features": ["xx"]}, ["features", "'xx'", "did you mean 'x'"]),
    "unknown dropped": (FORTY, {"drop": ["xx"]}, ["drop", "'xx'", "did you mean 'x'"]),
    "unknown type": (FORTY, {"types": {"xx": "drop"}}, ["types", "'xx'", "did you mean 'x'"]),
    "unknown weight": (FORTY, {"sample_weight": "w"}, ["sample_weight", "'w'"]),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_table(name: str, tmp_path: Path) -> None:
    content, given, told = UNUSABLE[name]
    options = dict(given)
    path = tmp_path / "table.csv"
    path.write_text(content)
    table = read_table(path)
    target = options.pop("target", "y")
    with pytest.raises(DataError) as caught:
        infer_schema(table, target, **options)
    assert_told(caught.value, told)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"types": {"y": "numeric"}}, ["'y' is the target", "task"]),
        ({"drop": ["y"]}, ["'y' is the target"]),
        ({"sample_weight": "y"}, ["'y' is the target"]),
        ({"types": {"x": "number"}}, ["'number'", "did you mean 'numeric'"]),
    ],
)
def test_impossible_schema_option(options: dict[str, Any], told: list[str], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(FORTY)
    with pytest.raises(ConfigurationError) as caught:
        infer_schema(read_table(path), "y", **options)
    assert_told(caught.value, told)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"separator": ",,"}, "separator"),
        ({"separator": ""}, "separator"),
        ({"separator": "\n"}, "end of a line"),
        ({"separator": '"'}, "separator and quote"),
        ({"quote": "''"}, "quote"),
        ({"decimal": ";"}, "decimal"),
        ({"separator": ",", "decimal": ","}, "separator and decimal"),
        ({"encoding": "klingon"}, "latin-1"),
    ],
)
def test_impossible_read_option(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        ReadOptions(**options)


def assert_told(error: Exception, told: list[str]) -> None:
    text = str(error)
    for part in told:
        assert part in text, f"{part!r} is not said in: {text}"
    assert "\n" not in text
