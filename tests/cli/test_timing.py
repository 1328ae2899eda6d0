"""`steepest fit --timing`: the parts of a run, and that they add up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from steepest.cli import timing
from steepest.cli.timing import process_age

PARTS = ["importing", "reading", "preparing", "training", "compiling", "scoring", "saving", "rest"]
FAST = ("--max-epochs", "2", "--hidden-layer-sizes", "8")


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def arguments(table: Path, tmp_path: Path) -> list[str]:
    return ["fit", str(table), "-t", "label", *FAST, "--out", str(tmp_path / "model.safetensors")]


def test_one_line_says_where_the_time_went(command: Command, arguments: list[str]) -> None:
    ran = command(*arguments, "--timing")
    assert (ran.code, ran.out) == (0, "")
    (line,) = [line for line in ran.err.splitlines() if line.startswith("time ")]
    found = re.fullmatch(r"time (\S+) s: (.*)", line)
    assert found is not None
    parts = [part.split() for part in found[2].split(", ")]
    assert [name for name, _ in parts] == PARTS
    whole = float(found[1])
    assert sum(float(seconds) for _, seconds in parts) == pytest.approx(whole, abs=0.005)


def test_json_has_the_parts_too(command: Command, arguments: list[str]) -> None:
    seconds = json.loads(command(*arguments, "--timing", "--json", "-q").out)["seconds"]
    assert list(seconds) == PARTS
    assert all(each >= 0 for each in seconds.values())


def test_nothing_is_said_unasked(command: Command, arguments: list[str]) -> None:
    ran = command(*arguments, "--json")
    assert "seconds" not in json.loads(ran.out)
    assert not any(line.startswith("time ") for line in ran.err.splitlines())
    assert command(*arguments, "--timing", "-q").err == ""


def test_the_whole_is_that_of_the_process(arguments: list[str]) -> None:
    began = time.perf_counter()
    command = [sys.executable, "-m", "steepest", *arguments, "--timing", "--json", "-q"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    outside = time.perf_counter() - began
    seconds = json.loads(ran.stdout)["seconds"]
    assert sum(seconds.values()) <= outside + 0.02  # the system counts in hundredths
    assert seconds["importing"] > 0


def test_the_age_of_a_process() -> None:
    program = "import time; from steepest.cli.timing import process_age as age; print(age())"
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 0 < float(ran.stdout) <= time.perf_counter() - began + 0.02
    assert process_age() > float(ran.stdout)


def test_without_the_systems_word_it_is_what_was_computed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(timing, "Path", lambda path: tmp_path / "none")
    before = time.process_time()
    assert before <= process_age() <= time.process_time()
