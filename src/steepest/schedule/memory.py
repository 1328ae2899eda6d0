"""Lifetimes to places: values that are never needed at the same time share memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from steepest.schedule.kernels import Buffer

_LINE = 64  # bytes of a cache line, and of the widest vector
_SLACK = 256  # bytes after the last buffer, which whole vectors may touch


@final
@dataclass(frozen=True)
class Lifetime:
    """The first and the last kernel, by number, that touch a buffer."""

    first: int
    last: int


@final
@dataclass(frozen=True)
class Arena:
    """Byte offsets of buffers in one piece of memory.

    Args:
        offsets: per buffer.
        size: bytes in all.
        peak: the most bytes of buffers that hold something at once, padding counted.
        peak_unpadded: the same without padding.
    """

    offsets: Mapping[Buffer, int]
    size: int
    peak: int
    peak_unpadded: int


def bytes_of(buffer: Buffer) -> int:
    """With padding, in whole cache lines."""
    return -(-buffer.size * buffer.dtype.itemsize // _LINE) * _LINE


def arrange(lifetimes: Mapping[Buffer, Lifetime]) -> Arena:
    """Place the largest buffers first, each as low as those alive at the same time allow."""
    by_size = sorted(lifetimes, key=lambda buffer: -bytes_of(buffer))
    lives = [lifetimes[buffer] for buffer in by_size]
    first, last = (
        np.array([each.first for each in lives]),
        np.array([each.last for each in lives]),
    )
    starts, ends = np.zeros((2, len(lives)), np.int64)
    for number, (buffer, life) in enumerate(zip(by_size, lives, strict=True)):
        meets = (first[:number] <= life.last) & (last[:number] >= life.first)
        taken = zip(starts[:number][meets].tolist(), ends[:number][meets].tolist(), strict=True)
        size = bytes_of(buffer)
        low = 0
        for start, end in sorted(taken):
            if low + size <= start:
                break
            low = max(low, end)
        starts[number], ends[number] = low, low + size
    offsets = dict(zip(by_size, starts.tolist(), strict=True))
    return Arena(offsets, int(ends.max(initial=0)) + _SLACK, *_peaks(lifetimes))


def _peaks(lifetimes: Mapping[Buffer, Lifetime]) -> tuple[int, int]:
    padded: dict[int, int] = {}
    plain: dict[int, int] = {}
    for buffer, life in lifetimes.items():
        unpadded = buffer.dtype.itemsize
        for extent in buffer.extents:
            unpadded *= extent
        for changes, size in ((padded, bytes_of(buffer)), (plain, unpadded)):
            changes[life.first] = changes.get(life.first, 0) + size
            changes[life.last + 1] = changes.get(life.last + 1, 0) - size
    return _highest(padded), _highest(plain)


def _highest(changes: Mapping[int, int]) -> int:
    level = highest = 0
    for time in sorted(changes):
        level += changes[time]
        highest = max(highest, level)
    return highest
