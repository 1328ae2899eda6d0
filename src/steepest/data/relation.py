"""The rows of an SQL statement through DuckDB: numbers as float64, everything else as text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data.options import ReadOptions
from steepest.data.table import Column, NumberColumn, Table, TextColumn, text_column, without
from steepest.errors import DataError

if TYPE_CHECKING:
    import duckdb

_WHOLE = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
}  # fmt: skip
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "VARIANT")
_ROWS_AT_ONCE = 1 << 14

# Nothing outside of what is opened can be read or written, whatever the SQL says.
CLOSED = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
}


def opened_duckdb(
    settings: Mapping[str, str | int] = MappingProxyType({}),
    database: str = ":memory:",
    *,
    read_only: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Connect with settings; moments are told in UTC, wherever the computer stands."""
    # It takes a third of a second to import, and most tables are CSV.
    import duckdb

    connection = duckdb.connect(database, read_only=read_only, config={**settings})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@final
class Relation:
    """A statement whose rows are a table, and the types of its columns.

    Args:
        connect: opens the database that it is about, once for each reading.
        statement: SELECT … FROM …, without a semicolon.
        parameters: of the statement.
        source: for messages.
        options: what means a missing value.
        unreadable: how an error of DuckDB's is told: (its first line) to the message.

    Attributes:
        names: of the columns.

    Raises:
        DataError: the statement fails, or gives a nested column.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]],
        statement: str,
        parameters: list[Any],
        *,
        source: str,
        options: ReadOptions,
        unreadable: Callable[[str], str],
    ) -> None:
        self._connect = connect
        self._statement = statement
        self._parameters = parameters
        self._source = source
        self._options = options
        self._unreadable = unreadable
        with connect() as connection:
            rows = self._execute(connection, f"DESCRIBE {statement}").fetchall()
        self._types = {str(row[0]): str(row[1]) for row in rows}
        self.names: tuple[str, ...] = tuple(self._types)
        for name, kind in self._types.items():
            if kind.startswith(_NESTED) or kind.endswith("]"):
                raise DataError(
                    f"{source}: column {name!r} holds {kind} values; only numbers, text, booleans "
                    "and dates make a feature: drop the column from the file or unnest it"
                )

    def table(self, text: Collection[str] | None) -> Table:
        """Read all rows."""
        return _joined(list(self.blocks(_ROWS_AT_ONCE, text)))

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Yield tables of `rows` rows, the last one shorter, in the order of the statement."""
        columns = ", ".join(self._expression(name, text) for name in self.names)
        with self._connect() as connection:
            result = self._execute(connection, f"SELECT {columns} FROM ({self._statement}\n)")
            first = 1
            while block := self._fetched(result, rows or _ROWS_AT_ONCE):
                cells = zip(self.names, zip(*block, strict=True), strict=True)
                made = {name: self._column(name, values, text) for name, values in cells}
                numbers = np.arange(first, first + len(block))
                first += len(block)
                yield Table(MappingProxyType(made), numbers, "row", self._source)
        if first == 1:
            raise DataError(f"{self._source} has columns but no rows")

    def some(
        self,
        connection: duckdb.DuckDBPyConnection,
        origin: str,
        parameters: list[Any],
        text: Collection[str] | None,
        first: int,
    ) -> Table:
        """Read some of the rows at once, which is ten times as quick as row by row.

        Args:
            connection: as `connect` gives it.
            origin: SQL behind FROM, with a condition.
            parameters: of the origin.
            text: columns that stay text.
            first: the number of the first of these rows, counted from 1.
        """
        expressions = (self._expression(name, text) for name in self.names)
        columns = ", ".join(f"{each} AS c{i}" for i, each in enumerate(expressions))
        found = self._arrays(connection, f"SELECT {columns} FROM {origin}", parameters)
        cells = {name: found[f"c{i}"] for i, name in enumerate(self.names)}
        made = {name: self._column_of(name, values, text) for name, values in cells.items()}
        numbers = np.arange(first, first + len(found["c0"]))
        return Table(MappingProxyType(made), numbers, "row", self._source)

    def _arrays(
        self, connection: duckdb.DuckDBPyConnection, statement: str, parameters: list[Any]
    ) -> dict[str, Any]:
        import duckdb

        try:
            return connection.execute(statement, parameters).fetchnumpy()
        except (duckdb.Error, RuntimeError) as error:
            raise DataError(self._unreadable(str(error).splitlines()[0])) from None

    def _column_of(self, name: str, values: NDArray[Any], text: Collection[str] | None) -> Column:
        absent = np.asarray(np.ma.getmaskarray(values))
        if self._is_number(name, text):
            numbers = np.where(absent, np.nan, np.ma.getdata(values))
            whole = self._types[name] in _WHOLE
            return NumberColumn(without(numbers, self._options.marker_numbers), whole)
        pairs = zip(np.ma.getdata(values).tolist(), absent.tolist(), strict=True)
        return text_column([None if gone else each for each, gone in pairs], self._options.markers)

    def is_number(self, name: str) -> bool:
        """Whether a column's type is one of numbers."""
        return self._is_number(name, ())

    def _is_number(self, name: str, text: Collection[str] | None) -> bool:
        kind = self._types[name]
        numeric = kind in _WHOLE or kind in {"FLOAT", "DOUBLE"} or kind.startswith("DECIMAL")
        return numeric and text is not None and name not in text

    def _expression(self, name: str, text: Collection[str] | None) -> str:
        kind = "DOUBLE" if self._is_number(name, text) else "VARCHAR"
        return f"CAST({quoted(name)} AS {kind})"

    def _column(self, name: str, values: tuple[Any, ...], text: Collection[str] | None) -> Column:
        if self._is_number(name, text):
            numbers = np.array(values, dtype=np.float64)  # None becomes NaN
            whole = self._types[name] in _WHOLE
            return NumberColumn(without(numbers, self._options.marker_numbers), whole)
        return text_column(values, self._options.markers)

    def _execute(
        self, connection: duckdb.DuckDBPyConnection, statement: str
    ) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            return connection.execute(statement, self._parameters)
        except (duckdb.Error, RuntimeError) as error:
            raise DataError(self._unreadable(str(error).splitlines()[0])) from None

    def _fetched(self, result: duckdb.DuckDBPyConnection, rows: int) -> list[Any]:
        import duckdb

        try:
            return result.fetchmany(rows)
        except (duckdb.Error, RuntimeError) as error:  # a page further on that is damaged
            raise DataError(self._unreadable(str(error).splitlines()[0])) from None


