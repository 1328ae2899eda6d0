"""The door for tables: a path or an object in memory, whole or in blocks of rows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import final

from steepest.data.files import files_of
from steepest.data.frames import table_from_frame
from steepest.data.options import ReadOptions
from steepest.data.readers import TableFile, format_of, open_file
from steepest.data.several import SeveralFiles
from steepest.data.table import Table


def read_table(
    source: object,
    options: ReadOptions | None = None,
    *,
    text_columns: Collection[str] | None = (),
) -> Table:
    """Read a whole table, rows in the order of the source.

    Args:
        source: path of a CSV, TSV, JSON, Parquet or Excel file or a DuckDB database, told apart by
            content, text also packed (gzip, bzip2, xz, ZIP); a pattern of several ("logs/*.csv"),
            or a folder of Parquet files; or a pandas, polars or Arrow frame; or a dict of columns;
            or a Table, returned as it is.
        options: separator, header, missing markers …; found out or ordinary by default.
        text_columns: columns that keep the text of the file even if it is all numbers (class
            labels: "01" stays "01"); None for all.

    Raises:
        DataError: what is wrong, in which file and line.

    >>> table = read_table({"size": [1.5, 2.0], "sort": ["a", "b"]})
    >>> table.column("sort").texts()
    ['a', 'b']
    """
    return open_table(source, options).table(text_columns)


def open_table(source: object, options: ReadOptions | None = None) -> TableFile:
    """Open a table: its names are known, its rows are read when they are asked for.

    Arguments and errors as in `read_table`.

    >>> opened = open_table({"size": [1.5, 2.0], "sort": ["a", "b"]})
    >>> opened.names, [len(block) for block in opened.blocks(rows=1, text=())]
    (('size', 'sort'), [1, 1])
    """
    if isinstance(source, Table):
        return InMemory(source)
    if isinstance(source, (str, os.PathLike)):
        return _open(Path(source), options or ReadOptions())
    table = table_from_frame(source, options)
    return _asked_of_table(table, options) if options and options.query else InMemory(table)


def read_blocks(
    source: object,
    options: ReadOptions | None = None,
    *,
    rows: int = 8192,
    text_columns: Collection[str] | None = (),
) -> Iterator[Table]:
    """Read a table as successive tables of `rows` rows, holding one of them in memory at a time.

    Each block decides by itself which columns are all numbers; `Preprocessor` reads a column of
    text as numbers where it needs them. Arguments and errors as in `read_table`.

    >>> [len(block) for block in read_blocks({"x": [1, 2, 3]}, rows=2)]
    [2, 1]
    """
    yield from open_table(source, options).blocks(rows, text_columns)


def read_names(source: object, options: ReadOptions | None = None) -> tuple[str, ...]:
    """Read the names of the columns only.

    >>> read_names({"size": [1.5], "sort": ["a"]})
    ('size', 'sort')
    """
    return open_table(source, options).names


@final
class InMemory:
    """A table that is there already, opened like one in a file; its columns are what they are.

    Attributes:
        names: of the columns.
    """

    def __init__(self, table: Table) -> None:
        """Hand out this table."""
        self._table = table
        self.names: tuple[str, ...] = table.names

    def table(self, text: Collection[str] | None) -> Table:
        """All of it."""
        return self._table

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Successive rows of it."""
        step = rows or len(self._table)
        for start in range(0, len(self._table), step):
            yield self._table.take(slice(start, start + step))


def _open(path: Path, options: ReadOptions) -> TableFile:
    paths = files_of(path)
    if options.query and (asked := _asked_of(path, paths, options)) is not None:
        return asked
    plain = replace(options, query="")
    one = open_file(path, plain) if paths == (path,) else SeveralFiles(paths, plain, str(path))
    return _asked_of_table(one.table(()), options) if options.query else one


def _asked_of(path: Path, paths: tuple[Path, ...], options: ReadOptions) -> TableFile | None:
    """A query of what DuckDB reads by itself, without making a Table of it before."""
    from steepest.data.query import query_database, query_parquet

    formats = {format_of(each).name for each in paths}
    if formats == {"Parquet"}:
        names = open_file(paths[0], replace(options, query="")).names
        return query_parquet([str(each) for each in paths], names, str(path), options)
    if formats == {"DuckDB"} and len(paths) == 1:
        return query_database(path, options)
    return None


def _asked_of_table(table: Table, options: ReadOptions) -> TableFile:
    from steepest.data.query import query_table

    return query_table(table, options)
