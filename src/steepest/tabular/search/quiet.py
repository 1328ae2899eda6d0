"""Optuna writes what it does to a logger of its own; the command says it in its own way."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from steepest.errors import extra

with extra("search"):
    from optuna import logging

_ALONE = threading.Lock()  # the level is one for the whole process


@contextmanager
def quiet() -> Generator[None]:
    """Within this block Optuna says nothing by itself; afterwards it speaks as before."""
    with _ALONE:
        before = logging.get_verbosity()
        logging.set_verbosity(logging.ERROR)
        try:
            yield
        finally:
            logging.set_verbosity(before)
