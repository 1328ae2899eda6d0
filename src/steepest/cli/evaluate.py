"""`steepest evaluate`: how good a model is on a table that has the answers."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from steepest.cli.flags import Json, Model, Quiet, Reference, Table, backend_of, table_path
from steepest.cli.terminal import Terminal


def evaluate(
    model: Model,
    table: Table,
    separator: Annotated[
        str | None, typer.Option("--separator", help="Between the table's fields, where not found.")
    ] = None,
    json_: Json = False,
    reference: Reference = False,
    quiet: Quiet = False,
) -> None:
    r"""Score a model on a table, beside a baseline.

    The baseline predicts the same for every row: the shares of the classes in training, or the
    mean. Rows without a target are left out.

    \b
    Examples:
      steepest evaluate income.safetensors test.csv
      steepest evaluate income.safetensors test.csv --json
    """
    import msgspec

    from steepest.tabular import load

    fitted = load(model)
    fitted.trained.backend = backend_of(reference)
    with table_path(table) as path:
        rows = fitted.read(path, separator=separator)
    evaluation = fitted.evaluate(rows)
    left_out = len(rows) - evaluation.rows
    if left_out:
        name = fitted.schema.target.name
        rows_text = "1 row" if left_out == 1 else f"{left_out:,} rows"
        Terminal(quiet=quiet).say(f"{rows_text} left out: no value in the target {name!r}")
    if json_:
        print(json.dumps(msgspec.to_builtins(evaluation), ensure_ascii=False))
    else:
        print(evaluation.text())
