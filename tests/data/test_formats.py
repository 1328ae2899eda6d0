"""Every format, packing and encoding gives one table; what is wrong is told with its place."""

from __future__ import annotations

import bz2
import contextlib
import csv
import datetime
import gzip
import io
import json
import lzma
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from kit import workbooks
from steepest.data import NumberColumn, ReadOptions, open_table, read_blocks, read_names, read_table
from steepest.data.packing import PACKINGS
from steepest.data.readers import format_of, formats
from steepest.errors import ConfigurationError, DataError

ROWS = 7
HEADER = ["size", "count", "sort", "born", "true"]
SIZES = [1.5, None, -3.25, 1e10, 0.1, 2.0, 7.125]
COUNTS = [3, 1, 4, 1, 5, 9, 2]
SORTS = ["a, b", None, 'say "c"', "größe", "x\ny", "a, b", "z"]
BORN = [datetime.date(2024, 3, 1) + datetime.timedelta(days=40 * row) for row in range(ROWS)]
TRUE = [row % 2 == 0 for row in range(ROWS)]
RECORDS = list(zip(SIZES, COUNTS, SORTS, BORN, TRUE, strict=True))
EXPECTED = pd.DataFrame(
    {
        "size": np.array(SIZES, dtype=np.float64),
        "count": np.array(COUNTS, dtype=np.float64),
        "sort": ["" if text is None else text for text in SORTS],
        "born": [day.isoformat() for day in BORN],
        "true": [str(truth).lower() for truth in TRUE],
    }
)


def as_csv() -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADER)
    for *cells, truth in RECORDS:
        writer.writerow([*("" if cell is None else cell for cell in cells), str(truth).lower()])
    return file.getvalue().encode()


def as_objects() -> list[dict[str, object]]:
    return [
        {"size": size, "count": count, "sort": sort, "born": born.isoformat(), "true": truth}
        for size, count, sort, born, truth in RECORDS
    ]


def as_json_lines() -> bytes:
    return "\n".join(json.dumps(each, ensure_ascii=False) for each in as_objects()).encode()


def as_json_array() -> bytes:
    return json.dumps(as_objects(), indent=1).encode()


def as_sheets() -> workbooks.Sheets:
    return {"only": [HEADER, *(list(record) for record in RECORDS)]}


