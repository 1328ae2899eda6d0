"""`steepest importance`: how much each column matters to a model."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steepest.cli.flags import (
    Json,
    Model,
    Quiet,
    Reference,
    Table,
    table_path,
    whole_number,
)
from steepest.cli.new_rows import model_to_use, with_writing, writing
from steepest.cli.option_flags import Given
from steepest.cli.outputs import refuse_input, stem, write_output
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError

if TYPE_CHECKING:
    from steepest.tabular.importance import Importances, Progress


@with_writing
def importance(
    model: Model,
    table: Table,
    metric: Annotated[
        str | None,
        typer.Option("--metric", help="A score of 'evaluate'.  [log_loss, or rmse]"),
    ] = None,
    repeats: Annotated[
        str, typer.Option("--repeats", help="Shuffle each column so often.", metavar="N")
    ] = "10",
    seed: Annotated[str, typer.Option("--seed", help="Of the orders.", metavar="N")] = "0",
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw it (.png, .svg, .pdf).", metavar="FILE")
    ] = None,
    json_: Json = False,
    reference: Reference = False,
    quiet: Quiet = False,
    **written: Given,
) -> None:
    r"""Say how much each column matters to a model: what a score loses when it is shuffled.

    Take rows that the model was not trained on. Columns that go together cover for each other:
    each seems to matter less than they do together.

    \b
    Examples:
      steepest importance income.safetensors test.csv
      steepest importance income.safetensors test.csv --metric roc_auc --plot importance.png
      steepest importance income.safetensors test.csv --repeats 50 --json
    """
    import msgspec

    from steepest.data import check_writable
    from steepest.images import ImageModel
    from steepest.report import picture_format

    if plot is not None:
        picture_format(plot)
        refuse_input(plot, [model, Path(table)])
        check_writable(plot)
    count, drawn = whole_number("--repeats", repeats), whole_number("--seed", seed)
    fitted = model_to_use(model, reference=reference)
    if isinstance(fitted, ImageModel):
        raise ConfigurationError(f"{model} is a model of images, which have no columns")
    with table_path(table) as path:
        rows = fitted.read(path, **writing(written))
    with _progress(Terminal(quiet=quiet)) as told:
        found = fitted.importance(
            rows, metric=metric, repeats=count or 0, seed=drawn or 0, progress=told
        )
    if plot is not None:
        _draw(found, plot, f"{stem(table)}: {', '.join(fitted.schema.target_names)}")
    if json_:
        print(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
    else:
        print(found.text())


@contextmanager
def _progress(terminal: Terminal) -> Generator[Progress | None]:
    """A bar that is gone at the end, where a line can be rewritten."""
    if not terminal.is_interactive:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("columns")

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told


def _draw(found: Importances, plot: Path, title: str) -> None:
    from steepest.report import Mattering, draw_column_importance, picture_format
    from steepest.tabular.scores import rises

    columns = [
        Mattering(each.column, each.mean, each.low, each.high, each.losses)
        for each in found.columns
    ]
    picture = draw_column_importance(
        columns,
        metric=found.metric,
        rising=rises(found.metric),
        title=title,
        format=picture_format(plot),
    )
    write_output(plot, picture)
