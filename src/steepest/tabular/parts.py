"""From a table to the rows for training, validation and test, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, final

import numpy as np
from msgspec import Struct, structs

from steepest.data import (
    ReadOptions,
    Schema,
    Table,
    Target,
    drop_rows_without,
    infer_schema,
    read_targets,
    target_labels,
)
from steepest.data.divisions import DIVISIONS, Division, Shuffled
from steepest.errors import ConfigurationError, DataError
from steepest.tabular.configuration import Configuration
from steepest.tabular.sections.data import Data
from steepest.tabular.streaming.streamed import StreamedRows


@final
class Parts(Struct, frozen=True, kw_only=True):
    """The schema, the rows of each part, and what a person should know about them.

    `stream` has the rows to train on where memory does not hold them; `training` are some of them.
    """

    configuration: Configuration
    schema: Schema
    training: Table
    validation: Table | None
    test: Table | None
    notes: tuple[str, ...]
    stream: StreamedRows | None = None

    @property
    def rows_to_train_on(self) -> int:
        """How many there are; of a table that is read block by block `training` is a sample."""
        return len(self.training) if self.stream is None else len(self.stream)


def read_options(data: Data, *, separator: str | None = None) -> ReadOptions:
    """Say how a table is written, `separator` overriding the configuration's."""
    return ReadOptions(
        separator=separator or data.separator or None,
        quote=data.quote,
        header=data.header,
        missing=data.missing,
        decimal=data.decimal or None,
        encoding=data.encoding,
        comment=data.comment,
        sheet=data.sheet,
        query=data.query,
    )


def options_of_new_table(
    data: Data, *, separator: str | None = None, sheet: str | None = None, query: str | None = None
) -> ReadOptions:
    """Say how a table for a model is written: as the one that it was fitted to.

    Sheet and query belong to one table each, and are those that are given here.
    """
    own = structs.replace(data, sheet=sheet or "", query=query or "")
    return read_options(own, separator=separator)


def schema_of(table: Table, data: Data, known: tuple[Target, ...] = ()) -> Schema:
    """Infer the schema as the options say.

    Args:
        table: all rows, or a sample of them.
        data: the options.
        known: the targets, where more is known of them than the table says.

    Raises:
        DataError: a target or a column that cannot be learnt from.
        ConfigurationError: an option names no column.
    """
    return infer_schema(
        table,
        data.target,
        types=data.types,
        drop=data.drop,
        features=data.features or None,
        sample_weight=data.sample_weight or None,
        apart=dividing_columns(data),
        task=None if data.task == "auto" else data.task,
        known=known,
    )


def dividing_columns(data: Data) -> dict[str, str]:
    """The column that divides the rows, by the option that names it; at most one.

    Raises:
        ConfigurationError: two options name one.
    """
    named = {option: getattr(data, option) for option in DIVISIONS if getattr(data, option)}
    if len(named) > 1:
        options = " and ".join(f"--{option}" for option in named)
        raise ConfigurationError(
            f"{options} divide the same rows in different ways: give one of them; a table of its "
            "own for test (--test FILE) can be divided by the other beforehand"
        )
    return named


def division_of(table: Table, schema: Schema, data: Data) -> Division:
    """How the rows of a table go to training, validation and test."""
    classes = strata(table, schema)
    for option, name in dividing_columns(data).items():
        return DIVISIONS[option](table, name, classes)
    return Shuffled(len(table), classes)


def strata(table: Table, schema: Schema) -> list[str] | None:
    """The class of each row, which parts keep the shares of; None for numbers.

    Of several labels it is which of them hold; what stands in one row only is one class together,
    and where there are more than a class for each ten rows, there are none.
    """
    if schema.task == "regression":
        return None
    if len(schema.targets) == 1:
        return target_labels(table, schema.target.name)
    codes = read_targets(table, schema.targets)
    _, kind, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    kind = kind.reshape(-1)
    if 10 * len(counts) > len(table):
        return None
    return [str(each) for each in np.where(counts[kind] > 1, kind, -1).tolist()]


def check_target_is_named(data: Data) -> None:
    """Refuse a fit of nothing.

    Raises:
        ConfigurationError: no target.
    """
    if not data.target:
        raise ConfigurationError("which column shall be predicted? name it with --target COLUMN")


def as_option(target: object) -> str | tuple[str, ...]:
    """The name of a column, or those of several, as `data.target` takes them.

    Raises:
        ConfigurationError: it is something else, such as the column itself.
    """
    if isinstance(target, str):
        return target
    if isinstance(target, list | tuple):
        names = cast("Sequence[object]", target)
        if names and all(isinstance(name, str) for name in names):
            return tuple(cast("Sequence[str]", names))
    raise ConfigurationError(
        f"the second argument is the name of the target's column, or a list of names, and "
        f"{type(target).__name__} is none: put the column into the table and give its name, as in "
        "fit_table(table, 'price'); options are the third argument"
    )


def the_targets(names: Sequence[str]) -> str:
    """The targets in a sentence.

    >>> the_targets(["y"]), the_targets(["u", "v"])
    ("the target 'y'", "each of the targets 'u', 'v'")
    """
    several = ", ".join(map(repr, names))
    return f"the target {several}" if len(names) == 1 else f"each of the targets {several}"


def with_targets(rows: Table, name: str, schema: Schema) -> tuple[Table, str]:
    """The rows of a table given for validation or test that have a target, and a note on others.

    Args:
        rows: of that table.
        name: of the part.
        schema: of the table to train on.

    Raises:
        DataError: a column that is not there; no row with a target.
    """
    schema.check_columns(rows)
    kept, dropped = drop_rows_without(rows, *schema.target_names)
    if not len(kept):
        where = f" {rows.source}" if rows.source else ""
        raise DataError(
            f"the {name} table{where} has no row with a value in "
            f"{the_targets(schema.target_names)}; give one that has the answers, or a share of the "
            "rows, such as 0.1"
        )
    return kept, dropped_rows(f"the {name} table", dropped, schema.target_names)


def dropped_rows(what: str, count: int, targets: Sequence[str]) -> str:
    """Say that rows were left out; nothing where none were."""
    if not count:
        return ""
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return f"{rows} of {what} left out: no value in {the_targets(targets)}"
