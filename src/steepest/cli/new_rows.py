"""What a model is used on: a table, written as its own unless flags say otherwise, or images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from steepest.cli.flags import backend_of
from steepest.cli.option_flags import Given, with_options
from steepest.errors import ConfigurationError

if TYPE_CHECKING:
    from steepest.images import ImageModel
    from steepest.tabular import TableModel

# Gives a command flags for how its ``table`` is written; they arrive as keyword arguments.
with_writing = with_options("data.separator", "data.sheet", "data.query")


def model_to_use(path: Path, *, reference: bool) -> TableModel | ImageModel:
    """Load a model, to run natively or on the reference interpreter."""
    from steepest.images import load

    fitted = load(path)
    fitted.trained.backend = backend_of(reference)
    return fitted


def writing(given: Mapping[str, Given]) -> dict[str, str | None]:
    """What `with_writing`'s flags say, as `TableModel.read` takes it."""
    return {name: value if isinstance(value, str) else None for name, value in given.items()}


def refuse_flags_of_tables(given: Mapping[str, object]) -> None:
    """Refuse, for a model of images, what is about tables."""
    for name, value in given.items():
        if value:
            raise ConfigurationError(f"--{name} is for tables; this is a model of images")


def refuse_part(part: str | None) -> None:
    """Refuse, for a model of a table, to take a part of images."""
    if part is not None:
        raise ConfigurationError("--part is of images that are kept apart; this is a table")
