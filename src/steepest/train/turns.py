"""Threads that take turns: some at a time, in the order in which they asked."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar, final

_LOOKING_UP = 0.1  # seconds

T = TypeVar("T")


@final
class Turns:
    """So many places; who waits longest gets the next one that is free.

    Args:
        places: how many hold a turn at a time.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self) -> Generator[None]:
        """Within this block this thread holds a turn."""
        with self._changed:
            self._wait()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def pass_on(self) -> None:
        """Let those who wait go first; who holds a turn calls it, and has one again afterwards."""
        with self._changed:
            self._free += 1
            self._wait()

    def _wait(self) -> None:
        ticket = object()
        self._waiting.append(ticket)
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._free > 0 and self._waiting[0] is ticket)
        self._waiting.popleft()
        self._free -= 1
        self._changed.notify_all()


def run_in_threads(works: Sequence[Callable[[], T]], failed: Callable[[], object]) -> list[T]:
    """The results of functions that each run in a thread, in a copy of this context.

    Args:
        works: what to do.
        failed: called when one of them, or the wait for them, is over by an exception: it asks
            the others to end. That exception is raised when all have ended.
    """
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}

    def run(position: int, work: Callable[[], T]) -> None:
        try:
            results[position] = work()
        except BaseException as error:
            errors[position] = error
            failed()

    threads = [
        threading.Thread(target=copy_context().run, args=(run, position, work))
        for position, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            # A signal may reach another thread, and Python sees to it when this one wakes up.
            while thread.is_alive():
                thread.join(_LOOKING_UP)
    except BaseException:  # a second Ctrl-C: nothing may run on behind the back of who pressed it
        failed()
        for thread in threads:
            thread.join()
        raise
    if errors:
        raise errors[min(errors)]
    return [results[position] for position in range(len(works))]


def available_processors() -> int:
    """How many threads of this process can run at a time, and shall.

    ``OMP_NUM_THREADS`` is what joblib tells its workers how many each of them may have.
    """
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(here, int(told)) if told.isdigit() and int(told) else here
