"""The loop over epochs and batches: runs the step, keeps the history, knows when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from steepest.errors import TrainingError
from steepest.ir.types import Array, uint32
from steepest.losses import LossFunction
from steepest.optim.rule import Rule
from steepest.optim.schedules import PerEpoch, Schedule
from steepest.tensor.modes import no_grad
from steepest.tensor.random import make_key
from steepest.tensor.state import State
from steepest.train.arrays import Tables, leaves_of, mapped
from steepest.train.batches import Batches, row_order
from steepest.train.callbacks import Callback, EveryEpoch, EverySteps, Snapshot, stop_asked
from steepest.train.diagnosis import Diagnosis
from steepest.train.early_stopping import Watch
from steepest.train.executable import Executable, Memory
from steepest.train.history import History, Row, Stopped
from steepest.train.interruption import StopRequest
from steepest.train.metrics import Metric
from steepest.train.step import Step, constant, trace_step


@final
@dataclass(frozen=True)
class Examples:
    """Checked data: tables, targets, and weights of mean 1."""

    x: Tables
    y: Array
    weights: Array | None


@final
@dataclass(frozen=True)
class Validation:
    """How the model does on rows it is not trained on."""

    examples: Examples
    predict: Callable[[Tables], Array]
    loss: LossFunction
    metrics: Mapping[str, Metric]

    def row(self) -> Row:
        """Validation loss and metrics now, without dropout."""
        data = self.examples
        prediction = self.predict(data.x)
        with no_grad():
            each = self.loss(constant(prediction), constant(data.y)).data
        losses = each.astype(np.float64)
        mean = np.mean(losses if data.weights is None else losses * data.weights)
        row: Row = {"validation_loss": float(mean)}
        for name, metric in self.metrics.items():
            row[f"validation_{name}"] = float(metric(prediction, data.y))
        return row


@final
@dataclass
class Progress:
    """The numbers of the epoch under way."""

    batches: int = 0
    rows: int = 0
    loss: float = 0.0
    penalty: float = 0.0
    outputs: list[Array] = field(default_factory=list[Array])

    def add(self, rows: int, loss: float, penalty: float) -> None:
        """Count a batch, by its size."""
        self.batches += 1
        self.rows += rows
        self.loss += rows * loss
        self.penalty += rows * penalty


@final
@dataclass(frozen=True)
class Plan:
    """What a call of ``fit`` was asked to do."""

    step: Step
    examples: Examples
    batches: Batches
    shuffle: bool
    seed: int
    first_epoch: int
    last_epoch: int
    validation: Validation | None
    metrics: Mapping[str, Metric]
    callbacks: Sequence[Callback]
    watch: Watch
    restores_best: bool
    time_limit: float | None


@final
class Loop:
    """One call of ``fit``, under way.

    Args:
        plan: what to do.
        memory: the state that the programs run on.
        request: set by Ctrl-C.
    """

    def __init__(self, plan: Plan, memory: Memory, request: StopRequest) -> None:
        self._plan = plan
        self._memory = memory
        self._request = request
        self._started = time.monotonic()
        self._names = plan.step.objective.model.states()
        self._key = make_key(plan.seed).data
        self._programs: dict[int, Executable] = {}
        self.history = History()
        self._failure = ""

    def run(self) -> History:
        """Train until something says stop."""
        plan = self._plan
        stopped: Stopped | None = None
        for epoch in range(plan.first_epoch, plan.last_epoch + 1):
            stopped = self._epoch(epoch)
            if stopped is not None:
                break
        self._finish(stopped or "finished")
        return self.history

    # ---------------------------------------------------------------------------------- an epoch

    def _epoch(self, epoch: int) -> Stopped | None:
        """Train one epoch; why training should stop, if it should."""
        plan = self._plan
        n = plan.batches.rows
        order = row_order(
            n, shuffle=plan.shuffle and plan.batches.size < n, seed=plan.seed, epoch=epoch - 1
        )
        progress = Progress()
        for rows in plan.batches.epoch(order):
            stopped = self._asked_to_stop()
            if stopped == "interrupted":
                return stopped
            if stopped is not None:
                break
            stopped = self._batch(rows, epoch, progress)
            if stopped is not None:
                return stopped
        else:
            stopped = None
        if not progress.batches:
            return stopped
        return self._end_of_epoch(epoch, progress, order[: progress.rows]) or stopped

    def _batch(self, rows: Array, epoch: int, progress: Progress) -> Stopped | None:
        data = self._plan.examples
        weights = () if data.weights is None else (data.weights,)
        total, loss, penalty, prediction = self._program(len(rows))(
            *leaves_of(data.x), data.y, *weights, rows, self._key, np.asarray(epoch - 1, uint32)
        )
        if not np.isfinite(total):
            self._diagnose(rows, epoch, progress, float(total))
            return "non-finite loss"
        progress.add(len(rows), float(loss), float(penalty))
        if self._plan.metrics:
            progress.outputs.append(prediction)
        return self._call_after_step(epoch, float(loss), float(penalty))

    def _program(self, size: int) -> Executable:
        """The step for batches of this size: one for most, another for a smaller last one."""
        if size not in self._programs:
            data = self._plan.examples
            trace = trace_step(self._plan.step, data.x, data.y, data.weights, size)
            self._programs[size] = Executable(trace, self._memory)
        return self._programs[size]

    def _end_of_epoch(self, epoch: int, progress: Progress, seen: Array) -> Stopped | None:
        plan = self._plan
        row: Row = {
            "epoch": epoch,
            "step": self._steps,
            "loss": progress.loss / progress.rows,
            "penalty": progress.penalty / progress.rows,
        }
        if plan.metrics:
            outputs = np.concatenate(progress.outputs)
            targets = plan.examples.y[seen]
            row.update({name: float(of(outputs, targets)) for name, of in plan.metrics.items()})
        if plan.validation is not None:
            row.update(plan.validation.row())
        row["learning_rate"] = self._rate(epoch)
        row["seconds"] = time.monotonic() - self._started
        self.history.rows.append(row)
        plan.watch.see(row, self._memory.snapshot())
        self.history.best_epoch = plan.watch.best_epoch
        called = self._call(
            [c.function if isinstance(c, EveryEpoch) else c
             for c in plan.callbacks if not isinstance(c, EverySteps)],
            epoch,
            row,
        )  # fmt: skip
        if called is not None:
            return called
        return "early stopping" if plan.watch.is_over else None

    # ---------------------------------------------------------------------------------- stopping

    def _asked_to_stop(self) -> Stopped | None:
        if self._request.made:
            return "interrupted"
        limit = self._plan.time_limit
        if limit is not None and time.monotonic() - self._started >= limit:
            return "time limit"
        return None

    def _finish(self, stopped: Stopped) -> None:
        """Choose the weights to end with, and give them to the cells."""
        best = self._plan.watch.snapshot
        self.history.stopped = stopped
        failed = stopped == "non-finite loss"
        if best is not None and (self._plan.restores_best or failed):
            values = self._memory.values
            values.update({cell: best[cell] for cell in self._names.values()})
        if not failed:
            return
        if best is None:
            raise TrainingError(
                f"{self._failure}. No epoch was finished, so there are no better weights to go "
                "back to; the model holds those before that batch"
            )
        kept = f"the weights of epoch {self.history.best_epoch} are kept"
        self.history.message = f"{self._failure}; {kept}"

    def _diagnose(self, rows: Array, epoch: int, progress: Progress, loss: float) -> None:
        data = self._plan.examples
        batch = mapped(data.x, lambda table: table[rows])
        values = (batch, self._key, np.asarray(self._steps + 1, uint32))
        weights = None if data.weights is None else data.weights[rows]
        found = Diagnosis(
            self._plan.step.objective, self._memory, values, data.y[rows], weights
        ).text(self._rate(epoch))
        self._failure = (
            f"the loss is {loss} in epoch {epoch}, batch {progress.batches + 1} of "
            f"{len(self._plan.batches.extents)}: {found}"
        )

    # --------------------------------------------------------------------------------- callbacks

    def _call_after_step(self, epoch: int, loss: float, penalty: float) -> Stopped | None:
        due = [
            each.function
            for each in self._plan.callbacks
            if isinstance(each, EverySteps) and self._steps % each.n == 0
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
            step=self._steps,
            steps_per_epoch=len(plan.batches.extents),
            seconds=time.monotonic() - self._started,
            learning_rate=self._rate(epoch),
            metrics=dict(metrics),
            values={name: _locked(self._memory.values[cell]) for name, cell in self._names.items()},
        )
        answers = [stop_asked(function(snapshot), function) for function in functions]
        self._memory.load()
        stops = [answer for answer in answers if answer is not None]
        if not stops:
            return None
        self.history.message = stops[0].reason
        return "callback"

    # ------------------------------------------------------------------------------------ numbers

    @property
    def _steps(self) -> int:
        return int(self._memory.values[self._plan.step.counter])

    def _rate(self, epoch: int) -> float:
        """The learning rate of the step just taken."""
        rule: Rule = self._plan.step.rule
        if not isinstance(rule.rate, Schedule):
            return float(rule.rate)
        return rule.rate(epoch - 1 if isinstance(rule.rate, PerEpoch) else max(self._steps - 1, 0))


def _locked(array: Array) -> Array:
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def cells_of(step: Step) -> list[State]:
    """All state that the step reads and changes."""
    slots = [cell for each in step.slots.values() for cell in each.values()]
    return [*step.objective.model.states().values(), *slots, step.counter]
