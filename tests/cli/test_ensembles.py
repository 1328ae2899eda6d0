"""`--ensemble-size` and `--average-weights`: fitted, shown, inspected, predicted with, resumed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAST = ("--max-epochs", "3", "--hidden-layer-sizes", "8")

pytestmark = pytest.mark.row("E1")


def test_an_ensemble_from_the_table_to_predictions(
    command: Callable[..., Any], table: Path, tmp_path: Path
) -> None:
    out, history = tmp_path / "m.safetensors", tmp_path / "history.jsonl"
    picture = tmp_path / "curves.svg"
    options = ["--out", out, "--history", history, "--plot", picture]
    ran = command("fit", table, "-t", "label", *FAST, "--ensemble-size", "3", *options)
    assert ran.code == 0, ran.err
    epochs = re.findall(r"^epoch (\d)/3  3 members  loss .* validation loss ", ran.err, re.M)
    assert epochs == ["1", "2", "3"]
    assert "3 members, 3 epochs, finished; each kept its best epoch" in ran.err
    rows = [json.loads(line) for line in history.read_text().splitlines()]
    assert [(row["member"], row["epoch"]) for row in rows] == [
        (member, epoch) for member in range(3) for epoch in (1, 2, 3)
    ]
    assert picture.read_bytes().startswith(b"<?xml")
    assert "network   3 times " in command("inspect", out).out
    assert command("predict", out, table, "--probabilities", "--quiet").code == 0
    scores = json.loads(command("evaluate", out, table, "--json", "--quiet").out)
    assert scores["rows"] == 60


@pytest.mark.row("E3")
@pytest.mark.parametrize("extra", [["--average-weights", ".995"], ["--ensemble-size", "2"]])
def test_resumed_the_file_is_the_same(
    extra: list[str], command: Callable[..., Any], table: Path, tmp_path: Path
) -> None:
    def fit(name: str, *options: str | Path) -> bytes:
        out = tmp_path / name
        ran = command("fit", table, "-t", "label", *FAST, *extra, "--out", out, *options)
        assert ran.code == 0, ran.err
        return out.read_bytes()

    whole, kept = fit("whole"), tmp_path / "kept"
    fit("cut", "--checkpoint", kept, "--time-limit", "1e-9")
    assert fit("again", "--checkpoint", kept, "--resume") == whole


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--ensemble-size", "0", "training.ensemble_size = 0 is not possible"),
        ("--ensemble-size", "two", 'training.ensemble_size = "two" is not possible'),
        ("--average-weights", "1", "training.average_weights = 1 is not possible"),
    ],
)
def test_what_cannot_be_is_refused(
    option: str, value: str, message: str, command: Callable[..., Any], table: Path
) -> None:
    ran = command("fit", table, "-t", "label", option, value)
    assert ran.code == 2
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1
