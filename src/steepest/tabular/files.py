"""The model file: one .safetensors holding the weights and, in one metadata key, sorted JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from steepest.errors import ModelFileError

FORMAT = 1
KEY = "steepest"
_LONGEST_HEADER = 100_000_000
_DTYPES = {"F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def model_bytes(tensors: Mapping[str, NDArray[Any]], document: Mapping[str, object]) -> bytes:
    """Build a model file's bytes: equal tensors and document give equal bytes.

    Args:
        tensors: Weights by name; any shape.
        document: What JSON can hold; the format's number is added to it.
    """
    from safetensors.numpy import save

    text = json.dumps(
        {**document, "format": FORMAT},
        sort_keys=True,
        allow_nan=False,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    arrays = {name: np.array(tensors[name], order="C") for name in sorted(tensors)}
    return save(arrays, metadata={KEY: text})


def read_model_file(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a model file back into its tensors and its document.

    Raises:
        ModelFileError: The file is missing, cut short, damaged, not ours or of a newer format.
    """
    content = _content(path)
    header, start = _header(path, content)
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise ModelFileError(
            f"{path} is a safetensors file, but no model saved by steepest: it lacks the "
            f"{KEY!r} entry; give a file written by 'steepest fit'"
        )
    document = _document(path, cast("dict[str, object]", metadata)[KEY])
    _check_tensors(path, header, len(content) - start)
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(content), document
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelFileError(_damaged(path, str(error))) from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no model file {str(path)!r}") from None
    except IsADirectoryError:
        raise ModelFileError(f"{path} is a folder; give a model file") from None
    except OSError as error:
        raise ModelFileError(f"cannot read the model file {path}: {error.strerror}") from None


def _header(path: Path, content: bytes) -> tuple[dict[str, object], int]:
    if len(content) < 8:
        raise ModelFileError(_damaged(path, f"it has only {len(content)} bytes"))
    length = int.from_bytes(content[:8], "little")
    # A table or picture given by mistake: its first eight bytes read as a huge length.
    if content[8:9] != b"{" or length > _LONGEST_HEADER:
        raise ModelFileError(
            f"{path} is no model file; give a file written by 'steepest fit' (.safetensors)"
        )
    if length > len(content) - 8:
        raise ModelFileError(
            _damaged(
                path,
                f"its header should have {length:,} bytes and {len(content) - 8:,} are there",
            )
        )
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError):
        raise ModelFileError(_damaged(path, "its header is not JSON")) from None
    if not isinstance(header, dict):
        raise ModelFileError(_damaged(path, "its header is not a JSON object"))
    return cast("dict[str, object]", header), 8 + length


def _document(path: Path, text: object) -> dict[str, Any]:
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ModelFileError(_damaged(path, f"its {KEY!r} entry is not a JSON object"))
    document = cast("dict[str, Any]", document)
    version = document.get("format")
    if not isinstance(version, int) or version < 1:
        raise ModelFileError(_damaged(path, "it does not say which format it has"))
    if version > FORMAT:
        raise ModelFileError(
            f"{path} has model format {version}, written by steepest "
            f"{document.get('version', 'of a later version')}; this steepest reads up to format "
            f"{FORMAT}: upgrade with 'pip install --upgrade steepest'"
        )
    return document


def _check_tensors(path: Path, header: Mapping[str, object], size: int) -> None:
    """Check shapes against extents ourselves: a damaged header must not ask for memory."""
    end = 0
    for name, entry in header.items():
        try:
            fields = cast("dict[str, Any]", entry)
            first, last = fields["data_offsets"]
            wanted = int(np.prod([*fields["shape"], 1], dtype=object)) * _DTYPES[fields["dtype"]]
        except (KeyError, TypeError, ValueError):
            raise ModelFileError(_damaged(path, f"the entry of tensor {name!r}")) from None
        if not 0 <= first <= last <= size or last - first != wanted:
            raise ModelFileError(_damaged(path, f"tensor {name!r} is not all there"))
        end = max(end, last)
    if end != size:
        raise ModelFileError(_damaged(path, f"{size:,} bytes of weights, {end:,} described"))


def _damaged(path: Path, detail: str) -> str:
    return f"the model file {path} is damaged or cut short ({detail}); fit or copy it again"
