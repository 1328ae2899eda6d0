"""How messages about columns write values, names and numbers."""

from __future__ import annotations

import numpy as np

from steepest.errors import clipped


def quoted(name: str) -> str:
    """Quote a column's name where a shell would need it.

    >>> quoted("zip"), quoted("zip code")
    ('zip', "'zip code'")
    """
    return repr(name) if " " in name else name


def plain(value: float) -> str:
    """Write a number shortly.

    >>> plain(3.0), plain(0.123456789)
    ('3', '0.123457')
    """
    return f"{value:.0f}" if value == np.floor(value) and abs(value) < 1e12 else f"{value:.6g}"


def listed(levels: list[str], most: int = 4) -> str:
    """Name some levels and say how many there are.

    >>> listed(["a", "b", "c", "d", "e"])
    '5 levels: a, b, c, d, …'
    """
    shown = ", ".join(clipped(level, 24) for level in levels[:most])
    more = ", …" if len(levels) > most else ""
    return f"{len(levels)} level{'s' * (len(levels) > 1)}: {shown}{more}"
