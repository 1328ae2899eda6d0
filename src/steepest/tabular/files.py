"""The model file: one .safetensors holding the weights and, in one metadata key, sorted JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from steepest.data import FileKind
from steepest.errors import ModelFileError

MODEL_FILE = FileKind(
    name="model",
    file="model file",
    format=1,
    source="'steepest fit'",
    remedy="fit or copy it again",
    error=ModelFileError,
)


def model_bytes(tensors: Mapping[str, NDArray[Any]], document: Mapping[str, object]) -> bytes:
    """Build a model file's bytes: equal tensors and document give equal bytes.

    Args:
        tensors: Weights by name; any shape.
        document: What JSON can hold; the format's number is added to it.
    """
    return MODEL_FILE.bytes_of(tensors, document)


def read_model_file(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a model file back into its tensors and its document.

    Raises:
        ModelFileError: The file is missing, cut short, damaged, not ours or of a newer format.
    """
    return MODEL_FILE.read(path)
