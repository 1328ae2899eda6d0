"""How many steps to take before looking up: as many as fit into a tenth of a second."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import final

_SECONDS = 0.1
_GROWTH = 8


@final
class Pace:
    """Steps for the next call of a program, from how long the last ones took."""

    def __init__(self) -> None:
        self.steps = 1

    @contextmanager
    def measured(self, steps: int) -> Generator[None]:
        """Within this block so many steps are taken."""
        started = time.perf_counter()
        yield
        taken = time.perf_counter() - started
        fitting = int(steps * _SECONDS / max(taken, 1e-7))
        self.steps = max(1, min(fitting, _GROWTH * max(steps, self.steps)))
