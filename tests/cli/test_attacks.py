"""What an attacker found: nothing is lost, and nothing is wrong without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
SHORT = ("--max-epochs", "2", "--hidden-layer-sizes", "4")
STRAY = 'size,sort\n.1,"p\n.3,q\n.5,"r\n'


@pytest.fixture
def single(tmp_path: Path, command: Run) -> Path:
    """A model of one column, and the table it is from, with blank lines as missing values."""
    table = tmp_path / "single.csv"
    table.write_text("a,y\n" + "".join(f"{i % 7},{'uv'[i % 7 > 3]}\n" for i in range(40)))
    out = tmp_path / "single.safetensors"
    assert command("fit", table, "-t", "y", *SHORT, "-q", "-o", out).code == 0
    return out


def test_stray_quotes_do_not_swallow_rows(tmp_path: Path, model: Path, command: Run) -> None:
    table = tmp_path / "stray.csv"
    table.write_text(STRAY)
    ran = command("predict", model, table)
    assert ran.code == 2
    assert "line 2: text follows a closing quote" in ran.err
    assert "--quote ''" in ran.err


def test_blanks_around_quoted_fields_are_no_text(tmp_path: Path, model: Path, command: Run) -> None:
    table = tmp_path / "blanks.csv"
    table.write_text('size,sort\n.1, "a" \n.3,"b"\t\n"0.5" ,"c, ""c"" "\n')
    plain = tmp_path / "plain.csv"
    plain.write_text('size,sort\n.1,a\n.3,b\n0.5,"c, ""c"""\n')
    ran = command("predict", model, table, "-q")
    assert ran.code == 0
    assert ran.out == command("predict", model, plain, "-q").out


def test_a_blank_line_of_a_single_column_is_a_row(
    tmp_path: Path, single: Path, command: Run
) -> None:
    table = tmp_path / "blank.csv"
    table.write_text("a\n1\n\n3\n\n5\n\n\n")
    ran = command("predict", single, table, "-q")
    assert len(ran.out.splitlines()) == 1 + 5


@pytest.mark.parametrize("victim", ["table", "model", "link"])
def test_predict_writes_over_nothing_it_reads(
    tmp_path: Path, table: Path, model: Path, command: Run, victim: str
) -> None:
    mine, copy = tmp_path / "mine.csv", tmp_path / "copy.safetensors"
    mine.write_bytes(table.read_bytes())
    copy.write_bytes(model.read_bytes())
    (tmp_path / "link.csv").symlink_to(mine)
    out = {"table": mine, "model": copy, "link": tmp_path / "link.csv"}[victim]
    ran = command("predict", copy, mine, "-o", out)
    assert ran.code == 2
    assert "is read by this command" in ran.err
    assert mine.read_bytes() == table.read_bytes()
    assert copy.read_bytes() == model.read_bytes()


@pytest.mark.parametrize("flag", ["-o", "--history"])
def test_fit_does_not_write_over_its_configuration(
    tmp_path: Path, table: Path, command: Run, flag: str
) -> None:
    config = tmp_path / "options.toml"
    config.write_text("[training]\nmax_epochs = 1\n")
    ran = command("fit", table, "-t", "label", "--config", config, flag, config)
    assert (ran.code, config.read_text()) == (2, "[training]\nmax_epochs = 1\n")


