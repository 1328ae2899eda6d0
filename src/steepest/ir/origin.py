"""Which line of the user's program is running: what errors and graphs point to."""

from __future__ import annotations

import linecache
import os.path  # not pathlib, which would be a tenth of the time of importing steepest
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import NamedTuple, TypeVar

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


E = TypeVar("E", bound=Exception)


class Origin(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int

    def __str__(self) -> str:
        source = linecache.getline(self.file, self.line).strip()
        where = f"line {self.line} of {os.path.basename(self.file)}"
        return f"{where}: {source}" if source else where


_known: ContextVar[tuple[FrameType, tuple[str, Origin | None]] | None] = ContextVar(
    "known", default=None
)


def origin() -> Origin | None:
    """The innermost line on the stack that is not steepest's own."""
    return _crossing()[1]


def located(error: E) -> E:
    """The error, with the name of the function that the user called, and the user's line."""
    called, line = _crossing()
    where = f"\n  at {line}" if line else ""
    said = type(error)(f"{called}(): {error}{where}")
    said.__dict__["explained"] = True  # an op on the way up need not add its own name
    return said


@contextmanager
def way_out_is_known() -> Generator[None]:
    """Within this block the stack is not walked beyond the caller: that takes long, and is known.

    For what makes thousands of nodes, such as tracing.
    """
    frame: FrameType = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    token = _known.set((frame, _crossing_above(frame)))
    try:
        yield
    finally:
        _known.reset(token)


def _crossing() -> tuple[str, Origin | None]:
    """Where the user's program called steepest: the function called, and the line."""
    return _crossing_above(sys._getframe(1))  # pyright: ignore[reportPrivateUsage]


def _crossing_above(start: FrameType) -> tuple[str, Origin | None]:
    known = _known.get()
    frame: FrameType | None = start
    called = ""
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return called, Origin(frame.f_code.co_filename, frame.f_lineno)
        if known is not None and frame is known[0]:
            return known[1]
        frame, called = frame.f_back, frame.f_code.co_name
    return called, None
