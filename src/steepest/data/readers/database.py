"""A DuckDB database: its only table, or the one that is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from steepest.data.options import ReadOptions
from steepest.data.readers.format import Format, Opening
from steepest.data.relation import CLOSED, Relation, opened_duckdb, quoted
from steepest.errors import ConfigurationError, DataError, nearest

if TYPE_CHECKING:
    import duckdb

_TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_catalog = current_database() ORDER BY table_schema, table_name
"""


def open_database(path: Path, options: ReadOptions) -> Relation:
    """Read names and types of a table in a database, which stays as it is.

    Raises:
        DataError: damaged, of a newer DuckDB, in use, or without a table to choose.
    """
    tables = tables_of(path)
    names = list(tables)
    if not names:
        raise DataError(f"{path} is a DuckDB database without tables")
    if not options.sheet and len(names) > 1:
        raise DataError(
            f"{path} has {len(names)} tables ({', '.join(names[:8])}{', …' * (len(names) > 8)}); "
            f"name one (--sheet {names[0]}), or say what you want of them (--query)"
        )
    chosen = options.sheet or names[0]
    if chosen not in tables:
        raise ConfigurationError(
            f"--sheet {chosen}: {path} has no such table; {nearest(chosen, names)}"
        )
    return Relation(
        lambda: connect(path),
        f"SELECT * FROM {tables[chosen]}",
        [],
        source=f"{path}, table {chosen}",
        options=options,
        unreadable=lambda reason: f"{path}, table {chosen} cannot be read: {reason}",
    )


def tables_of(path: Path) -> dict[str, str]:
    """The tables and views of a database: names for people to names in SQL."""
    with connect(path) as connection:
        rows: list[tuple[str, str]] = connection.execute(_TABLES).fetchall()
    return {
        name if schema == "main" else f"{schema}.{name}": f"{quoted(schema)}.{quoted(name)}"
        for schema, name in rows
    }


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a database to read only, with nothing else in reach."""
    import duckdb

    try:
        return opened_duckdb(CLOSED, str(path), read_only=True)
    except (duckdb.Error, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} cannot be opened as a DuckDB database: {reason}") from None


def is_database(opening: Opening) -> bool:
    """Tell a DuckDB database by its beginning."""
    return opening.start[8:12] == b"DUCK"


FORMAT = Format(
    name="DuckDB",
    suffixes=(".duckdb", ".db"),
    recognises=is_database,
    open=open_database,
    holds_several="table",
)
