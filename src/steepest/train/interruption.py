"""Ctrl-C during training: the first asks to stop after the batch, the second leaves at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from steepest.runtime.executable import Stop


@contextmanager
def stop_on_interrupt() -> Generator[Stop]:
    """Within this block the first Ctrl-C sets the request; the next one acts as it did before.

    Elsewhere than in the main thread, and where Ctrl-C is ignored, nothing changes.
    """
    request = Stop()
    before: Any = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (
        signal.SIG_IGN,
        None,
    ):
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        request.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)
