"""The door for tables: a path or an object in memory, whole or in blocks of rows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from steepest.data.delimited import DelimitedFile
from steepest.data.frames import table_from_frame
from steepest.data.options import ReadOptions
from steepest.data.source import check_file, is_parquet
from steepest.data.table import Table

if TYPE_CHECKING:
    from steepest.data.parquet import ParquetFile


def read_table(
    source: object,
    options: ReadOptions | None = None,
    *,
    text_columns: Collection[str] | None = (),
) -> Table:
    """Read a whole table, rows in the order of the source.

    Args:
        source: path of a CSV, TSV (plain or gzip) or Parquet file, told apart by content; or a
            pandas, polars or Arrow frame; or a dict of columns; or a Table, returned as it is.
        options: separator, header, missing markers …; found out or ordinary by default.
        text_columns: columns that keep the text of the file even if it is all numbers (class
            labels: "01" stays "01"); None for all.

    Raises:
        DataError: what is wrong, in which file and line.

    >>> table = read_table({"size": [1.5, 2.0], "sort": ["a", "b"]})
    >>> table.column("sort").texts()
    ['a', 'b']
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _open(Path(source), options or ReadOptions()).table(text_columns)
    return table_from_frame(source, options)


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
    if isinstance(source, (str, os.PathLike)):
        yield from _open(Path(source), options or ReadOptions()).blocks(rows, text_columns)
        return
    table = read_table(source, options)
    for start in range(0, len(table), rows):
        yield table.take(slice(start, start + rows))


def read_names(source: object, options: ReadOptions | None = None) -> tuple[str, ...]:
    """Read the names of the columns only.

    >>> read_names({"size": [1.5], "sort": ["a"]})
    ('size', 'sort')
    """
    if isinstance(source, (str, os.PathLike)):
        return _open(Path(source), options or ReadOptions()).names
    return read_table(source, options).names


def _open(path: Path, options: ReadOptions) -> DelimitedFile | ParquetFile:
    if is_parquet(check_file(path)):
        # DuckDB takes a third of a second to import, and most tables are CSV.
        from steepest.data.parquet import ParquetFile

        return ParquetFile(path, options)
    return DelimitedFile(path, options)