def test_fit_does_not_write_over_what_stdin_reads(tmp_path: Path, table: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_bytes(table.read_bytes())
    arguments = ["fit", "-", "-t", "label", *SHORT, "-o", str(mine)]
    with mine.open("rb") as stdin:
        ran = subprocess.run(
            [sys.executable, "-m", "steepest", *arguments],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 2
    assert "is what stdin reads" in ran.stderr
    assert mine.read_bytes() == table.read_bytes()


@pytest.mark.parametrize("listener", ["2>&1 | head -1", "2>&-", "2>/dev/full"])
def test_a_fit_that_nobody_listens_to_is_saved(tmp_path: Path, table: Path, listener: str) -> None:
    out = tmp_path / "m.safetensors"
    fit = f"{sys.executable} -m steepest fit {table} -t label {' '.join(SHORT)} -o {out}"
    script = f"{fit} {listener}; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert out.exists()
    assert ran.returncode == 0
    if "head" not in listener:
        assert ran.stdout == b""


@pytest.mark.parametrize("part", ["--test", "--validation"])
def test_rows_to_train_on_are_no_test(table: Path, command: Run, tmp_path: Path, part: str) -> None:
    ran = command("fit", table, "-t", "label", part, table, "-o", tmp_path / "m.safetensors")
    assert ran.code == 2
    assert "rows that were trained on test nothing" in ran.err


def test_a_bad_test_table_is_met_before_training(table: Path, command: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("id,size,sort,label\nrow,1,a,smell\n")
    ran = command("fit", table, "-t", "label", "--test", other, "-o", tmp_path / "m.safetensors")
    assert ran.code == 2
    assert "did you mean 'small'" in ran.err
    assert "epoch 1" not in ran.err
    other.write_text("id,size,sort,label\nrow,1,a,\n")
    ran = command("fit", table, "-t", "label", "--test", other, "-o", tmp_path / "m.safetensors")
    assert "no row with a value in the target 'label'" in ran.err


def test_a_pipe_is_read_by_its_right_name(tmp_path: Path, command: Run) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in (pipe, Path("/dev/zero")):
        ran = command("fit", name, "-t", "label")
        assert ran.code == 2
        assert f"- < {name}" in ran.err


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("[training]\nseed = 2020-01-01\n", "training.seed"),
        ("a = " + "[" * 5000, "is not a TOML file"),
        ('[data]\nencoding = "rot13"\n', "no encoding of text"),
    ],
)
def test_odd_configurations_are_explained(
    table: Path, command: Run, tmp_path: Path, config: str, told: str
) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(config)
    ran = command("fit", table, "-t", "label", "--config", path)
    assert ran.code == 2
    assert told in ran.err


def test_weights_that_add_up_to_infinity_are_refused(tmp_path: Path, command: Run) -> None:
    table = tmp_path / "heavy.csv"
    table.write_text("a,w,y\n" + "1,1e308,u\n2,1e308,v\n" * 20)
    ran = command("fit", table, "-t", "y", "--sample-weight", "w")
    assert ran.code == 2
    assert "add up to infinity" in ran.err


def test_a_long_field_is_text(tmp_path: Path, command: Run) -> None:
    table = tmp_path / "long.csv"
    table.write_text("a,b,y\n" + f"1,{'q' * 200_000},u\n2,s,v\n" * 10)
    ran = command("fit", table, "-t", "y", *SHORT, "-o", tmp_path / "m.safetensors")
    assert ran.code == 0


def test_stdin_is_called_by_its_name() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "steepest", "fit", "-", "-t", "y"],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "standard input is empty" in ran.stderr


def test_a_query_may_have_comments(tmp_path: Path, single: Path, command: Run) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a\n1\n2\n3\n")
    plain = command("predict", single, table, "-q").out
    for query in ("SELECT * FROM data -- all", "/* all */ SELECT * FROM data;"):
        ran = command("predict", single, table, "-q", "--query", query)
        assert (ran.code, ran.out) == (0, plain)


def test_a_target_whose_mean_is_infinite_is_told(tmp_path: Path, command: Run) -> None:
    table = tmp_path / "huge.csv"
    table.write_text("a,y\n" + "".join(f"{i % 7},{i / 60 * 1.7e308}\n" for i in range(60)))
    ran = command("fit", table, "-t", "y", *SHORT, "-o", tmp_path / "m.safetensors")
    assert ran.code == 2
    assert "column 'y'" in ran.err
    assert "too large" in ran.err
    assert "logarithm" not in ran.err
