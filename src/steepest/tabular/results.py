"""What came out of a fit: how training went and how good the model is."""

from __future__ import annotations

from typing import final

from msgspec import Struct

from steepest.tabular.configuration import Resolved
from steepest.tabular.evaluate import Evaluation


@final
class Results(Struct, frozen=True, kw_only=True):
    """Row counts, how training ended, the constant baseline and the scores.

    `baseline` holds each class's share of the training rows, or the target's training mean.
    `best_epoch` is the epoch whose weights the model has, None for the last; `message` says more
    about the end where there is more to say.
    """

    training_rows: int
    validation_rows: int
    test_rows: int
    baseline: tuple[float, ...]
    resolved: Resolved
    stopped: str
    message: str
    epochs: int
    best_epoch: int | None
    validation: Evaluation | None
    test: Evaluation | None
