"""Where the time of a command went, for a person."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_AFTER_NAME = 19  # of the words after a process's name, the one that says when it began


def process_age() -> float:
    """Seconds since this process began; where the system does not say when, those it has computed.

    >>> 0 < process_age()
    True
    """
    with suppress(OSError, ValueError, IndexError, AttributeError):
        words = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(words[_AFTER_NAME]) / os.sysconf("SC_CLK_TCK")
        return max(time.clock_gettime(time.CLOCK_BOOTTIME) - began, 0.0)
    return time.process_time()


def timing_line(seconds: Mapping[str, float]) -> str:
    """Write parts and their sum; milliseconds are what the parts are good for.

    >>> timing_line({"importing": 0.25, "training": 12.5})
    'time 12.750 s: importing 0.250, training 12.500'
    """
    parts = ", ".join(f"{name} {each:.3f}" for name, each in seconds.items())
    return f"time {sum(seconds.values()):.3f} s: {parts}"