def quoted(name: str) -> str:
    """Write a name as SQL does."""
    return '"' + name.replace('"', '""') + '"'


def _joined(tables: list[Table]) -> Table:
    columns = {name: join([table.columns[name] for table in tables]) for name in tables[0].columns}
    numbers = np.concatenate([table.numbers for table in tables])
    return Table(MappingProxyType(columns), numbers, "row", tables[0].source)


def join(parts: list[Column]) -> Column:
    """Put columns one below the other; all are numbers, or all are text.

    >>> join([text_column(["a", "b"]), text_column(["b", "c"])]).texts()
    ['a', 'b', 'b', 'c']
    """
    numbers = [part for part in parts if isinstance(part, NumberColumn)]
    if len(numbers) == len(parts):
        values = np.concatenate([part.values for part in numbers])
        return NumberColumn(values, all(part.whole for part in numbers))
    texts = [part for part in parts if isinstance(part, TextColumn)]
    index: dict[str, int] = {}
    codes: list[Any] = []
    for part in texts:
        place = [index.setdefault(level, len(index)) for level in part.levels]
        codes.append(np.array([*place, -1], dtype=np.int32)[part.codes])
    orders = {part.order for part in texts}
    order = orders.pop() if len(orders) == 1 else ()
    return TextColumn(np.concatenate(codes), tuple(index), texts[0].decimal, order)
