"""The memory that a program works on: aligned, padded, and seen by nobody else."""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np

from steepest.errors import OutOfMemoryError
from steepest.ir.types import Array, DType, Shape

_PAGE = 4096
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


Area: TypeAlias = Literal["state", "scratch"]
"""The arena that programs share, or the one that is a program's own."""


@final
@dataclass(frozen=True)
class Place:
    """Where a value lies in an arena, and how it is laid out there.

    Args:
        area: which arena.
        offset: bytes from the arena's beginning.
        dtype: of its elements; booleans take a byte each.
        extents: of its axes.
        strides: in elements, one per axis.
    """

    area: Area
    offset: int
    dtype: DType
    extents: Shape
    strides: Shape

    @property
    def size(self) -> int:
        """The number of elements, without padding."""
        return math.prod(self.extents)


@final
class Arena:
    """A piece of memory that begins at a page, full of zeros at first.

    Programs that work on one arena take turns: they hold it while they run.

    Args:
        size: bytes.
        purpose: what it is for, in words that follow "memory for".

    Raises:
        OutOfMemoryError: the machine does not have so much.
    """

    def __init__(self, size: int, purpose: str) -> None:
        try:
            # Pages are zeros that take no memory until they are written.
            room = np.zeros(size + 2 * _PAGE, np.uint8)
        except (MemoryError, ValueError) as error:  # ValueError: more than an address can hold
            raise OutOfMemoryError(
                f"there is no memory for {purpose}: it takes {size_text(size)}; "
                "a smaller batch, or a smaller model, takes less"
            ) from error
        start = -address_of(room) % _PAGE
        self.bytes = room[start : start + size + _PAGE]
        self.address = address_of(self.bytes)
        self.size = size
        self._process = os.getpid()
        self._lock = threading.Lock()

    def turn(self) -> threading.Lock:
        """The lock that is held by the program which works on this arena."""
        if self._process != os.getpid():
            # A forked child: the thread that may hold the lock lives in the parent only.
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock

    def view(self, place: Place) -> Array:
        """The memory at a place as an array, whose rows are strided; for this room only."""
        strides = tuple(stride * place.dtype.itemsize for stride in place.strides)
        return np.ndarray(place.extents, place.dtype, self.bytes, place.offset, strides)

    def read(self, place: Place) -> Array:
        """A fresh, contiguous copy of what lies at a place."""
        return self.view(place).copy()

    def write(self, place: Place, value: Array) -> None:
        """Copy a value to a place; it has the place's shape and element type."""
        check_array(value, place.extents, place.dtype)
        self.view(place)[...] = value


def check_array(value: Array, extents: Shape, dtype: DType) -> None:
    """Refuse an array that is not laid out as the program was made for.

    Raises:
        ValueError: another shape or element type. This is a mistake of the caller's, not a user's.
    """
    if value.shape != extents or value.dtype != dtype:
        raise ValueError(
            f"the program takes {dtype}{list(extents)} here, not {value.dtype}{list(value.shape)}"
        )


def address_of(array: Array) -> int:
    """Where an array's first element lies."""
    interface: dict[str, Any] = array.__array_interface__
    return int(interface["data"][0])


def size_text(size: int) -> str:
    """A number of bytes for people.

    >>> size_text(0), size_text(1536), size_text(3 * 2**40)
    ('0 bytes', '1.5 KiB', '3.0 TiB')
    """
    power = min(int(math.log2(max(size, 1)) // 10), len(_UNITS) - 1)
    return f"{size} bytes" if power == 0 else f"{size / 1024**power:.1f} {_UNITS[power]}"
