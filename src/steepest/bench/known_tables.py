"""Tables that many have fitted, where they come from, and which rows of them are for the test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from steepest.data import (
    ReadOptions,
    Table,
    TextColumn,
    drop_rows_without,
    read_table,
    split,
    target_labels,
)
from steepest.errors import DataError

TEST_SHARE = 0.2


@final
@dataclass(frozen=True)
class Rows:
    """A table whose rows for the test are set apart, for everybody alike."""

    training: Table
    test: Table


@final
@dataclass(frozen=True)
class KnownTable:
    """A table, by its name.

    Args:
        file: below the folder of all tables.
        target: the column to predict.
        classes: whether that is a class.
        source: who gives it away.
        header: whether its first line holds the names.
        test_file: the rows that its makers test on; without one a fifth is drawn by the seed.
    """

    file: str
    target: str
    classes: bool
    source: str
    header: bool = True
    test_file: str | None = None

    def rows(self, folder: Path, seed: int) -> Rows:
        """Read it, and set the test apart.

        Raises:
            DataError: a file is not there, or is no such table.
        """
        table = self._read(folder, self.file)
        if self.test_file is not None:
            return Rows(table, _without_full_stops(self._read(folder, self.test_file), self.target))
        table, _ = drop_rows_without(table, self.target)
        strata = target_labels(table, self.target) if self.classes else None
        drawn = split(len(table), validation=0.0, test=TEST_SHARE, seed=seed, stratify=strata)
        return Rows(table.take(drawn.train), table.take(drawn.test))

    def _read(self, folder: Path, file: str) -> Table:
        path = folder / file
        if not path.is_file():
            raise DataError(f"{path} is not there: it is {self.source}")
        options = ReadOptions(header=self.header)
        return read_table(path, options, text_columns=[self.target] if self.classes else [])


KNOWN_TABLES: dict[str, KnownTable] = {
    "adult": KnownTable(
        file="adult/adult-train.csv",
        target="column_15",
        classes=True,
        source="adult.data and adult.test of https://archive.ics.uci.edu/dataset/2/adult",
        header=False,
        test_file="adult/adult-test.csv",
    ),
    "california-housing": KnownTable(
        file="california-housing/housing.csv",
        target="median_house_value",
        classes=False,
        source='housing.csv of Géron\'s "Hands-on Machine Learning"',
    ),
    "diamonds": KnownTable(
        file="diamonds/diamonds.csv",
        target="price",
        classes=False,
        source="diamonds.csv of ggplot2",
    ),
    "penguins": KnownTable(
        file="penguins/penguins.csv",
        target="species",
        classes=True,
        source="penguins.csv of https://github.com/mwaskom/seaborn-data",
    ),
}


def _without_full_stops(table: Table, target: str) -> Table:
    """Adult's labels end with one in the file for the test, and in the other do not."""
    column = table.column(target)
    if not isinstance(column, TextColumn):
        return table
    levels = tuple(level.rstrip(".") for level in column.levels)
    columns = {**table.columns, target: replace(column, levels=levels)}
    return replace(table, columns=columns)
