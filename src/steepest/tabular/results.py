"""What came out of a fit: how training went and how good the model is."""

from __future__ import annotations

from typing import final

from msgspec import Struct

from steepest.tabular.decision import Decision
from steepest.tabular.evaluate import Evaluation
from steepest.tabular.resolved import Resolved


@final
class MemberResults(Struct, frozen=True, kw_only=True):
    """How the training of one member of an ensemble ended."""

    stopped: str
    message: str
    epochs: int
    best_epoch: int | None


@final
class Results(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Row counts, how training ended, the constant baseline and the scores.

    `baseline` holds each class's share of the training rows, or the target's training mean.
    `best_epoch` is the epoch whose weights the model has, None for the last; `message` says more
    about the end where there is more to say. Of an ensemble `members` has these for each, `epochs`
    is that of the longest training, and there is no one `best_epoch`. Of the rows for test,
    `repeated_test_rows` have all features in common with a row to train on, and `new_test` has the
    scores of the others, if there are both. `notes` say what the fit decided by trials.
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
    members: tuple[MemberResults, ...] = ()
    decision: Decision | None = None
    repeated_test_rows: int = 0
    new_test: Evaluation | None = None
    notes: tuple[str, ...] = ()

    @property
    def networks(self) -> int:
        """How many networks predict: of an ensemble those that have finished an epoch, if any."""
        return sum(1 for each in self.members if each.epochs) or len(self.members) or 1
