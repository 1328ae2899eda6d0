"""Excel and OpenDocument workbooks (.xlsx, .xlsb, .xls, .ods): one sheet is a table."""

from __future__ import annotations

import datetime
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from steepest.data.options import ReadOptions
from steepest.data.readers.format import Format, Opening, check_names
from steepest.data.records import Cells, Records
from steepest.data.table import number_text
from steepest.data.workbook_limits import check_new_workbook, check_old_workbook
from steepest.errors import ConfigurationError, DataError, nearest

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

_OLD = b"\xd0\xcf\x11\xe0"


@final
@dataclass(frozen=True)
class Sheet:
    """A sheet: its rows that are not empty, with their numbers, from column `first` on."""

    name: str
    first: int
    rows: list[tuple[int, list[Any]]]


def open_workbook(path: Path, options: ReadOptions) -> Records:
    """Read the sheet that is named, or the only one that is not empty.

    The first row that is not empty holds the names of the columns. Numbers stay as exact as the
    workbook has them, dates become text such as 2024-03-01, errors such as #N/A are missing values.

    Raises:
        DataError: damaged, with a password, with several sheets and none named, or a header in
            which a column has no name (merged cells).
    """
    workbook = _opened(path)
    sheet, notes = _chosen_sheet(workbook, path, options.sheet)
    source = f"{path}, sheet {sheet.name}"
    filled = [(number, list(map(_text, row))) for number, row in sheet.rows]
    if not filled:
        raise DataError(f"{source} is empty; a table has a row of names and rows below it")
    width = max(max(at for at, cell in enumerate(cells, 1) if cell) for _, cells in filled)
    records = [(number, cells[:width]) for number, cells in filled]
    if options.header:
        names = tuple(cell.strip() for cell in records[0][1])
        _check_header(names, source, sheet.first, records[0][0])
        records = records[1:]
    else:
        names = tuple(f"column_{number}" for number in range(1, width + 1))
    if not records:
        raise DataError(f"{source} has a header but no rows")

    def pieces(sizes: Iterator[int]) -> Iterator[Cells]:
        rest = iter(records)
        while block := list(islice(rest, next(sizes))):
            yield Cells.of(block)

    return Records(
        names=names, pieces=pieces, options=options, source=source, unit="row", notes=notes
    )


def _opened(path: Path) -> CalamineWorkbook:
    import zipfile
    import zlib

    from python_calamine import CalamineWorkbook, PasswordError

    if Opening(path).start.startswith(_OLD):
        check_old_workbook(path)
    else:
        with suppress(zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, EOFError):
            check_new_workbook(path)  # what is damaged otherwise is told below
    try:
        with _readable(f"{path} cannot be read as a workbook"):
            return CalamineWorkbook.from_path(str(path))
    except PasswordError:
        raise DataError(f"{path} has a password; save a copy without one") from None


def _chosen_sheet(
    workbook: CalamineWorkbook, path: Path, asked: str
) -> tuple[Sheet, tuple[str, ...]]:
    from python_calamine import SheetTypeEnum

    names = [each.name for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    if asked:
        if asked not in names:
            raise ConfigurationError(
                f"--sheet {asked}: {path} has no such sheet; {nearest(asked, names)}"
            )
        return _sheet(workbook, asked, path), ()
    sheets = [_sheet(workbook, name, path) for name in names]
    filled = [sheet for sheet in sheets if sheet.rows]
    if not filled:
        raise DataError(f"{path} is a workbook without any value")
    if len(filled) > 1:
        shown = ", ".join(repr(sheet.name) for sheet in filled[:8]) + ", …" * (len(filled) > 8)
        raise DataError(
            f"{path} has {len(filled)} sheets ({shown}); name the one that is the table "
            f"(--sheet {_shell(filled[0].name)})"
        )
    more = len(names) - 1
    empty = "1 other is" if more == 1 else f"{more} others are"
    notes = (f"{path}: the sheet {filled[0].name!r} is read; {empty} empty",) if more else ()
    return filled[0], notes


def _sheet(workbook: CalamineWorkbook, name: str, path: Path) -> Sheet:
    with _readable(f"{path}, sheet {name} cannot be read"):
        sheet = workbook.get_sheet_by_name(name)
        rows = enumerate(sheet.iter_rows(), start=1)
        filled = [(number, row) for number, row in rows if row.count("") < len(row)]
        return Sheet(name, sheet.start[1] if sheet.start else 0, filled)


@contextmanager
def _readable(refusal: str) -> Generator[None]:
    """Turn what the reader of workbooks raises into an error for people.

    Where it meets damage that it did not think of, it panics, as Rust says: with an exception of
    no public class, and words on the standard error output that help nobody.
    """
    from python_calamine import CalamineError, PasswordError

    try:
        with _silent():
            yield
    except PasswordError:
        raise
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(f"{refusal}: {_first_line(error)}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise DataError(f"{refusal}: it is damaged") from None


@contextmanager
def _silent() -> Generator[None]:
    """Send the process's standard error output nowhere, below Python."""
    try:
        before = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def _check_header(names: tuple[str, ...], source: str, first: int, row: int) -> None:
    if "" in names:
        letters = _letters(first + names.index(""))
        raise DataError(
            f"{source}, row {row}: the cell {letters}{row} is empty where the names of the columns "
            "stand (merged cells, or a title above?); write a name into each cell of that row, and "
            "nothing above it"
        )
    check_names(names, source)


def _letters(column: int) -> str:
    """Name a column as spreadsheets do.

    >>> _letters(0), _letters(27)
    ('A', 'AB')
    """
    text, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _text(cell: Any) -> str:  # noqa: ANN401 - whatever stands in a cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return number_text(cell, cell.is_integer())  # a workbook has no other numbers
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ")
    return "" if cell is None else str(cell)


def _shell(name: str) -> str:
    return repr(name) if " " in name else name


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _is_workbook(opening: Opening) -> bool:
    if opening.start.startswith(_OLD):
        return True
    is_open_document = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" in opening.start
    return is_open_document or any(name.startswith("xl/") for name in opening.members)


FORMAT = Format(
    name="Excel",
    suffixes=(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    recognises=_is_workbook,
    open=open_workbook,
    holds_several="sheet",
)
