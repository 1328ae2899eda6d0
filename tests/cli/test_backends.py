"""What runs the step: machine code; the reference on request, or where nothing else can."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from steepest.cli import main
from steepest.errors import CompilationError
from steepest.transform import executable
from steepest.transform.executable import Task

SMALL = ["--set", "network.hidden_layer_sizes=[8]", "--max-epochs", "6", "--seed", "1", "-q"]


@pytest.fixture
def iris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["dataset", "iris", "--out", "iris.csv", "-q"]) == 0
    return tmp_path / "iris.csv"


def losses(path: str) -> list[float]:
    return [json.loads(line)["loss"] for line in Path(path).read_text().splitlines()]


def test_both_ways_of_training_come_to_the_same_losses_and_predictions(
    iris: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, flags in (("native", []), ("reference", ["--reference"])):
        given = ["fit", "iris.csv", "--target", "target", "--out", f"{name}.safetensors"]
        assert main([*given, "--history", f"{name}.jsonl", *SMALL, *flags]) == 0
    np.testing.assert_allclose(losses("native.jsonl"), losses("reference.jsonl"), rtol=1e-5)
    printed: list[str] = []
    for flags in ([], ["--reference"]):
        capsys.readouterr()
        assert main(["predict", "native.safetensors", "iris.csv", "-q", *flags]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) == 151


def test_what_cannot_be_compiled_runs_on_the_reference_and_says_so_once(
    iris: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(task: Task) -> None:
        raise CompilationError("LLVM has had enough")

    monkeypatch.setattr(executable, "NativeExecutable", refuse)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["fit", "iris.csv", "--target", "target", *SMALL]) == 0
    said = capsys.readouterr().err
    assert said.count("LLVM has had enough") == 1
    assert said.startswith("steepest: running on the reference interpreter, which is slower")


@pytest.mark.parametrize(
    ("stage", "shown"),
    [
        ("traced", "contract(%"),
        ("rewritten", "constant_folding"),
        ("scheduled", "kernel 0: position"),
        ("generated", "define i32 @kernel_0"),
        ("all", "== 4. generated =="),
    ],
)
def test_the_step_is_explained_stage_by_stage(
    iris: Path, capsys: pytest.CaptureFixture[str], stage: str, shown: str
) -> None:
    capsys.readouterr()
    assert main(["explain-step", "iris.csv", "--target", "target", "--stage", stage]) == 0
    assert shown in capsys.readouterr().out


def test_explaining_needs_a_table_and_a_stage_there_is(
    iris: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain-step"]) == 2
    assert "TABLE" in capsys.readouterr().err
    assert main(["explain-step", "iris.csv", "--target", "target", "--stage", "magic"]) == 2
    assert "magic" in capsys.readouterr().err
