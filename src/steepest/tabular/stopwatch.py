"""Where the time of a run goes, part by part."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import final

REST = "rest"


@final
class Stopwatch:
    """Gives each moment to the innermost part under way, so that the parts add up to the whole.

    Args:
        before: seconds of parts that are over; :data:`REST` is what belongs to no part.

    >>> watch = Stopwatch({"importing": 0.5})
    >>> with watch.part("preparing"), watch.part("reading"):
    ...     watch.count_as("compiling", 0.25)
    >>> list(watch.seconds)
    ['importing', 'preparing', 'reading', 'compiling', 'rest']
    """

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        self._seconds = dict(before or {})
        self._part = REST
        self._since = time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Generator[None]:
        """Within this block time belongs to ``name``, but for the parts inside it."""
        outer = self._part
        self._switch(name)
        try:
            yield
        finally:
            self._switch(outer)

    def count_as(self, name: str, seconds: float) -> None:
        """Give ``name`` so many of the seconds that the part under way has taken."""
        self._add(self._part, -seconds)
        self._add(name, seconds)

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds of each part until now, in the order they began; at last the rest."""
        self._switch(self._part)
        rest = self._seconds.get(REST, 0.0)
        return {name: each for name, each in self._seconds.items() if name != REST} | {REST: rest}

    def _switch(self, part: str) -> None:
        now = time.perf_counter()
        self._add(self._part, now - self._since)
        self._add(part, 0.0)
        self._part, self._since = part, now

    def _add(self, part: str, seconds: float) -> None:
        self._seconds[part] = self._seconds.get(part, 0.0) + seconds
