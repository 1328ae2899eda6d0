"""How much memory rows may take, and what of it is for what."""

from __future__ import annotations

import re
from typing import final

from msgspec import Struct

from steepest.data import Table, TextColumn
from steepest.errors import ConfigurationError

_UNITS = {
    "": 1,
    "B": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
    **{letter: 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}IB": 1024**power for power, letter in enumerate("KMGT", 1)},
}
_LEAST = 1_000_000
_MOST_SAMPLED = 200_000  # rows: quartiles of so many are off by a few thousandths of their range
_TEXT = 60  # bytes of a piece of text besides its letters


@final
class Budget(Struct, frozen=True):
    """Bytes that rows may take, by what they are for.

    Half is for two blocks to train on, a sixth for reading and transforming what comes next, a
    sixteenth each for the sample that preprocessing is fitted to, for validation and for test; the
    rest is for what is made of these on the way. Python, its libraries and the compiled programs
    are not counted: about 200 MB.

    >>> Budget(1_000_000_000).blocks
    500000000
    """

    total: int

    @property
    def blocks(self) -> int:
        """For all blocks together."""
        return self.total // 2

    @property
    def reading(self) -> int:
        """For what is being read."""
        return self.total // 6

    def sampled_rows(self, like: Table) -> int:
        """How many rows the schema and the preprocessing are found by."""
        return max(100, min(_MOST_SAMPLED, self.total // 16 // row_bytes(like)))

    def held_out_rows(self, like: Table) -> int:
        """How many rows for validation, and how many for test."""
        return max(100, self.total // 16 // (row_bytes(like) + _transformed_bytes(like)))


def parse_memory(text: str) -> Budget:
    """Read what people write for an amount of memory.

    Raises:
        ConfigurationError: it is no amount, or too little for anything.

    >>> parse_memory("1GB").total, parse_memory("1.5 GiB").total, parse_memory("300m").total
    (1000000000, 1610612736, 300000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", text)
    unit = _UNITS.get(found[2].upper()) if found else None
    if found is None or unit is None:
        raise ConfigurationError(
            f"--memory {text}: write a number with a unit, such as 500MB, 2GB or 1.5GiB"
        )
    total = round(float(found[1]) * unit)
    if total < _LEAST:
        raise ConfigurationError(f"--memory {text}: at least 1MB is needed for any rows")
    return Budget(total)


def row_bytes(table: Table) -> int:
    """About how many bytes one row of such a table takes."""
    total = 8.0
    for column in table.columns.values():
        if isinstance(column, TextColumn):
            used = set(column.codes[~column.missing].tolist())
            letters = sum(len(column.levels[code]) + _TEXT for code in used)
            total += 4 + letters / max(1, len(column))
        else:
            total += 8
    return round(total)


def _transformed_bytes(table: Table) -> int:
    """At most how many bytes its inputs take, but for long texts: nine columns, or two."""
    return sum(36 if isinstance(each, TextColumn) else 8 for each in table.columns.values())
