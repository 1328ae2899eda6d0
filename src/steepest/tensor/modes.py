"""Whether operations are recorded: a mode of the current thread or task."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = [
    "enable_grad",
    "is_recording",
    "no_grad",
]

# What decides, besides its arguments, what a function does while it is traced. Rooms enter theirs.
TRACED_MODES: dict[str, Callable[[], object]] = {}

_recording: ContextVar[bool] = ContextVar("recording", default=True)


def is_recording() -> bool:
    """Whether operations on Tensors that require grad are recorded.

    >>> import steepest as st
    >>> st.is_recording()
    True
    """
    return _recording.get()


TRACED_MODES["recording"] = is_recording

_differentiating: ContextVar[bool] = ContextVar("differentiating", default=False)


def is_differentiating() -> bool:
    """Whether a function is running whose derivative was asked for (``st.grad`` and its kin)."""
    return _differentiating.get()


@contextmanager
def differentiating() -> Generator[None]:
    """Within this block everything is recorded, and leaving the record is an error."""
    tokens = _recording.set(True), _differentiating.set(True)
    try:
        yield
    finally:
        _recording.reset(tokens[0])
        _differentiating.reset(tokens[1])


@contextmanager
def no_grad() -> Generator[None]:
    """Within this block nothing is recorded: what is computed counts as constant.

    >>> import steepest as st
    >>> w = st.tensor(1.0, requires_grad=True)
    >>> with st.no_grad():
    ...     w -= 0.25
    >>> w
    tensor(0.75, requires_grad=True)
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


@contextmanager
def enable_grad() -> Generator[None]:
    """Within this block operations are recorded, also inside of :func:`no_grad`.

    >>> import steepest as st
    >>> with st.no_grad(), st.enable_grad():
    ...     st.is_recording()
    True
    """
    token = _recording.set(True)
    try:
        yield
    finally:
        _recording.reset(token)
