"""Options as people write them: TOML files, `a.b=value` and flags; errors name the way out."""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    final,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
import tomli_w
from msgspec import Meta, Struct

from steepest.data import check_types
from steepest.errors import ConfigurationError, clipped, nearest
from steepest.tabular.chosen import OneOf, OptionsOf
from steepest.tabular.configuration import Configuration
from steepest.tabular.flag import Flag
from steepest.tabular.recipe import check_methods
from steepest.tabular.sections.values import OwnOptions

T = TypeVar("T")
Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


@final
class Option(Struct, frozen=True):
    """One option: its dotted name, what it does, and the values it takes in words.

    A table takes values by name: `data.types.zip=categorical`.
    """

    name: str
    description: str
    is_list: bool
    is_text: bool
    is_table: bool
    is_whole: bool
    hint: Any

    @property
    def names(self) -> tuple[str, ...]:
        """The methods that it chooses from, if it does: those registered by now."""
        return tuple(name for each in _marks(self.hint, OneOf) for name in each.names)

    @property
    def flag(self) -> Flag | None:
        """What the command has for it."""
        return next(iter(_marks(self.hint, Flag)), None)

    @property
    def valid(self) -> str:
        """The values it takes, in words."""
        return _valid(self.hint)


@cache
def options() -> Mapping[str, Option]:
    """Describe every option by its dotted name.

    >>> options()["data.test"].valid
    '0 <= value < 1'
    """
    found: dict[str, Option] = {}
    for section, kind in get_type_hints(Configuration).items():
        for name, hint in get_type_hints(kind, include_extras=True).items():
            described = [each.description for each in _marks(hint, Meta) if each.description]
            found[f"{section}.{name}"] = Option(
                name=f"{section}.{name}",
                description=described[0] if described else "",
                is_list=_holds(hint, tuple) and not _holds(hint, str),
                is_text=_holds(hint, str) or _bare(hint) is cast("object", Literal),
                is_table=_holds(hint, dict),
                is_whole=_holds(hint, int) and not _holds(hint, float),
                hint=hint,
            )
    return MappingProxyType(found)


