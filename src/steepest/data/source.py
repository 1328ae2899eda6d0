"""Refuse what cannot be a table before anything is parsed."""

from __future__ import annotations

from pathlib import Path

from steepest.errors import DataError, nearest

_FOREIGN = (
    (0, b"ARROW1", "is an Arrow file; save the table as Parquet or CSV"),
    (0, b"FEA1", "is a Feather file; save the table as Parquet or CSV"),
    (0, b"SQLite format 3\0", "is an SQLite database; save the table as Parquet or CSV"),
    (0, b"\x89HDF", "is an HDF5 file; save the table as Parquet or CSV"),
    (0, b"ORC", "is an ORC file; save the table as Parquet or CSV"),
    (0, b"Obj\x01", "is an Avro file; save the table as Parquet or CSV"),
    (0, b"RDX", "is a file of R's; save the table as CSV (write.csv)"),
    (0, b"\x93NUMPY", "is a NumPy array; a table with names is wanted, such as CSV"),
    (0, b"<stata_dta>", "is a Stata file; save the table as CSV"),
    (0, b"$FL2", "is an SPSS file; save the table as CSV"),
    (0, b"%PDF", "is a PDF document; a table is wanted, such as CSV or Parquet"),
    (0, b"7z\xbc\xaf", "is a 7-Zip archive; unpack it"),
    (0, b"Rar!", "is a RAR archive; unpack it"),
    (257, b"ustar", "is a tar archive; unpack it"),
    (0, b"<!DOCTYPE", "is a web page; a table is wanted, such as CSV or Parquet"),
    (0, b"<!doctype", "is a web page; a table is wanted, such as CSV or Parquet"),
    (0, b"<html", "is a web page; a table is wanted, such as CSV or Parquet"),
    (0, b"<?xml", "is XML; a table is wanted, such as CSV or Parquet"),
    (0, b"\x89PNG", "is a picture; a table is wanted, such as CSV or Parquet"),
    (0, b"\xff\xd8\xff", "is a picture; a table is wanted, such as CSV or Parquet"),
)


def check_file(path: Path) -> bytes:
    """Return the first bytes of a readable file that is not empty.

    Raises:
        DataError: missing (with the nearest names beside it), a directory, empty, not readable, or
            of a kind that is known not to be a table.
    """
    try:
        if path.is_dir():
            raise DataError(
                f"{path} is a directory without Parquet files; name a table in it, or several: "
                f"'{path}/*.csv'"
            )
        if path.exists() and not path.is_file():
            raise DataError(
                f"{path} is a pipe or a device, which can be read only once; write - in its place "
                f"and send it in: steepest … - < {path}"
            )
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist{_files_like(path)}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if not head:
        raise DataError(f"{path} is empty; a table has a header line and rows below it")
    refuse_foreign(path, head)
    return head


def refuse_foreign(path: Path, head: bytes) -> None:
    """Refuse a file that begins as something that is known not to be a table."""
    for place, magic, meaning in _FOREIGN:
        if head.startswith(magic, place):
            raise DataError(f"{path} {meaning}")


def _files_like(path: Path) -> str:
    try:
        names = [each.name for each in path.parent.iterdir() if each.is_file()]
    except OSError:
        return ""
    advice = nearest(path.name, names)
    return f"; {advice}" if advice.startswith("did you mean") else ""
