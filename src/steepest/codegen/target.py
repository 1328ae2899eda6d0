"""What code generation knows of the processor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from steepest.ir.types import DType


@final
@dataclass(frozen=True)
class Target:
    """The vectors that the text is written for.

    Args:
        lanes: float32 numbers in a vector: 16, 8 or 4.
        has_fma: whether multiply_add is one instruction, rounded once.
    """

    lanes: int
    has_fma: bool


def virtual_lanes(dtype: DType) -> int:
    """Lanes of every reduction, whatever the hardware, so that it gives the same bits on all."""
    return 8 if dtype.itemsize == 8 else 16
