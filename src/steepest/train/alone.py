"""One call at a time: what several threads would do to the same thing at once is refused."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import final

from steepest.errors import TrainingError


@final
class Alone:
    """A door that lets one in at a time; copies and pickles have a door of their own, open.

    Args:
        refusal: what the next one is told.

    >>> door = Alone("somebody is in")
    >>> with door.entered(), door.entered():
    ...     pass
    Traceback (most recent call last):
    ...
    steepest.errors.TrainingError: somebody is in
    """

    def __init__(self, refusal: str) -> None:
        self._refusal = refusal
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Alone], tuple[str]]:
        return Alone, (self._refusal,)

    @contextmanager
    def entered(self) -> Generator[None]:
        """Within this block nobody else is in.

        Raises:
            TrainingError: somebody is.
        """
        if not self._lock.acquire(blocking=False):
            raise TrainingError(self._refusal)
        try:
            yield
        finally:
            self._lock.release()
