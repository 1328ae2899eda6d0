"""Fits that are interrupted on the command line, and go on: the bytes of one that was not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Command
from steepest.cli import main

STEEPEST = [sys.executable, "-m", "steepest"]
LONG = ("--max-epochs", "60", "--hidden-layer-sizes", "16", "--set", "training.patience=0")
# Of a fit that sends itself a signal in the middle of an epoch, wherever that is.
STOPPED = """
import os, signal, sys
import steepest.train.pace, steepest.train.loop as loop
from steepest.cli import main

steps, kind = int(sys.argv[1]), getattr(signal, sys.argv[2])
run = loop.Loop._some_batches
def counted(self, *order):
    answer = run(self, *order)
    if self._journal.steps >= steps:
        os.kill(os.getpid(), kind)
    return answer
loop.Loop._some_batches = counted
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture(scope="module")
def whole(table: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of a fit that nobody interrupts."""
    out = tmp_path_factory.mktemp("whole") / "m.safetensors"
    arguments = ["fit", str(table), "-t", "label", *LONG, "--quiet", "--out", str(out)]
    subprocess.run([*STEEPEST, *arguments], check=True)
    return out.read_bytes()


@pytest.mark.parametrize(
    ("steps", "signal_name", "every"),
    [
        (45, "SIGINT", "7steps"),
        (50, "SIGKILL", "9steps"),
    ],
)
def test_the_model_file_has_the_bytes_of_an_uninterrupted_fit(
    steps: int,
    signal_name: str,
    every: str,
    table: Path,
    tmp_path: Path,
    whole: bytes,
    command: Command,
) -> None:
    out = tmp_path / "m.safetensors"
    fit = ["fit", table, "-t", "label", *LONG, "--out", out]
    ran = subprocess.run(
        [
            *(sys.executable, "-c", STOPPED, str(steps), signal_name),
            *map(str, fit),
            *("--checkpoint-every", every),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    kept = tmp_path / "m.checkpoint.safetensors"
    assert kept.exists(), ran.stderr
    if signal_name == "SIGINT":
        assert ran.returncode == 130
        assert f"kept {kept}: the same command with --resume goes on" in ran.stderr
        assert out.read_bytes() != whole
    else:
        assert ran.returncode == -signal.SIGKILL
        assert not out.exists()
    again = command(*fit, "--resume")
    assert again.code == 0, again.err
    assert f"going on from {kept}, after epoch " in again.err
    assert f"{kept} is not needed any more" in again.err
    assert out.read_bytes() == whole


def test_an_ensemble_goes_on_too(table: Path, tmp_path: Path, command: Command) -> None:
    out, other = tmp_path / "m.safetensors", tmp_path / "other.safetensors"
    fit = ["fit", table, "-t", "label", *LONG, "--ensemble-size", "2", "--quiet"]
    assert command(*fit, "--out", other).code == 0
    cut = subprocess.run(
        [
            *(sys.executable, "-c", STOPPED, "30", "SIGKILL"),
            *map(str, fit),
            *("--out", str(out), "--checkpoint-every", "3"),
        ],
        check=False,
    )
    assert cut.returncode == -signal.SIGKILL
    assert not out.exists()
    assert command(*fit, "--out", out, "--resume").code == 0
    assert out.read_bytes() == other.read_bytes()


def test_a_fit_that_was_over_says_so_and_gives_the_same_model(
    table: Path, tmp_path: Path, command: Command
) -> None:
    out, kept = tmp_path / "m.safetensors", tmp_path / "kept"
    fit = ["fit", table, "-t", "label", "--max-epochs", "3", "--out", out, "--checkpoint", kept]
    first = command(*fit)
    assert first.code == 0
    assert "epoch 3/3" in first.err
    model = out.read_bytes()
    again = command(*fit, "--resume")
    assert again.code == 0
    assert f"{kept} is of a fit that was over: finished, epoch 3" in again.err
    assert "epoch 3/3" not in again.err
    assert out.read_bytes() == model


@pytest.fixture(scope="module")
def kept(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("kept") / "m.safetensors"
    fit = ["fit", str(table), "-t", "label", "--max-epochs", "3", "--out", str(out)]
    assert main([*fit, "--checkpoint-every", "1", "--quiet"]) == 0
    return out.with_name("m.checkpoint.safetensors")


REFUSED = {
    "other options": (["--batch-size", "16"], "batch_size=32, now 16"),
    "more epochs": (["--max-epochs", "5"], "epochs=3, now 5, on which a learning rate may depend"),
    "another seed": (["--seed", "4"], "seed=0, now 4"),
    "another sampler": (["--sampler", "in_order"], "sampler=DisjointBatches, now InOrder"),
    "fewer rows": (["--validation", "0.3"], "54 rows, now 42"),
    "an ensemble": (["--ensemble-size", "2"], "one model, now an ensemble of 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_checkpoint_of_another_fit_is_refused(
    name: str, table: Path, kept: Path, command: Command
) -> None:
    options, message = REFUSED[name]
    out = kept.with_name("m.safetensors")
    fit = ["fit", table, "-t", "label", "--max-epochs", "3", "--out", out, "--resume", "--quiet"]
    ran = command(*fit, *options)
    assert ran.code == 2
    assert "m.checkpoint.safetensors is a checkpoint of another fit: it was made with" in ran.err
    assert message in ran.err
    assert ran.err.count("\n") <= 2


MISTAKES = {
    "nothing there": (["--resume"], "there is no checkpoint "),
    "no interval": (["--checkpoint-every", "0"], "write a number of epochs from 1 on"),
    "no unit": (["--checkpoint-every", "5minutes"], "or of steps, such as 500steps"),
    "the model's name": (["--checkpoint", "m.safetensors"], "would be written twice"),
    "no folder": (["--checkpoint", "none/c"], "there is no folder none"),
    "sampler": (["--sampler", "disjont"], "did you mean 'disjoint'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_before_training(
    name: str, table: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options, message = MISTAKES[name]
    ran = command("fit", table, "-t", "label", "--out", "m.safetensors", "--quiet", *options)
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.count("\n") <= 2
    assert list(tmp_path.iterdir()) == []


def test_the_table_is_never_written_over(table: Path, command: Command) -> None:
    ran = command("fit", table, "-t", "label", "--checkpoint", table, "--quiet")
    assert ran.code == 2
    assert "is read by this command" in ran.err


def test_a_checkpoint_is_no_model(kept: Path, table: Path, command: Command) -> None:
    ran = command("predict", kept, table)
    assert ran.code == 2
    assert f"{kept} is a checkpoint, no model: give a model file" in ran.err


def test_a_model_to_stdout_has_its_checkpoint_in_the_folder(table: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            *(*STEEPEST, "fit", str(table), "-t", "label", "--max-epochs", "1", "-q"),
            *("--out", "-", "--checkpoint-every", "1"),
        ],
        stdout=subprocess.PIPE,
        check=True,
        cwd=tmp_path,
    )
    assert ran.stdout
    assert [each.name for each in tmp_path.iterdir()] == ["table.checkpoint.safetensors"]
