"""Of images that come in parts, training and test: which one a command works on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from steepest.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from steepest.data import Images

Part: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--part",
        help="Of images that are kept apart: test or training.  [test]",
        metavar="PART",
    ),
]


def chosen_part(sets: Mapping[str, Images], part: str | None) -> Images:
    """The part that is asked for; else the test images, where there are some.

    Raises:
        ConfigurationError: there is no such part.
    """
    if part is None:
        return sets["test"] if "test" in sets else sets["training"]
    if part not in sets:
        raise ConfigurationError(f"--part: there is no {part!r}; {nearest(part, sets)}")
    return sets[part]
