"""Files of named arrays and one JSON document: safetensors, whose metadata holds the document."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from steepest.errors import SteepestError

_KEY = "steepest"
_CHECKSUM = "checksum"
_LONGEST_HEADER = 100_000_000
_DTYPES = {
    **{"F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1},
    **{"U64": 8, "U32": 4, "U16": 2},
}


@final
@dataclass(frozen=True)
class FileKind:
    """A kind of file, and how messages speak of it.

    Args:
        name: what a file holds, in a word: "model", "checkpoint".
        file: what it is called: "model file".
        format: the number of the newest format that is read, and written.
        source: what writes such files: "'steepest fit'".
        remedy: what to do about a damaged one.
        error: raised for what is wrong with one.
    """

    name: str
    file: str
    format: int
    source: str
    remedy: str
    error: type[SteepestError]

    def bytes_of(
        self, tensors: Mapping[str, NDArray[Any]], document: Mapping[str, object]
    ) -> bytes:
        """Build a file's bytes: equal tensors and document give equal bytes.

        Args:
            tensors: Arrays by name; any shape.
            document: What JSON can hold; the format's number is added to it.
        """
        from safetensors.numpy import save

        numbered = {**document, "format": self.format}
        arrays = {name: np.array(tensors[name], order="C") for name in sorted(tensors)}
        text = _text({**numbered, _CHECKSUM: _checksum(numbered, arrays)})
        return save(arrays, metadata={_KEY: text})

    def read(self, path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Read a file back into its tensors and its document.

        Raises:
            SteepestError: The kind's own: the file is missing, cut short, damaged, of another kind
                or of a newer format.
        """
        content = self._content(path)
        header, start = self._header(path, content)
        metadata = header.pop("__metadata__", None)
        if not isinstance(metadata, dict) or _KEY not in metadata:
            raise self.error(
                f"{path} is a safetensors file, but no {self.name} saved by steepest: it lacks the "
                f"{_KEY!r} entry; give a file written by {self.source}"
            )
        document = self._document(path, cast("dict[str, object]", metadata)[_KEY])
        self._check_tensors(path, header, len(content) - start)
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            tensors = load(content)
        except (SafetensorError, ValueError, KeyError) as error:
            raise self.error(self._damaged(path, str(error))) from None
        stated = document.pop(_CHECKSUM, None)  # the first files had none
        if stated is not None and stated != _checksum(document, tensors):
            raise self.error(self._damaged(path, "its checksum is another"))
        return tensors, document

    def _content(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise self.error(f"there is no {self.file} {str(path)!r}") from None
        except IsADirectoryError:
            raise self.error(f"{path} is a folder; give a {self.file}") from None
        except OSError as error:
            raise self.error(f"cannot read the {self.file} {path}: {error.strerror}") from None

    def _header(self, path: Path, content: bytes) -> tuple[dict[str, object], int]:
        if len(content) < 8:
            raise self.error(self._damaged(path, f"it has only {len(content)} bytes"))
        length = int.from_bytes(content[:8], "little")
        # A table or picture given by mistake: its first eight bytes read as a huge length.
        if content[8:9] != b"{" or length > _LONGEST_HEADER:
            raise self.error(
                f"{path} is no {self.file}; give a file written by {self.source} (.safetensors)"
            )
        if length > len(content) - 8:
            raise self.error(
                self._damaged(
                    path,
                    f"its header should have {length:,} bytes and {len(content) - 8:,} are there",
                )
            )
        try:
            header = json.loads(content[8 : 8 + length])
        except (ValueError, RecursionError):
            raise self.error(self._damaged(path, "its header is not JSON")) from None
        if not isinstance(header, dict):
            raise self.error(self._damaged(path, "its header is not a JSON object"))
        return cast("dict[str, object]", header), 8 + length

    def _document(self, path: Path, text: object) -> dict[str, Any]:
        try:
            document = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise self.error(self._damaged(path, f"its {_KEY!r} entry is not a JSON object"))
        document = cast("dict[str, Any]", document)
        holds = document.get("holds", "model")  # model files did not say so, and need not
        if holds != self.name:
            raise self.error(f"{path} is a {holds}, no {self.name}: give a {self.file}")
        version = document.get("format")
        if not isinstance(version, int) or version < 1:
            raise self.error(self._damaged(path, "it does not say which format it has"))
        if version > self.format:
            raise self.error(
                f"{path} has {self.name} format {version}, written by steepest "
                f"{document.get('version', 'of a later version')}; this steepest reads up to "
                f"format {self.format}: upgrade with 'pip install --upgrade steepest'"
            )
        return document

    def _check_tensors(self, path: Path, header: Mapping[str, object], size: int) -> None:
        """Check shapes against extents ourselves: a damaged header must not ask for memory."""
        end = 0
        for name, entry in header.items():
            try:
                fields = cast("dict[str, Any]", entry)
                first, last = fields["data_offsets"]
                wanted = (
                    int(np.prod([*fields["shape"], 1], dtype=object)) * _DTYPES[fields["dtype"]]
                )
            except (KeyError, TypeError, ValueError):
                raise self.error(self._damaged(path, f"the entry of tensor {name!r}")) from None
            if not 0 <= first <= last <= size or last - first != wanted:
                raise self.error(self._damaged(path, f"tensor {name!r} is not all there"))
            end = max(end, last)
        if end != size:
            raise self.error(self._damaged(path, f"{size:,} bytes of weights, {end:,} described"))

    def _damaged(self, path: Path, detail: str) -> str:
        return f"the {self.file} {path} is damaged or cut short ({detail}); {self.remedy}"


def _text(document: Mapping[str, object]) -> str:
    """JSON in the one way in which we write it."""
    return json.dumps(
        document, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )


def _checksum(document: Mapping[str, object], tensors: Mapping[str, NDArray[Any]]) -> int:
    """CRC-32 of the document and of every tensor's name and bytes."""
    found = zlib.crc32(_text(document).encode("utf-8", "surrogatepass"))
    for name in sorted(tensors):
        found = zlib.crc32(name.encode(), found)
        found = zlib.crc32(np.ascontiguousarray(tensors[name]).data, found)
    return found
