"""`verbose`: a line that is rewritten in a terminal or a notebook, one each epoch in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import final

from steepest.tabular.summary import figures
from steepest.train.callbacks import Snapshot

_APART = 0.2  # seconds between two rewritings


@final
class EpochLine:
    """A callback that writes each epoch to the standard output; of an ensemble its first member.

    In a log (a stream that is no terminal and no notebook) each epoch has a line of its own.
    """

    def __init__(self) -> None:
        self._width = 0
        self._written = 0.0
        self._figures = ""

    def __call__(self, now: Snapshot) -> None:
        """At the end of an epoch."""
        if now.member:
            return
        self._figures = figures(now.metrics)
        line = f"epoch {now.epoch}/{now.epochs}  {self._figures}"
        if not _is_rewritten():
            print(line, flush=True)
        elif time.monotonic() - self._written > _APART or now.epoch == now.epochs:
            self._show(line)

    def note(self, notes: Sequence[str]) -> None:
        """Say first what was decided about the table."""
        for each in notes:
            print(each, flush=True)

    def finish(self, line: str, scores: Sequence[str]) -> None:
        """Leave a last line there, with these scores, else with the last epoch's figures."""
        line = f"{line}  {'  '.join(scores) or self._figures}"
        if _is_rewritten():
            self._show(line)
            print(flush=True)
        else:
            print(line, flush=True)

    def _show(self, line: str) -> None:
        print(f"\r{line:<{self._width}}", end="", flush=True)
        self._width, self._written = len(line), time.monotonic()


def _is_rewritten() -> bool:
    """A terminal's stream is, and a notebook's, which is of IPython's kernel."""
    return sys.stdout.isatty() or type(sys.stdout).__module__.startswith("ipykernel")