def from_plain(plain: Mapping[str, Plain]) -> Configuration:
    """Build a configuration from nested dictionaries, refusing unknown names and impossible values.

    >>> from_plain({"network": {"dropout": 0.3}}).network.dropout
    0.3
    >>> from_plain({"optimizer": {"learning_rate": -1}})
    Traceback (most recent call last):
    ...
    steepest.errors.ConfigurationError: optimizer.learning_rate = -1 is not possible; valid: \
one of 'recipe', 'auto' or 0 < value <= 1000
    """
    for name, value in _leaves(plain):
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigurationError(_refusal(name, value))
    try:
        configuration = msgspec.convert(plain, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigurationError(_explain(str(error), plain)) from None
    for option in options().values():
        section, _, leaf = option.name.partition(".")
        value = getattr(getattr(configuration, section), leaf)
        if option.names and value not in option.names:
            raise ConfigurationError(_refusal(option.name, value))
    check_types(configuration.data.types)
    check_methods(configuration)
    return configuration


def to_plain(configuration: Configuration) -> dict[str, Plain]:
    """Turn a configuration into nested dictionaries of numbers, text and lists."""
    return cast("dict[str, Plain]", msgspec.json.decode(msgspec.json.encode(configuration)))


def read_toml(path: Path) -> dict[str, Plain]:
    """Read a configuration file as nested dictionaries; errors name the file and the line."""
    try:
        return tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        raise ConfigurationError(f"there is no configuration file {str(path)!r}") from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration file {str(path)!r}: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not a TOML file: {error}") from None


def to_toml(configuration: Configuration) -> str:
    """Write a configuration as TOML, every option with a comment saying what it does."""
    described = options()
    lines: list[str] = []
    for section, values in to_plain(configuration).items():
        lines.append(f"[{section}]")
        for name, value in cast("dict[str, Plain]", values).items():
            option = described[f"{section}.{name}"]
            text = f"{name} = {toml_value(value)}" if value is not None else f"# {name} ="
            lines.append(f"{text:<32}  # {option.description}")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def assign(plain: dict[str, Plain], assignment: str) -> None:
    """Put one `section.name=value` into nested dictionaries.

    >>> plain = {}
    >>> assign(plain, "network.hidden_layer_sizes=64,32")
    >>> plain
    {'network': {'hidden_layer_sizes': [64, 32]}}
    """
    name, equals, text = assignment.partition("=")
    name = name.strip()
    if not equals:
        raise ConfigurationError(
            f"--set {assignment}: write it as section.name=value, such as network.dropout=0.2"
        )
    set_option(plain, name, parse_value(name, text.strip()))


def set_option(plain: dict[str, Plain], name: str, value: Plain) -> None:
    """Put a value under a dotted name, refusing names that do not exist."""
    option = require_option(name)
    section, _, leaf = option.name.partition(".")
    inside = plain.setdefault(section, {})
    if not isinstance(inside, dict):
        raise ConfigurationError(f"{section} is a section of options and needs names under it")
    if option.name == name:
        inside[leaf] = value
        return
    table = inside.setdefault(leaf, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{option.name} is {table!r}, which has no {name!r} in it")
    table[name.removeprefix(f"{option.name}.")] = value


def require_option(name: str) -> Option:
    """Find an option by its dotted name, or say which one is meant.

    >>> require_option("optimizer.options.beta2").name
    'optimizer.options'
    """
    known = options()
    if name in known:
        return known[name]
    for table in known.values():
        if table.is_table and name.startswith(f"{table.name}.") and name != f"{table.name}.":
            return table
    leaf = name.rpartition(".")[2]
    same_leaf = [each for each in known if each.rpartition(".")[2] == leaf]
    if same_leaf:
        meant = f"did you mean {same_leaf[0]!r}?"
        raise ConfigurationError(f"there is no option {clipped(name)!r}; {meant}")
    leaves = {each.rpartition(".")[2]: each for each in known}
    close = [leaves[each] for each in difflib.get_close_matches(leaf, leaves, n=1)]
    section = [each for each in known if each.startswith(name.partition(".")[0] + ".")]
    meant = nearest(name, close or section or known)
    raise ConfigurationError(f"there is no option {clipped(name)!r}; {meant}")


def parse_value(name: str, text: str) -> Plain:
    """Read an option's value as people type it: TOML, a bare word or a comma-separated list."""
    option = require_option(name)
    if option.name != name:  # one value of a table, which may be several numbers: 30,40
        value = _typed(text)
        several = _typed(f"[{text}]") if isinstance(value, str) and "," in text else value
        return several if isinstance(several, list) else value
    if text.lower() in ("none", "") and not option.is_text and not option.is_list:
        return None
    value = _typed(text)
    if option.is_list and text in _words(option.hint):
        return text
    if option.is_list and not isinstance(value, list):
        return [_scalar(each) for each in text.split(",")] if text else []
    if option.is_text and not isinstance(value, str):
        several = isinstance(value, list) and _holds(option.hint, tuple)
        return value if several else text
    return value


def _typed(text: str) -> Plain:
    written = re.sub(r"^([+-]?)\.(?=\d)", r"\g<1>0.", text)  # .5, which TOML does not know
    try:
        return cast("Plain", tomllib.loads(f"value = {written}")["value"])
    except tomllib.TOMLDecodeError:
        return text


def _scalar(text: str) -> Plain:
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        return text


def _explain(message: str, plain: Mapping[str, Plain]) -> str:
    what, _, where = message.rpartition(" - at `$")
    what, path = (what, where.rstrip("`").lstrip(".")) if what else (message, "")
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown:
        known = options()
        prefix = f"{path}." if path else ""
        inside = [each.removeprefix(prefix) for each in known if each.startswith(prefix)]
        if not path:
            inside = list(dict.fromkeys(each.partition(".")[0] for each in known))
        if not path and unknown[1] in known:
            section, _, leaf = unknown[1].partition(".")
            return f"{unknown[1]!r} is written nested: {{{section!r}: {{{leaf!r}: …}}}}"
        kind = "option" if path else "section"
        return f"there is no {kind} {clipped(prefix + unknown[1])!r}; {nearest(unknown[1], inside)}"
    name = re.sub(r"\[.*", "", path)
    if name not in options():
        return f"{name} is a section of options and needs names under it"
    section, _, leaf = name.partition(".")
    return _refusal(name, cast("dict[str, Plain]", plain[section])[leaf])


def _refusal(name: str, value: Plain) -> str:
    option = require_option(name)
    shown = clipped(json.dumps(value, ensure_ascii=False, default=str), 200)
    hint = ""
    if isinstance(value, str) and "'" in option.valid:
        close = nearest(value, re.findall(r"'([^']*)'", option.valid))
        hint = f"; {close}" if close.startswith("did") else ""
    return f"{name} = {shown} is not possible{hint}; valid: {option.valid}"


def _leaves(plain: Mapping[str, Plain]) -> Iterable[tuple[str, Plain]]:
    """The values under each option, those in lists and tables too."""
    known = options()
    for section, values in plain.items():
        for leaf, value in values.items() if isinstance(values, dict) else ():
            name = f"{section}.{leaf}"
            if name in known:
                yield from ((name, each) for each in _inside(value))


def _inside(value: Plain) -> Iterable[Plain]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _inside(each)
    else:
        yield value


def toml_value(value: Plain) -> str:
    """Write a value as TOML does."""
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(each) for each in value) + "]"
    if isinstance(value, dict):
        inside = (f"{_toml_key(name)} = {toml_value(each)}" for name, each in value.items())
        return "{ " + ", ".join(inside) + " }" if value else "{}"
    return tomli_w.dumps({"x": value})[len("x = ") : -1]


def _toml_key(name: str) -> str:
    return tomli_w.dumps({name: 0})[: -len(" = 0\n")]


def _marks(hint: object, kind: type[T]) -> list[T]:
    """What a type is annotated with, the outermost first."""
    if get_origin(hint) is Annotated:
        inner, *extra = get_args(hint)
        return [each for each in extra if isinstance(each, kind)] + _marks(inner, kind)
    if get_origin(hint) in (Union, UnionType):
        return [mark for each in get_args(hint) for mark in _marks(each, kind)]
    return []


def _words(hint: object) -> tuple[object, ...]:
    """What may stand in place of other values, such as auto."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    if get_origin(hint) in (Union, UnionType, Annotated):
        return tuple(word for each in get_args(hint) for word in _words(each))
    return ()


def _holds(hint: object, kind: type) -> bool:
    """Whether a value may be of this kind."""
    if get_origin(hint) is Annotated:
        return _holds(get_args(hint)[0], kind)
    if get_origin(hint) in (Union, UnionType):
        return any(_holds(each, kind) for each in get_args(hint))
    return kind in (hint, get_origin(hint))


def _bare(hint: object) -> object:
    origin = get_origin(hint)
    return _bare(get_args(hint)[0]) if origin is Annotated else origin or hint


def _valid(hint: Any) -> str:  # noqa: ANN401 - a type of any form
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated and (chosen := _marks(hint, OneOf)):
        return "one of " + ", ".join(map(repr, chosen[0].names))
    if origin is Annotated and (owner := _marks(hint, OptionsOf)):
        return f"a table of what the chosen {owner[0].field} takes"
    if origin is Annotated:
        meta = next(each for each in arguments[1:] if isinstance(each, Meta))
        return _range(meta, whole=arguments[0] is int) or _valid(arguments[0])
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(map(repr, arguments))
    if origin in (Union, UnionType):
        return " or ".join(_valid(each) for each in arguments)
    if origin is tuple:
        return f"a list, each {_valid(arguments[0])}"
    if hint == OwnOptions:
        return "a table"
    if origin is dict:
        return f"names, each with {_valid(arguments[1])}"
    names: dict[object, str] = {
        NoneType: "unset",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
    }
    return names.get(hint, str(hint))


def _range(meta: Meta, *, whole: bool) -> str:
    lows, highs = [(meta.ge, "<="), (meta.gt, "<")], [(meta.le, "<="), (meta.lt, "<")]
    low = "".join(f"{limit} {sign} " for limit, sign in lows if limit is not None)
    high = "".join(f" {sign} {limit}" for limit, sign in highs if limit is not None)
    if not low and not high:
        return ""
    return f"{'a whole number, ' if whole else ''}{low}value{high}"
