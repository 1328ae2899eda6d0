"""`steepest bench tables`: whole fits of known tables, beside scikit-learn's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steepest.cli.flags import Config, Json, Quiet, Set, columns, combined
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from steepest.bench.table_fits import TableFits

_WIDTH = 160


def bench_tables(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the tables are: adult/adult-train.csv …")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME,...", help="Some of the tables; by default all."),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, metavar="N", help="Fits of each, with seeds from 0.")
    ] = 5,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Processors that everybody may use.")
    ] = 1,
    set_: Set = None,
    config: Config = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Fit known tables with default options, beside scikit-learn's MLP and gradient boosting.

    The tables are adult, california-housing, diamonds and penguins. Everybody gets the same rows
    and is scored on the same others: Adult's own test file, or a fifth drawn by the seed. Scores
    are means over the seeds, log loss of classes or the root mean squared error, so less is
    better; seconds are medians of whole fits, taken in turn.

    \b
    Examples:
      steepest bench tables ~/tables
      steepest bench tables ~/tables --only penguins,diamonds --seeds 3 --json
    """
    from steepest.bench.known_tables import KNOWN_TABLES
    from steepest.bench.pinning import pinned, with_threads
    from steepest.bench.table_fits import fit_known_table

    names = columns(only or []) or [*KNOWN_TABLES]
    for name in names:
        if name not in KNOWN_TABLES:
            raise ConfigurationError(f"there is no table {name!r}; {nearest(name, KNOWN_TABLES)}")
    configuration = combined(config, {}, set_ or [])
    terminal = Terminal(quiet=quiet)
    with pinned(threads), with_threads(threads):
        fits = [
            fit_known_table(name, KNOWN_TABLES[name], folder, seeds, configuration, terminal.say)
            for name in names
        ]
    disturbed = [each.table for each in fits if each.is_disturbed]
    if disturbed:
        terminal.say(
            f"others used the processor meanwhile: times of {', '.join(disturbed)} may be wrong"
        )
    if json_:
        _print_json(fits, seeds, threads)
    else:
        _show(fits, seeds)


def _print_json(fits: Sequence[TableFits], seeds: int, threads: int) -> None:
    from importlib.metadata import version

    from steepest import __version__
    from steepest.runtime.processor import this_processor

    document = {
        "steepest": __version__,
        "scikit-learn": version("scikit-learn"),
        "processor": this_processor().name,
        "threads": threads,
        "seeds": seeds,
        "tables": [each.document() for each in fits],
    }
    print(json.dumps(document))


def _show(fits: Sequence[TableFits], seeds: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=_WIDTH, highlight=False)
    shown = Table(box=None, pad_edge=False, header_style="none")
    headings = ("table", "rows", "test", "score", "by", "mean", "lowest", "highest", "seconds", "")
    for heading in headings:
        shown.add_column(
            heading, justify="left" if heading in ("table", "score", "by") else "right"
        )
    for each in fits:
        rows = (f"{each.training_rows:,}", f"{each.test_rows:,}", each.score)
        for place, (who, scores) in enumerate(each.scores.items()):
            first = f"(first: {each.first:.2f})" if not place else ""
            values = [_shown(value) for value in (each.mean(who), min(scores), max(scores))]
            of_table = (each.table, *rows) if not place else ("", "", "", "")
            shown.add_row(*of_table, who, *values, f"{each.seconds(who):.2f}", first)
    console.print(shown)
    console.print(f"means over {seeds} seeds; median seconds of a fit", style="none")


def _shown(value: float) -> str:
    """As many digits as mean something.

    >>> _shown(0.30271), _shown(51135.42), _shown(546.44)
    ('0.3027', '51,135', '546.4')
    """
    return f"{value:.4f}" if value < 10 else f"{value:.1f}" if value < 10_000 else f"{value:,.0f}"
