"""Which files a path means: one, those that a pattern finds, or a folder of Parquet."""

from __future__ import annotations

import glob
from pathlib import Path

from steepest.data.source import check_file
from steepest.errors import DataError

_PATTERN = "*?["


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that a table is in, sorted by name, each checked by `check_file`.

    Args:
        path: of a file, a pattern such as logs/*.csv (** stands for any folders), or a folder with
            Parquet files in it.

    Raises:
        DataError: nothing is there, or it is no table.
    """
    if path.is_dir():
        found = parquet_files(path)
        if not found:
            check_file(path)  # says what a directory is good for
    elif is_pattern(path):
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
        found = [each for each in found if each.is_file()]
        if not found:
            raise DataError(f"no file is named like {path}")
    else:
        found = [path]
    for each in found:
        check_file(each)
    return tuple(found)


def is_pattern(path: Path) -> bool:
    """Whether a path is no file but the pattern of several."""
    return any(sign in str(path) for sign in _PATTERN) and not path.exists()


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and below it, without hidden ones.

    Raises:
        DataError: folders are called year=2024 and the like: a column would be lost.
    """
    found: list[Path] = []
    for each in sorted(folder.rglob("*.parquet")):
        inside = each.relative_to(folder).parts
        if any(part.startswith((".", "_")) for part in inside) or not each.is_file():
            continue
        if column := next((part for part in inside[:-1] if "=" in part), ""):
            raise DataError(
                f"{folder} is divided by {column.partition('=')[0]!r}: the column is in the names "
                f"of folders ({column}) and not in the files; write it into them, or name the "
                f"files of one folder: '{folder / column}/*.parquet'"
            )
        found.append(each)
    return found
