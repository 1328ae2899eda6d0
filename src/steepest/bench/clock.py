"""Timing something again and again, for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, final

import numpy as np


@final
class Turn(NamedTuple):
    """What came of a turn.

    Args:
        seconds: the median of calls.
        processor: the median of the seconds that the process was running, on all its threads. Where
            that is less, somebody else had the processor.
    """

    seconds: float
    processor: float


def turn(call: Callable[[], Any], seconds: float) -> Turn:
    """Call for so many seconds and at least once, after a call that brings the data near."""
    call()
    walls: list[float] = []
    processors: list[float] = []
    end = time.perf_counter() + seconds
    while not walls or time.perf_counter() < end:
        wall, processor = time.perf_counter(), time.process_time()
        call()
        processors.append(time.process_time() - processor)
        walls.append(time.perf_counter() - wall)
    return Turn(float(np.median(walls)), float(np.median(processors)))
