"""Formats of tables, one a file: each is found here by its `FORMAT`, and files by their content."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from steepest.data.options import ReadOptions
from steepest.data.packing import PACKINGS
from steepest.data.readers.format import Format, Opening, TableFile
from steepest.errors import ConfigurationError


@cache
def formats() -> tuple[Format, ...]:
    """All formats, in the order of their files' names.

    >>> [each.name for each in formats()]
    ['DuckDB', 'CSV', 'JSON', 'Parquet', 'Excel']
    """
    modules = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__))
    return tuple(each.FORMAT for each in modules if hasattr(each, "FORMAT"))


def format_of(path: Path) -> Format:
    """The format of a file: what recognises its beginning, else delimited text.

    Raises:
        DataError: it is packed, and no text.
    """
    opening = Opening(path)
    for each in formats():
        if each.recognises is not None and each.recognises(opening):
            return each
    opening.refuse_packed()
    return next(each for each in formats() if each.recognises is None)


def open_file(path: Path, options: ReadOptions) -> TableFile:
    """Open one file by its content; `check_file` has seen it.

    Raises:
        DataError: it cannot be read as the table that it begins as.
        ConfigurationError: a sheet is named, and such a file has none.
    """
    found = format_of(path)
    if options.sheet and not found.holds_several:
        several = [each.name for each in formats() if each.holds_several]
        raise ConfigurationError(
            f"--sheet {options.sheet}: {path} is {found.name}, which has no sheets or tables to "
            f"choose among, as {' and '.join(several)} have"
        )
    return found.open(path, options)


def table_suffixes() -> tuple[str, ...]:
    """What names of tables usually end with: packing first, then the formats'.

    >>> ".gz" in table_suffixes(), ".xlsx" in table_suffixes()
    (True, True)
    """
    packed = [suffix for each in PACKINGS for suffix in each.suffixes]
    return (*packed, *(suffix for each in formats() for suffix in each.suffixes))