def in_duckdb(save: str) -> bytes:
    """What DuckDB writes of the rows; `save` names the table and the file."""
    path = Path(SCRATCH.name) / save
    path.unlink(missing_ok=True)
    kinds = 'size DOUBLE, count INTEGER, sort VARCHAR, born DATE, "true" BOOLEAN'
    with duckdb.connect(str(path) if save.endswith("duckdb") else ":memory:") as connection:
        connection.execute(f"CREATE TABLE rows ({kinds})")
        connection.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?)", [list(r) for r in RECORDS]
        )
        if save.endswith("parquet"):
            connection.execute(f"COPY rows TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


class SCRATCH:
    name = ""


@pytest.fixture(autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> None:
    SCRATCH.name = str(tmp_path_factory.mktemp("scratch"))


WAYS: dict[str, list[Callable[[], bytes]]] = {
    "CSV": [as_csv],
    "JSON": [as_json_lines, as_json_array],
    "Excel": [
        lambda: workbooks.xlsx(as_sheets()),
        lambda: workbooks.ods(as_sheets()),
        lambda: workbooks.xls(as_sheets()),
    ],
    "Parquet": [lambda: in_duckdb("rows.parquet")],
    "DuckDB": [lambda: in_duckdb("rows.duckdb")],
}
EACH = [
    pytest.param(name, write, id=f"{name}-{place}")
    for name, several in WAYS.items()
    for place, write in enumerate(several)
]
TEXT = {"CSV": as_csv, "JSON": as_json_lines}


def test_every_format_is_written_here() -> None:
    assert set(WAYS) == {each.name for each in formats()}
    assert sum(each.recognises is None for each in formats()) == 1


def test_every_format_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
    for each in formats():
        assert f"| {each.name} | " in guide
        assert f"`{each.suffixes[0]}`" in guide


def as_frame(table: object) -> pd.DataFrame:
    columns = getattr(table, "columns")  # noqa: B009
    return pd.DataFrame(
        {
            name: column.values if isinstance(column, NumberColumn) else column.texts()
            for name, column in columns.items()
        }
    )


@pytest.mark.parametrize(("name", "write"), EACH)
def test_a_format_gives_the_table(name: str, write: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "stdin"  # found by its content: what comes from a pipe has no suffix
    path.write_bytes(write())
    assert format_of(path).name == name
    table = read_table(path)
    pd.testing.assert_frame_equal(as_frame(table), EXPECTED, check_exact=True)
    assert read_names(path) == tuple(HEADER)
    assert table.source.startswith(str(path))
    assert table.numbers.tolist() == sorted(set(table.numbers.tolist()))
    for rows in (1, 3, 100):
        blocks = list(read_blocks(path, rows=rows, text_columns=["born"]))
        assert [len(block) for block in blocks][:-1] == [rows] * (len(blocks) - 1)
        assert [n for block in blocks for n in block.numbers.tolist()] == table.numbers.tolist()
        joined = [text for block in blocks for text in block.columns["sort"].texts()]
        assert joined == table.columns["sort"].texts()
        sizes = [block.columns["size"].texts() for block in blocks]
        assert [float(t or "nan") for texts in sizes for t in texts] == pytest.approx(
            EXPECTED["size"].tolist(), nan_ok=True
        )


@pytest.mark.parametrize(("name", "write"), EACH)
def test_a_format_through_sql(name: str, write: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(write())
    query = """SELECT sort, count(*) AS many, sum(count) AS total, min(size) AS smallest
        FROM data WHERE count <> 9 GROUP BY sort ORDER BY total DESC, sort;"""
    table = read_table(path, ReadOptions(query=query))
    frame = EXPECTED[EXPECTED["count"] != 9].copy()
    frame["sort"] = frame["sort"].replace("", None)
    groups = frame.groupby("sort", dropna=False, sort=False)
    expected = groups.agg(
        many=("count", "size"), total=("count", "sum"), smallest=("size", "min")
    ).reset_index()
    expected["sort"] = expected["sort"].fillna("")
    found = as_frame(table).sort_values(["total", "sort"]).reset_index(drop=True)
    expected = expected.sort_values(["total", "sort"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert table.place(0).startswith(f"the query of {path}")


def packed(name: str, content: bytes) -> bytes:
    if name == "ZIP":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.mkdir("folder")
            archive.writestr("folder/table", content)
            archive.writestr("__MACOSX/._table", b"what macOS adds")
        return buffer.getvalue()
    return {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}[name](content)


READABLE = [each.name for each in PACKINGS if each.name != "zstd"]


@pytest.mark.parametrize("packing", READABLE)
@pytest.mark.parametrize("name", TEXT)
def test_text_may_be_packed(name: str, packing: str, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(packed(packing, TEXT[name]()))
    pd.testing.assert_frame_equal(as_frame(read_table(path)), EXPECTED)
    assert [len(block) for block in read_blocks(path, rows=4)] == [4, 3]


@pytest.mark.parametrize("packing", READABLE)
def test_what_is_packed_and_damaged_is_told(packing: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv.packed"
    numbers = np.random.default_rng(3).integers(0, 10**9, 40_000)
    content = packed(packing, b"a,b\n" + b"".join(b"%d,2\n" % each for each in numbers))
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=rf"{path} is damaged {packing}"):
        read_table(path)
    broken = bytearray(content)
    broken[len(content) // 2] ^= 255
    path.write_bytes(broken)
    with pytest.raises(DataError, match=rf"{path}"):
        read_table(path)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("name", TEXT)
def test_encodings_are_found(name: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_bytes(TEXT[name]().decode().encode(encoding))
    table = read_table(path)
    pd.testing.assert_frame_equal(as_frame(table), EXPECTED)
    told = "".join(table.notes).upper()
    assert encoding.upper() in told if "utf-8" not in encoding else not told
    named = read_table(path, ReadOptions(encoding=encoding))
    pd.testing.assert_frame_equal(as_frame(named), EXPECTED)


WESTERN = [
    "El niño comió jalapeños a 30 °C; ¿qué más? Señor Muñoz: «sí»",
    "Les élèves français ont créé à Noël un cœur d’or – 12 €",
    "Größe, Übermut und Straße: 5 µm², ½ Pfund",
    "São Paulo: ação, opções, pão; três ções",
    "Åsa såg älgen på ön i går; smørrebrød og blåbær",
    "naïve café — “quoted” … 20 £",
]
FOREIGN = [
    ("Москва – столица России", "cp1251"),
    ("Москва столица", "koi8-r"),
    ("Złoty ołówek był żółty", "cp1250"),
    ("東京は日本の首都です", "shift_jis"),
    ("北京是中国的首都", "gbk"),
    ("Αθήνα είναι πρωτεύουσα", "cp1253"),
    ("ירושלים היא עיר", "cp1255"),
]


@pytest.mark.parametrize("text", WESTERN)
def test_western_text_is_cp1252(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(f"text;y\n{text.replace(';', '.')};1\n".encode("cp1252"))
    table = read_table(path, ReadOptions(separator=";"))
    assert table.columns["text"].texts() == [text.replace(";", ".")]
    assert "line 2: this is not UTF-8; the file is read as cp1252" in table.notes[0]


@pytest.mark.parametrize(("text", "encoding"), FOREIGN)
def test_other_text_is_refused_with_the_remedy(text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(f"text,y\nplain,1\n{text},1\n".encode(encoding))
    with pytest.raises(DataError, match=r"table\.csv, line 3: this is not utf-8 .* --encoding"):
        read_table(path)
    table = read_table(path, ReadOptions(encoding=encoding))
    assert table.columns["text"].texts() == ["plain", text]


def test_an_encoding_is_found_far_down(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n" + b"1,plain\n" * 200_000 + b"1,caf\xe9\n" + b"1,plain\n" * 9)
    table = read_table(path)
    assert table.columns["b"].texts()[200_000] == "café"
    assert "line 200002" in table.notes[0]


def test_bytes_that_an_encoding_lacks_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,x\n2,\x81\n")
    with pytest.raises(DataError, match=r"line 3: this is not cp1252 text \(byte 0x81\)"):
        read_table(path, ReadOptions(encoding="cp1252"))


BROKEN: dict[str, tuple[bytes, dict[str, Any], list[str]]] = {
    "nothing in JSON": (b"[]", {}, ["no rows"]),
    "objects without keys": (b"{}\n{}", {}, ["without any key"]),
    "a broken line": (
        b'{"a": 1}\n{"a": 2\n{"a": 3}',
        {},
        ["line 2", "no JSON", "each line is one"],
    ),
    "a number for an object": (
        b'{"a": 1}\n7',
        {},
        ["line 2", "a single value", "object is wanted"],
    ),
    "arrays for objects": (b"[[1, 2], [3, 4]]", {}, ["line 1", "an array", "object is wanted"]),
    "an object inside": (b'{"a": 1}\n{"a": {"b": 2}}', {}, ["line 2", "'a' holds an object"]),
    "an array inside": (b'[\n{"a": 1},\n{"a": [2]}]', {}, ["line 3", "'a' holds an array"]),
    "an array without end": (b'[{"a": 1},\n{"a": 2}', {}, ["line 2", "complete"]),
    "a comma at the end": (b'[{"a": 1},\n]', {}, ["line 2", "no JSON"]),
    "something behind": (b'[{"a": 1}]\n{"a": 2}', {}, ["line 2", "follows the end"]),
    "a key twice": (b'{"a": 1, "a": 2}', {}, ["line 1", "'a' stands twice"]),
    "many brackets": (b'{"a": ' + b"[" * 100_000, {}, ["line 1", "brackets"]),
    "binary JSON": (b'{"a": "\0"}', {}, ["line 1", "binary"]),
    "a sheet of CSV": (b"a,b\n1,2\n", {"sheet": "x"}, ["--sheet", "no sheets"]),
    "two in a ZIP": (b"", {}, ["ZIP archive of 2 files", "one.csv, two.csv", "unpack"]),
    "a tar": (b"x" * 257 + b"ustar", {}, ["tar archive", "unpack"]),
    "packed tar": (gzip.compress(b"x" * 257 + b"ustar" + bytes(300)), {}, ["tar archive"]),
    "packed Parquet": (gzip.compress(b"PAR1" + bytes(99)), {}, ["packed with gzip", "unpack"]),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), {}, ["zstd"]),
    "a web page": (b"<!DOCTYPE html><html>", {}, ["web page"]),
    "SQLite": (b"SQLite format 3\0" + bytes(99), {}, ["SQLite", "Parquet or CSV"]),
    "a torn database": (bytes(8) + b"DUCK" + bytes(5000), {}, ["DuckDB"]),
    "a torn workbook": (b"\xd0\xcf\x11\xe0" + bytes(999), {}, ["workbook"]),
    "an empty sheet": (workbooks.xlsx({"a": []}), {}, ["without any value"]),
    "a header only": (workbooks.xlsx({"a": [["x", "y"]]}), {}, ["sheet a", "no rows"]),
    "no such sheet": (workbooks.xlsx({"one": [["x"], [1]]}), {"sheet": "on"}, ["mean 'one'"]),
    "two sheets": (
        workbooks.ods({"first one": [["x"], [1]], "two": [["x"], [1]]}),
        {},
        ["2 sheets", "'first one', 'two'", "--sheet 'first one'"],
    ),
    "a merged header": (
        workbooks.xlsx({"s": [["all", None], ["x", "y"], [1, 2]]}, merged="A1:B1"),
        {},
        ["sheet s", "row 1", "B1 is empty", "merged"],
    ),
    "a cell far off": (
        workbooks.xlsx({"s": [["x", "y"], [1, 2]]}, far="XFD1048576"),
        {},
        ["column XFD and row 1048576", "CSV"],
    ),
    "a column without a name, from B on": (
        workbooks.ods({"s": [[None, "x", None, "y"], [None, 1, 2, 3]]}),
        {},
        ["row 1", "C1 is empty"],
    ),
    "a name twice": (workbooks.xls({"s": [["x", "x"], [1, 2]]}), {}, ["2 columns", "'x'"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_told(name: str, tmp_path: Path) -> None:
    content, given, told = BROKEN[name]
    path = tmp_path / "table"
    path.write_bytes(content)
    if name == "two in a ZIP":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("one.csv", "a\n1\n")
            archive.writestr("two.csv", "a\n1\n")
    for read in (read_table, lambda source, options: list(read_blocks(source, options))):
        with pytest.raises((DataError, ConfigurationError)) as caught:
            read(path, ReadOptions(**given))
        for part in (str(path), *told):
            assert part in str(caught.value)
        assert "\n" not in str(caught.value)


def test_json_of_unequal_keys(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1.50, "b": "x"}\n\n{"b": null, "c": NaN}\n{"a": "2", "c": Infinity}\n')
    table = read_table(path, text_columns=["a"])
    assert {name: column.texts() for name, column in table.columns.items()} == {
        "a": ["1.50", "", "2"],
        "b": ["x", "", ""],
        "c": ["", "", "inf"],
    }
    assert table.numbers.tolist() == [1, 3, 4]
    assert "not every object has 'a', 'b', 'c'" in table.notes[0]


def test_lines_of_a_json_array_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('\n[\n  {"a": 1},\n\n  {\n   "a": 2}, {"a": "x"}\n]\n')
    assert read_table(path).numbers.tolist() == [3, 5, 6]


def test_a_header_in_brackets_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("[id],[name]\n1,a\n")
    assert read_names(path) == ("[id]", "[name]")


def test_sheets_are_chosen_and_rows_are_those_of_the_sheet(tmp_path: Path) -> None:
    sheets: workbooks.Sheets = {
        "notes": [["by nobody"]],
        "data": [[], ["x", "y"], [1, "#N/A"], [], [2.5, "b"], [None, None, None]],
    }
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbooks.xlsx(sheets))
    table = read_table(path, ReadOptions(sheet="data"))
    assert table.numbers.tolist() == [3, 5]
    assert table.place(1, "y") == f"{path}, sheet data, row 5, column 'y'"
    assert table.columns["y"].texts() == ["", "b"]
    bare = read_table(path, ReadOptions(sheet="notes", header=False))
    assert (bare.names, len(bare)) == (("column_1",), 1)
    path.write_bytes(workbooks.xlsx({"empty": [], **{"data": sheets["data"]}}))
    assert "the sheet 'data' is read; 1 other is empty" in read_table(path).notes[0]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE people AS SELECT i AS id, i * 2 AS age FROM range(5) t(i)")
        connection.execute("CREATE SCHEMA other")
        connection.execute(
            "CREATE TABLE other.jobs AS SELECT i AS id, 'job' AS job FROM range(3) t(i)"
        )
    return path


def test_tables_of_a_database(database: Path) -> None:
    with pytest.raises(
        DataError, match=r"2 tables \(people, other\.jobs\).*--sheet people.*--query"
    ):
        read_table(database)
    assert len(read_table(database, ReadOptions(sheet="people"))) == 5
    assert read_names(database, ReadOptions(sheet="other.jobs")) == ("id", "job")
    with pytest.raises(ConfigurationError, match="no such table; did you mean 'people'"):
        read_table(database, ReadOptions(sheet="peopel"))
    joined = ReadOptions(query="SELECT age, job FROM people JOIN other.jobs USING (id) ORDER BY id")
    assert read_table(database, joined).columns["age"].texts() == ["0", "2", "4"]
    named = ReadOptions(sheet="people", query="SELECT max(age) AS age FROM data")
    assert read_table(database, named).columns["age"].texts() == ["8"]


REFUSED = [
    ("DROP TABLE data", "takes one SELECT"),
    ("SELECT 1; SELECT 2", "takes one SELECT"),
    ("COPY data TO '{folder}/out.csv'", "takes one SELECT"),
    ("SELECT * FORM data", "--query"),
    ("SELECT siez FROM data", "siez.*size, count"),
    ("SELECT * FROM dta", "dta"),
    ("SELECT * FROM read_csv('{folder}/secret.csv')", "disabled"),
    ("SELECT * FROM '{folder}/secret.csv'", "disabled"),
    ("SELECT * FROM read_text('{folder}/secret.csv')", "disabled"),
    ("SELECT * FROM glob('{folder}/*')", "disabled"),
    ("SELECT * FROM read_parquet('https://example.com/a.parquet')", "fails"),
    ("SELECT * FROM data WHERE count > 99", "no rows"),
    ("SELECT [1, 2] AS pair FROM data", "pair"),
    ("SELECT CAST(sort AS INTEGER) AS n FROM data", "fails"),
]


@pytest.mark.parametrize(
    ("name", "write", "query", "told"),
    [
        (name, WAYS[name][0], query, told)
        for name in ("CSV", "Parquet", "DuckDB")
        for query, told in REFUSED
        # what a query may be is asked alike of each file that DuckDB reads itself
        if name != "Parquet" or told == "disabled"
    ],
)
def test_sql_reaches_nothing_else(
    name: str, write: Callable[[], bytes], query: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    path = tmp_path / "table"
    path.write_bytes(write())
    before = sorted(tmp_path.iterdir())
    if name == "DuckDB":
        told = told.replace(".*size, count", "")
    with pytest.raises((DataError, ConfigurationError), match=told):
        read_table(path, ReadOptions(query=query.replace("{folder}", str(tmp_path))))
    assert sorted(tmp_path.iterdir()) == before


def test_sql_over_what_is_in_memory() -> None:
    options = ReadOptions(query="SELECT a FROM data WHERE b = 'x' ORDER BY a DESC")
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "x"]})
    for source in (frame, {"a": [1, 2, 3], "b": ["x", "y", "x"]}):
        assert read_table(source, options).columns["a"].texts() == ["3", "1"]


def write_logs(folder: Path, *tables: str) -> None:
    for number, text in enumerate(tables):
        (folder / f"log{number}.csv").write_text(text)


def test_several_files_are_one_table(tmp_path: Path) -> None:
    write_logs(tmp_path, "a,b\n1,x\n2,y\n", "b,a\nz,3\nx,4\n", "a,b\nfour,x\n")
    table = read_table(tmp_path / "*.csv")
    frame = pd.concat(
        [pd.read_csv(each, dtype=str) for each in sorted(tmp_path.glob("*.csv"))]
    ).reset_index(drop=True)
    pd.testing.assert_frame_equal(as_frame(table), frame[["a", "b"]], check_dtype=False)
    assert table.place(1, "a") == f"{tmp_path / 'log0.csv'}, line 3, column 'a'"
    assert table.place(2) == f"{tmp_path / 'log1.csv'}, line 2"
    assert table.take(np.array([4, 0])).place(0) == f"{tmp_path / 'log2.csv'}, line 2"
    assert table.notes[0].startswith("3 files: ")
    blocks = list(read_blocks(tmp_path / "*.csv", rows=2))
    assert [block.place(0) for block in blocks] == [table.place(row) for row in (0, 2, 4)]
    assert blocks[1].columns["a"].texts() == ["3", "4"]
    asked = read_table(tmp_path / "log?.csv", ReadOptions(query="SELECT count(*) AS n FROM data"))
    assert asked.columns["n"].texts() == ["5"]


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (("a,b\n1,2\n", "a,c\n1,2\n"), r"log1\.csv has no column 'b', which .*log0\.csv has"),
        (("a\n1\n", "a,c\n1,2\n"), r"log1\.csv has a column 'c', which .*log0\.csv has not"),
        (("a,b\n1,2\n", "a,b\n1,2\n3\n"), r"log1\.csv, line 3: 1 field"),
        (("a,b\n1,2\n", "a,b\n"), r"log1\.csv has a header but no rows"),
        (("a,b\n1,2\n", ""), r"log1\.csv is empty"),
        (("a;b\n1,5;x\nz;x\n", "a;b\n1.5;x\nz;x\n"), "decimal commas and others points"),
    ],
)
def test_several_files_that_do_not_go_together(
    tables: tuple[str, str], told: str, tmp_path: Path
) -> None:
    write_logs(tmp_path, *tables)
    with pytest.raises(DataError, match=told):
        read_table(tmp_path / "log*.csv")


def test_a_pattern_that_finds_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file is named like .*\*\.csv"):
        read_table(tmp_path / "*.csv")


def test_a_file_named_like_a_pattern_is_itself(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x\n1\n2\n")
    assert len(read_table(tmp_path / "a[1].csv")) == 2


def test_a_folder_of_parquet(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    with duckdb.connect() as connection:
        for place, name in enumerate(("0", "1", "2", "_metadata")):
            rows = f"SELECT i AS a, 'x{place}' AS b FROM range({place + 2}) t(i)"
            connection.execute(f"COPY ({rows}) TO '{folder}/{name}.parquet' (FORMAT parquet)")
    table = read_table(folder)
    assert table.columns["b"].texts() == ["x0"] * 2 + ["x1"] * 3 + ["x2"] * 4
    assert table.place(5) == f"{folder / '2.parquet'}, row 1"
    asked = read_table(folder, ReadOptions(query="SELECT sum(a) AS total FROM data"))
    assert asked.columns["total"].texts() == ["10"]
    divided = tmp_path / "divided"
    (divided / "year=2024").mkdir(parents=True)
    (divided / "year=2024" / "0.parquet").write_bytes((folder / "0.parquet").read_bytes())
    with pytest.raises(DataError, match="divided by 'year'"):
        read_table(divided)


def test_opened_tables_tell_names_before_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,x\n2,y\n3,z\n")
    opened = open_table(path)
    assert opened.names == ("a", "b")
    assert [block.columns["a"].texts() for block in opened.blocks(2, ())] == [["1", "2"], ["3"]]
    assert open_table(opened.table(None)).table(()).columns["a"].texts() == ["1", "2", "3"]


def test_moments_do_not_depend_on_where_the_computer_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "moments.parquet"
    duckdb.sql(
        f"COPY (SELECT TIMESTAMPTZ '2024-03-01 12:00:00+01' AS at) TO '{path}' (FORMAT parquet)"
    )
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    for options in (ReadOptions(), ReadOptions(query="FROM data")):
        assert read_table(path, options).columns["at"].texts() == ["2024-03-01 11:00:00+00"]


@pytest.mark.parametrize("place", range(0, 1600, 40))
def test_a_damaged_workbook_is_told_and_nothing_else(
    place: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(workbooks.xls({"s": [["x", "y"], [1, "a"], [2, "b"]]}))
    content[512 + place] ^= 0x5A
    path = tmp_path / "book.xls"
    path.write_bytes(content)
    with contextlib.suppress(DataError):  # not all damage is to be seen
        read_table(path)
    assert capfd.readouterr() == ("", "")


def test_a_workbook_whose_sectors_go_in_a_circle(tmp_path: Path) -> None:
    content = bytearray(workbooks.xls({"s": [["x", "y"], [1, 2]]}))
    content[512 + 4 * 8 : 512 + 4 * 9] = struct.pack("<I", 4)  # after sector 8 comes sector 4
    path = tmp_path / "book.xls"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"book\.xls cannot be read as a workbook: it is damaged"):
        read_table(path)


def test_damaged_workbooks_take_no_memory_without_bound(tmp_path: Path) -> None:
    good = workbooks.xls({"s": [["x", "y"], *([row, "a"] for row in range(40))]})
    random = np.random.default_rng(11)
    for case in range(20):
        content = bytearray(good)
        for place in random.integers(0, len(content), random.choice([1, 3, 20])):
            content[place] = random.integers(256)
        (tmp_path / f"{case}.xls").write_bytes(content)
    code = """
import contextlib, pathlib, resource, sys
from steepest.data import read_table
from steepest.errors import DataError
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    with contextlib.suppress(DataError):
        read_table(path)
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
