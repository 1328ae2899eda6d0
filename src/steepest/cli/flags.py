"""What several commands take: table arguments, flags, and how they become options."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from steepest.errors import ConfigurationError, DataError, SteepestError

if TYPE_CHECKING:
    from steepest.transform.executable import Backend

Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Write nothing to stderr but errors.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]
Reference: TypeAlias = Annotated[
    bool,
    typer.Option("--reference", help="Interpret with NumPy instead of compiling, to compare."),
]
Table: TypeAlias = Annotated[
    str, typer.Argument(metavar="TABLE", help="CSV, TSV (plain or gzip) or Parquet; - reads stdin.")
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

    >>> kinds(["zip=categorical,a=b=numeric"])
    {'zip': 'categorical', 'a=b': 'numeric'}
    """
    pairs: dict[str, str] = {}
    for text in columns(texts):
        name, equals, kind = text.rpartition("=")
        if not equals or not name:
            raise ConfigurationError(
                f"--types {text}: write it as COLUMN=KIND, such as zip=categorical"
            )
        pairs[name.strip()] = kind.strip()
    return pairs
