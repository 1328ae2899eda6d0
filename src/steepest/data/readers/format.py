"""What a format of tables is: how a file of it is recognised, and what opens it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, final

from steepest.data.options import ReadOptions
from steepest.data.packing import members, open_bytes, packing_of
from steepest.data.source import refuse_foreign
from steepest.data.table import Table
from steepest.errors import DataError

_START = 1 << 12


class TableFile(Protocol):
    """A table in a file: its names are known, its rows are read when they are asked for."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in the order of the file."""
        ...

    def table(self, text: Collection[str] | None) -> Table:
        """Read all rows; columns in `text` (None: all) stay text."""
        ...

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Read successive tables of `rows` rows, holding one of them at a time."""
        ...


@final
class Opening:
    """The beginning of a file, to recognise its format by."""

    def __init__(self, path: Path) -> None:
        """Look at the first bytes of a file."""
        self.path = path
        with path.open("rb") as file:
            self.start = file.read(_START)

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names in it, if it is a ZIP archive."""
        if not self.start.startswith(b"PK\x03\x04"):
            return ()
        import zipfile

        try:
            with zipfile.ZipFile(self.path) as archive:
                return tuple(members(archive))
        except (zipfile.BadZipFile, OSError, NotImplementedError):
            return ()

    @cached_property
    def unpacked(self) -> bytes:
        """The first bytes without packing; none where what is packed is damaged."""
        if packing_of(self.start) is None:
            return self.start
        try:
            with open_bytes(self.path) as file:
                return file.read(_START)
        except DataError:  # told by what opens it, if it is text
            return b""

    @property
    def text(self) -> bytes:
        """The first characters beyond blanks, as far as they are ASCII, whatever the encoding."""
        marked = self.unpacked.removeprefix(b"\xef\xbb\xbf")
        return marked.replace(b"\0", b"").lstrip(b"\xff\xfe \t\r\n")

    def refuse_packed(self) -> None:
        """Refuse what is packed, and no text inside.

        Raises:
            DataError: says what it is.
        """
        packing = packing_of(self.start)
        if packing is None:
            return
        refuse_foreign(self.path, self.unpacked)
        if self.unpacked.startswith((b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or (
            self.unpacked[8:12] == b"DUCK"
        ):
            raise DataError(
                f"{self.path} is packed with {packing.name} and holds no text; unpack it first"
            )


@final
@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of tables.

    Args:
        name: as people say it.
        suffixes: what names of such files usually end with.
        recognises: tells a file by its beginning; None for what is left when no other does.
        open: reads the names of the columns of such a file.
        holds_several: what the option `sheet` chooses among in such a file: "sheet", "table".
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Opening], bool] | None
    open: Callable[[Path, ReadOptions], TableFile]
    holds_several: str = ""


def check_names(names: tuple[str, ...], path: Path | str, advice: str = "") -> None:
    """Refuse a header in which a column has no name, or two have the same.

    Args:
        names: of the columns.
        path: for the message.
        advice: what else may be wrong: "; if …".

    Raises:
        DataError: names the column.
    """
    seen: set[str] = set()
    for number, name in enumerate(names, start=1):
        if not name:
            last = number == len(names) > 1
            unindexed = "is there a separator too many at its end?" if last else ""
            if number == 1:
                unindexed = "did pandas write its index? (to_csv(index=False) does not)"
            raise DataError(
                f"{path}: column {number} has no name in the header"
                f"{advice or '; name it'}{' – ' + unindexed if unindexed else ''}"
            )
        if name in seen:
            places = [str(place) for place, other in enumerate(names, 1) if other == name]
            raise DataError(
                f"{path}: {len(places)} columns are called {name!r} (columns "
                f"{', '.join(places)}){advice or '; give each its own name'}"
            )
        seen.add(name)
