"""SQL over a table, `FROM data`: what the statement gives is the table.

DuckDB runs it with nothing else in reach: no other file, no network, nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.data.options import ReadOptions
from steepest.data.readers.database import connect, tables_of
from steepest.data.relation import CLOSED, Relation, opened_duckdb, quoted
from steepest.data.table import NumberColumn, Table
from steepest.errors import ConfigurationError, DataError, nearest

if TYPE_CHECKING:
    import duckdb

    Connect = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]

_DOOR = "enable_external_access"
NAME = "data"
"""What the table is called in a query."""


def query_table(table: Table, options: ReadOptions) -> Relation:
    """The rows that `options.query` gives of a table; its numbers and text as SQL has them.

    Raises:
        DataError: the statement fails.
        ConfigurationError: it is no single SELECT.

    >>> table = Table.from_columns({"age": NumberColumn(np.array([31.0, 64.0]), whole=True)})
    >>> options = ReadOptions(query="SELECT age, age > 60 AS old FROM data ORDER BY age DESC")
    >>> found = query_table(table, options).table(())
    >>> found.names, found.column("old").texts()
    (('age', 'old'), ['true', 'false'])
    """

    @contextmanager
    def opened() -> Generator[duckdb.DuckDBPyConnection]:
        with opened_duckdb(CLOSED) as connection:
            _register(connection, table)
            connection.execute("SET lock_configuration = true")
            yield connection

    source = f"the query of {table.source or 'the table'}"
    return _asked(opened, options, source, f"{NAME} with the columns {_listed(table.names)}")


def query_parquet(
    paths: list[str], names: tuple[str, ...], source: str, options: ReadOptions
) -> Relation:
    """The rows that `options.query` gives of Parquet files, which are not read whole for it."""
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)

    @contextmanager
    def opened() -> Generator[duckdb.DuckDBPyConnection]:
        import duckdb

        # The files are named before the door is closed; they can be read only, as any statement.
        settings: dict[str, str | int] = {**CLOSED}
        del settings[_DOOR]
        with opened_duckdb(settings) as connection:
            connection.execute(f"SET allowed_paths = [{files}]")
            connection.execute(f"SET {_DOOR} = {CLOSED[_DOOR]}")
            try:
                connection.execute(
                    f"CREATE TEMP VIEW {NAME} AS FROM read_parquet([{files}], union_by_name = true)"
                )
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                raise DataError(f"{source} cannot be read as Parquet: {reason}") from None
            connection.execute("SET lock_configuration = true")
            yield connection

    return _asked(
        opened, options, f"the query of {source}", f"{NAME} with the columns {_listed(names)}"
    )


def query_database(path: Path, options: ReadOptions) -> Relation:
    """The rows that `options.query` gives of a database.

    Its tables have their own names; `data` is the one that `options.sheet` names, or the only one.
    """
    tables = tables_of(path)
    if options.sheet and options.sheet not in tables:
        raise ConfigurationError(
            f"--sheet {options.sheet}: {path} has no such table; {nearest(options.sheet, tables)}"
        )
    main = tables.get(options.sheet) or (next(iter(tables.values())) if len(tables) == 1 else "")

    @contextmanager
    def opened() -> Generator[duckdb.DuckDBPyConnection]:
        with connect(path) as connection:
            if main and NAME not in tables:
                connection.execute(f"CREATE TEMP VIEW {NAME} AS FROM {main}")
            connection.execute("SET lock_configuration = true")
            yield connection

    return _asked(opened, options, f"the query of {path}", f"the tables {_listed(list(tables))}")


def _asked(connect: Connect, options: ReadOptions, source: str, there: str) -> Relation:
    _check_statement(options.query)
    return Relation(
        connect,
        options.query.strip().rstrip(";"),
        [],
        source=source,
        options=options,
        unreadable=lambda reason: f"{source} fails: {reason}; there is {there}",
    )


def _check_statement(query: str) -> None:
    import duckdb

    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise ConfigurationError(f"--query: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ConfigurationError(
            f"--query takes one SELECT, as in 'SELECT * FROM {NAME} WHERE age > 30'; it reads "
            "tables and changes none"
        )


def _register(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Make the columns a view; numbers are BIGINT where whole, else DOUBLE; NaN is NULL."""
    arrays: dict[str, Any] = {}
    expressions: list[str] = []
    for place, (name, column) in enumerate(table.columns.items()):
        alias = f"c{place}"
        if isinstance(column, NumberColumn):
            arrays[alias] = column.values
            small = bool(np.all(np.abs(np.nan_to_num(column.values)) < 2**53))
            kind = "BIGINT" if column.whole and small else "DOUBLE"
            expressions.append(f"CAST({alias} AS {kind}) AS {quoted(name)}")
        else:
            levels = np.array([*column.levels, None], dtype=object)
            arrays[alias] = levels[column.codes]
            expressions.append(f"CAST({alias} AS VARCHAR) AS {quoted(name)}")
    connection.register("columns_of_data", arrays)
    connection.execute(
        f"CREATE TEMP VIEW {NAME} AS SELECT {', '.join(expressions)} FROM columns_of_data"
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + ", …" * (len(names) > 10)
