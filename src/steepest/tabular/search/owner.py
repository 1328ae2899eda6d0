"""Which process works on a trial, and whether that process is still there."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def this_process() -> str:
    """A name of this process that none has had before, where the system tells its start.

    >>> is_gone(this_process())
    False
    """
    return f"{platform.node()}:{os.getpid()}:{_start(os.getpid())}"


def is_gone(owner: str) -> bool:
    """Whether a process of this machine has ended; of other machines nothing is known: False.

    >>> is_gone(f"{platform.node()}:{os.getpid()}:1")
    True
    """
    node, number, start = owner.rsplit(":", 2)
    if node != platform.node():
        return False
    pid = int(number)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is there, and another user's
        return False
    return _start(pid) != start


def _start(pid: int) -> str:
    """When a process began, so that a number that is used again is not taken for the same."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
