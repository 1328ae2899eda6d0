"""`steepest bench` on the smallest workload, with the one peer that is here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Protocol

import pytest

from steepest.bench import growth
from steepest.bench.growth import Compiling


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]
QUICK = ("bench", "--workloads", "tiny", "--repeats", "1", "--seconds", "0.01")
COMPILING = Compiling("some layers", 1234, 5, 6, 0.1, 0.2, 0.3)
PEER = ("--peers", sys.executable, "--against", "scikit-learn")


def test_it_writes_json(command: Command) -> None:
    ran = command(*QUICK, *PEER, "--json", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert document["threads"] == 1
    assert list(document["peers"]) == ["scikit-learn"]
    (workload,) = document["workloads"]
    assert workload["workload"] == "tiny"
    assert set(workload["seconds"]) == {"steepest", "scikit-learn"}
    assert workload["kernels"]


def test_it_shows_tables(command: Command) -> None:
    ran = command(*QUICK, *PEER, "--kernels")
    assert ran.code == 0
    assert "tiny: round 1 of 1" in ran.err
    for heading in ("µs a step", "÷ scikit-learn", "% of peak", "tiny: kernel", "is the loss"):
        assert heading in ran.out
    assert "…" not in ran.out


def test_it_needs_no_peers(command: Command) -> None:
    ran = command(*QUICK, "-q")
    assert (ran.code, ran.err) == (0, "")
    assert "µs a step" in ran.out
    assert "jax" not in ran.out


def test_it_shows_how_the_compiler_grows(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "deep", lambda layers: COMPILING)
    monkeypatch.setattr(growth, "long", lambda nodes: COMPILING)
    shown = command(*QUICK, "--growth", "-q").out
    assert "machine code s" in shown
    assert shown.count("some layers  1,234") == 3
    document = json.loads(command(*QUICK, "--growth", "--json", "-q").out)
    assert [each["functions"] for each in document["growth"]] == [6, 6, 6]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--workloads", "tine"), "no workload 'tine'"),
        (("--seconds", "0"), "--seconds is a number above 0"),
        (("--repeats", "0"), "--repeats"),
        ((*PEER[:2], "--against", "jaxx"), "no peer 'jaxx'"),
        (("--peers", "not-there"), "not-there: cannot be run"),
    ],
)
def test_mistakes(command: Command, arguments: tuple[str, ...], words: str) -> None:
    ran = command("bench", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""
