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
from steepest.runtime.executable import Stop
from steepest.tensor.modes import no_grad
from steepest.tensor.random import make_key
from steepest.tensor.state import State
from steepest.train.arrays import Tables, leaves_of, mapped
from steepest.train.batches import Batches, row_order
from steepest.train.callbacks import Callback, EveryEpoch, EverySteps, Snapshot, stop_asked
from steepest.train.diagnosis import Diagnosis
from steepest.train.early_stopping import Watch
from steepest.train.history import History, Row, Stopped
from steepest.train.metrics import Metric
from steepest.train.pace import Pace
from steepest.train.step import Step, constant, step_roles, trace_step
from steepest.transform.executable import Backend, Executable, Task, executable
from steepest.transform.memory import Memory


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
    """How the model does on rows it is not trained on; ``compiling`` is seconds."""

    examples: Examples
    predict: Callable[[Tables], Array]
    loss: LossFunction
    metrics: Mapping[str, Metric]
    compiling: float

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

    def add(self, rows: int, losses: Array, penalties: Array) -> None:
        """Count batches of so many rows each."""
        self.batches += len(losses)
        self.rows += rows * len(losses)
        # One after the other: how many come at once depends on the clock, and must not be seen.
        for loss, penalty in zip(losses.tolist(), penalties.tolist(), strict=True):
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
    backend: Backend


_MANY = 10**9


@final
class Loop:
    """One call of ``fit``, under way.

    Args:
        plan: what to do.
        memory: the state that the programs run on.
        request: set by Ctrl-C.
    """

    def __init__(self, plan: Plan, memory: Memory, request: Stop) -> None:
        self._plan = plan
        self._memory = memory
        self._request = request
        self._started = time.monotonic()
        self._names = plan.step.objective.model.states()
        self._key = make_key(plan.seed).data
        self._programs: dict[int, Executable] = {}
        self._pace = Pace()
        self.history = History()
        if plan.validation is not None:
            self.history.compiling = plan.validation.compiling
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
        stopped: Stopped | None = None
        while progress.rows < n and stopped is None:
            stopped = self._asked_to_stop() or self._some_batches(order, epoch, progress)
        if stopped in ("interrupted", "non-finite loss", "callback") or not progress.batches:
            return stopped
        return self._end_of_epoch(epoch, progress, order[: progress.rows]) or stopped

    def _some_batches(self, order: Array, epoch: int, progress: Progress) -> Stopped | None:
        """As many batches of one size as fit into a tenth of a second, or as callbacks leave."""
        data = self._plan.examples
        weights = () if data.weights is None else (data.weights,)
        extents = self._plan.batches.extents[progress.batches :]
        size = extents[0]
        steps = min(extents.count(size), self._pace.steps, self._steps_to_callback())
        rows = order[progress.rows : progress.rows + steps * size].reshape(steps, size)
        program = self._program(size)
        with self._pace.measured(steps):
            run = program.run(
                steps,
                [*leaves_of(data.x), data.y, *weights, rows, self._key, _uint32(epoch - 1)],
                self._request,
            )
        _, losses, penalties, *predictions = run.outputs
        progress.add(size, losses, penalties)
        progress.outputs += [each for outputs in predictions for each in outputs]
        if run.ended == "not finite":
            self._diagnose(rows[run.steps], epoch, progress)
            return "non-finite loss"
        if not run.steps:
            return None
        return self._call_after_step(epoch, float(losses[-1]), float(penalties[-1]))

    def _steps_to_callback(self) -> int:
        """How many steps until a callback is due."""
        due = [each.n for each in self._plan.callbacks if isinstance(each, EverySteps)]
        steps = self._steps
        return min((n - steps % n for n in due), default=_MANY)

    def _program(self, size: int) -> Executable:
        """The step for batches of this size: one for most, another for a smaller last one."""
        if size not in self._programs:
            plan, data = self._plan, self._plan.examples
            began = time.perf_counter()
            outputs = 4 if plan.metrics else 3
            trace = trace_step(plan.step, data.x, data.y, data.weights, size, outputs=outputs)
            task = Task(trace, step_roles(data.x, data.weights), self._memory, guarded=True)
            self._programs[size] = executable(task, plan.backend)
            self.history.compiling += time.perf_counter() - began
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
        plan.watch.see(row, lambda: self._memory.snapshot(list(self._names.values())))
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
        if self._request.is_set:
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
            for cell, value in best.items():
                self._memory.write(cell, value)
        if not failed:
            return
        if best is None:
            raise TrainingError(
                f"{self._failure}. No epoch was finished, so there are no better weights to go "
                "back to; the model holds those before that batch"
            )
        kept = f"the weights of epoch {self.history.best_epoch} are kept"
        self.history.message = f"{self._failure}; {kept}"

    def _diagnose(self, rows: Array, epoch: int, progress: Progress) -> None:
        data = self._plan.examples
        batch = mapped(data.x, lambda table: table[rows])
        values = (batch, self._key, np.asarray(self._steps + 1, uint32))
        weights = None if data.weights is None else data.weights[rows]
        found = Diagnosis(self._plan.step.objective, self._memory, values, data.y[rows], weights)
        self._failure = (
            f"the loss is {found.loss} in epoch {epoch}, batch {progress.batches + 1} of "
            f"{len(self._plan.batches.extents)}: {found.text(self._rate(epoch))}"
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
            values={name: _locked(self._memory.read(cell)) for name, cell in self._names.items()},
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
        return int(self._memory.read(self._plan.step.counter))

    def _rate(self, epoch: int) -> float:
        """The learning rate of the step just taken."""
        rule: Rule = self._plan.step.rule
        if not isinstance(rule.rate, Schedule):
            return float(rule.rate)
        return rule.rate(epoch - 1 if isinstance(rule.rate, PerEpoch) else max(self._steps - 1, 0))


def _uint32(value: int) -> Array:
    return np.asarray(value, uint32)


def _locked(array: Array) -> Array:
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def cells_of(step: Step) -> list[State]:
    """All state that the step reads and changes."""
    slots = [cell for each in step.slots.values() for cell in each.values()]
    return [*step.objective.model.states().values(), *slots, step.counter]
