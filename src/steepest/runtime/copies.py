"""Tables of copies between padded values and the rows of contiguous arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple, final

import numpy as np

from steepest.ir.types import Array
from steepest.runtime.driver import Copy
from steepest.runtime.memory import Place, address_of

_TARGET, _SOURCE = Copy._fields.index("target"), Copy._fields.index("source")


@final
class CopyTable:
    """Copies between places and the rows of arrays, whose leading axis counts steps.

    Made by :func:`inwards` or :func:`outwards`; the native loop reads ``table``.
    """

    def __init__(self, copies: Sequence[Copy], owners: Sequence[int] | Array, column: int) -> None:
        self.table = np.array(copies, np.int64).reshape(-1, len(Copy._fields))
        self.address = address_of(self.table)
        self._offsets = self.table[:, column].copy()
        self._changing = self.table[:, column]
        self.owners = np.array(owners, np.int64)

    def attach(self, arrays: Sequence[Array]) -> None:
        """Let it work on these contiguous arrays, one for each place."""
        if arrays:
            addresses = np.array([address_of(array) for array in arrays], np.int64)
            np.add(self._offsets, addresses[self.owners], out=self._changing)


def inwards(places: Sequence[tuple[int, Place]]) -> CopyTable:
    """Copies from rows of arrays to places.

    Args:
        places: the address of each arena, and the place in it.
    """
    copies: list[Copy] = []
    owners: list[int] = []
    for owner, (address, place) in enumerate(places):
        for block in _blocks(place):
            owners.append(owner)
            copies.append(
                Copy(
                    target=address + block.inside,
                    target_step=0,
                    target_stride=block.inside_stride,
                    source=block.outside,
                    source_step=place.size * place.dtype.itemsize,
                    source_stride=block.outside_stride,
                    rows=block.rows,
                    row_bytes=block.row_bytes,
                )
            )
    return CopyTable(copies, owners, _SOURCE)


def outwards(places: Sequence[tuple[int, Place]]) -> CopyTable:
    """Copies from places to rows of arrays: :func:`inwards` with source and target exchanged."""
    table = inwards(places)
    copies = [Copy(*each[3:6], *each[0:3], *each[6:]) for each in table.table.tolist()]
    return CopyTable(copies, table.owners, _TARGET)


@final
class _Block(NamedTuple):
    """Rows of bytes; offsets from the arena's beginning, and from that of the step's row."""

    inside: int
    inside_stride: int
    outside: int
    outside_stride: int
    rows: int
    row_bytes: int


@final
class _Axis(NamedTuple):
    """An axis with its strides in elements, in the arena and in the array."""

    extent: int
    inside: int
    outside: int


def _blocks(place: Place) -> Iterator[_Block]:
    """The blocks that make up a value: one, unless its layout is unusual."""
    if 0 in place.extents:
        return
    size = place.dtype.itemsize
    axes = _merged(place)
    row = axes.pop().extent if axes and axes[-1].inside == 1 else 1
    rows = axes.pop() if axes else _Axis(1, 0, 0)
    for position in product(*(range(axis.extent) for axis in axes)):
        inside = sum(at * axis.inside for at, axis in zip(position, axes, strict=True))
        outside = sum(at * axis.outside for at, axis in zip(position, axes, strict=True))
        yield _Block(
            inside=place.offset + inside * size,
            inside_stride=rows.inside * size,
            outside=outside * size,
            outside_stride=rows.outside * size,
            rows=rows.extent,
            row_bytes=row * size,
        )


def _merged(place: Place) -> list[_Axis]:
    """The axes longer than 1, neighbours that lie as one axis taken together."""
    axes: list[_Axis] = []
    outside = 1
    for extent, inside in reversed(list(zip(place.extents, place.strides, strict=True))):
        if extent == 1:
            continue
        if axes and inside == axes[0].inside * axes[0].extent:
            axes[0] = axes[0]._replace(extent=axes[0].extent * extent)
        else:
            axes.insert(0, _Axis(extent, inside, outside))
        outside *= extent
    return axes
