"""Options as flags: a command takes those that it names, each as its field describes it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import typer

from steepest.cli.flags import columns, kinds, share_or_file
from steepest.errors import ConfigurationError, nearest
from steepest.tabular.flag import Flag
from steepest.tabular.options import Option, Plain, options, parse_value

Command = TypeVar("Command", bound=Callable[..., object])
# What was written on the command line.
Given: TypeAlias = str | bool | list[str] | None


def with_options(*names: str) -> Callable[[Command], Command]:
    """Give a command the flags of these options behind its ``table``; by default all flags.

    They arrive as keyword arguments, for :func:`option_values` and :func:`option_tables`.
    """
    known = {option.name: option for option, _ in _flags().values()}
    for name in names:
        if name not in known:
            raise ValueError(f"no flag belongs to {name}; {nearest(name, known)}")

    def add(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True)
        parameters: list[Parameter] = []
        for each in own.parameters.values():
            if each.kind is not Parameter.VAR_KEYWORD:
                parameters.append(each)
            if each.name == "table":
                parameters += [
                    _parameter(name, flag)
                    for name, (option, flag) in _flags().items()
                    if not names or option.name in names
                ]
        # typer reads the signature, and calls the command by these names
        command.__signature__ = own.replace(parameters=parameters)  # pyright: ignore[reportFunctionMemberAccess]
        return command

    return add


def option_values(given: Mapping[str, Given]) -> dict[str, Plain]:
    """What the flags say, by the names of the options; None where nothing was said.

    >>> option_values({"drop": ["a,b", "c"], "no_header": True, "test": "more.csv"})
    {'data.drop': ['a', 'b', 'c'], 'data.header': False, 'data.test': None}
    """
    return {_flags()[name][0].name: _value(name, value) for name, value in given.items()}


def option_tables(given: Mapping[str, Given]) -> dict[str, Path]:
    """The tables that were given in place of a share of the rows, by the names of the flags.

    >>> option_tables({"validation": "0.1", "test": "more.csv"})
    {'test': PosixPath('more.csv')}
    """
    texts = {name: text for name, text in given.items() if _flags()[name][1].or_table and text}
    files = {name: share_or_file(str(text))[1] for name, text in texts.items()}
    return {name: file for name, file in files.items() if file is not None}


@cache
def _flags() -> Mapping[str, tuple[Option, Flag]]:
    """By the name of the parameter that stands for it."""
    pairs = [(each, each.flag) for each in options().values()]
    return {
        _words(option, flag).replace("-", "_"): (option, flag) for option, flag in pairs if flag
    }


def _words(option: Option, flag: Flag) -> str:
    return flag.name or option.name.rpartition(".")[2].replace("_", "-")


def _parameter(name: str, flag: Flag) -> Parameter:
    option = _flags()[name][0]
    declared = [f"--{_words(option, flag)}", *([f"-{flag.short}"] if flag.short else [])]
    is_switch = flag.name.startswith("no-")
    kind: Any = bool if is_switch else list[str] | None if flag.several else str | None
    section = option.name.partition(".")[0]
    described = typer.Option(
        *declared, help=flag.help, metavar=flag.metavar, rich_help_panel=f"Options of [{section}]"
    )
    return Parameter(
        name,
        Parameter.POSITIONAL_OR_KEYWORD,
        default=False if is_switch else None,
        annotation=Annotated[kind, described],
    )


def _value(name: str, given: Given) -> Plain:
    option, flag = _flags()[name]
    if isinstance(given, list) and option.is_text:  # or a list of texts: a comma may be meant
        return given[0] if len(given) == 1 else [*given]
    if isinstance(given, list) and option.is_table:
        return _pairs(option, flag, given)
    if isinstance(given, list):
        return [*columns(given)]
    if isinstance(given, bool):
        return False if given else None
    return share_or_file(given)[0] if flag.or_table else given


def _pairs(option: Option, flag: Flag, given: list[str]) -> dict[str, Plain]:
    """What is given by name: texts, or numbers where the option takes these."""
    if flag.metavar == "COL=KIND":
        return {**kinds(given)}
    pairs: dict[str, Plain] = {}
    for text in columns(given):
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise ConfigurationError(
                f"--{_words(option, flag)} {text}: write it as {flag.metavar or 'NAME=VALUE'}"
            )
        pairs[name.strip()] = parse_value(f"{option.name}.{name.strip()}", value.strip())
    return pairs
