"""`steepest fit --watch`: what is said, written and drawn; and that the model is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from steepest.tabular import fit_table

pytestmark = pytest.mark.row("W1", "W2")


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]
FAST = ("-t", "label", "--max-epochs", "4", "--hidden-layer-sizes", "8", "--batch-size", "18")


def test_it_says_draws_and_writes_what_was_seen(
    command: Command, table: Path, tmp_path: Path
) -> None:
    plain, watched = tmp_path / "plain.safetensors", tmp_path / "watched.safetensors"
    rows, plot, runs = tmp_path / "rows.jsonl", tmp_path / "layers.svg", tmp_path / "runs"
    assert command("fit", table, *FAST, "--out", plain, "-q").code == 0
    ran = command(
        "fit", table, *FAST, "--out", watched, "--watch", "4", "--watch-rows", rows,
        "--watch-plot", plot, "--tensorboard", runs,
    )  # fmt: skip
    assert ran.code == 0
    assert watched.read_bytes() == plain.read_bytes()
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert {row["step"] for row in found} == {1, 5, 9}
    assert {"mean", "dead", "gradient_norm", "update_ratio"} <= {row["what"] for row in found}
    assert plot.read_bytes().startswith(b"<?xml")
    assert "watched steps" in ran.err or " in perceptron." in ran.err
    accumulator = EventAccumulator(str(runs))
    accumulator.Reload()
    tags: Any = accumulator.Tags()
    assert {"loss/training", "loss/validation", "accuracy/validation"} <= set(tags["scalars"])
    assert "update_ratio/perceptron.layers.0" in tags["scalars"]
    assert [each.step for each in accumulator.Scalars("loss/training")] == [3, 6, 9, 12]


def test_what_stands_out_is_told_with_its_remedy(
    command: Command, table: Path, tmp_path: Path
) -> None:
    ran = command(
        "fit", table, *FAST, "--learning-rate", "1e-9", "--watch", "1",
        "--out", tmp_path / "model.safetensors",
    )  # fmt: skip
    assert "small updates in perceptron.layers.0" in ran.err
    assert "raise the learning rate" in ran.err


def test_a_file_alone_watches_every_fifty_steps(
    command: Command, table: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    out = tmp_path / "model.safetensors"
    ran = command("fit", table, *FAST, "--out", out, "--watch-rows", rows)
    assert ran.code == 0
    assert "in 1 watched step, too few to judge by: --watch 5 sees more" in ran.err
    assert {json.loads(line)["step"] for line in rows.read_text().splitlines()} == {1}


def test_impossible_wishes_are_refused_before_training(
    command: Command, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    asked = {
        ("--watch", "0"): "--watch",
        ("--watch-plot", "layers.txt"): "name it .png, .svg or .pdf",
        ("--watch-rows", "model.safetensors"): "would be written twice",
        ("--watch-plot", "no/layers.png"): "no",
        ("--tensorboard", "file"): "file is a file",
    }
    for flags, text in asked.items():
        ran = command("fit", table, *FAST, "--out", "model.safetensors", *flags)
        assert ran.code == 2, flags
        assert text in ran.err, flags
        assert len(ran.err.splitlines()) <= 3, ran.err
    assert not (tmp_path / "model.safetensors").exists()


def test_from_python_the_model_holds_what_was_seen(table: Path) -> None:
    options = {"network": {"hidden_layer_sizes": [8]}, "training": {"max_epochs": 2}}
    model = fit_table(table, "label", options, watch=1)
    assert model.watched.layers["perceptron.layers.1"] in ("relu", "silu")
    assert len(model.watched) == 4  # two batches in each of two epochs
    assert not fit_table(table, "label", options).watched.steps
