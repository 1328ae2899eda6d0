"""From a table to its parts: read, understood, and divided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from steepest.data import (
    Schema,
    Table,
    drop_rows_without,
    kept_as_text,
    possible_targets,
    read_table,
)
from steepest.data.files import files_of
from steepest.errors import ConfigurationError
from steepest.tabular.configuration import Configuration
from steepest.tabular.doubts import doubts
from steepest.tabular.parts import (
    Parts,
    check_target_is_named,
    division_of,
    dropped_rows,
    read_options,
    schema_of,
    with_targets,
)
from steepest.tabular.sections.images import Images
from steepest.tabular.stopwatch import Stopwatch


def prepare(
    source: object,
    configuration: Configuration,
    *,
    validation: object | None = None,
    test: object | None = None,
    schema: Schema | None = None,
    stopwatch: Stopwatch | None = None,
) -> Parts:
    """Read a table, infer its schema and set validation and test rows apart.

    Args:
        source: A path, a data frame, a dictionary of columns or a Table.
        configuration: `data.target` names the target, or several.
        validation: A table of its own to stop on, instead of a share of `source`.
        test: Likewise for the honest test.
        schema: What is known of the table already, of an earlier fit say; else it is inferred.
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
        files_of(Path(source))
    check_target_is_named(data)
    if data.memory:
        from steepest.tabular.prepare_streamed import prepare_streamed

        given_parts = {"validation": validation, "test": test}
        own = {name: part for name, part in given_parts.items() if part is not None}
        return prepare_streamed(source, configuration, own, watch)
    as_text = kept_as_text(data.types)
    labels = [*as_text, *possible_targets(data.target)]
    with watch.part("reading"):
        table = read_table(source, options, text_columns=labels)
    schema = schema or schema_of(table, data)
    targets = schema.target_names
    table, dropped = drop_rows_without(table, *targets)
    notes = [*table.notes, dropped_rows("the table", dropped, targets)]
    given: dict[str, Table] = {}
    for name, part in (("validation", validation), ("test", test)):
        if part is not None:
            with watch.part("reading"):
                rows = read_table(part, options, text_columns=labels)
            given[name], note = with_targets(rows, name, schema)
            notes.append(note)
    division = division_of(table, schema, data)
    drawn = division.split(
        validation=data.validation if validation is None else 0.0,
        test=data.test if test is None else 0.0,
        seed=configuration.training.seed,
    )
    parts = Parts(
        configuration=configuration,
        schema=schema,
        training=table.take(drawn.train),
        validation=given.get("validation", _part(table, drawn.validation)),
        test=given.get("test", _part(table, drawn.test)),
        notes=(),
    )
    notes += [division.told(drawn)]
    notes += [division.mixed(name, part) for name, part in given.items()]
    notes += doubts(schema, parts.training, {"validation": parts.validation, "test": parts.test})
    return structs.replace(parts, notes=tuple(note for note in notes if note))


def _part(table: Table, rows: NDArray[np.intp]) -> Table | None:
    return table.take(rows) if len(rows) else None
