"""A small table, a model fitted to it, and a way to run the command in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from steepest.cli import main

ROWS = 60
FAST = ("--max-epochs", "3", "--hidden-layer-sizes", "8")


def table_text(rows: int = ROWS) -> str:
    """Two classes that follow from the columns, one missing number, one missing level."""
    lines = ["id,size,sort,label"]
    for row in range(rows):
        size = "" if row == 5 else f"{(row * 7 % 20) / 7:.3f}"
        sort = "" if row == 9 else "abc"[row % 3]
        label = "large one" if row * 7 % 20 > 9 else "small"
        lines.append(f"row {row},{size},{sort},{label}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Ran:
    """What one run of the command came to."""

    code: int
    out: str
    err: str


class Command:
    """Runs the command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Ran:
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text(table_text())
    return path


@pytest.fixture(scope="session")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    arguments = ["fit", str(table), "-t", "label", "--quiet", *FAST, "--out", str(path)]
    assert main(arguments) == 0
    return path
