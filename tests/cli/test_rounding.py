"""`steepest rounding` with small numbers, and with the one peer that is here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Protocol

import pytest

from steepest.bench import rounding_cases


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]
PEER = ("--peers", sys.executable, "--against", "numpy")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding_cases, "PRODUCTS", ((4, 30, 5),))
    monkeypatch.setattr(rounding_cases, "REDUCED", ((20, 30),))


def test_it_writes_json(command: Command) -> None:
    ran = command("rounding", "--parts", "products,reductions", *PEER, "--json", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert list(document["peers"]) == ["numpy"]
    assert len(document["cases"]) == 4 + 5 * 3 * 2
    for case in document["cases"]:
        assert 0 < case["steepest"]["rms"] <= case["steepest"]["largest"] < 1e-6
        assert set(case["peers"]) == {"numpy"}


def test_it_shows_the_worst_of_each_group(command: Command) -> None:
    ran = command("rounding", "--parts", "products", "--parts", "tiny", *PEER)
    assert ran.code == 0
    assert ran.err == "products: computing\ntiny: computing\n"
    lines = ran.out.splitlines()
    assert "÷ numpy" in lines[0]
    assert lines[1].startswith("4×30×5")
    assert [line.split()[0] for line in lines[2:]] == ["tiny"] * 5
    assert all(line.split()[-1] == "–" for line in lines[2:]), "NumPy takes no steps"
    assert "…" not in ran.out


def test_it_needs_no_peers(command: Command) -> None:
    ran = command("rounding", "--parts", "products,reductions", "-q")
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == 1 + 1 + 5 * 3
    assert "numpy" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--parts", "product"), "no part 'product'; did you mean 'products'"),
        ((*PEER[:2], "--against", "jax"), "no peer 'jax'"),
        (PEER[:2], "torch does not run in"),
        (PEER[:2], "No module named 'torch'"),
        (("--peers", "not-there"), "not-there: cannot be run"),
    ],
)
def test_mistakes(command: Command, arguments: tuple[str, ...], words: str) -> None:
    ran = command("rounding", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""
