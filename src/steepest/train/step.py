"""A training step as one pure graph: gather, forward, backward, update."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from steepest.autodiff import gradients
from steepest.errors import ShapeError, TraceError
from steepest.ir.types import Array, uint32
from steepest.losses import LossFunction
from steepest.nn import Module, training, watching
from steepest.ops.elementwise import square
from steepest.ops.index import take
from steepest.ops.reduce import mean, sum
from steepest.optim.rule import (
    LooksAhead,
    Rule,
    Scalars,
    SlotCells,
    advance,
    average_cells,
    cast_scalars,
    slot_values,
    time_of,
)
from steepest.optim.schedules import Plateau, Schedule, Time
from steepest.schedule.plan import InputRole
from steepest.tensor import random
from steepest.tensor.creation import ones_like, zeros_like
from steepest.tensor.modes import enable_grad
from steepest.tensor.random import Stream
from steepest.tensor.state import Bound, State, scope
from steepest.tensor.tensor import Tensor
from steepest.train.arrays import Tables, leaves_of, mapped
from steepest.train.recorded import Recorded
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace, record


@final
@dataclass(frozen=True)
class Objective:
    """What is made small: Σ wᵢ ℓᵢ / B, and the penalty λ/2 Σ w² over penalised cells."""

    model: Module
    loss: LossFunction
    l2: float

    def forward(self, x: Any, y: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, and the predictions."""
        prediction: Tensor = self.model(x)
        each = self.loss(prediction, y)
        if not isinstance(each, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TraceError(
                f"the loss should give a Tensor, one number per example, not {reprlib.repr(each)}"
            )
        if each.shape != (y.shape[0],):
            raise ShapeError(
                f"the loss should give one number per example, shape ({y.shape[0]},), "
                f"not {each.shape}: the Trainer takes the mean itself"
            )
        return mean(each if weights is None else each * weights), prediction

    def penalty(self) -> Tensor | None:
        """λ/2 Σ w²; None where nothing is penalised."""
        cells = [cell for cell in self.model.states().values() if cell.penalised]
        if not self.l2 or not cells:
            return None
        total: Any = None
        for cell in cells:
            squares = sum(square(cell.value))
            total = squares if total is None else total + squares
        return (0.5 * self.l2) * total


@final
@dataclass(frozen=True)
class Taken:
    """A step that was taken.

    Args:
        outputs: objective, mean loss, penalty and predictions of the batch.
        gradients: of the objective, by each parameter that it depends on.
    """

    outputs: tuple[Tensor, Tensor, Tensor, Tensor]
    gradients: dict[State, Tensor]


@final
@dataclass(frozen=True)
class Step:
    """All that a training step is made of.

    Args:
        objective: what is made small.
        rule: how parameters move.
        slots: the rule's numbers for each parameter.
        counter: the number of steps taken, a uint32 cell.
        plateau: how far the rate was lowered, for a rule whose rate is a Plateau.
    """

    objective: Objective
    rule: Rule
    slots: SlotCells
    counter: State
    plateau: State | None = None

    @property
    def cells(self) -> list[State]:
        """All state that it reads and changes."""
        slots = [cell for each in self.slots.values() for cell in each.values()]
        plateau = [] if self.plateau is None else [self.plateau]
        return [*self.objective.model.states().values(), *slots, self.counter, *plateau]

    @property
    def averages(self) -> dict[State, State]:
        """Of each parameter the cell with its running average, if the rule keeps one."""
        return average_cells(self.slots)

    def rate(self, memory: Memory, epoch: int) -> float:
        """The learning rate of the step just taken."""
        rate = self.rule.rate
        if not isinstance(rate, Schedule):
            return float(rate)
        lowered = 1.0 if self.plateau is None else float(memory.read(self.plateau)[0])
        steps = int(memory.read(self.counter))
        time = (max(steps - 1, 0), epoch - 1, lowered)
        return float(self._rates(*(np.asarray(each, np.float64) for each in time)))

    @cached_property
    def _rates(self) -> Recorded:
        rate = self.rule.rate
        assert isinstance(rate, Schedule)
        return Recorded(lambda *time: rate.at(Time(*time)))

    def end_epoch(self, memory: Memory, watched: float) -> None:
        """Lower the rate of the next epoch, if it is a Plateau and nothing improves."""
        rate = self.rule.rate
        if self.plateau is not None and isinstance(rate, Plateau):
            memory.write(self.plateau, rate.after_epoch(memory.read(self.plateau), watched))

    def __call__(
        self, x: Any, y: Tensor, weights: Tensor | None, rows: Tensor, key: Tensor, epoch: Tensor
    ) -> Taken:
        """Take the step."""
        counter = self.counter.value
        time = time_of(counter.astype(np.float64), epoch.astype(np.float64), self.plateau)
        following = counter + np.asarray(1, uint32)
        # Draws of step 0 belong to the initial weights, which may have the same seed.
        with training(), random.stream(Stream(key, following)), enable_grad():
            scalars = cast_scalars(self.rule, list(self.slots), time)
            points = self._points(scalars)
            moved = scope(Bound(points)) if isinstance(self.rule, LooksAhead) else nullcontext()
            with moved:
                loss, prediction = self.objective.forward(*gathered(x, y, weights, rows))
                penalty = self.objective.penalty()
            total = loss if penalty is None else loss + penalty
            slopes = _gradients(total, points)
            advance(self.rule, self.slots, slopes, scalars, self.objective.model.states())
        self.counter.assign(following)
        shown = zeros_like(loss) if penalty is None else penalty
        return Taken((total, loss, shown, prediction), slopes)

    def _points(self, scalars: Callable[[State], Scalars]) -> dict[State, Tensor]:
        """Where the gradient is taken: at the parameters, for most rules."""
        if not isinstance(self.rule, LooksAhead):
            return {cell: cell.value for cell in self.slots}
        return {
            cell: self.rule.point(cell.value, slot_values(slots), scalars(cell))
            for cell, slots in self.slots.items()
        }


def gathered(
    x: Any, y: Tensor, weights: Tensor | None, rows: Tensor
) -> tuple[Any, Tensor, Tensor | None]:
    """The rows of a batch."""
    return (
        mapped(x, lambda table: take(table, rows, axis=0)),
        take(y, rows, axis=0),
        None if weights is None else take(weights, rows, axis=0),
    )


def _gradients(total: Tensor, points: dict[State, Tensor]) -> dict[State, Tensor]:
    """The gradient by each cell; a cell that the loss does not depend on is left out."""
    found = gradients(
        [total.node], [ones_like(total).node], [point.node for point in points.values()]
    )
    return {
        cell: Tensor(None, node)
        for cell, node in zip(points, found, strict=True)
        if node is not None
    }


def trace_step(
    step: Step,
    x: Tables,
    y: Array,
    weights: Array | None,
    batch: int,
    *,
    outputs: int = 4,
) -> Trace:
    """The graph of a step on batches of ``batch`` rows: takes (x, y, weights, rows, key, epoch).

    The first ``outputs`` of objective, mean loss, penalty and predictions come out of it.
    """
    return trace_batch(lambda *given: step(*given).outputs[:outputs], x, y, weights, batch)


def trace_batch(
    train: Callable[..., Sequence[Tensor]], x: Tables, y: Array, weights: Array | None, batch: int
) -> Trace:
    """The graph of what is done with a batch: takes (x, y, weights, rows, key, epoch).

    Args:
        train: of these, weights being None where there are none.
        x: tables such as it will get.
        y: targets.
        weights: of the rows.
        batch: rows in a batch.
    """
    given = [mapped(x, constant), constant(y), *([] if weights is None else [constant(weights)])]
    blank = Tensor(np.zeros((), uint32), None)
    rows = Tensor(np.zeros(batch, uint32), None)

    def unweighted(x: Any, y: Tensor, rows: Tensor, key: Tensor, epoch: Tensor) -> list[Tensor]:
        return list(train(x, y, None, rows, key, epoch))

    def weighted(
        x: Any, y: Tensor, weights: Tensor, rows: Tensor, key: Tensor, epoch: Tensor
    ) -> list[Tensor]:
        return list(train(x, y, weights, rows, key, epoch))

    return record(
        unweighted if weights is None else weighted, *given, rows, random.make_key(0), blank
    )


def step_roles(x: Tables, weights: Array | None) -> tuple[InputRole, ...]:
    """What the arguments of a traced step are."""
    tables: tuple[InputRole, ...] = ("table",) * (
        len(list(leaves_of(x))) + 1 + (0 if weights is None else 1)
    )
    return (*tables, "stepped", "whole", "whole")


def trace_layers(
    objective: Objective, values: Sequence[Any], y: Array, weights: Array | None
) -> tuple[Trace, list[tuple[Module, int]]]:
    """The forward pass in training mode whose outputs are those of every module, then the loss.

    Args:
        objective: what is computed.
        values: the batch's x, the random key and the step.
        y: the batch's targets.
        weights: the batch's weights.
    """
    modules: list[tuple[Module, int]] = []
    x, key, step = values
    tensors = [constant(y), *([] if weights is None else [constant(weights)])]

    def forward(x: Any, key: Tensor, step: Tensor, *rest: Tensor) -> list[Any]:
        with training(), random.stream(Stream(key, step)), watching() as calls:
            loss, _ = objective.forward(x, rest[0], rest[1] if len(rest) > 1 else None)
        results = [
            (layer, result)
            for layer, result in calls
            if isinstance(layer, Module) and isinstance(result, Tensor)
        ]
        modules.extend((module, position) for position, (module, _) in enumerate(results))
        return [*(result for _, result in results), loss]

    return record(forward, mapped(x, constant), constant(key), constant(step), *tensors), modules


def constant(array: Array) -> Tensor:
    """An array as a Tensor, without a copy: only its type is looked at."""
    return Tensor(array, None)
