"""Open a file of text, and refuse what cannot be a table before anything is parsed."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from steepest.errors import ConfigurationError, DataError, nearest

_SAMPLE_CHARACTERS = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN = (
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook; save the sheet as CSV"),
    (b"BZh", "is compressed with bzip2; unpack it or use gzip"),
    (b"\xfd7zXZ", "is compressed with xz; unpack it or use gzip"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it or use gzip"),
    (b"ARROW1", "is an Arrow file; save the table as Parquet or CSV"),
    (b"%PDF", "is a PDF document; a table is wanted, such as CSV or Parquet"),
)


def check_file(path: Path) -> bytes:
    """Return the first bytes of a readable file that is not empty.

    Raises:
        DataError: missing (with the nearest names beside it), a directory, empty, not readable, or
            of a kind that is known not to be a table.
    """
    try:
        if path.is_dir():
            raise DataError(f"{path} is a directory; name a table in it")
        if path.exists() and not path.is_file():
            raise DataError(
                f"{path} is a pipe or a device, which can be read only once; write - in its place "
                f"and send it in: steepest … - < {path}"
            )
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist{_files_like(path)}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if not head:
        raise DataError(f"{path} is empty; a table has a header line and rows below it")
    for magic, meaning in _FOREIGN:
        if head.startswith(magic):
            raise DataError(f"{path} {meaning}")
    return head


def _files_like(path: Path) -> str:
    try:
        names = [each.name for each in path.parent.iterdir() if each.is_file()]
    except OSError:
        return ""
    advice = nearest(path.name, names)
    return f"; {advice}" if advice.startswith("did you mean") else ""


def is_parquet(head: bytes) -> bool:
    """Tell a Parquet file by its first bytes."""
    return head.startswith(b"PAR1")


@contextmanager
def _open_bytes(path: Path) -> Generator[io.BufferedReader, None, None]:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            yield io.BufferedReader(gzip.GzipFile(fileobj=raw)) if zipped else raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path} is damaged gzip: {error}") from None


@contextmanager
def open_text(path: Path, encoding: str) -> Generator[io.TextIOWrapper, None, None]:
    """Open text, plain or gzip, with line ends untouched; a byte-order mark overrules `encoding`.

    Raises:
        DataError: compressed data that is damaged. (Bytes that are no text are met by `Lines`.)
    """
    _check_encoding(encoding)
    with _open_bytes(path) as binary:
        head = binary.read(4)
        mark = next((name for start, name in _MARKS if head.startswith(start)), encoding)
        binary.seek(0)
        yield io.TextIOWrapper(binary, encoding=mark, newline="")


def _check_encoding(encoding: str) -> None:
    try:
        b"x".decode(encoding)
    except (LookupError, ValueError):
        raise ConfigurationError(
            f"{encoding!r} is no encoding of text; there are utf-8, latin-1, cp1252, utf-16, …"
        ) from None


def read_sample(path: Path, encoding: str) -> str:
    """Read whole lines from the beginning of a file, to find its dialect out."""
    with open_text(path, encoding) as text:
        # Reading will meet bytes that are no text and name their line; here they do no harm.
        text.reconfigure(errors="replace")
        sample = text.read(_SAMPLE_CHARACTERS)
    if len(sample) < _SAMPLE_CHARACTERS:
        return sample
    end = max(sample.rfind("\n"), sample.rfind("\r"))
    return sample[: end + 1] if end > 0 else sample


class Lines:
    """The lines of a file, counted, checked, and followed by a sentinel.

    The sentinel tells whether the last record was complete: if a quote is still open it ends up
    inside a field, otherwise it stands alone.
    """

    SENTINEL = "\0end"

    def __init__(self, text: io.TextIOWrapper, path: Path) -> None:
        """Count from the first line of `text`."""
        self.count = 0
        self._text = text
        self._path = path
        self._ended = False

    def __iter__(self) -> Lines:
        """Iterate once."""
        return self

    def __next__(self) -> str:
        """Give the next line.

        Raises:
            DataError: the line holds a NUL or bytes that are no text.
        """
        if self._ended:
            raise StopIteration
        self.count += 1
        try:
            line = self._text.readline()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self._path}, line {self._line_of(error.encoding)}: this is not {error.encoding} "
                f"text (byte 0x{error.object[error.start]:02x}); if it is text, name its encoding: "
                "--set data.encoding=latin-1, or cp1252"
            ) from None
        if "\0" in line:
            raise DataError(
                f"{self._path}, line {self.count}: this is binary data, not text (NUL bytes); "
                "a CSV, TSV or Parquet file is wanted"
            )
        if not line:
            self._ended = True
            return self.SENTINEL
        return line

    def _line_of(self, encoding: str) -> int:
        # Decoding runs ahead of the lines handed out, so the line has to be looked for.
        with _open_bytes(self._path) as binary:
            for number, line in enumerate(binary, start=1):
                try:
                    line.decode(encoding)
                except UnicodeDecodeError:
                    return number
        return self.count
