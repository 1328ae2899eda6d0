"""The collector of cyclic garbage, at rest while graphs are made."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def not_collecting() -> Generator[None]:
    """Within this block no cyclic garbage is looked for.

    Graphs, kernels and text have no cycles, and are so many objects that the collector would walk
    through all of them, and through every imported module, a tenth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
