"""The loop over epochs and batches: runs the step until the journal says stop."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from steepest.ir.types import Array, uint32
from steepest.runtime.executable import Stop
from steepest.tensor.random import make_key
from steepest.train.arrays import leaves_of, mapped
from steepest.train.checkpoint import Keeper
from steepest.train.diagnosis import Diagnosis
from steepest.train.history import History, Row, Stopped
from steepest.train.journal import Journal
from steepest.train.metrics import Metric
from steepest.train.pace import Pace
from steepest.train.plan import Plan
from steepest.train.resumable import Kept, cell_values, set_cells
from steepest.train.rows import Block, Examples, Reader
from steepest.train.step import Step, step_roles, trace_step
from steepest.train.watched import Probe
from steepest.train.watching import trace_probes
from steepest.transform.executable import Executable, Task, executable
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace


@final
@dataclass
class Progress:
    """The numbers of the epoch under way."""

    batches: int = 0
    rows: int = 0
    loss: float = 0.0
    penalty: float = 0.0
    outputs: list[Array] = field(default_factory=list[Array])
    scores: list[Row] = field(default_factory=list[Row])

    def add(self, rows: int, losses: Array, penalties: Array) -> None:
        """Count batches of so many rows each."""
        self.batches += len(losses)
        self.rows += rows * len(losses)
        # One after the other: how many come at once depends on the clock, and must not be seen.
        for loss, penalty in zip(losses.tolist(), penalties.tolist(), strict=True):
            self.loss += rows * loss
            self.penalty += rows * penalty

    def state(self) -> Kept:
        """See :class:`Resumable`."""
        outputs = [np.concatenate(self.outputs)] if self.outputs else []
        return {**vars(self), "outputs": outputs, "scores": list(self.scores)}

    def score(self, metrics: Mapping[str, Metric], targets: Array) -> None:
        """Take the metrics of the predictions of a block, or a part of one, and forget these."""
        if self.outputs:
            outputs = np.concatenate(self.outputs)
            row: Row = {name: float(of(outputs, targets)) for name, of in metrics.items()}
            self.scores.append({**row, "rows": len(outputs)})
            self.outputs.clear()

    def means(self) -> Row:
        """Of the metrics of all blocks, by rows."""
        if len(self.scores) < 2:
            return {name: each[name] for each in self.scores for name in each if name != "rows"}
        rows = [each["rows"] for each in self.scores]
        return {
            name: float(np.average([each[name] for each in self.scores], weights=rows))
            for name in self.scores[0]
            if name != "rows"
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See :class:`Resumable`."""
        self.batches, self.rows = state["batches"], state["rows"]
        self.loss, self.penalty = state["loss"], state["penalty"]
        self.outputs = list(state["outputs"])
        self.scores = list(state.get("scores", ()))


