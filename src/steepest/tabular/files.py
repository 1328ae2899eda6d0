"""The model file: one .safetensors holding the weights and, in one metadata key, sorted JSON."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data import FileKind, whole_file
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


def write_model(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a model file whole or not at all.

    Raises:
        DataError: The file cannot be written; an old one under the name is untouched.
    """
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def damage_told(path: Path) -> Generator[None]:
    """What cannot be understood in a model file means that the file is damaged.

    Raises:
        ModelFileError: Whatever went wrong with what was read.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        missing = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(
            f"the model file {path} is damaged ({missing}); fit or copy it again"
        ) from None


def timeless(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leave clocks out of an epoch's row, and write numbers that JSON lacks as null."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in row.items()
        if name != "seconds"
    }
