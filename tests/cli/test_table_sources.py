"""Every command takes every table: what is fitted and predicted does not depend on the format."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import duckdb
import pytest

from kit import hostile, workbooks
from steepest.data.readers import formats
from steepest.tabular import TableModel, fit_table, load

FAST = ("--max-epochs", "3", "--hidden-layer-sizes", "8")
ROWS = 60


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


def table_text() -> str:
    header, *rows = hostile.records(ROWS)
    rows = [[f"row {number}", *row] for number, row in enumerate(rows)]
    return hostile.written([["id", *header], *rows])


def records() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_text())))


def typed(record: dict[str, str]) -> dict[str, float | str | None]:
    return {
        name: None if not text else float(text) if name == "size" else text
        for name, text in record.items()
    }


def as_workbook(write: Callable[[workbooks.Sheets], bytes]) -> bytes:
    rows = [typed(record) for record in records()]
    return write(
        {"about": [["by nobody"]], "rows": [list(rows[0]), *(list(r.values()) for r in rows)]}
    )


def in_duckdb(path: Path) -> bytes:
    source = path.with_name("plain.csv")
    source.write_text(table_text())
    if path.suffix == ".parquet":
        duckdb.sql(f"COPY (FROM read_csv('{source}')) TO '{path}' (FORMAT parquet)")
    else:
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE rows AS FROM read_csv('{source}')")
    return path.read_bytes()


WAYS: dict[str, tuple[str, Callable[[Path], bytes], tuple[str, ...]]] = {
    "UTF-16": ("CSV", lambda _: table_text().encode("utf-16"), ()),
    "gzip": ("CSV", lambda _: gzip.compress(table_text().encode()), ()),
    "JSON lines": (
        "JSON",
        lambda _: "\n".join(json.dumps(typed(each)) for each in records()).encode(),
        (),
    ),
    "JSON array": ("JSON", lambda _: json.dumps([typed(each) for each in records()]).encode(), ()),
    "Excel": ("Excel", lambda _: as_workbook(workbooks.xlsx), ("--sheet", "rows")),
    "OpenDocument": ("Excel", lambda _: as_workbook(workbooks.ods), ("--sheet", "rows")),
    "Parquet": ("Parquet", lambda folder: in_duckdb(folder / "table.parquet"), ()),
    "database": ("DuckDB", lambda folder: in_duckdb(folder / "table.duckdb"), ()),
    "query": (
        "CSV",
        lambda _: table_text().replace("\n", ",1\n").replace("y,1", "y,extra").encode(),
        ("--query", "SELECT * EXCLUDE extra FROM data WHERE extra = 1"),
    ),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> TableModel:
    path = tmp_path_factory.mktemp("plain") / "table.csv"
    path.write_text(table_text())
    options = {"training": {"max_epochs": 3}, "network": {"hidden_layer_sizes": [8]}}
    return fit_table(path, "y", options)


@pytest.mark.parametrize("way", WAYS)
def test_commands_take_it(
    way: str,
    expected: TableModel,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, write, words = WAYS[way]
    content = write(tmp_path)
    path, model = tmp_path / "file", tmp_path / "model.safetensors"
    path.write_bytes(content)
    fitted = command("fit", path, "-t", "y", *FAST, *words, "--out", model, "--quiet")
    assert (fitted.code, fitted.err) == (0, "")
    options = dict(zip(words[::2], words[1::2], strict=True))
    kept = load(model).configuration.data
    assert (kept.sheet, kept.query) == (options.get("--sheet", ""), options.get("--query", ""))
    plain = tmp_path / "plain.csv"
    plain.write_text(table_text())
    predicted = command("predict", model, plain, "--probabilities").out
    assert command("predict", model, path, *words, "--probabilities").out == predicted
    assert predicted == _predictions(expected, plain, command, tmp_path)
    scores = command("evaluate", model, path, *words, "--json")
    assert json.loads(scores.out) == json.loads(command("evaluate", model, plain, "--json").out)

    class Piped:
        buffer = io.BytesIO(content)

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Piped())
    assert command("predict", model, "-", *words, "--probabilities").out == predicted


def _predictions(model: TableModel, table: Path, command: Command, folder: Path) -> str:
    model.save(folder / "expected.safetensors")
    return command("predict", folder / "expected.safetensors", table, "--probabilities").out


def test_every_format_is_among_them() -> None:
    assert {name for name, _, _ in WAYS.values()} == {each.name for each in formats()}


def test_a_pattern_of_files(command: Command, tmp_path: Path) -> None:
    header, *lines = table_text().splitlines()
    folder = tmp_path / "logs"
    folder.mkdir()
    for place in range(3):
        part = lines[place::3]
        (folder / f"{place}.csv").write_text("\n".join([header, *part]))
    pattern = folder / "*.csv"
    fitted = command("fit", pattern, "-t", "y", *FAST, "--out", tmp_path / "m.safetensors")
    assert fitted.code == 0
    assert f"3 files: {folder / '0.csv'} to {folder / '2.csv'}" in fitted.err
    assert "54 rows to train on" in fitted.err
    predicted = command("predict", tmp_path / "m.safetensors", pattern, "--keep", "id")
    ids = [line.split(",")[0] for line in predicted.out.splitlines()[1:]]
    assert ids == [f"row {row}" for place in range(3) for row in range(place, 60, 3)]
    (folder / "2.csv").write_text(header.replace("size", "width") + "\nrow 1,2,a,u\n")
    refused = command("fit", pattern, "-t", "y", *FAST)
    assert (refused.code, refused.out) == (2, "")
    assert f"{folder / '2.csv'} has no column 'size'" in refused.err


def test_a_model_is_named_after_its_table(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    for name in ("logs/a.csv", "b.json.gz"):
        (tmp_path / name).write_text(table_text())
    for source, named in (("logs/*.csv", "logs"), ("b.json.gz", "b")):
        assert command("fit", source, "-t", "y", *FAST, "-q").code == 0
        assert (tmp_path / f"{named}.safetensors").is_file()


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "no such sheet": (("fit", "book.xlsx", "-t", "y", "--sheet", "row"), "mean 'rows'"),
    "no sheet named": (("fit", "book.xlsx", "-t", "y"), "--sheet about"),
    "wrong SQL": (("fit", "table.csv", "-t", "y", "--query", "SELECT x FROM data"), "size"),
    "no SELECT": (("fit", "table.csv", "-t", "y", "--query", "DROP TABLE data"), "one SELECT"),
    "a sheet of CSV": (("fit", "table.csv", "-t", "y", "--sheet", "rows"), "no sheets"),
    "several paths": (("fit", "table.csv", "book.xlsx", "-t", "y"), "in quotes"),
    "a folder of tables": (("fit", "folder", "-t", "y"), "'folder/*.csv'"),
    "a pattern of nothing": (("fit", "no*.csv", "-t", "y"), "no file is named like"),
    "an encoding of none": (("fit", "table.csv", "-t", "y", "--encoding", "utf9"), "utf-8"),
    "a comment": (("fit", "table.csv", "-t", "y", "--comment", '"'), "comment cannot be"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused(
    name: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, told = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text(table_text())
    (tmp_path / "book.xlsx").write_bytes(as_workbook(workbooks.xlsx))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.csv").write_text(table_text())
    ran = command(*words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert ran.err.count("\n") <= 2
    assert not list(tmp_path.glob("*.safetensors"))


def test_what_reading_decides_is_said(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    lines = table_text().replace(",", ";").replace(".", ",").replace(";u", ";größer").splitlines()
    path.write_bytes("\n".join(["# by nobody", *lines]).encode("cp1252"))
    out = tmp_path / "m.safetensors"
    ran = command("fit", path, "-t", "y", *FAST, "--out", out)
    assert ran.code == 0
    for told in ("read as cp1252", "1 line above the header", "decimal commas"):
        assert told in ran.err
    options = ("--encoding", "cp1252", "--decimal", ",", "--comment", "#")
    given = command("fit", path, "-t", "y", *FAST, "--out", out, *options)
    assert given.code == 0
    assert "cp1252" not in given.err
    assert "decimal commas" not in given.err
