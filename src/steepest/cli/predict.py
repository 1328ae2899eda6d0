"""`steepest predict`: one row out for each row in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steepest.cli.flags import (
    Model,
    Quiet,
    Reference,
    Table as TablePath,
    backend_of,
    columns,
    table_path,
)
from steepest.cli.outputs import refuse_input
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from steepest.data import Table
    from steepest.data.write import Cells
    from steepest.tabular import TableModel

_ROWS = 8192


def predict(
    model: Model,
    table: TablePath,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="Write to FILE instead of stdout.")
    ] = "-",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add a column probability_<class> per class.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="COL,...", help="Put columns of the table in front."),
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Put all columns of the table in front.")
    ] = False,
    separator: Annotated[
        str | None, typer.Option("--separator", help="Between the table's fields, where not found.")
    ] = None,
    reference: Reference = False,
    quiet: Quiet = False,
) -> None:
    r"""Predict every row of a table, in its order, as CSV.

    One row out for each row in. The target column is not needed; columns the model does not know
    are ignored.

    \b
    Examples:
      steepest predict income.safetensors new.csv > predictions.csv
      steepest predict income.safetensors new.csv --probabilities --keep id --out predictions.csv
      zcat new.csv.gz | steepest predict income.safetensors - | head
    """
    from steepest.data import open_writer, read_blocks, read_names
    from steepest.tabular import load
    from steepest.tabular.parts import read_options

    if out != "-":
        refuse_input(Path(out), [model, Path(table)])
    fitted = load(model)
    fitted.trained.backend = backend_of(reference)
    if probabilities and not fitted.classes:
        raise ConfigurationError(
            f"--probabilities: the target {fitted.schema.target.name!r} is a number; it has none"
        )
    options = read_options(fitted.configuration.data, separator=separator)
    with table_path(table) as path:
        names = read_names(path, options)
        kept = names if append else _kept(columns(keep or []), names)
        _refuse_clashes(kept, fitted, probabilities)
        text = {*fitted.text_columns, *kept}
        blocks = read_blocks(path, options, rows=_ROWS, text_columns=text)
        with open_writer(out) as writer:
            for number, block in enumerate(blocks):
                if number == 0:
                    _say_ignored(fitted, block, kept, Terminal(quiet=quiet))
                predictions = predict_block(fitted, block, probabilities=probabilities)
                writer.write({**{name: block.columns[name] for name in kept}, **predictions})


def predict_block(fitted: TableModel, block: Table, *, probabilities: bool) -> dict[str, Cells]:
    """Predict one block: a column `prediction`, and one per class where asked for."""
    if not fitted.classes:
        return {"prediction": fitted.predict(block)}
    chances = fitted.predict_proba(block)
    labels = [fitted.classes[int(code)] for code in chances.argmax(axis=1)]
    predictions: dict[str, Cells] = {"prediction": labels}
    if probabilities:
        for code, label in enumerate(fitted.classes):
            predictions[f"probability_{label}"] = chances[:, code].astype("float32")
    return predictions


def _kept(wanted: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    for name in wanted:
        if name not in names:
            raise ConfigurationError(
                f"--keep: no column is called {name!r}; {nearest(name, names)}"
            )
    return tuple(dict.fromkeys(wanted))


def _refuse_clashes(kept: Sequence[str], fitted: TableModel, probabilities: bool) -> None:
    ours = ["prediction"]
    if probabilities:
        ours += [f"probability_{label}" for label in fitted.classes]
    for name in ours:
        if name in kept:
            raise ConfigurationError(
                f"the table has a column {name!r} already, which is what the prediction is called; "
                "keep the other columns with --keep, or rename it"
            )


def _say_ignored(fitted: TableModel, block: Table, kept: Sequence[str], terminal: Terminal) -> None:
    extra = [name for name in fitted.schema.check_columns(block) if name not in kept]
    if extra:
        names = ", ".join(repr(name) for name in extra[:5])
        more = f" and {len(extra) - 5} more" if len(extra) > 5 else ""
        terminal.say(f"ignored, the model was not trained on it: {names}{more}")
