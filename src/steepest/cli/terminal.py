"""What a person sees on stderr while a command works; stdout is for data."""

from __future__ import annotations

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
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    @property
    def is_interactive(self) -> bool:
        """Whether a line can be rewritten in place."""
        return not self.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def shell(words: Sequence[str]) -> str:
    """Write a command as it can be typed.

    >>> shell(["steepest", "predict", "my model.safetensors"])
    "steepest predict 'my model.safetensors'"
    """
    return shlex.join(words)
