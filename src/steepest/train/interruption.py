"""Ctrl-C during training: the first asks to stop after the batch, the second leaves at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

from steepest.runtime.executable import Stop

_around: ContextVar[Stop | None] = ContextVar("around", default=None)


@contextmanager
def stop_on_interrupt() -> Generator[Stop]:
    """Within this block the first Ctrl-C sets the request; the next one acts as it did before.

    Elsewhere than in the main thread, and where Ctrl-C is ignored, nothing changes. Within another
    such block, in threads with a copy of its context too, the request is that of the outer one.
    """
    outer = _around.get()
    request = Stop() if outer is None else outer
    token = _around.set(request)
    try:
        if outer is None:
            with _asked_by_signal(request):
                yield request
        else:
            yield request
    finally:
        _around.reset(token)


@contextmanager
def _asked_by_signal(request: Stop) -> Generator[None]:
    before: Any = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (
        signal.SIG_IGN,
        None,
    ):
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        request.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
