"""The record of a call of ``fit``: history, best weights, callbacks, and the reasons to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from steepest.errors import TrainingError
from steepest.ir.types import Array
from steepest.runtime.executable import Stop
from steepest.train.callbacks import EveryEpoch, EverySteps, Snapshot, stop_asked
from steepest.train.history import History, Row, Stopped
from steepest.train.plan import Plan, Trained
from steepest.train.resumable import Kept
from steepest.transform.memory import Memory

_MANY = 10**9


@final
class Journal:
    """What is kept of a call of ``fit``, whatever trains: it sees every step and every epoch.

    Args:
        plan: what to do.
        memory: the state that the programs run on.
        request: set by Ctrl-C.
    """

    def __init__(self, plan: Plan[Trained], memory: Memory, request: Stop) -> None:
        self._plan = plan
        self._memory = memory
        self._request = request
        self._started = time.monotonic()
        self._before = 0.0
        self._names = plan.step.objective.model.states()
        self.history = History()
        if plan.validation is not None:
            self.history.compiling = plan.validation.compiling

    def state(self) -> Kept:
        """See :class:`Resumable`."""
        return {
            "seconds": self.seconds,
            "history": self.history.state(),
            "watch": self._plan.watch.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See :class:`Resumable`."""
        self._before = state["seconds"]
        self.history.restore(state["history"])
        self._plan.watch.restore(state["watch"])

    @property
    def seconds(self) -> float:
        """Since the fit began, without the time between an interruption and going on."""
        return self._before + time.monotonic() - self._started

    @property
    def steps(self) -> int:
        """Steps taken in all."""
        return int(self._memory.read(self._plan.step.counter))

    def rate(self, epoch: int) -> float:
        """The learning rate of the step just taken."""
        return self._plan.step.rate(self._memory, epoch)

    def asked_to_stop(self) -> Stopped | None:
        """Whether somebody pressed Ctrl-C, or the time is over."""
        if self._request.is_set:
            return "interrupted"
        limit = self._plan.time_limit
        if limit is not None and time.monotonic() - self._started >= limit:
            return "time limit"
        return None

    def end_epoch(self, epoch: int, row: Row) -> Stopped | None:
        """Complete the row of an epoch and show it; why training should stop, if it should.

        Args:
            epoch: which.
            row: ``loss``, ``penalty``, and metrics as trained.
        """
        plan = self._plan
        row = {"epoch": epoch, "step": self.steps, **row}
        with plan.averages.in_use():
            if plan.validation is not None:
                row.update(plan.validation.row())
            row["learning_rate"] = self.rate(epoch)
            row["seconds"] = self.seconds
            self.history.rows.append(row)
            plan.watch.see(row, self._weights)
            self.history.best_epoch = plan.watch.best_epoch
            plan.step.end_epoch(self._memory, plan.watch.value(row))
            called = self._call(
                [c.function if isinstance(c, EveryEpoch) else c
                 for c in plan.callbacks if not isinstance(c, EverySteps)],
                epoch,
                row,
            )  # fmt: skip
        if called is not None:
            return called
        return "early stopping" if plan.watch.is_over else None

    def _weights(self) -> dict[str, Array]:
        """Copies of the model's arrays now."""
        return {name: self._memory.read(cell) for name, cell in self._names.items()}

    def finish(self, stopped: Stopped, failure: str = "") -> None:
        """Choose the weights to end with.

        Args:
            stopped: how it ended.
            failure: what was wrong, for a loss that is not finite.
        """
        best = self._plan.watch.snapshot
        self.history.stopped = stopped
        failed = stopped == "non-finite loss"
        if best is not None or not failed:
            restores = best is not None and (self._plan.restores_best or failed)
            weights = {self._names[name]: value for name, value in (best or {}).items()}
            self._plan.averages.finish(weights if restores else None)
        if not failed:
            return
        if best is None:
            raise TrainingError(
                f"{failure}. No epoch was finished, so there are no better weights to go "
                "back to; the model holds those before that batch"
            )
        kept = f"the best weights, those of epoch {self.history.best_epoch}, are kept"
        self.history.message = f"{failure}; {kept}"

    # --------------------------------------------------------------------------------- callbacks

    def steps_to_callback(self) -> int:
        """How many steps until a callback is due."""
        due = [each.n for each in self._plan.callbacks if isinstance(each, EverySteps)]
        steps = self.steps
        return min((n - steps % n for n in due), default=_MANY)

    def end_step(self, epoch: int, loss: float, penalty: float) -> Stopped | None:
        """Call what is due after this step; why training should stop, if it should."""
        due = [
            each.function
            for each in self._plan.callbacks
            if isinstance(each, EverySteps) and self.steps % each.n == 0
        ]
        return self._call(due, epoch, {"loss": loss, "penalty": penalty}) if due else None

    def _call(
        self, functions: Sequence[Callable[[Snapshot], Any]], epoch: int, metrics: Row
    ) -> Stopped | None:
        """Call them all; each sees the same snapshot, and the cells hold the same values."""
        if not functions:
            return None
        self._memory.store()
        plan = self._plan
        snapshot = Snapshot(
            epoch=epoch,
            epochs=plan.last_epoch,
            step=self.steps,
            steps_per_epoch=len(plan.batches.extents),
            seconds=self.seconds,
            learning_rate=self.rate(epoch),
            metrics=dict(metrics),
            values={name: _locked(self._memory.read(cell)) for name, cell in self._names.items()},
            member=plan.member,
            watched=self.history.watched.copy(),
        )
        answers = [stop_asked(function(snapshot), function) for function in functions]
        self._memory.load()
        stops = [answer for answer in answers if answer is not None]
        if not stops:
            return None
        self.history.message = stops[0].reason
        return "callback"


def _locked(array: Array) -> Array:
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
