"""What code generation hands on: the text of one function and the words it is called with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

from steepest.schedule.kernels import Buffer


@final
@dataclass(frozen=True)
class Pointer:
    """The address of an element of a buffer."""

    buffer: Buffer
    offset: int = 0


Word: TypeAlias = int | Pointer


@final
@dataclass(frozen=True)
class Code:
    """One native function, called as ``i32 @KERNEL(ptr %words)``.

    Args:
        body: LLVM text with the literal name ``@KERNEL``; equal kernels have equal bodies, so that
            a program holds each body once.
        words: what ``%words`` points to, 64 bits each: numbers and addresses.
        declarations: ``declare`` lines of the functions that the body calls.
    """

    body: str
    words: tuple[Word, ...]
    declarations: frozenset[str] = frozenset()
