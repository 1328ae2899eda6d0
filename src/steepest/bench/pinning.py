"""Keeping this process, and those it starts meanwhile, on some processors and threads."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def pinned(count: int) -> Generator[None]:
    """Within this block everything runs on the first ``count`` processors it may use.

    Where the system cannot do that, nothing happens.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def with_threads(count: int) -> Generator[None]:
    """Within this block the libraries of this process compute on so many threads."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count):
        yield
