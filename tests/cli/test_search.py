"""`steepest search`: what it writes and says, how it goes on after a kill, what it refuses."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steepest.cli import main
from steepest.cli.search_progress import ended_line, progress_lines
from steepest.tabular.search import Running, SearchNow, Trial

pytestmark = pytest.mark.row("E4")

Command = Callable[..., Any]
SPACE = """\
[network]
hidden_layer_sizes = [[2], [4]]
[optimizer]
learning_rate = { low = 1e-3, high = 0.1, log = true }
"""
FAST = ("-t", "label", "--max-epochs", "2", "--reference")


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.toml"
    path.write_text(SPACE)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        every = [*csv.DictReader(file)]
    for row in every:
        row.pop("seconds")
    return every


def test_the_model_scores_what_was_said(
    command: Command, table: Path, space: Path, tmp_path: Path
) -> None:
    out, plot, trials = (tmp_path / name for name in ("m.safetensors", "p.png", "t.csv"))
    unseen = tmp_path / "unseen.csv"
    unseen.write_text("".join(table.read_text().splitlines(keepends=True)[:31]))
    options = ("--trials", "5", "--space", space, "--test", unseen, "--validation", "0.2")
    files = ("--out", out, "--plot", plot, "--trials-csv", trials)
    ran = command("search", table, *FAST, *options, *files, "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert told["metric"] == "log_loss"
    assert told["trials"]["complete"] == 5
    scores = {each["name"]: each["value"] for each in told["validation"]["scores"]}
    assert scores["log_loss"] == told["best"]["value"]
    evaluated = json.loads(command("evaluate", out, unseen, "--json").out)
    assert evaluated["scores"] == told["test"]["scores"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    values = [float(row["log_loss"]) for row in rows(trials)]
    assert min(values) == told["best"]["value"]
    assert "never seen by the search" in ran.err
    assert (tmp_path / "m.search.db").is_file()


def test_what_a_flag_gives_is_not_searched(command: Command, table: Path, tmp_path: Path) -> None:
    ran = command(
        *("search", table, *FAST, "--trials", "1", "--out", tmp_path / "m.safetensors"),
        *("--set", "network.hidden_layer_sizes=4", "--set", "optimizer.name=sgd"),
    )
    assert ran.code == 0
    searched = ran.err.splitlines()[0]
    assert "optimizer.learning_rate" in searched
    for name in ("network.layers", "network.width", "optimizer.name"):
        assert name not in searched


def test_the_printed_space_is_a_space(command: Command, table: Path, tmp_path: Path) -> None:
    path = tmp_path / "printed.toml"
    path.write_text(command("search", "--print-space").out)
    ran = command("search", "--print-space", "--space", path)
    assert (ran.code, ran.out) == (0, path.read_text())


def process(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "steepest", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"it ended before it said {words!r}")


@pytest.fixture(scope="module")
def undisturbed(table: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "space.toml").write_text(SPACE)
    trials = folder / "t.csv"
    code = main(
        [
            *("search", str(table), *FAST, "--trials", "6", "--space", str(folder / "space.toml")),
            *("--out", str(folder / "m.safetensors"), "--trials-csv", str(trials), "--quiet"),
        ]
    )
    assert code == 0
    return rows(trials)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_search_that_was_killed_goes_on_with_the_same_command(
    how: signal.Signals,
    command: Command,
    table: Path,
    space: Path,
    tmp_path: Path,
    undisturbed: list[dict[str, str]],
) -> None:
    trials = tmp_path / "t.csv"
    arguments = [
        *("search", table, *FAST, "--trials", "6", "--space", space),
        *("--out", tmp_path / "m.safetensors", "--trials-csv", trials),
    ]
    killed = process(*arguments)
    wait_for(killed, "trial 1 (2/6)")
    killed.send_signal(how)
    _, said = killed.communicate(timeout=60)
    assert killed.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert ("the same command" in said) == (how == signal.SIGINT)
    assert not trials.exists()

    ran = command(*arguments)
    assert ran.code == 0
    assert "trial 1 (" not in ran.err
    assert rows(trials) == undisturbed


def test_two_processes_share_a_search(
    table: Path, space: Path, tmp_path: Path, undisturbed: list[dict[str, str]]
) -> None:
    storage = tmp_path / "shared.db"
    both = [
        process(
            *("search", table, *FAST, "--trials", "6", "--space", space, "--storage", storage),
            *("--out", tmp_path / f"{name}.safetensors", "--trials-csv", tmp_path / f"{name}.csv"),
        )
        for name in "ab"
    ]
    said = [each.communicate(timeout=120)[1] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert rows(tmp_path / "a.csv") == rows(tmp_path / "b.csv") == undisturbed
    ended = [line for each in said for line in each.splitlines() if line.startswith("trial ")]
    assert len(ended) == 6
    models = [(tmp_path / f"{name}.safetensors").read_bytes() for name in "ab"]
    assert models[0] == models[1]


MISTAKES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no trials": (["--trials", "0"], ("at least 1 trial",)),
    "half a trial": (["--trials", "x"], ("--trials x: give a whole number",)),
    "one fold": (["--cv", "1"], ("at least 2 folds",)),
    "metric of the other task": (["--metric", "rmse"], ("'rmse'", "classification", "accuracy")),
    "unknown sampler": (["--sampler", "gird"], ("did you mean 'grid'",)),
    "unknown pruner": (["--pruner", "meadian"], ("did you mean 'median'",)),
    "timeout no number": (["--timeout", "soon"], ("--timeout soon",)),
    "no jobs": (["--jobs", "0"], ("jobs",)),
    "space missing": (["--space", "no.toml"], ("no.toml",)),
    "space empty": (["--space", "empty.toml"], ("empty.toml: ", "nothing to search")),
    "space unknown name": (["--space", "bad.toml"], ("bad.toml: ", "'network.width'")),
    "space unfit": (["--space", "unfit.toml"], ("the space: network.dropout = 2", "0 <= value")),
    "space and flag": (
        ["--space", "rate.toml", "--set", "optimizer.learning_rate=1"],
        ("rate.toml names optimizer.learning_rate",),
    ),
    "storage no database": (["--storage", "text.db"], ("text.db", "not a database")),
    "storage of another program": (["--storage", "songs.db"], ("songs.db", "another program")),
    "storage in no folder": (["--storage", "no/such.db"], ("no folder 'no'",)),
    "out in no folder": (["--out", "no/such/model"], ("no/such",)),
    "picture": (["--plot", "p.gif"], (".png",)),
    "two outputs in one": (["--trials-csv", "old"], ("twice",)),
    "no target": (["--target", ""], ("--target",)),
    "unknown target": (["--target", "lable"], ("'lable'", "'label'")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_before_anything_is_done(
    name: str, command: Command, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, says = MISTAKES[name]
    monkeypatch.chdir(tmp_path)
    files = {
        "old": "what stood there before",
        "text.db": "no database, but as long as one would be\n" * 40,
        "empty.toml": "",
        "bad.toml": "[network]\nwidht = [1, 2]",
        "unfit.toml": "[network]\ndropout = { low = 0, high = 2 }",
        "rate.toml": "[optimizer]\nlearning_rate = [0.1, 0.2]",
    }
    for each, text in files.items():
        Path(each).write_text(text)
    with sqlite3.connect("songs.db") as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    target = [] if "--target" in options else ["-t", "label"]
    out = [] if "--out" in options else ["--out", "old"]
    ran = command("search", table, *target, *out, *options)
    assert (ran.code, ran.out) == (2, "")
    message = ran.err[ran.err.rindex("steepest: ") :]
    for words in says:
        assert words in message
    assert len(message.rstrip().splitlines()) <= 2
    assert {each: Path(each).read_text() for each in files} == files


def test_progress_in_words() -> None:
    best = Trial(number=0, state="complete", value=0.25, options={}, epochs=9)
    gone = Trial(number=1, state="failed", value=None, options={}, epochs=1, message="nan\nmore")
    now = SearchNow(
        metric="log_loss",
        trials=5,
        done=[best, gone],
        best=best,
        running=[Running(2, 1, 3, 9, 0.5), Running(3, 0, 0, 0, None)],
        ended=gone,
    )
    assert ended_line(now, gone) == (
        "trial 1 (2/5): failed: nan, 1 epoch; best log_loss 0.25000 (trial 0)"
    )
    assert progress_lines(now, 61.2) == [
        "2/5 trials, 1 failed; best log_loss 0.25000 (trial 0); 1:01",
        "  trial 2: fold 2, epoch 3/9, loss 0.50000",
        "  trial 3: starts",
    ]
