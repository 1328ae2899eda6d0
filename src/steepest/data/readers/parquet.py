"""Parquet, through DuckDB: numbers as float64, everything else as text."""

from __future__ import annotations

from pathlib import Path

from steepest.data.options import ReadOptions
from steepest.data.readers.format import Format, Opening
from steepest.data.relation import Relation, opened_duckdb


def open_parquet(path: Path, options: ReadOptions) -> Relation:
    """Read names and types of a Parquet file.

    Raises:
        DataError: damaged, without rows, or with a nested column.
    """
    return Relation(
        opened_duckdb,
        "SELECT * FROM read_parquet(?)",
        [str(path)],
        source=str(path),
        options=options,
        unreadable=lambda reason: f"{path} cannot be read as Parquet: {reason}",
    )


def _is_parquet(opening: Opening) -> bool:
    return opening.start.startswith(b"PAR1")


FORMAT = Format(
    name="Parquet", suffixes=(".parquet", ".pq"), recognises=_is_parquet, open=open_parquet
)
