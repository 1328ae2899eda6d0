"""The flag of predict and evaluate that decides by another probability than the model's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from steepest.errors import ConfigurationError

if TYPE_CHECKING:
    from steepest.images import ImageModel
    from steepest.tabular import TableModel

    Model: TypeAlias = TableModel | ImageModel

Threshold: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="P",
        help="Predict the second of two classes from this probability on.",
    ),
]


def with_threshold(fitted: Model, text: str | None) -> Model:
    """A model that decides so, or the model itself where nothing is said."""
    from steepest.images import ImageModel

    if text is None:
        return fitted
    if isinstance(fitted, ImageModel):
        raise ConfigurationError("--threshold is for tables; this is a model of images")
    try:
        threshold = float(text)
    except ValueError:
        raise ConfigurationError(
            f"--threshold {text}: give a number between 0 and 1; the best one for a score is "
            "chosen by 'steepest fit --threshold f1'"
        ) from None
    return fitted.with_threshold(threshold)
