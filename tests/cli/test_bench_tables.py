"""`steepest bench tables` on a table of 90 rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from steepest.bench.results import OURS
from steepest.bench.table_fits import BOOSTING, NETWORK


class Ran(Protocol):
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tables")
    (made / "penguins").mkdir()
    lines = ["species,island,bill"]
    lines += [f"sort {row % 3},{'xyz'[row // 2 % 3]},{row % 3 + row % 7 / 5}" for row in range(90)]
    (made / "penguins" / "penguins.csv").write_text("\n".join(lines) + "\n")
    return made


def test_the_command(command: Callable[..., Ran], folder: Path) -> None:
    short = ("--seeds", "1", "--set", "training.max_epochs=2", "--only", "penguins")
    ran = command("bench", "tables", str(folder), *short)
    assert ran.code == 0
    assert "penguins: seed 0" in ran.err
    for words in ("log_loss", OURS, NETWORK, BOOSTING, "(first: ", "means over 1 seed"):
        assert words in ran.out
    ran = command("bench", "tables", str(folder), *short, "--json", "-q")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert (document["threads"], document["seeds"]) == (1, 1)
    (table,) = document["tables"]
    assert (table["training_rows"], table["test_rows"]) == (72, 18)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "penguin"), "there is no table 'penguin'; did you mean 'penguins'"),
        (("--only", "adult"), "adult-train.csv is not there: it is adult.data and adult.test of"),
        (("--set", "training.epochs=2"), "max_epochs"),
    ],
)
def test_mistakes(
    command: Callable[..., Ran], folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = command("bench", "tables", str(folder), *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert "Traceback" not in ran.err
