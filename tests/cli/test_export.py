"""`steepest export`: files that predict without steepest, or a sentence that says why not."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
import pytest

import steepest as st
from steepest.data import read_table


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "table.safetensors"
    options = {"training": {"max_epochs": 2}, "network": {"hidden_layer_sizes": [8]}}
    st.fit_table(table, "label", options).save(path)
    return path


def test_both_files_predict_what_the_command_does(
    command: Command, model: Path, table: Path, tmp_path: Path
) -> None:
    ran = command("export", model, "--onnx", tmp_path / "a.onnx", "--python", tmp_path / "a.py")
    assert (ran.code, ran.out) == (0, "")
    assert [line.rpartition(": ")[0] for line in ran.err.splitlines()] == [
        str(tmp_path / "a.onnx"),
        str(tmp_path / "a.py"),
    ]
    said = command("predict", model, table, "--probabilities", "--quiet")
    predicted = [line.split(",") for line in said.out.splitlines()[1:]]
    wanted = np.array([row[1:] for row in predicted], float)
    read = read_table(table)
    cells = {name: read.column(name).texts() for name in ("size", "sort")}
    file = runpy.run_path(str(tmp_path / "a.py"))
    np.testing.assert_allclose(file["predict_proba"](cells), wanted, rtol=2e-6)
    bound = {
        "size": np.array([[float(text or "nan")] for text in cells["size"]]),
        "sort": np.array([[text] for text in cells["sort"]], object),
    }
    labels, probabilities = map(
        np.asarray, onnxruntime.InferenceSession(tmp_path / "a.onnx").run(None, bound)
    )
    assert labels.tolist() == [row[0] for row in predicted]
    np.testing.assert_allclose(probabilities, wanted, atol=1e-5)


def test_a_dash_sends_the_file_to_stdout(command: Command, model: Path) -> None:
    ran = command("export", model, "--python", "-")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("#!/usr/bin/env python3\n")


MISTAKES = {
    "nothing to write": ((), "say what to write: --onnx FILE, --python FILE, or both"),
    "one name": (("--onnx", "{folder}/a", "--python", "{folder}/a"), "written twice"),
    "the model itself": (("--python", "{model}"), "is read by this command"),
    "no folder": (("--onnx", "{folder}/none/a.onnx"), "there is no folder"),
    "no model": (("--python", "{folder}/a.py"), "none.safetensors"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_said(name: str, command: Command, model: Path, tmp_path: Path) -> None:
    given, said = MISTAKES[name]
    before = model.read_bytes()
    path = tmp_path / "none.safetensors" if name == "no model" else model
    texts = [each.format(folder=tmp_path, model=model) for each in given]
    ran = command("export", path, *texts)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") <= 2
    assert "Traceback" not in ran.err
    assert not list(tmp_path.iterdir())
    assert model.read_bytes() == before


def test_what_is_missing_is_said_how_to_get(
    command: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    python = tmp_path / "a.py"
    ran = command("export", model, "--onnx", tmp_path / "a.onnx", "--python", python)
    assert ran.code == 2
    assert "pip install 'steepest[onnx]'" in ran.err
    assert not list(tmp_path.iterdir())  # neither is written
    assert command("export", model, "--python", python, "--quiet").code == 0


def test_a_model_of_images_is_refused(command: Command, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (20, 4, 4)).astype(np.uint8)
    path = tmp_path / "images.npz"
    np.savez(path, x=images, y=np.arange(20) % 2)
    fitted = tmp_path / "images.safetensors"
    assert command("fit", path, "--max-epochs", "1", "--out", fitted, "--quiet").code == 0
    ran = command("export", fitted, "--onnx", tmp_path / "a.onnx")
    assert ran.code == 2
    assert "is a model of images; those of tables can be exported" in ran.err
