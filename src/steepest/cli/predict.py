"""`steepest predict`: one row out for each row in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, final

import typer

from steepest.cli.flags import (
    Model,
    Quiet,
    Reference,
    Table as TablePath,
    columns,
    table_path,
)
from steepest.cli.image_parts import Part, chosen_part
from steepest.cli.new_rows import (
    model_to_use,
    refuse_flags_of_tables,
    refuse_part,
    with_writing,
    writing,
)
from steepest.cli.option_flags import Given
from steepest.cli.outputs import refuse_input
from steepest.cli.terminal import Terminal
from steepest.cli.threshold import Threshold, with_threshold
from steepest.errors import ConfigurationError, DataError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steepest.data import Table
    from steepest.data.write import Cells
    from steepest.images import ImageModel
    from steepest.tabular import TableModel

_ROWS = 8192


@with_writing
def predict(
    model: Model,
    table: TablePath,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="Write to FILE instead of stdout.")
    ] = "-",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Add a column probability_<class> per class.")
    ] = False,
    dropout_samples: Annotated[
        int | None,
        typer.Option(
            "--dropout-samples",
            metavar="N",
            help="Predict by the mean of N draws with dropout; add their deviation.",
        ),
    ] = None,
    threshold: Threshold = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="COL,...", help="Put columns of the table in front."),
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Put all columns of the table in front.")
    ] = False,
    part: Part = None,
    reference: Reference = False,
    quiet: Quiet = False,
    **written: Given,
) -> None:
    r"""Predict every row of a table, or every image, in its order, as CSV.

    One row out for each row in. The target column is not needed; columns the model does not know
    are ignored. A model of quantiles adds a column for each.

    \b
    Examples:
      steepest predict income.safetensors new.csv > predictions.csv
      steepest predict income.safetensors new.csv --probabilities --keep id --out predictions.csv
      steepest predict income.safetensors new.csv --dropout-samples 100
      steepest predict income.safetensors new.csv --threshold 0.3
      zcat new.csv.gz | steepest predict income.safetensors - | head
      steepest predict photos.safetensors new_photos/ --probabilities
    """
    from steepest.data import open_table, open_writer
    from steepest.images import ImageModel
    from steepest.tabular.parts import options_of_new_table

    if out != "-":
        refuse_input(Path(out), [model, Path(table)])
    fitted = with_threshold(model_to_use(model, reference=reference), threshold)
    if probabilities:
        _check_probabilities(fitted, "--probabilities")
    if dropout_samples is not None:
        check_dropout_samples(fitted, dropout_samples)
    asked = Asked(probabilities=probabilities, samples=dropout_samples)
    if isinstance(fitted, ImageModel):
        refuse_flags_of_tables({"keep": keep, "append": append, **written})
        predict_images(fitted, table, out, asked, part)
        return
    refuse_part(part)
    options = options_of_new_table(fitted.configuration.data, **writing(written))
    with table_path(table) as path:
        opened = open_table(path, options)
        kept = opened.names if append else _kept(columns(keep or []), opened.names)
        _refuse_clashes(kept, asked.columns(fitted))
        text = {*fitted.text_columns, *kept}
        with open_writer(out) as writer:
            for number, block in enumerate(opened.blocks(_ROWS, text)):
                if number == 0:
                    terminal = Terminal(quiet=quiet)
                    for note in block.notes:
                        terminal.say(note)
                    _say_ignored(fitted, block, kept, terminal)
                predictions = predict_block(fitted, block, asked, number)
                writer.write({**{name: block.columns[name] for name in kept}, **predictions})


@final
@dataclass(frozen=True)
class Asked:
    """What of a prediction is written.

    Args:
        probabilities: a column for each class.
        samples: of Monte-Carlo dropout, or None for one prediction without.
    """

    probabilities: bool = False
    samples: int | None = None

    def columns(self, fitted: TableModel) -> list[str]:
        """The names of the columns."""
        import numpy as np

        none = np.zeros((0, fitted.head.outputs))
        spread = None if self.samples is None else none
        return list(fitted.head.cells(none, spread, probabilities=self.probabilities))


def check_dropout_samples(fitted: TableModel | ImageModel, samples: int) -> None:
    """Refuse before any row is read what cannot be sampled."""
    from steepest.train.predict import check_samples

    try:
        check_samples(samples)
    except ConfigurationError as error:
        raise ConfigurationError(f"--dropout-samples: {error}") from None
    results = fitted.results.resolved
    if not results.dropout and not fitted.configuration.network.embedding_dropout:
        raise ConfigurationError(
            "--dropout-samples: the network was trained without dropout, so all samples would be "
            "equal; fit it with --dropout 0.2, say"
        )
    if fitted.classes:
        _check_probabilities(fitted, "--dropout-samples")


def _check_probabilities(fitted: TableModel | ImageModel, option: str) -> None:
    try:
        fitted.check_probabilities()
    except DataError as error:
        raise ConfigurationError(f"{option}: {error}") from None


def predict_block(fitted: TableModel, block: Table, asked: Asked, number: int) -> dict[str, Cells]:
    """Predict one block: a column `prediction`, and what else was asked for.

    Its number is the seed of its draws with dropout: no two rows of a table share their masks.
    """
    return _cells(fitted, asked, fitted.outputs, fitted.sampled, block, number)


def _cells(
    fitted: TableModel | ImageModel,
    asked: Asked,
    outputs: Callable[[Any], NDArray[Any]],
    sampled: Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]],
    block: object,
    number: int,
) -> dict[str, Cells]:
    """What is written of a block, its draws with dropout by a seed of its own."""
    head = fitted.head
    if asked.samples is None:
        return head.cells(head.meaning(outputs(block)), None, probabilities=asked.probabilities)
    means, deviations = sampled(block, samples=asked.samples, seed=number)
    return head.cells(means, deviations, probabilities=asked.probabilities)


def predict_images(
    fitted: ImageModel, source: str, out: str, asked: Asked, part: str | None
) -> None:
    """Write a row for each image: its file or number, its class, and what else was asked for."""
    from steepest.data import open_writer

    images = chosen_part(fitted.read(Path(source)), part)
    with open_writer(out) as writer:
        for number, start in enumerate(range(0, len(images), _ROWS)):
            block = images.take(slice(start, start + _ROWS))
            cells = _cells(fitted, asked, fitted.outputs, fitted.sampled, block, number)
            writer.write({"image": list(block.names), **cells})


def _kept(wanted: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    for name in wanted:
        if name not in names:
            raise ConfigurationError(
                f"--keep: no column is called {name!r}; {nearest(name, names)}"
            )
    return tuple(dict.fromkeys(wanted))


def _refuse_clashes(kept: Sequence[str], ours: Sequence[str]) -> None:
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
