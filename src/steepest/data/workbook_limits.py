"""Refuse workbooks that would run their reader for ever, or out of memory.

An old workbook is a file system in a file, whose files are chains of sectors: damage can make a
chain a circle. A new one says of each cell where it is: one far off makes the sheet huge.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from steepest.errors import DataError

MOST_CELLS = 1 << 27
"""Cells of a sheet, the empty ones too, that are read; each takes some tens of bytes."""

_CELL = re.compile(rb'<c [^>]*?r="([A-Z]{1,3})(\d{1,7})"')
_PIECE = 1 << 20
_OVERLAP = 200
_LAST_SECTOR = 0xFFFFFFFA  # from here on numbers mean an end, or what a sector is used for


def check_old_workbook(path: Path) -> None:
    """Refuse a compound file with a circle among its sectors.

    Raises:
        DataError: it is damaged.
    """
    content = path.read_bytes()
    size = 1 << min(_number(content, 30, "H"), 12)
    if size not in (512, 4096):
        raise _damaged(path)
    table = _sectors(content, _places(content, size, path), size)
    if _has_circle(table):
        raise _damaged(path)
    small: list[int] = []
    sector = _number(content, 60, "I")
    while sector < len(table):
        small.append(sector)
        sector = table[sector]
    if _has_circle(_sectors(content, small, size)):
        raise _damaged(path)


def _places(content: bytes, size: int, path: Path) -> list[int]:
    """The sectors that hold the table of sectors."""
    places = [_number(content, 76 + 4 * place, "I") for place in range(109)]
    sector, seen = _number(content, 68, "I"), set[int]()
    while sector < _LAST_SECTOR:
        if sector in seen or (sector + 1) * size >= len(content):
            raise _damaged(path)
        seen.add(sector)
        more = _sectors(content, [sector], size)
        places += more[:-1]
        sector = more[-1] if more else _LAST_SECTOR
    return [place for place in places if place < _LAST_SECTOR]


def _sectors(content: bytes, places: Sequence[int], size: int) -> list[int]:
    """The numbers in some sectors, one after the other; of one that is cut, the whole ones."""
    found: list[int] = []
    for place in places:
        part = content[(place + 1) * size : (place + 2) * size]
        found += struct.unpack(f"<{len(part) // 4}I", part[: len(part) // 4 * 4])
    return found


def _has_circle(following: Sequence[int]) -> bool:
    """Whether going from number to number ever comes back."""
    state = bytearray(len(following))  # 1: on the way, 2: known to end
    for start in range(len(following)):
        way: list[int] = []
        at = start
        while at < len(following) and not state[at]:
            state[at] = 1
            way.append(at)
            at = following[at]
        if at < len(following) and state[at] == 1:
            return True
        for place in way:
            state[place] = 2
    return False


def _number(content: bytes, place: int, kind: str) -> int:
    return struct.unpack_from(f"<{kind}", content.ljust(512, b"\0"), place)[0]


def _damaged(path: Path) -> DataError:
    return DataError(f"{path} cannot be read as a workbook: it is damaged")


def check_new_workbook(path: Path) -> None:
    """Refuse a sheet with a cell so far off that the sheet has more than `MOST_CELLS`.

    Raises:
        DataError: names the cell's column and row.
    """
    import zipfile

    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", member.filename):
                with archive.open(member) as sheet:
                    _check_sheet(path, sheet)


def _check_sheet(path: Path, sheet: IO[bytes]) -> None:
    columns, last, before = set[bytes](), 0, b""
    while piece := sheet.read(_PIECE):
        found = _CELL.findall(before + piece)
        columns.update(column for column, _ in found)
        last = max([last, *(int(row) for _, row in found[-1:])])
        before = piece[-_OVERLAP:]
    widest = max(columns, key=_place, default=b"A")
    if _place(widest) * last > MOST_CELLS:
        raise DataError(
            f"{path}: a sheet reaches to column {widest.decode()} and row {last}, which are more "
            "cells than can be read; delete what stands far off, or save the sheet as CSV"
        )


def _place(letters: bytes) -> int:
    """Count columns from their letters.

    >>> _place(b"A"), _place(b"XFD")
    (1, 16384)
    """
    place = 0
    for letter in letters:
        place = 26 * place + letter - ord("A") + 1
    return place
