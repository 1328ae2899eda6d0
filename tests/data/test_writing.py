"""What is written reads back, and files appear whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from steepest.data import (
    ReadOptions,
    TableWriter,
    check_writable,
    open_writer,
    read_table,
    whole_file,
    write_table,
)
from steepest.errors import DataError

# Blanks around a field mean nothing to the reader; NUL is what binary files are told by, and lone
# surrogates are no text.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12).map(
    str.strip
)


@example(rows=[("a\rb", "c\r\nd"), ('"', "'")], names=("e\rf", "g,h"))
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1), names=st.tuples(TEXT, TEXT))
def test_text_comes_back(
    rows: list[tuple[str, str]],
    names: tuple[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    names = (names[0] or "a", names[1] or "b")
    if names[0] == names[1]:
        names = (names[0], names[1] + "x")
    path = tmp_path_factory.mktemp("text") / "table.csv"
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    write_table(path, columns)
    table = read_table(path, ReadOptions(missing=(), separator=","), text_columns=None)
    assert {name: column.texts() for name, column in table.columns.items()} == columns
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [list(names), *(list(row) for row in rows)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_numbers_come_back(
    data: st.DataObject, dtype: type[np.floating[Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    width = 32 if dtype is np.float32 else 64
    values = np.array(data.draw(st.lists(st.floats(width=width), min_size=1)), dtype)
    path = tmp_path_factory.mktemp("numbers") / "table.csv"
    write_table(path, {"x": values, "row": np.arange(len(values))})
    read = [np.nan if not text else float(text) for text in read_texts(path, "x")]
    np.testing.assert_array_equal(np.array(read).astype(dtype), values)


def read_texts(path: Path, name: str) -> list[str]:
    return read_table(path, text_columns=None).columns[name].texts()


def test_table_comes_back(tmp_path: Path) -> None:
    table = read_table({"a": [1, None, 3], "b": ["x, y", None, 'say "z"'], "c": [0.1, 2, None]})
    write_table(tmp_path / "table.csv", table)
    assert (tmp_path / "table.csv").read_text() == ('a,b,c\n1,"x, y",0.1\n,,2.0\n3,"say ""z""",\n')
    again = read_table(tmp_path / "table.csv")
    assert {name: column.texts() for name, column in again.columns.items()} == {
        name: column.texts() for name, column in table.columns.items()
    }


def test_one_empty_column_keeps_its_rows(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", {"a": ["x", "", "y"]})
    assert read_texts(tmp_path / "table.csv", "a") == ["x", "", "y"]


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with open_writer("-") as writer:
        writer.write({"a": [1]})
        writer.write({"a": [2]})
    assert capsys.readouterr().out == "a\n1\n2\n"


@pytest.mark.parametrize("second", [{"a": [1, 2], "b": [1]}, {"b": [1], "a": [1]}, {"a": [1]}])
def test_blocks_that_do_not_fit(second: dict[str, Sequence[int]]) -> None:
    writer = TableWriter(io.StringIO())
    writer.write({"a": [1], "b": [2]})
    with pytest.raises(DataError, match="columns"):
        writer.write(second)


def interrupted_writing(path: Path) -> None:
    with open_writer(path) as writer:
        writer.write({"a": list(range(100_000))})
        raise KeyboardInterrupt


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        interrupted_writing(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_killed_process_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    script = (
        "import os, signal, sys\n"
        "from steepest.data import whole_file\n"
        "with whole_file(sys.argv[1]) as file:\n"
        "    file.write(b'new' * 100000)\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"


def test_permissions_and_links(tmp_path: Path) -> None:
    path, link = tmp_path / "out", tmp_path / "link"
    with whole_file(path) as file:
        file.write(b"1")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    os.link(path, tmp_path / "second name")
    link.symlink_to(path)
    with whole_file(link) as file:
        file.write(b"2")
    assert link.is_symlink()
    assert path.read_bytes() == b"2"
    assert (tmp_path / "second name").read_bytes() == b"1"  # replaced, not written over
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_pipe_or_a_device_is_written_directly() -> None:
    with whole_file(os.devnull) as file:
        file.write(b"1")
    assert not Path(os.devnull).is_file()
    check_writable(os.devnull)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk() -> None:
    with pytest.raises(DataError, match="/dev/full cannot be written: No space left"):
        write_table("/dev/full", {"a": list(range(1000))})


def test_unwritable_places(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "out.csv", tmp_path):
        with pytest.raises(DataError, match="cannot be written"):
            write_table(path, {"a": [1]})
        with pytest.raises(DataError, match="cannot be written"):
            check_writable(path)
    check_writable(tmp_path / "out.csv")
    assert os.listdir(tmp_path) == []
