from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from safetensors import safe_open

from steepest.errors import ModelFileError
from steepest.tabular.files import model_bytes, read_model_file

WEIGHTS = {
    "b.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.zeros(0, dtype=np.float32),
    "count": np.array(3, dtype=np.int64),
}
DOCUMENT = {"kind": "table", "text": 'ünïcode "quoted"\n', "numbers": [0.1, 1e-300, 3]}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(model_bytes(WEIGHTS, DOCUMENT))
    tensors, document = read_model_file(path)
    assert document == {**DOCUMENT, "format": 1}
    assert set(tensors) == set(WEIGHTS)
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(tensors[name], array)
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape


def test_others_can_read_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(model_bytes(WEIGHTS, DOCUMENT))
    with safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == set(WEIGHTS)
        assert list(file.metadata()) == ["steepest"]


def test_order_of_names_does_not_matter() -> None:
    backwards = dict(reversed(WEIGHTS.items()))
    assert model_bytes(WEIGHTS, DOCUMENT) == model_bytes(
        backwards, dict(reversed(DOCUMENT.items()))
    )


@given(cut=st.integers(0, len(model_bytes(WEIGHTS, DOCUMENT)) - 1))
def test_any_cut_is_told(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "m.safetensors"
    path.write_bytes(model_bytes(WEIGHTS, DOCUMENT)[:cut])
    with pytest.raises(ModelFileError, match=r"m\.safetensors"):
        read_model_file(path)


@given(place=st.integers(0, 400), value=st.integers(0, 255))
def test_a_changed_byte_is_told_or_harmless(
    place: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(model_bytes(WEIGHTS, DOCUMENT))
    content[place % len(content)] = value
    path = tmp_path_factory.mktemp("changed") / "m.safetensors"
    path.write_bytes(content)
    with contextlib.suppress(ModelFileError):  # any other error fails the test
        read_model_file(path)


@pytest.mark.parametrize("content", [b"{}", b"[]", b'"x"', b"{" * 10_000])
def test_a_header_of_another_kind_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(content).to_bytes(8, "little") + content)
    with pytest.raises(ModelFileError):
        read_model_file(path)


def test_missing_file_and_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no model file"):
        read_model_file(tmp_path / "none")
    with pytest.raises(ModelFileError, match="folder"):
        read_model_file(tmp_path)
