"""Loops over a kernel's space: loads, expressions, stores, with vectors along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from steepest.codegen.target import Target
from steepest.codegen.text import Text, Whole
from steepest.schedule.kernels import Kernel


@final
@dataclass(frozen=True)
class Given:
    """Where a result of the reduction lies when the stores are done.

    Args:
        pointer: the value that holds the address of the block's first element.
        strides: per axis of the space, in elements, relative to the block's start; numbers or
            int64 values; 1 along the lanes (0 or 1 if that axis has one element).
    """

    pointer: str
    strides: tuple[Whole, ...]


def emit_stores(
    text: Text,
    target: Target,
    kernel: Kernel,
    starts: Sequence[Whole],
    counts: Sequence[Whole],
    results: Sequence[Given],
) -> None:
    """Write the loops that do a kernel's stores over a block of its space.

    Loads and indices are those of the places start, start + 1, … of each axis. Whole vectors are
    loaded from results and from padded memory, so a result's rows along the lanes must have room
    for whole vectors; a check that fails returns 1.

    Args:
        text: the function, at the place where the block's results are ready.
        target: the processor.
        kernel: its stores and checks; the reduction is not looked at.
        starts: per axis of the space, the block's first place; along ``kernel.lanes`` a multiple
            of the vector.
        counts: per axis of the space, how many places; numbers or int64 values. At least 1.
        results: where result 0, 1, … of the reduction lies, float32 in memory as float32.
    """
    raise NotImplementedError
