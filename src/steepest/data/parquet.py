"""Read Parquet through DuckDB: numbers as float64, everything else as text."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import numpy as np

from steepest.data.options import ReadOptions
from steepest.data.table import Column, NumberColumn, Table, text_column, without
from steepest.errors import DataError

_WHOLE = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
}  # fmt: skip
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "VARIANT")
_ROWS_AT_ONCE = 1 << 14


class ParquetFile:
    """One Parquet file and the types of its columns.

    Attributes:
        names: of the columns.

    Raises:
        DataError: damaged, without rows, or with a nested column.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        """Read names and types."""
        self._path = path
        self._options = options
        with duckdb.connect() as connection:
            rows = self._query(connection, "DESCRIBE SELECT * FROM read_parquet(?)").fetchall()
        self._types = {str(row[0]): str(row[1]) for row in rows}
        self.names: tuple[str, ...] = tuple(self._types)
        for name, kind in self._types.items():
            if kind.startswith(_NESTED) or kind.endswith("]"):
                raise DataError(
                    f"{path}: column {name!r} holds {kind} values; only numbers, text, booleans "
                    "and dates make a feature: drop the column from the file or unnest it"
                )

    def table(self, text: Collection[str] | None) -> Table:
        """Read the whole file."""
        return self._join(list(self.blocks(_ROWS_AT_ONCE, text)))

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Yield tables of `rows` rows, the last one shorter, in the order of the file."""
        columns = ", ".join(self._expression(name, text) for name in self.names)
        with duckdb.connect() as connection:
            result = self._query(connection, f"SELECT {columns} FROM read_parquet(?)")
            first = 1
            while block := result.fetchmany(rows or _ROWS_AT_ONCE):
                cells = zip(self.names, zip(*block, strict=True), strict=True)
                made = {name: self._column(name, values, text) for name, values in cells}
                numbers = np.arange(first, first + len(block))
                first += len(block)
                yield Table(MappingProxyType(made), numbers, "row", str(self._path))
        if first == 1:
            raise DataError(f"{self._path} has columns but no rows")

    def _is_number(self, name: str, text: Collection[str] | None) -> bool:
        kind = self._types[name]
        numeric = kind in _WHOLE or kind in {"FLOAT", "DOUBLE"} or kind.startswith("DECIMAL")
        return numeric and text is not None and name not in text

    def _expression(self, name: str, text: Collection[str] | None) -> str:
        kind = "DOUBLE" if self._is_number(name, text) else "VARCHAR"
        quoted = '"' + name.replace('"', '""') + '"'
        return f"CAST({quoted} AS {kind})"

    def _column(self, name: str, values: tuple[Any, ...], text: Collection[str] | None) -> Column:
        if self._is_number(name, text):
            numbers = np.array(values, dtype=np.float64)  # None becomes NaN
            whole = self._types[name] in _WHOLE
            return NumberColumn(without(numbers, self._options.marker_numbers), whole)
        return text_column(values, self._options.markers)

    def _join(self, tables: list[Table]) -> Table:
        columns: dict[str, Column] = {}
        for name in self.names:
            parts = [table.columns[name] for table in tables]
            if isinstance(parts[0], NumberColumn):
                values = [part.values for part in parts if isinstance(part, NumberColumn)]
                columns[name] = NumberColumn(np.concatenate(values), parts[0].whole)
            else:
                texts = [text for part in parts for text in part.texts()]
                columns[name] = text_column(texts)
        numbers = np.concatenate([table.numbers for table in tables])
        return Table(MappingProxyType(columns), numbers, "row", str(self._path))

    def _query(
        self, connection: duckdb.DuckDBPyConnection, query: str
    ) -> duckdb.DuckDBPyConnection:
        try:
            return connection.execute(query, [str(self._path)])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{self._path} cannot be read as Parquet: {reason}") from None
