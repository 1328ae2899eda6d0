"""How the training of a network, or of an ensemble of them, ended."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any, Self, final

from steepest.tabular.resolved import Resolved
from steepest.tabular.results import MemberResults, Results
from steepest.train.history import History

# Of an ensemble the first of these that a member has; one that diverged is told in the message.
_TELLING = (
    "interrupted",
    "time limit",
    "callback",
    "early stopping",
    "converged",
    "finished",
    "non-finite loss",
)


@final
@dataclass(frozen=True)
class Ending:
    """What the histories of a fit come to.

    Args:
        rows: of all epochs; those of an ensemble say whose they are.
        stopped: why training ended.
        message: more about it.
        epochs: of the longest training.
        best_epoch: whose weights are kept; None for an ensemble, where each has its own.
        compiling: seconds.
        members: of an ensemble, how each ended.
    """

    rows: Sequence[dict[str, Any]]
    stopped: str
    message: str
    epochs: int
    best_epoch: int | None
    compiling: float
    members: tuple[MemberResults, ...]

    @classmethod
    def of(cls, histories: Sequence[History]) -> Self:
        """One history, or those of the members of an ensemble."""
        if len(histories) == 1:
            (one,) = histories
            return cls(
                rows=one.rows,
                stopped=one.stopped,
                message=one.message,
                epochs=len(one.rows),
                best_epoch=one.best_epoch,
                compiling=one.compiling,
                members=(),
            )
        members = tuple(
            MemberResults(
                stopped=each.stopped,
                message=each.message,
                epochs=len(each.rows),
                best_epoch=each.best_epoch,
            )
            for each in histories
        )
        found = {each.stopped for each in histories}
        return cls(
            rows=[
                {"member": number, **row}
                for number, each in enumerate(histories)
                for row in each.rows
            ],
            stopped=next(each for each in _TELLING if each in found),
            message="\n".join(
                f"member {number}: {each.message}"
                for number, each in enumerate(histories)
                if each.stopped == "non-finite loss"
            ),
            epochs=max(len(each.rows) for each in histories),
            best_epoch=None,
            compiling=max(each.compiling for each in histories),
            members=members,
        )

    def results(
        self,
        training: Sized,
        validation: Sized | None,
        test: Sized | None,
        resolved: Resolved,
        baseline: tuple[float, ...],
    ) -> Results:
        """What came out of a fit on these rows, before anything is scored."""
        return Results(
            training_rows=len(training),
            validation_rows=len(validation or ()),
            test_rows=len(test or ()),
            baseline=baseline,
            resolved=resolved,
            stopped=self.stopped,
            message=self.message,
            epochs=self.epochs,
            best_epoch=self.best_epoch if validation is not None else None,
            validation=None,
            test=None,
            members=self.members,
        )
