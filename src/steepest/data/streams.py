"""A table that is read again and again, in pieces and never whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from steepest.data.files import files_of
from steepest.data.options import ReadOptions
from steepest.data.read import read_blocks, read_names
from steepest.data.readers import format_of
from steepest.data.relation import Relation, opened_duckdb
from steepest.data.table import Table
from steepest.errors import DataError

if TYPE_CHECKING:
    import duckdb

_ROWS = "read_parquet(?, file_row_number = true) WHERE file_row_number >= ? AND file_row_number < ?"
_NUMBER, _TEXT, _FIELD = 32, 128, 100  # bytes that reading takes for a cell
_CELLS = 1 << 17  # so many at once in any case, as less costs time for nothing


@final
@dataclass(frozen=True)
class Piece:
    """Rows that stand together in a file: `rows` from row `first` on, counted from 0."""

    first: int
    rows: int


@final
class TableStream:
    """A table in a file, read in pieces.

    A Parquet file's pieces can be read in any order; all else comes in the order of the file.

    Args:
        path: of the file, or a pattern of several.
        options: how it is written.
        memory: bytes that reading may take.

    Attributes:
        names: of the columns.

    Raises:
        DataError: no such file, or it cannot be a table.
    """

    def __init__(self, path: Path, options: ReadOptions, memory: int) -> None:
        self._path = path
        self._options = options
        self._memory = memory
        self.names: tuple[str, ...] = read_names(path, options)
        self._rows_at_once = _rows_at_once(memory, len(self.names), _FIELD * len(self.names))
        paths = files_of(path)
        self._groups: _RowGroups | None = None
        if paths == (path,) and not options.query and format_of(path).name == "Parquet":
            self._groups = _RowGroups(path, options, memory)

    @property
    def pieces(self) -> Sequence[Piece]:
        """What can be read in any order; nothing where rows come in the order of the file."""
        return () if self._groups is None else self._groups.pieces

    def tables(
        self, text: Collection[str], order: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Table]]:
        """Read all rows: how many stand before each part, and the part.

        Args:
            text: columns that stay text; of a Parquet file, where they are none of numbers.
            order: of the pieces, where there are some; by default that of the file.

        Raises:
            DataError: what is wrong, and where.
        """
        if self._groups is not None:
            yield from self._groups.tables(text, order)
            return
        first = 0
        for table in read_blocks(
            self._path, self._options, rows=self._rows_at_once, text_columns=text
        ):
            yield first, table
            first += len(table)


@final
class _RowGroups:
    """The row groups of a Parquet file, large ones in several pieces."""

    def __init__(self, path: Path, options: ReadOptions, memory: int) -> None:
        from steepest.data.relation import Relation

        self._memory = memory
        self._path = path
        with self._connect() as connection:
            counts = connection.execute(
                "SELECT row_group_num_rows FROM parquet_metadata(?) WHERE column_id = 0 "
                "ORDER BY row_group_id",
                [str(path)],
            ).fetchall()
        self._relation: Relation = Relation(
            self._connect,
            "SELECT * FROM read_parquet(?)",
            [str(path)],
            source=str(path),
            options=options,
            unreadable=lambda reason: f"{path} cannot be read as Parquet: {reason}",
        )
        names = self._relation.names
        row = sum(_NUMBER if self._relation.is_number(name) else _TEXT for name in names)
        most = _rows_at_once(memory, len(names), row)
        self.pieces: tuple[Piece, ...] = tuple(_cut([int(count) for (count,) in counts], most))
        if not self.pieces:
            raise DataError(f"{path} has columns but no rows")

    def tables(
        self, text: Collection[str], order: Sequence[int] | None
    ) -> Iterator[tuple[int, Table]]:
        """Read pieces, each at once."""
        relation = self._relation
        kept = [name for name in text if name in relation.names and not relation.is_number(name)]
        with self._connect() as connection:
            for place in range(len(self.pieces)) if order is None else order:
                piece = self.pieces[place]
                yield (
                    piece.first,
                    relation.some(
                        connection,
                        _ROWS,
                        [str(self._path), piece.first, piece.first + piece.rows],
                        kept,
                        piece.first + 1,
                    ),
                )

    def _connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        limit = max(self._memory, 1 << 26)  # DuckDB needs some for a row group of many columns
        return opened_duckdb({"threads": 1, "memory_limit": f"{limit}B", "temp_directory": ""})


def _rows_at_once(memory: int, columns: int, row: int) -> int:
    return max(256, min(2048, _CELLS // columns), memory // row)


def _cut(counts: Sequence[int], most: int) -> Iterator[Piece]:
    """Row groups of at most so many rows, larger ones in equal pieces."""
    first = 0
    for count in counts:
        parts = -(-count // most)
        for part in range(parts):
            start, end = count * part // parts, count * (part + 1) // parts
            yield Piece(first + start, end - start)
        first += count
