"""Which rows make which batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from steepest.errors import ConfigurationError
from steepest.ir.types import Array


@final
@dataclass(frozen=True)
class Batches:
    """Disjoint batches that together are all rows: an epoch.

    The last batch is smaller where ``size`` does not divide ``rows``; a last batch of one row would
    be mostly noise (and has no variance), so it joins the one before it.

    Args:
        rows: how many there are.
        size: rows in a batch.

    >>> Batches(10, 4).extents
    (4, 4, 2)
    >>> Batches(9, 4).extents
    (4, 5)
    """

    rows: int
    size: int

    @property
    def extents(self) -> tuple[int, ...]:
        """The number of rows of each batch."""
        whole, rest = divmod(self.rows, self.size)
        if rest == 1 and whole and self.size > 1:
            return (self.size,) * (whole - 1) + (self.size + 1,)
        return (self.size,) * whole + ((rest,) if rest else ())

    def epoch(self, order: Array) -> Iterator[Array]:
        """The rows of each batch, in this order."""
        start = 0
        for extent in self.extents:
            yield order[start : start + extent]
            start += extent


def batches(rows: int, size: int | None) -> Batches:
    """Batches of ``size`` rows; None means all rows at once.

    Raises:
        ConfigurationError: a size below 1, or above the number of rows.
    """
    if size is None:
        return Batches(rows, rows)
    if not _is_whole(size) or size < 1:
        raise ConfigurationError(f"batch_size is a whole number from 1 on, or None, not {size!r}")
    if size > rows:
        raise ConfigurationError(
            f"batch_size={size:,} is more than the {rows:,} rows there are; use batch_size=None "
            "to take all rows at once"
        )
    return Batches(rows, size)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
