"""What a call of ``fit`` was asked to do: data, batches, and what watches over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, final

import numpy as np

from steepest.ir.types import Array
from steepest.tensor.state import State
from steepest.train.arrays import Tables
from steepest.train.averages import Averages
from steepest.train.batches import Batches
from steepest.train.callbacks import Callback
from steepest.train.early_stopping import Watch
from steepest.train.history import Row
from steepest.train.metrics import Metric
from steepest.train.recorded import Recorded
from steepest.train.rows import Block, Examples, RowSource
from steepest.train.samplers import Draw, Sampler
from steepest.train.step import Objective
from steepest.train.watching import Watching
from steepest.transform.executable import Backend
from steepest.transform.memory import Memory


@final
@dataclass(frozen=True)
class Validation:
    """How the model does on rows it is not trained on; ``compiling`` is seconds.

    ``loss`` takes predictions and targets, as arrays, to the losses of the rows.
    """

    examples: Examples
    predict: Callable[[Tables], Array]
    loss: Recorded
    metrics: Mapping[str, Metric]
    compiling: float

    def row(self) -> Row:
        """Validation loss and metrics now, without dropout."""
        data = self.examples
        prediction = self.predict(data.x)
        losses = self.loss(prediction, data.y).astype(np.float64)
        mean = np.mean(losses if data.weights is None else losses * data.weights)
        row: Row = {"validation_loss": float(mean)}
        for name, metric in self.metrics.items():
            row[f"validation_{name}"] = float(metric(prediction, data.y))
        return row


class Trained(Protocol):
    """What trains, as far as a plan and its record care: a rule's step, or a driver."""

    @property
    def objective(self) -> Objective:
        """What is made small."""
        ...

    @property
    def counter(self) -> State:
        """The cell with the number of steps taken."""
        ...

    @property
    def cells(self) -> list[State]:
        """All state that is read and changed."""
        ...

    @property
    def averages(self) -> dict[State, State]:
        """Of each parameter the cell with its running average, if one is kept."""
        ...

    def rate(self, memory: Memory, epoch: int) -> float:
        """The learning rate of the step just taken."""
        ...

    def end_epoch(self, memory: Memory, watched: float) -> None:
        """Take note of what is watched at the end of an epoch, small being good."""
        ...


S = TypeVar("S", bound=Trained, covariant=True)


@final
@dataclass(frozen=True)
class Plan(Generic[S]):
    """What a call of ``fit`` was asked to do."""

    step: S
    source: RowSource
    batches: Batches
    sampler: Sampler
    seed: int
    member: int
    first_epoch: int
    last_epoch: int
    validation: Validation | None
    metrics: Mapping[str, Metric]
    callbacks: Sequence[Callback]
    watch: Watch
    restores_best: bool
    time_limit: float | None
    backend: Backend
    watching: Watching
    averages: Averages

    @property
    def extents(self) -> tuple[int, ...]:
        """The number of rows of each step of an epoch."""
        return self.sampler.extents(self.batches)

    @property
    def examples(self) -> Examples:
        """The arrays that programs are made for."""
        return self.source.like

    def draws(self, epoch: int) -> Iterator[Draw]:
        """Those of all epochs from this one on."""
        return (self._draw(each) for each in range(epoch, self.last_epoch + 1))

    def order(self, epoch: int, block: Block) -> Array:
        """The rows of a block's steps, one step after the other."""
        batches = Batches(block.rows, self.batches.size)
        return self.sampler.rows(batches, self._draw(epoch, block.number))

    def _draw(self, epoch: int, block: int = 0) -> Draw:
        return Draw(self.seed, self.member, epoch - 1, block)
