"""`steepest bench` on the smallest workload, with the one peer that is here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol

import pytest

from steepest.bench import growth
from steepest.bench.growth import Compiling
from steepest.bench.peers import Peer


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]
QUICK = ("bench", "--workloads", "tiny", "--repeats", "1", "--seconds", "0.01")
COMPILING = Compiling("some layers", 1234, 5, 6, 0.1, 0.2, 0.3)
PEER = ("--peers", sys.executable, "--against", "scikit-learn")


@pytest.fixture(scope="module")
def peer() -> Generator[Peer]:
    with Peer(Path(sys.executable), "scikit-learn", threads=1) as peer:
        yield peer


@pytest.fixture
def kept(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process for several commands: a peer imports for seconds before it is ready."""
    monkeypatch.setattr("steepest.bench.peers.Peer", lambda *_: nullcontext(peer))


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


@pytest.mark.usefixtures("kept")
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


@pytest.mark.usefixtures("kept")
def test_it_times_a_table(command: Command, table: Path) -> None:
    # Inputs: a number, whether it is missing, three levels and the missing one.
    arguments = ("bench", "--table", str(table), "-t", "label", *QUICK[3:], *PEER[:2])
    ran = command(*arguments)
    assert ran.code == 0
    assert "scikit-learn: round" not in ran.err
    assert "table.csv: 54 rows in batches of 32, 6, 128, 64, 2" in ran.out
    for heading in ("seconds an epoch", "steepest", "scikit-learn", "has 6 inputs"):
        assert heading in ran.out
    document = json.loads(command(*arguments, "--json", "-q").out)
    assert list(document["ratios"]) == list(document["peers"]) == ["scikit-learn"]
    assert document["settings"] == {"rounds": 1, "seconds": 0.01}
    assert document["rows"] == 54


def test_a_table_needs_no_peer_and_takes_options(command: Command, table: Path) -> None:
    options = ("--set", "network.hidden_layer_sizes=[3]", "-q")
    ran = command("bench", "--table", str(table), "-t", "label", *QUICK[3:], *options)
    assert (ran.code, ran.err) == (0, "")
    assert ", 6, 3, 2\n" in ran.out
    assert "scikit-learn" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--table", "none.csv", "-t", "label"), "none.csv"),
        (("--table", "{table}"), "name it with --target"),
        (("--table", "{table}", "-t", "lable"), "'label'"),
        (("--table", "{table}", "-t", "label", "--kernels"), "leave out --kernels"),
        (("--table", "{table}", "-t", "label", "--workloads", "mlp"), "leave out --workloads"),
        (("--table", "{table}", "-t", "label", "--set", "network.width=3"), "network.width"),
        (("--table", "{table}", "-t", "label", "--peers", "no-python"), "no-python: cannot be run"),
        (("-t", "label"), "give --table"),
    ],
)
def test_mistakes_about_a_table(
    command: Command, table: Path, arguments: tuple[str, ...], words: str
) -> None:
    ran = command("bench", *(each.format(table=table) for each in arguments))
    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""


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


@pytest.mark.row("W2")
def test_it_tells_what_watching_costs(command: Command) -> None:
    shown = command(*QUICK, "--watching", "5")
    assert shown.code == 0
    assert "tiny: round 1 of 1" in shown.err
    for text in ("watched µs", "cost", "tiny"):
        assert text in shown.out
    ran = command(*QUICK, "--watching", "5", "--json", "-q")
    (result,) = json.loads(ran.out)["watching"]
    assert (result["workload"], result["every"]) == ("tiny", 5)
    assert result["cost"] > 0
    refused = command(*QUICK, "--watching", "5", "--kernels")
    assert refused.code == 2
    assert "leave out --peers" in refused.err