@final
class Loop:
    """One call of ``fit`` with an update rule, under way; can be kept after any step.

    Args:
        plan: what to do.
        memory: the state that the programs run on.
        request: set by Ctrl-C.
        keeper: keeps it when that is due.
    """

    def __init__(self, plan: Plan[Step], memory: Memory, request: Stop, keeper: Keeper) -> None:
        self._plan = plan
        self._keeper = keeper
        self._memory = memory
        self._request = request
        self._key = make_key(plan.seed, plan.member).data
        self._programs: dict[int, Executable] = {}
        self._watched: dict[int, Executable] = {}
        self._shadow: Memory | None = None
        self._probes: tuple[Probe, ...] = ()
        self._pace = Pace()
        self._journal = Journal(plan, memory, request)
        self._epoch: int = plan.first_epoch
        self._progress = Progress()
        self._at: _Place | None = None
        self._ended: Stopped | None = None
        self._failure = ""

    @property
    def history(self) -> History:
        """What has happened so far."""
        return self._journal.history

    def run(self) -> History:
        """Train until something says stop."""
        stopped, plan = self._ended, self._plan
        with plan.source.reader(plan.draws(self._epoch), self._progress.rows) as blocks:
            while stopped is None and self._epoch <= plan.last_epoch:
                stopped = self._train_epoch(blocks)
        self._journal.finish(stopped or "finished", self._failure)
        return self.history

    def state(self) -> Kept:
        """See :class:`Resumable`; the values of all cells are in it."""
        return {
            "cells": cell_values(self._plan.step.cells, self._memory),
            "epoch": self._epoch,
            "progress": self._progress.state(),
            "ended": self._ended,
            "journal": self._journal.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See :class:`Resumable`."""
        set_cells(self._plan.step.cells, self._memory, state["cells"])
        self._epoch = state["epoch"]
        self._progress.restore(state["progress"])
        self._ended = state["ended"]
        self._journal.restore(state["journal"])

    def _train_epoch(self, blocks: Reader) -> Stopped | None:
        """Train an epoch, or the rest of one; why training should stop, if it should."""
        plan, progress = self._plan, self._progress
        rows = sum(plan.extents)
        stopped: Stopped | None = None
        while progress.rows < rows and stopped is None:
            block = blocks.next(lambda: self._journal.asked_to_stop() is not None)
            stopped = (
                self._journal.asked_to_stop() if block is None else self._train_block(block, rows)
            )
        if stopped is not None and stopped != "non-finite loss":
            self._keeper.keep(self)
        if stopped in ("interrupted", "non-finite loss", "callback") or not progress.batches:
            return stopped
        asked = self._journal.end_epoch(self._epoch, self._row(progress))
        if stopped is not None:
            return asked or stopped
        self._epoch, self._progress = self._epoch + 1, Progress()
        self._ended = asked if asked == "early stopping" else None
        if asked is not None or self._epoch > plan.last_epoch:
            self._keeper.keep(self)
        else:
            self._keeper.after_epoch(self._epoch - 1, self._journal.steps, self)
        return asked

    def _train_block(self, block: Block, rows: int) -> Stopped | None:
        """Train a block, or the rest of one; ``rows`` are those of the epoch."""
        progress, order = self._progress, self._plan.order(self._epoch, block)
        self._at = _Place(block, order)
        stopped: Stopped | None = None
        while progress.rows < block.first + len(order) and stopped is None:
            stopped = self._journal.asked_to_stop() or self._some_batches(block, order)
            if progress.rows == block.first + len(order):
                progress.score(self._plan.metrics, self._at.targets(progress.rows))
            if stopped is None and progress.rows < rows:
                self._keeper.after_step(self._journal.steps, self)
        return stopped

    def _some_batches(self, block: Block, order: Array) -> Stopped | None:
        """As many batches of one size as fit into a tenth of a second, or as callbacks leave."""
        data, progress, epoch = block.examples, self._progress, self._epoch
        left = order[progress.rows - block.first :]
        weights = () if data.weights is None else (data.weights,)
        extents = self._plan.extents[progress.batches :]
        size = extents[0]
        steps = min(
            extents.count(size), len(left) // size, self._pace.steps, self._steps_to_look_up()
        )
        rows = left[: steps * size].reshape(steps, size)
        given = [*leaves_of(data.x), data.y, *weights], [self._key, _uint32(epoch - 1)]
        look = self._look([*given[0], rows[:1], *given[1]], size)
        program = self._program(size)
        with self._pace.measured(steps):
            run = program.run(steps, [*given[0], rows, *given[1]], self._request)
        if look is not None and run.steps:
            self.history.watched.add(self._journal.steps - run.steps + 1, self._probes, look)
        _, losses, penalties, *predictions = run.outputs
        progress.add(size, losses, penalties)
        progress.outputs += [each for outputs in predictions for each in outputs]
        if run.ended == "not finite":
            self._diagnose(data, rows[run.steps])
            return "non-finite loss"
        if not run.steps:
            return None
        return self._journal.end_step(epoch, float(losses[-1]), float(penalties[-1]))

    def _steps_to_look_up(self) -> int:
        """How many steps until a callback, a checkpoint or a look into the layers is due."""
        steps = self._journal.steps
        due = (self._keeper.steps_left(steps), self._plan.watching.steps_left(steps))
        return min([self._journal.steps_to_callback(), *(each for each in due if each)])

    def _look(self, first: list[Array], size: int) -> list[float] | None:
        """What the next step will do, if it is one that is watched; on a copy of the state."""
        if not self._plan.watching.is_due(self._journal.steps):
            return None
        program = self._watched_program(size)
        if self._shadow is not None:
            self._shadow.take_over(self._memory)
        _, *values = program.run(1, first).outputs
        return [float(each[0]) for each in values if len(each)] or None

    def _program(self, size: int) -> Executable:
        """The step for batches of this size: one for most, another for a smaller last one."""
        if size not in self._programs:
            plan, data = self._plan, self._plan.examples
            began = time.perf_counter()
            outputs = 4 if plan.metrics else 3
            trace = trace_step(plan.step, data.x, data.y, data.weights, size, outputs=outputs)
            self._programs[size] = self._executable(trace, self._memory)
            self.history.compiling += time.perf_counter() - began
        return self._programs[size]

    def _watched_program(self, size: int) -> Executable:
        """The step that tells of itself, for batches of this size, on a memory of its own."""
        if size not in self._watched:
            data = self._plan.examples
            began = time.perf_counter()
            trace, self._probes = trace_probes(self._plan.step, data.x, data.y, data.weights, size)
            self._shadow = self._shadow or Memory(self._plan.step.cells)
            self._watched[size] = self._executable(trace, self._shadow)
            self.history.compiling += time.perf_counter() - began
        return self._watched[size]

    def _executable(self, trace: Trace, memory: Memory) -> Executable:
        data = self._plan.examples
        task = Task(trace, step_roles(data.x, data.weights), memory, guarded=True)
        return executable(task, self._plan.backend)

    def _row(self, progress: Progress) -> Row:
        """The means over an epoch's batches, and the metrics of its predictions."""
        if self._at is not None:  # an epoch that ends within a block
            progress.score(self._plan.metrics, self._at.targets(progress.rows))
        return {
            "loss": progress.loss / progress.rows,
            "penalty": progress.penalty / progress.rows,
            **progress.means(),
        }

    def _diagnose(self, data: Examples, rows: Array) -> None:
        epoch = self._epoch
        batch = mapped(data.x, lambda table: table[rows])
        values = (batch, self._key, np.asarray(self._journal.steps + 1, uint32))
        weights = None if data.weights is None else data.weights[rows]
        found = Diagnosis(self._plan.step.objective, self._memory, values, data.y[rows], weights)
        rate, place = self._journal.rate(epoch), self._progress.batches + 1
        self._failure = (
            f"the loss is {found.loss} in epoch {epoch}, batch {place} of "
            f"{len(self._plan.extents)} (step {self._journal.steps + 1:,}, learning rate "
            f"{rate:g}): {found.text(rate)}"
        )


@final
@dataclass(frozen=True)
class _Place:
    """A block, and the order in which its rows are taken."""

    block: Block
    order: Array

    def targets(self, rows: int) -> Array:
        """Those of the block's rows that are taken when the epoch has taken so many."""
        return self.block.examples.y[self.order[: rows - self.block.first]]


def _uint32(value: int) -> Array:
    return np.asarray(value, uint32)
