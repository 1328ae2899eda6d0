"""What a person sees on stderr while a command works; stdout is for data."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Sequence
from typing import final

from msgspec import Struct


@final
class Terminal(Struct, frozen=True):
    """Says things on stderr, or nothing when quiet."""

    quiet: bool = False

    def say(self, text: str = "") -> None:
        """Write a line."""
        if self.quiet or sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
            return
        try:
            print(text, file=sys.stderr, flush=True)
        except (OSError, ValueError):  # nobody listens any more; what is being done goes on
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, sys.stderr.fileno())
                os.close(nowhere)

    @property
    def is_interactive(self) -> bool:
        """Whether a line can be rewritten in place."""
        listens = sys.stderr is not None  # pyright: ignore[reportUnnecessaryComparison]
        return (
            not self.quiet and listens and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        )


def shell(words: Sequence[str]) -> str:
    """Write a command as it can be typed.

    >>> shell(["steepest", "predict", "my model.safetensors"])
    "steepest predict 'my model.safetensors'"
    """
    return shlex.join(words)
