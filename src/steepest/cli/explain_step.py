"""`steepest explain-step`: what the compiler makes of a table's training step."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from steepest.cli.flags import Config, Set, Table, combined, table_path
from steepest.cli.option_flags import Given, option_values, with_options
from steepest.errors import ConfigurationError


class Stage(StrEnum):
    """What to print."""

    TRACED = "traced"
    REWRITTEN = "rewritten"
    SCHEDULED = "scheduled"
    GENERATED = "generated"
    ALL = "all"


@with_options("data.target", "network.hidden_layer_sizes", "training.batch_size")
def explain_step(
    table: Table,
    stage: Annotated[
        Stage, typer.Option("--stage", help="The graph, simplified, as kernels, or LLVM's text.")
    ] = Stage.SCHEDULED,
    set_: Set = None,
    config: Config = None,
    **options: Given,
) -> None:
    r"""Show the training step that fit would run on a table, from its graph to machine text.

    \b
    Examples:
      steepest explain-step income.csv --target income
      steepest explain-step income.csv --target income --stage generated > step.ll
    """
    configuration = combined(config, option_values(options), set_ or [])
    if not table:
        raise ConfigurationError("which table? write 'steepest explain-step TABLE --target COLUMN'")
    from steepest.tabular.fit import explain_parts
    from steepest.tabular.prepare import prepare

    with table_path(table) as path:
        parts = prepare(path, configuration, validation=None, test=None)
    found = explain_parts(parts)
    print(found if stage is Stage.ALL else getattr(found, stage.value))
