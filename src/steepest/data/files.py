"""Which files a path means: one, those that a pattern finds, or a folder of Parquet."""

from __future__ import annotations

import glob
from pathlib import Path

from steepest.data.readers import formats
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
        if not found and holds_tables(path):
            raise DataError(
                f"{path} is a directory; name the tables in it that belong together by a pattern "
                f"in quotes: '{path}/*.csv'"
            )
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


def holds_tables(folder: Path) -> bool:
    """Whether a folder is one of tables, and none of pictures.

    There are Parquet files in it, or nothing but files that are named as tables are.

    >>> holds_tables(Path("nowhere"))
    False
    """
    if not folder.is_dir():
        return False
    if parquet_files(folder):
        return True
    suffixes = {suffix for each in formats() for suffix in each.suffixes}
    inside = [each for each in folder.iterdir() if not each.name.startswith(".")]
    return bool(inside) and all(each.suffix.lower() in suffixes for each in inside)


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder, sorted by name, without hidden ones.

    Raises:
        DataError: they are in folders called year=2024 and the like: a column would be lost.
    """
    for each in sorted(folder.glob("*=*/")):
        if any(each.glob("**/*.parquet")):
            raise DataError(
                f"{folder} is divided by {each.name.partition('=')[0]!r}: the column is in the "
                f"names of folders ({each.name}) and not in the files; write it into them, or name "
                f"the files of one folder: '{each}/*.parquet'"
            )
    files = (each for each in sorted(folder.glob("*.parquet")) if each.is_file())
    return [each for each in files if not each.name.startswith((".", "_"))]
