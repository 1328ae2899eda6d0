"""Which line of the user's program is running: what errors and graphs point to."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from typing import NamedTuple

_PACKAGE = str(Path(__file__).parents[1])


class Origin(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int

    def __str__(self) -> str:
        source = linecache.getline(self.file, self.line).strip()
        where = f"line {self.line} of {Path(self.file).name}"
        return f"{where}: {source}" if source else where


def origin() -> Origin | None:
    """The innermost line on the stack that is not steepest's own."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return Origin(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None
