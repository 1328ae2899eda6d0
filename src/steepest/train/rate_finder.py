"""The learning-rate range test: which rates make the loss smaller, found in a hundred steps."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast, final

import numpy as np

from steepest.errors import ConfigurationError, TrainingError
from steepest.ir.types import Array
from steepest.methods import implements
from steepest.ops.elementwise import exp
from steepest.optim import AveragedParameters, Driver, Rule
from steepest.optim.schedules import Schedule, Time
from steepest.tensor.tensor import Tensor
from steepest.train.arrays import mapped, rows_of, tables
from steepest.train.batches import Batches
from steepest.train.callbacks import Snapshot, Stop
from steepest.train.samplers import DisjointBatches, Draw, Sampler
from steepest.train.trainer import Trainer

SAFETY = 3.0  # how many times below the rate that gained most
FAR = 10.0  # how many times below the rate at which the loss was lost
_MOST = 0.9  # of all that the loss fell
_WATCHED_ROWS = 1024
_DIVERGED = 4.0  # times the loss at the start, beyond which nothing is to be learnt
_SHARE = 0.3  # of a new value in the smoothed loss
_LEAST_GAIN = 0.01  # of the loss at the start, without which no rate is proposed


@final
@dataclass(frozen=True)
class RateRange:
    """What :func:`find_learning_rate` saw.

    Args:
        rates: η of each step, rising; float64 (steps,).
        losses: the loss of the watched rows after each step, without dropout.
        smoothed: the same as a running average.
        gained: the first rate at which the smoothed loss had fallen by 90 % of all that it fell.
        proposal: the learning rate to train with.
    """

    rates: Array
    losses: Array
    smoothed: Array
    gained: float
    proposal: float


@implements("S10", option="--learning-rate auto")
def find_learning_rate(
    trainer: Trainer,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    sample_weight: Any = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
) -> RateRange:
    """Train a copy for some steps at rates that rise: η_t = low (high / low)^(t / (steps − 1)).

    After each step the loss of the same rows (the first 1,024 at most) is noted, in evaluation
    mode, so that the curve shows the rate and not the batch; a small table is passed several times.
    It ends early where the loss is four times that at the start, or not finite. Proposed is a third
    of the first rate at which the smoothed loss l̄ ← 0.7 l̄ + 0.3 l had fallen by 90 % of all that it
    fell, but no more than a tenth of the rate at which it was lost: past that there is little to
    gain, and divergence is near. The trainer and its model
    stay as they are, to the last bit. Differs from Smith, who reads the curve by eye and runs for
    epochs, and from fastai, which smooths the losses of the batches themselves.

    Args:
        trainer: whose model, loss, optimiser (its rate is replaced), penalty and seed are taken.
        x: as in :meth:`Trainer.fit`.
        y: as in :meth:`Trainer.fit`.
        batch_size: rows per step, as in the training to come; None for all.
        sample_weight: as in :meth:`Trainer.fit`.
        low: the first rate.
        high: the last rate.
        steps: how many.

    Returns:
        A :class:`RateRange`; ``st.report.plot_rate_range`` draws it.

    Raises:
        ConfigurationError: an optimiser without a rate, rates that do not rise.
        TrainingError: no rate made the loss smaller.

    Source: Smith: "Cyclical learning rates for training neural networks" (2017).

    >>> import steepest as st
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> with st.random.stream(0):
    ...     trainer = st.Trainer(st.nn.Linear(3, 1), "half_squared_error", "sgd")
    >>> found = st.find_learning_rate(trainer, x, x @ [1.0, 2.0, 3.0], batch_size=32)
    >>> 0.01 < found.proposal < 1.0
    True
    """
    _check(low, high, steps)
    sweep = Sweep(float(low), float(high), steps)
    probe = Trainer(
        copy.deepcopy(trainer.model),
        trainer.loss,
        with_rate(trainer.optimizer, sweep),
        l2=trainer.l2,
        seed=trainer.seed,
        member=trainer.member,
        backend=trainer.backend,
    )
    inputs = tables(x, trainer.model.dtype)
    watched = min(rows_of(inputs), _WATCHED_ROWS)
    held: tuple[Any, ...] = (mapped(inputs, lambda table: table[:watched]), np.asarray(y)[:watched])
    if sample_weight is not None:
        held = (*held, np.asarray(sample_weight)[:watched])
    losses = _losses(probe, (inputs, y, sample_weight), held, batch_size, steps)
    return _judged(sweep.curve(steps), losses)


def _losses(
    probe: Trainer, data: tuple[Any, Any, Any], held: tuple[Any, ...], size: int | None, steps: int
) -> Array:
    """The loss of the watched rows after each step, until it is lost."""
    x, y, weights = data
    losses: list[float] = []

    def note(now: Snapshot) -> Stop | None:
        losses.append(now.metrics["validation_loss"])
        limit = _DIVERGED * abs(losses[0])
        return None if losses[-1] <= limit else Stop("it diverges")

    probe.fit(
        x, y, epochs=steps, batch_size=size, sampler=OneBatch(), sample_weight=weights,
        validation_data=held, callbacks=[note],
    )  # fmt: skip
    return np.array(losses)


def _judged(rates: Array, losses: Array) -> RateRange:
    first = average = float(losses[0])  # the first rate changes next to nothing
    smoothed = np.empty(len(losses))
    for position, loss in enumerate(losses):
        average = (1.0 - _SHARE) * average + _SHARE * loss
        smoothed[position] = average
    finite = np.where(np.isfinite(smoothed), smoothed, np.inf)
    gain = first - float(np.min(finite))
    if not gain > _LEAST_GAIN * abs(first):
        raise TrainingError(
            f"no learning rate from {rates[0]:g} to {rates[len(losses) - 1]:g} made the loss, "
            f"{first:.4g}, smaller by more than {_LEAST_GAIN:.0%}: give one yourself, and look at "
            "the scale of the columns"
        )
    gained = float(rates[int(np.argmax(finite <= first - _MOST * gain))])
    proposal = gained / SAFETY
    if len(losses) < len(rates):
        proposal = min(proposal, float(rates[len(losses) - 1]) / FAR)
    return RateRange(rates[: len(losses)], losses, smoothed, gained, proposal)


@final
@dataclass(frozen=True)
class Sweep(Schedule):
    """A rate that rises by the same factor at each step: η_t = low (high / low)^(t / (T − 1))."""

    low: float
    high: float
    steps: int

    def at(self, time: Time) -> Tensor:
        """The rate at a time."""
        return self.low * exp(time.step * (math.log(self.high / self.low) / (self.steps - 1)))


@final
@dataclass(frozen=True)
class OneBatch(Sampler):
    """An epoch of a single step, so that there is a look at the loss after each.

    The batches are those of the disjoint order, one after the other.
    """

    def extents(self, batches: Batches) -> tuple[int, ...]:
        """The first batch's; a smaller last one is left out."""
        return (batches.extents[0],)

    def rows(self, batches: Batches, draw: Draw) -> Array:
        """The next batch."""
        size = batches.extents[0]
        epoch, batch = divmod(draw.epoch, max(1, batches.rows // size))
        order = DisjointBatches().rows(batches, replace(draw, epoch=epoch))
        return order[batch * size : (batch + 1) * size]


def with_rate(optimizer: Rule | Driver, rate: Schedule) -> Rule:
    """The same rule, and the same rules around it, with another learning rate.

    >>> import steepest as st
    >>> with_rate(st.optim.WeightDecay(st.optim.SGD(0.1), 0.5), Sweep(0.1, 1.0, 10))
    WeightDecay(rule=SGD(learning_rate=Sweep(low=0.1, high=1.0, steps=10)), weight_decay=0.5)

    Raises:
        ConfigurationError: it has no rate that could be replaced.
    """
    if isinstance(optimizer, AveragedParameters):  # the average lags behind what the rate does
        return with_rate(optimizer.rule, rate)
    names = {field.name for field in fields(optimizer)} if is_dataclass(optimizer) else set[str]()
    changeable = cast("Any", optimizer)
    if "learning_rate" in names:
        return replace(changeable, learning_rate=rate)
    if "rule" in names:
        return replace(changeable, rule=with_rate(changeable.rule, rate))
    raise ConfigurationError(
        f"{type(optimizer).__name__} has no learning rate to be found"
        + (": it searches along its direction by itself" if isinstance(optimizer, Driver) else "")
    )


def _check(low: Any, high: Any, steps: Any) -> None:
    if not 0 < low < high < math.inf:
        raise ConfigurationError(
            f"find_learning_rate: rates rise from low to high, above 0, and not from {low!r} to "
            f"{high!r}"
        )
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 10:
        raise ConfigurationError(
            f"find_learning_rate: steps is a whole number from 10 on, not {steps!r}"
        )
