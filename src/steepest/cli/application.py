"""The commands and what they have in common: one application, each command a file."""

from __future__ import annotations

import sys
from inspect import cleandoc
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_command

from steepest import __version__
from steepest.cli.bench import bench
from steepest.cli.cache import cache
from steepest.cli.dataset import dataset
from steepest.cli.evaluate import evaluate
from steepest.cli.explain_step import explain_step
from steepest.cli.fit import fit
from steepest.cli.inspect import inspect
from steepest.cli.predict import predict
from steepest.cli.preview import preview
from steepest.cli.rounding import rounding
from steepest.cli.schedule import schedule
from steepest.cli.search import search

_HELP = """\
Train a neural network on a table, or on images, in one command, and use it.

\b
  steepest dataset iris --out iris.csv
  steepest fit iris.csv --target target
  steepest predict iris.safetensors iris.csv
"""


def command() -> TyperGroup:
    """Build the application."""
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    application = typer.Typer(
        name="steepest",
        help=_HELP,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        no_args_is_help=False,
        context_settings=settings,
    )
    application.callback(invoke_without_command=True)(_steepest)
    work = (fit, search, predict, evaluate, inspect, dataset)
    for function in (*work, preview, schedule, explain_step, bench, rounding, cache):
        text = cleandoc(function.__doc__ or "").replace(r"\b", "\b")  # keeps the lines below it
        application.command(help=text, context_settings=settings)(function)
    group = get_command(application)
    assert isinstance(group, TyperGroup)
    return group


def _steepest(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if version:
        print(f"steepest {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)
