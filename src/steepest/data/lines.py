"""The lines of a file of text: counted, checked, and to be looked at before they are taken."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import final

from steepest.data.encoding import not_text
from steepest.data.packing import open_bytes
from steepest.errors import DataError

_SAMPLE_CHARACTERS = 1 << 16


@contextmanager
def open_text(path: Path, encoding: str) -> Generator[io.TextIOWrapper, None, None]:
    """Open text, unpacked, with line ends untouched.

    Raises:
        DataError: packed data that is damaged. (Bytes that are no text are met by `Lines`.)
    """
    with open_bytes(path) as binary:
        yield io.TextIOWrapper(binary, encoding=encoding, newline="")


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


@final
class Lines:
    """The lines of a file, counted, checked, and followed by a sentinel.

    The sentinel tells whether the last record was complete: if a quote is still open it ends up
    inside a field, otherwise it stands alone.

    Attributes:
        count: how many lines were taken.
        at_record: whether the next line begins a record: then it is left out if it is a comment.
        start: the line where the last record began.
    """

    SENTINEL = "\0end"

    def __init__(self, text: io.TextIOWrapper, path: Path, comment: str = "") -> None:
        """Count from the first line of `text`; lines that begin with `comment` hold no record."""
        self.count = 0
        self.start = 1
        self.at_record = True
        self._text = text
        self._path = path
        self._comment = comment
        self._ahead: deque[str] = deque()
        self._ended = False

    def __iter__(self) -> Lines:
        """Iterate once."""
        return self

    def __next__(self) -> str:
        """Give the next line.

        Raises:
            DataError: the line holds a NUL or bytes that are no text.
        """
        while True:
            if not self._ahead and self._ended:
                raise StopIteration
            line = self._ahead.popleft() if self._ahead else self._read(self.count + 1)
            self.count += 1
            if self.at_record:
                self.start = self.count
            if not line:
                self._ended = True
                return self.SENTINEL
            if not (self.at_record and self._comment and line.startswith(self._comment)):
                self.at_record = False
                return line

    def ahead(self, count: int) -> list[str]:
        """Look at as many of the next lines, fewer at the end, without taking them."""
        while len(self._ahead) < count and not self._ended:
            line = self._read(self.count + len(self._ahead) + 1)
            if not line:
                break
            self._ahead.append(line)
        return list(islice(self._ahead, count))

    def pass_over(self, count: int) -> None:
        """Take as many lines as `ahead` has shown, or fewer."""
        for _ in range(count):
            self._ahead.popleft()
        self.count += count

    def skip(self, count: int) -> None:
        """Take as many lines, unseen."""
        self.pass_over(len(self.ahead(count)))

    def _read(self, number: int) -> str:
        try:
            line = self._text.readline()
        except UnicodeDecodeError as error:
            raise not_text(self._path, self._text.encoding, error, number) from None
        if "\0" in line:
            raise DataError(
                f"{self._path}, line {number}: this is binary data, not text (NUL bytes); "
                "a CSV, TSV or Parquet file is wanted"
            )
        return line
