"""The commands and what they have in common: one application, each command a file."""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import cleandoc
from typing import Annotated, Any, final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from steepest import __version__
from steepest.errors import ConfigurationError, nearest

# In the order of the help. Each is the function of its name in the file of its name.
_COMMANDS = (
    *("fit", "search", "predict", "evaluate", "importance", "export", "inspect", "dataset"),
    *("preview", "schedule", "explain-step", "bench", "bench tables", "rounding", "cache"),
)
_HELP = """\
Train a neural network on a table, or on images, in one command, and use it.

\b
  steepest dataset iris --out iris.csv
  steepest fit iris.csv --target target
  steepest predict iris.safetensors iris.csv
"""


_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@final
class _Command(TyperCommand):
    """Shows flags under headings: those of one section of options together."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer hides them
        """Write them in the order in which the command takes the first of each."""
        found: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            heading = "Arguments" if each.param_type_name == "argument" else "Options"
            if line := each.get_help_record(ctx):
                found.setdefault(getattr(each, "rich_help_panel", None) or heading, []).append(line)
        for heading, lines in found.items():
            with formatter.section(heading):
                formatter.write_dl(lines)


@final
class _Commands(TyperGroup):
    """Loads a command when it is asked for: `steepest --version` need not know what `fit` takes."""

    def resolve_command(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, ctx: typer.Context, args: list[str]
    ) -> tuple[str, TyperCommand, list[str]]:
        """Find the command of the first words: of two, such as `bench tables`, or of one."""
        words = 2 if " ".join(args[:2]) in _COMMANDS else 1
        name = " ".join(args[:words])
        return name, self.get_command(ctx, name), args[words:]

    def list_commands(self, ctx: typer.Context) -> list[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Name all."""
        return [*_COMMANDS]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Build one."""
        if cmd_name not in _COMMANDS:
            raise ConfigurationError(
                f"there is no command {cmd_name!r}; {nearest(cmd_name, _COMMANDS)}\n"
                "'steepest -h' shows them all"
            )
        name = cmd_name.replace("-", "_").replace(" ", "_")
        function = getattr(import_module(f"steepest.cli.{name}"), name)
        text = cleandoc(function.__doc__ or "").replace(r"\b", "\b")  # keeps the lines below it
        alone = _application()
        alone.command(cmd_name, cls=_Command, help=text, context_settings=_SETTINGS)(function)
        made = get_command(alone)
        assert isinstance(made, TyperCommand)
        return made


def command() -> TyperGroup:
    """Build the application."""
    application = _application()
    application.callback(
        cls=_Commands, help=_HELP, invoke_without_command=True, context_settings=_SETTINGS
    )(_steepest)
    group = get_command(application)
    assert isinstance(group, TyperGroup)
    return group


def _application() -> typer.Typer:
    return typer.Typer(
        name="steepest",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        no_args_is_help=False,
    )


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
