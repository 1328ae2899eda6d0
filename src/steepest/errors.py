"""The errors steepest raises for people: what was wrong, where, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterable
from contextlib import contextmanager

__all__ = [
    "CheckpointError",
    "CompilationError",
    "ConfigurationError",
    "DTypeError",
    "DataError",
    "GradientError",
    "ModelFileError",
    "OutOfMemoryError",
    "ShapeError",
    "SteepestError",
    "TraceError",
    "TrainingError",
]

_MOST_NAMES = 20  # a table may have thousands of columns


class SteepestError(Exception):
    """Any mistake that steepest can explain; the command prints its text and exits with code 2."""


class ShapeError(SteepestError, ValueError):
    """Shapes that do not fit together."""


class DTypeError(SteepestError, TypeError):
    """An element type that an operation does not work on."""


class GradientError(SteepestError, RuntimeError):
    """A derivative that cannot be computed: not a scalar, freed values, an op that has none."""


class TraceError(SteepestError, TypeError):
    """A traced value was asked for what only a computed value has."""


class DataError(SteepestError, ValueError):
    """A table or an array that cannot be used; names file, row and column where it can."""


class ConfigurationError(SteepestError, ValueError):
    """An option, a name or a combination of options that makes no sense."""


class ModelFileError(SteepestError, ValueError):
    """A model file that is damaged, too new, or not ours."""


class CheckpointError(SteepestError, ValueError):
    """A checkpoint that is damaged, too new, or of another fit; the difference is named."""


class TrainingError(SteepestError, RuntimeError):
    """Training that cannot start or go on."""


class CompilationError(SteepestError, RuntimeError):
    """A program that cannot be made into machine code here; the reference can still run it."""


class OutOfMemoryError(SteepestError, MemoryError):
    """Memory that the machine does not have; names what it is for and its size."""


def clipped(text: str, width: int = 60) -> str:
    """Cut a long text, so that a message stays a line or two.

    >>> clipped("a rather long value of a column", 10)
    'a rather …'
    """
    return text if len(text) <= width else text[: width - 1] + "…"


def nearest(name: str, valid: Iterable[str], *, limit: int = 3, called: str = "valid") -> str:
    """Say which valid names are meant, nearest first; else list them, called so.

    >>> nearest("relo", ["relu", "tanh", "sigmoid"])
    "did you mean 'relu'?"
    >>> nearest("xyz", ["relu", "tanh"])
    "valid: 'relu', 'tanh'"
    """
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=limit, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(clipped(each)) for each in close) + "?"
    told = ", ".join(repr(clipped(each)) for each in names[:_MOST_NAMES])
    return f"{called}: {told}" + (f" … ({len(names)} in all)" if len(names) > _MOST_NAMES else "")


@contextmanager
def extra(name: str) -> Generator[None]:
    """Around the imports of an optional library: say how to get it where it is missing.

    >>> with extra("search"):
    ...     import a_library_that_nobody_has
    Traceback (most recent call last):
    ...
    steepest.errors.ConfigurationError: this needs a_library_that_nobody_has, which is not \
installed here: pip install 'steepest[search]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        raise ConfigurationError(
            f"this needs {missing}, which is not installed here: pip install 'steepest[{name}]'"
        ) from None
