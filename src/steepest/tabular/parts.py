"""From a table to the rows for training, validation and test, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import (
    ReadOptions,
    Schema,
    Table,
    drop_rows_without,
    infer_schema,
    read_table,
    sample_weights,
    split,
    target_labels,
)
from steepest.data.source import check_file
from steepest.errors import ConfigurationError, DataError
from steepest.tabular.configuration import Configuration
from steepest.tabular.sections.data import Data
from steepest.tabular.sections.images import Images
from steepest.tabular.stopwatch import Stopwatch


@final
class Parts(Struct, frozen=True, kw_only=True):
    """The schema, the rows of each part, and what a person should know about them."""

    configuration: Configuration
    schema: Schema
    training: Table
    validation: Table | None
    test: Table | None
    notes: tuple[str, ...]


def read_options(data: Data, *, separator: str | None = None) -> ReadOptions:
    """Say how a table is written, `separator` overriding the configuration's."""
    return ReadOptions(
        separator=separator or data.separator or None,
        quote=data.quote,
        header=data.header,
        missing=data.missing,
        decimal=data.decimal or None,
        encoding=data.encoding,
    )


def prepare(
    source: object,
    configuration: Configuration,
    *,
    validation: object | None = None,
    test: object | None = None,
    stopwatch: Stopwatch | None = None,
) -> Parts:
    """Read a table, infer its schema and set validation and test rows apart.

    Args:
        source: A path, a data frame, a dictionary of columns or a Table.
        configuration: `data.target` names the target.
        validation: A table of its own to stop on, instead of a share of `source`.
        test: Likewise for the honest test.
        stopwatch: Gets the time of reading.

    Raises:
        DataError: The table cannot be used: file, row, column and remedy.
        ConfigurationError: No target is named.
    """
    data = configuration.data
    options = read_options(data)
    watch = stopwatch or Stopwatch()
    if configuration.images != Images():
        raise ConfigurationError(
            "--augment and other options of images are for a folder of pictures or an .npz file; "
            "this is a table"
        )
    if isinstance(source, str | Path):  # a wrong name is told before what else is missing
        check_file(Path(source))
    if not data.target:
        raise ConfigurationError("which column shall be predicted? name it with --target COLUMN")
    as_text = [name for name, kind in data.types.items() if kind == "categorical"]
    labels = [*as_text, data.target]
    with watch.part("reading"):
        table = read_table(source, options, text_columns=labels)
    schema = infer_schema(
        table,
        data.target,
        types=data.types,
        drop=data.drop,
        features=data.features or None,
        sample_weight=data.sample_weight or None,
        task=None if data.task == "auto" else data.task,
    )
    table, dropped = drop_rows_without(table, data.target)
    notes = [_dropped("the table", dropped, data.target)]
    given: dict[str, Table] = {}
    for name, part in (("validation", validation), ("test", test)):
        if part is not None:
            with watch.part("reading"):
                rows = read_table(part, options, text_columns=labels)
            schema.check_columns(rows)
            given[name], dropped = drop_rows_without(rows, data.target)
            notes.append(_dropped(f"the {name} table", dropped, data.target))
            if not len(given[name]):
                raise DataError(
                    f"the {name} table {part} has no row with a value in the target {data.target!r}"
                )
    drawn = split(
        len(table),
        validation=data.validation if validation is None else 0.0,
        test=data.test if test is None else 0.0,
        seed=configuration.training.seed,
        stratify=_classes(table, schema),
    )
    return Parts(
        configuration=configuration,
        schema=schema,
        training=table.take(drawn.train),
        validation=given.get("validation", _part(table, drawn.validation)),
        test=given.get("test", _part(table, drawn.test)),
        notes=tuple(note for note in notes if note),
    )


def row_weights(
    table: Table, configuration: Configuration, codes: NDArray[np.int32] | None
) -> NDArray[np.float64] | None:
    """Multiply sample weights and class weights; None where all rows count alike.

    A balanced class weight is n / (k n_class), so that every class has the same sum.

    Args:
        table: The rows.
        configuration: `data.sample_weight` and `training.class_weight`.
        codes: Class of each row, (n,); None for regression.
    """
    weights = None
    if configuration.data.sample_weight:
        weights = sample_weights(table, configuration.data.sample_weight)
    if codes is not None and configuration.training.class_weight == "balanced":
        balanced = balanced_weights(codes)
        weights = balanced if weights is None else weights * balanced
    return weights


def balanced_weights(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Weigh rows by n / (k n_class), so that every class has the same sum.

    >>> balanced_weights(np.array([0, 1, 1, 1]))
    array([2.        , 0.66666667, 0.66666667, 0.66666667])
    """
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return (len(codes) / (len(counts) * counts))[inverse]


def _classes(table: Table, schema: Schema) -> list[str] | None:
    if schema.target.task != "classification":
        return None
    return target_labels(table, schema.target.name)


def _part(table: Table, rows: NDArray[np.intp]) -> Table | None:
    return table.take(rows) if len(rows) else None


def _dropped(what: str, count: int, target: str) -> str:
    if not count:
        return ""
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return f"{rows} of {what} left out: no value in the target {target!r}"
