"""A step with all that regularises training, its rule written in ops as PyTorch has it.

Batch normalisation, dropout, L2, clipping, and momentum on a cosine schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import final

import numpy as np

import steepest.init as init
from steepest.autodiff import gradients
from steepest.ir.types import Array, float64, uint32
from steepest.losses import CrossEntropy
from steepest.nn import BatchNorm, Dropout, Linear, Module, training
from steepest.nn.activations import relu
from steepest.ops.elementwise import sqrt, square, where
from steepest.ops.reduce import mean, sum
from steepest.optim.schedules import CosineAnnealing, Time
from steepest.tensor import random
from steepest.tensor.creation import ones_like
from steepest.tensor.modes import enable_grad
from steepest.tensor.random import Stream
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor
from steepest.train.step import constant, gathered
from steepest.transform.trace import Trace, record

_DROPPED = 0.3
_L2 = 1e-4
_LARGEST_NORM = 1.0
_MOMENTUM = 0.9
_SHARE = 0.1  # of a batch in the running statistics
_BATCHES = 10  # seen before, so that this is the share, as PyTorch's is from the first batch on
_RATE = CosineAnnealing(0.05, steps=10_000)


@final
class Block(Module):
    """Linear without bias, batch normalisation, ReLU, dropout.

    Args:
        inputs: features of x.
        outputs: units.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        self.linear = Linear(inputs, outputs, bias=False, initialise=init.he_normal)
        self.norm = BatchNorm(outputs, share=_SHARE)
        self.norm.batches.assign(np.asarray(_BATCHES, uint32))
        self.dropout = Dropout(_DROPPED)

    def forward(self, x: Tensor) -> Tensor:
        """One layer."""
        return self.dropout(relu(self.norm(self.linear(x))))


@final
class RegularNetwork(Module):
    """Blocks, and a linear layer at the end."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.blocks = tuple(Block(a, b) for a, b in pairwise(sizes[:-1]))
        self.last = Linear(sizes[-2], sizes[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the classes."""
        return self.last(reduce(lambda z, block: block(z), self.blocks, x))


@final
@dataclass(frozen=True)
class RegularStep:
    """One training step of such a network.

    v ← μ v + g; w ← w − η v, with g of the mean cross entropy and λ/2 Σ w², clipped.
    """

    model: RegularNetwork
    velocities: dict[State, State]
    counter: State

    @property
    def cells(self) -> list[State]:
        """All state that is read or changed."""
        return [*self.model.states().values(), *self.velocities.values(), self.counter]

    def __call__(
        self, x: Tensor, y: Tensor, rows: Tensor, key: Tensor, epoch: Tensor
    ) -> list[Tensor]:
        """Take the step; objective, mean loss and penalty."""
        following = self.counter.value + np.asarray(1, uint32)
        cells = list(self.velocities)
        time = Time(self.counter.value.astype(float64), epoch.astype(float64))
        rate = _RATE.at(time).astype(cells[0].dtype)
        with random.stream(Stream(key, following)), enable_grad(), training():
            inputs, labels, _ = gathered(x, y, None, rows)
            loss = mean(CrossEntropy()(self.model(inputs), labels))
            weights = [cell for cell in cells if cell.penalised]
            penalty = (0.5 * _L2) * _total([square(cell.value) for cell in weights])
            objective: Tensor = loss + penalty
            found = gradients(
                [objective.node],
                [ones_like(objective).node],
                [cell.value.node for cell in cells],
            )
        slopes = [Tensor(None, node) for node in found if node is not None]
        norm = sqrt(_total([square(slope) for slope in slopes]))
        factor = where(norm < _LARGEST_NORM, 1.0, _LARGEST_NORM / norm)
        for cell, slope in zip(cells, slopes, strict=True):
            velocity = _MOMENTUM * self.velocities[cell].value + factor * slope
            self.velocities[cell].assign(velocity)
            cell.assign(cell.value - rate * velocity)
        self.counter.assign(following)
        return [objective, loss, penalty]


def _total(parts: Sequence[Tensor]) -> Tensor:
    sums: list[Tensor] = [sum(part) for part in parts]
    return reduce(lambda a, b: a + b, sums)


def regular_step(sizes: Sequence[int]) -> RegularStep:
    """A network with its state before the first step."""
    with random.stream(0):
        model = RegularNetwork(sizes)
    velocities = {
        cell: State(np.zeros(cell.shape, cell.dtype), trainable=False, name=f"{name}/velocity")
        for name, cell in model.parameters().items()
    }
    return RegularStep(model, velocities, State(np.zeros((), uint32), trainable=False, name="step"))


def trace_regular(step: RegularStep, x: Array, y: Array, batch: int) -> Trace:
    """The graph of the step: takes (x, y, rows, key, epoch)."""
    blank = Tensor(np.zeros((), uint32), None)
    rows = Tensor(np.zeros(batch, uint32), None)
    return record(step, constant(x), constant(y), rows, random.make_key(0), blank)
