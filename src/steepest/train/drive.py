"""The loop of a driver: an iteration is a step, and with the whole training set an epoch too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array, uint32
from steepest.optim.drivers import Iterate, Point
from steepest.runtime.executable import Stop
from steepest.tensor.random import make_key
from steepest.train.arrays import mapped
from steepest.train.checkpoint import Keeper
from steepest.train.diagnosis import Diagnosis
from steepest.train.history import History, Row, Stopped
from steepest.train.journal import Journal
from steepest.train.loop import Progress
from steepest.train.plan import Plan
from steepest.train.resumable import Kept, cell_values, set_cells
from steepest.train.rows import Block
from steepest.train.surface import Driven, TrainingSurface
from steepest.transform.memory import Memory


@final
class Drive:
    """One call of ``fit`` with a driver, under way; can be kept after any iteration.

    Args:
        plan: what to do.
        memory: the state that the programs run on.
        request: set by Ctrl-C.
        keeper: keeps it when that is due.
        earlier: what the driver knew at the end of an earlier call.

    Raises:
        ConfigurationError: mini-batches, or a model that draws random numbers, for a driver that
            does not bear them; too many parameters.
    """

    def __init__(
        self,
        plan: Plan[Driven],
        memory: Memory,
        request: Stop,
        keeper: Keeper,
        earlier: Iterate | None,
    ) -> None:
        self._plan = plan
        self._driver = plan.step.driver
        self._memory = memory
        self._keeper = keeper
        self._key = make_key(plan.seed, plan.member).data
        self._surface = TrainingSurface(plan.step, plan.examples, memory, self._key, plan.backend)
        self._journal = Journal(plan, memory, request)
        self._epoch: int = plan.first_epoch
        self._progress = Progress()
        self._ended: Stopped | None = None
        self._failure = ""
        self.iterate = earlier
        self._check()

    @property
    def history(self) -> History:
        """What has happened so far."""
        return self._journal.history

    def run(self) -> History:
        """Train until the driver has converged, or something else says stop."""
        stopped, compiling = self._ended, self.history.compiling
        while stopped is None and self._epoch <= self._plan.last_epoch:
            stopped = self._train_epoch()
            self.history.compiling = compiling + self._surface.compiling
        self._journal.finish(stopped or "finished", self._failure)
        if stopped == "converged" and self.iterate is not None:
            self.history.message = self.iterate.reason
        return self.history

    def state(self) -> Kept:
        """See :class:`Resumable`; the values of all cells are in it."""
        iterate = self.iterate
        return {
            "cells": cell_values(self._plan.step.cells, self._memory),
            "epoch": self._epoch,
            "progress": self._progress.state(),
            "ended": self._ended,
            "journal": self._journal.state(),
            "evaluations": self._surface.evaluations,
            "iterate": None if iterate is None else _kept(iterate),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See :class:`Resumable`."""
        set_cells(self._plan.step.cells, self._memory, state["cells"])
        self._epoch = state["epoch"]
        self._progress.restore(state["progress"])
        self._ended = state["ended"]
        self._journal.restore(state["journal"])
        self._surface.evaluations = state["evaluations"]
        iterate = state["iterate"]
        self.iterate = None if iterate is None else _taken_up(iterate)

    # ---------------------------------------------------------------------------------- the loop

    def _check(self) -> None:
        plan, driver, name = self._plan, self._driver, type(self._driver).__name__
        driver.check_size(sum(cell.type.size for cell in plan.step.parameters))
        if plan.watching.every is not None:
            raise ConfigurationError(
                f"watch looks into the steps of rules such as st.optim.Adam; {name} has none: "
                "leave watch away"
            )
        if not driver.bears_noise and not self._is_whole(self._order()):
            raise ConfigurationError(
                f"{name} needs the whole training set at each step, {plan.batches.rows:,} rows, "
                f"and not batches of {plan.extents[0]:,}: give batch_size=None, or "
                f"st.optim.Forced({name}()) to see what mini-batches do to it"
            )

    def _order(self) -> Array:
        """The rows of an epoch's steps."""
        return self._plan.order(self._epoch, Block(self._plan.examples, self._plan.source.rows))

    def _is_whole(self, order: Array) -> bool:
        """Whether a step sees each row once."""
        n = self._plan.batches.rows
        return self._plan.extents == (n,) and bool(np.array_equal(np.sort(order), np.arange(n)))

    def _train_epoch(self) -> Stopped | None:
        """An iteration with each batch; why training should stop, if it should."""
        plan, progress = self._plan, self._progress
        order = self._order()
        is_whole = self._is_whole(order)
        order = np.arange(len(order), dtype=uint32) if is_whole else order
        stopped: Stopped | None = None
        while progress.rows < len(order) and stopped is None:
            rows = order[progress.rows :][: plan.extents[progress.batches]]
            stopped = self._journal.asked_to_stop() or self._iterate(rows, is_whole=is_whole)
            if stopped is None and progress.rows < len(order):
                self._keeper.after_step(self._journal.steps, self)
        if stopped not in (None, "non-finite loss", "converged"):
            self._keeper.keep(self)
        if stopped in ("interrupted", "non-finite loss", "callback") or not progress.batches:
            return stopped
        row = self._row(progress, order[: progress.rows])
        asked = self._journal.end_epoch(self._epoch, row)
        return asked or stopped if stopped == "time limit" else self._end_epoch(stopped or asked)

    def _end_epoch(self, stopped: Stopped | None) -> Stopped | None:
        """Go on to the next epoch, unless something says stop."""
        self._epoch, self._progress = self._epoch + 1, Progress()
        self._ended = stopped if stopped in ("early stopping", "converged") else None
        if stopped is not None or self._epoch > self._plan.last_epoch:
            self._keeper.keep(self)
        else:
            self._keeper.after_epoch(self._epoch - 1, self._journal.steps, self)
        return stopped

    def _iterate(self, rows: Array, *, is_whole: bool) -> Stopped | None:
        """One iteration on a batch."""
        counter, length = self._plan.step.counter, self._plan.step.length
        following = self._journal.steps + 1
        point = self._point(following, None if is_whole else rows)
        if not point.is_finite:
            self._diagnose(rows, following)
            return "non-finite loss"
        before = (
            self._driver.begin(point)
            if self.iterate is None
            else replace(self.iterate, point=point, reason="")
        )
        self.iterate = before if before.reason else self._driver.advance(before, self._surface)
        value = self._surface.arrive(self.iterate.point)
        self._memory.write(counter, np.asarray(following, uint32))
        self._memory.write(length, np.asarray(self.iterate.length))
        self._progress.add(len(rows), np.asarray([value.loss]), np.asarray([value.penalty]))
        self._progress.outputs += [value.prediction] if self._plan.metrics else []
        stopped = self._journal.end_step(self._epoch, value.loss, value.penalty)
        return "converged" if self.iterate.reason else stopped

    def _point(self, step: int, rows: Array | None) -> Point:
        """Where the model is, on this batch; known already if nothing else has changed."""
        self._surface.begin(step, rows)
        known, here = self.iterate, self._surface.x
        is_same = rows is None and not self._driver.bears_noise and self._surface.evaluations > 0
        if known is not None and is_same and np.array_equal(known.point.x, here):
            return known.point
        return self._surface.at(here)

    def _row(self, progress: Progress, seen: Array) -> Row:
        """The means over an epoch's batches, at the points that were reached."""
        row: Row = {
            "loss": progress.loss / progress.rows,
            "penalty": progress.penalty / progress.rows,
        }
        if self._plan.metrics:
            outputs = np.concatenate(progress.outputs)
            targets = self._plan.examples.y[seen]
            row.update(
                {name: float(of(outputs, targets)) for name, of in self._plan.metrics.items()}
            )
        row["evaluations"] = self._surface.evaluations
        return row

    def _diagnose(self, rows: Array, step: int) -> None:
        data = self._plan.examples
        batch = mapped(data.x, lambda table: table[rows])
        values = (batch, self._key, np.asarray(step, uint32))
        weights = None if data.weights is None else data.weights[rows]
        found = Diagnosis(self._plan.step.objective, self._memory, values, data.y[rows], weights)
        self._failure = (
            f"the loss is {found.loss} before iteration {step}: "
            f"{found.text(self._journal.rate(self._epoch))}"
        )


def _kept(iterate: Iterate) -> Kept:
    point = iterate.point
    return {
        "x": point.x,
        "value": point.value,
        "gradient": point.gradient,
        "kept": dict(iterate.kept),
        "iterations": iterate.iterations,
        "length": iterate.length,
        "reason": iterate.reason,
    }


def _taken_up(state: Mapping[str, Any]) -> Iterate:
    return Iterate(
        point=Point(state["x"], state["value"], state["gradient"]),
        kept=dict(state["kept"]),
        iterations=state["iterations"],
        length=state["length"],
        reason=state["reason"],
    )
