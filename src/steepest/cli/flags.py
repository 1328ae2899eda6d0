"""What several commands take: table arguments, flags, and how they become options."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from steepest.errors import ConfigurationError, DataError, SteepestError

if TYPE_CHECKING:
    from steepest.tabular.configuration import Configuration
    from steepest.tabular.options import Plain
    from steepest.transform.executable import Backend

Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Write nothing to stderr but errors.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]
Reference: TypeAlias = Annotated[
    bool,
    typer.Option("--reference", help="Interpret with NumPy instead of compiling, to compare."),
]
Set: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any option: --set network.embedding_size=4", metavar="NAME=VALUE"),
]
Config: TypeAlias = Annotated[
    Path | None, typer.Option("--config", help="Options from a TOML file.", metavar="FILE")
]
Table: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="CSV, JSON, Parquet, Excel or DuckDB; 'logs/*.csv' reads several, - reads stdin.",
    ),
]
Model: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model file written by 'steepest fit'.")
]


def backend_of(reference: bool) -> Backend:
    """Name what `--reference` selects."""
    return "reference" if reference else "native"


@contextmanager
def table_path(text: str) -> Generator[Path]:
    """Give the path of a table; what comes on stdin is put into a temporary file meanwhile."""
    if text != "-":
        yield Path(text)
        return
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise DataError("- reads a table from stdin, which is closed")
    if sys.stdin.isatty():
        raise DataError("- reads a table from stdin, and nothing is piped in")
    with tempfile.TemporaryDirectory(prefix="steepest-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            yield path
        except SteepestError as error:
            raise type(error)(str(error).replace(str(path), "standard input")) from None


def columns(texts: Sequence[str]) -> list[str]:
    """Split names separated by commas, as in `--drop a,b --drop c`.

    >>> columns(["a,b", "c"])
    ['a', 'b', 'c']
    """
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def kinds(texts: Sequence[str]) -> dict[str, str]:
    """Split `col=kind` pairs, as in `--types zip=categorical,age=numeric`.

    >>> kinds(["zip=categorical,a=b=numeric", "cut=ordinal:Fair<Good"])
    {'zip': 'categorical', 'a=b': 'numeric', 'cut': 'ordinal:Fair<Good'}
    """
    pairs: dict[str, str] = {}
    for text in columns(texts):
        before, colon, after = text.partition(":")  # levels may hold signs of equality
        name, equals, kind = before.rpartition("=")
        kind += colon + after
        if not equals or not name:
            raise ConfigurationError(
                f"--types {text}: write it as COLUMN=KIND, such as zip=categorical"
            )
        pairs[name.strip()] = kind.strip()
    return pairs


def combined(
    config: Path | None, flags: Mapping[str, Plain], assignments: Sequence[str]
) -> Configuration:
    """Combine the options: a later one wins, in the order default, --config, flag, --set."""
    from steepest.tabular.options import from_plain

    return from_plain(nested(config, flags, assignments)[0])


def nested(
    config: Path | None, flags: Mapping[str, Plain], assignments: Sequence[str]
) -> tuple[dict[str, Plain], list[str]]:
    """The options as nested dictionaries, and the names of those that flags and --set gave."""
    from steepest.tabular.options import assign, from_plain, parse_value, read_toml, set_option

    plain: dict[str, Plain] = {}
    if config is not None:
        plain = read_toml(config)
        try:
            from_plain(plain)
        except ConfigurationError as error:
            raise ConfigurationError(f"{config}: {error}") from None
    for name, value in flags.items():
        if value is not None:
            set_option(plain, name, parse_value(name, value) if isinstance(value, str) else value)
    for assignment in assignments:
        assign(plain, assignment)
    from_plain(plain)
    given = [name for name, value in flags.items() if value is not None]
    return plain, [*given, *(each.partition("=")[0].strip() for each in assignments)]


def share_or_file(text: str | None) -> tuple[str | None, Path | None]:
    """What `--test` and its kin give: a share of the rows, or a table of their own.

    >>> share_or_file("0.2"), share_or_file("more.csv")
    (('0.2', None), (None, PosixPath('more.csv')))
    """
    if text is None:
        return None, None
    try:
        float(text)
    except ValueError:
        return None, Path(text)
    return text, None


def whole_number(flag: str, text: str | None) -> int | None:
    """What a flag gives that counts something.

    >>> whole_number("--trials", "50")
    50
    """
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(f"{flag} {text}: give a whole number") from None
