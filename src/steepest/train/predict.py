"""Predictions: the model in use, in blocks of a fixed number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, final, overload

import numpy as np

from steepest.errors import ConfigurationError, ShapeError, TrainingError
from steepest.ir.types import Array, uint32
from steepest.methods import implements
from steepest.nn import Module, evaluating, sampling
from steepest.schedule.plan import InputRole
from steepest.tensor import random
from steepest.tensor.random import Stream, make_key
from steepest.tensor.tensor import Tensor
from steepest.train.arrays import Tables, leaves_of, mapped, rows_of, tables
from steepest.transform.executable import Backend, Task, executable
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace, record

BLOCK = 256
SAMPLES = 100


@final
class Predictor:
    """From tables to the model's outputs, in evaluation mode, on the values in a memory.

    Rows go through in blocks of 256, the last one filled up and the filling dropped: a row's
    prediction does not depend on the rows beside it.

    Args:
        model: what predicts.
        like: tables such as it will get.
        memory: holds the values of the model's cells.
        backend: ``native`` or ``reference``.
    """

    def __init__(
        self, model: Module, like: Tables, memory: Memory, backend: Backend = "native"
    ) -> None:
        trace = trace_prediction(model, like)
        roles: tuple[InputRole, ...] = ("stepped",) * len(list(leaves_of(like)))
        self.memory = memory
        self._program = executable(Task(trace, roles, memory), backend)

    def __call__(self, x: Tables) -> Array:
        """The outputs for each row."""
        outputs = [self._program.run(n, blocks).outputs[0] for n, blocks in in_blocks(x)]
        return _rows(outputs, rows_of(x))


@final
class SampledPredictor:
    """From tables to draws of the model's outputs: masks as in training, all else as in use.

    Draw s of row i is a function of the seed, s and i: neither of how many draws are asked for, nor
    of the rows beside it.

    Args:
        model: what predicts.
        like: tables such as it will get.
        memory: holds the values of the model's cells.
        backend: ``native`` or ``reference``.

    Raises:
        ConfigurationError: nothing in the model is random, so that all draws would be equal.
    """

    def __init__(
        self, model: Module, like: Tables, memory: Memory, backend: Backend = "native"
    ) -> None:
        streams: list[Stream] = []

        def forward(x: Any, key: Tensor, step: Tensor) -> Tensor:
            streams.append(Stream(key, step))
            with sampling(), random.stream(streams[-1]):
                return model(x)

        blank = Tensor(np.zeros((), uint32), None)
        trace = record(forward, _block_of(like), make_key(0), blank)
        _check_rows(trace)
        if not streams[-1].has_drawn:
            raise ConfigurationError(
                "the model draws nothing at random, so all samples would be equal: Monte-Carlo "
                "dropout is for a model trained with dropout above 0"
            )
        roles: tuple[InputRole, ...] = ("stepped",) * (len(list(leaves_of(like))) + 1)
        self.memory = memory
        self._program = executable(Task(trace, (*roles, "whole"), memory), backend)

    def __call__(self, x: Tables, samples: int, seed: int) -> Iterator[Array]:
        """The outputs for each row, again and again."""
        runs = list(in_blocks(x))
        firsts = np.cumsum([0, *(n for n, _ in runs)])
        for sample in range(samples):
            # Steps from the end: those of training, which may have the same seed, are from 0.
            step = np.asarray(2**32 - 1 - sample, uint32)
            outputs: list[Array] = []
            for first, (n, blocks) in zip(firsts, runs, strict=False):
                keys = np.empty((n, 2), uint32)
                keys[:, 0], keys[:, 1] = seed, np.arange(first, first + n)
                run = self._program.run(n, [*blocks, keys, step])
                outputs.append(run.outputs[0])
            yield _rows(outputs, rows_of(x))


def trace_prediction(model: Module, like: Tables) -> Trace:
    """The model in use, on a block of rows.

    Raises:
        TrainingError: it gives no array with a row for each row.
    """

    def forward(x: Any) -> Tensor:
        with evaluating():
            return model(mapped(x, lambda table: table))  # which names what is not there

    try:
        trace = record(forward, _block_of(like))
    except ShapeError:
        record(forward, mapped(like, lambda table: Tensor(table, None)))  # says how many rows
        raise
    _check_rows(trace)
    return trace


def _block_of(like: Tables) -> Any:
    return mapped(
        like, lambda table: Tensor(np.zeros((BLOCK, *table.shape[1:]), table.dtype), None)
    )


def _check_rows(trace: Trace) -> None:
    if len(trace.graph.outputs) != 1 or trace.graph.outputs[0].shape[:1] != (BLOCK,):
        raise TrainingError("the model should give one array whose first axis is the batch")


def in_blocks(x: Tables) -> Iterator[tuple[int, list[Array]]]:
    """Whole blocks, then the last one filled up: how many, and the tables with a leading axis."""
    n = rows_of(x)
    whole = n // BLOCK
    leaves = list(leaves_of(x))
    if whole:
        yield whole, [_blocks(table[: whole * BLOCK]) for table in leaves]
    if n > whole * BLOCK or not n:
        yield 1, [_filled(table[whole * BLOCK :])[None] for table in leaves]


def _rows(outputs: list[Array], n: int) -> Array:
    """The outputs of runs of blocks, row by row, without the filling."""
    return np.concatenate([each.reshape(-1, *each.shape[2:]) for each in outputs])[:n]


def _blocks(table: Array) -> Array:
    return table.reshape(-1, BLOCK, *table.shape[1:])


def _filled(rows: Array) -> Array:
    """Up to a block, with copies of the first row; of no rows, with zeros."""
    first = rows[:1] if len(rows) else np.zeros((1, *rows.shape[1:]), rows.dtype)
    filling = np.repeat(first, BLOCK - len(rows), axis=0)
    return np.concatenate([rows, filling])


@overload
def predict(
    model: Module,
    x: Any,
    *,
    return_std: Literal[False] = False,
    samples: int = SAMPLES,
    seed: int = 0,
    backend: Backend = "native",
) -> Array: ...
@overload
def predict(
    model: Module,
    x: Any,
    *,
    return_std: Literal[True],
    samples: int = SAMPLES,
    seed: int = 0,
    backend: Backend = "native",
) -> tuple[Array, Array]: ...
@overload
def predict(
    model: Module,
    x: Any,
    *,
    return_std: bool,
    samples: int = SAMPLES,
    seed: int = 0,
    backend: Backend = "native",
) -> Array | tuple[Array, Array]: ...
def predict(
    model: Module,
    x: Any,
    *,
    return_std: bool = False,
    samples: int = SAMPLES,
    seed: int = 0,
    backend: Backend = "native",
) -> Array | tuple[Array, Array]:
    """The model's raw outputs for each row of ``x``: scores, logits, values.

    Args:
        model: in evaluation mode, whatever the mode around.
        x: as in :meth:`steepest.Trainer.fit`.
        return_std: give the mean and the standard deviation of draws with dropout instead, as
            :func:`sample_predictions` makes them.
        samples: how many draws.
        seed: of the draws.
        backend: ``native`` or ``reference``, as the Trainer's.

    Returns:
        Array (n, …) of the model's element type; or two, mean and standard deviation.

    Raises:
        ConfigurationError: ``return_std`` of a model without dropout.

    >>> import steepest as st
    >>> st.predict(st.nn.MLP(3, [4], 2), np.zeros((10, 3))).shape
    (10, 2)
    >>> mean, deviation = st.predict(
    ...     st.nn.MLP(3, [4], 2, dropout=0.5), np.ones((10, 3)), return_std=True
    ... )
    >>> mean.shape, deviation.shape
    ((10, 2), (10, 2))
    """
    checked = tables(x, model.dtype)
    memory = Memory(model.states().values())
    if not return_std:
        return Predictor(model, checked, memory, backend)(checked)
    check_samples(samples)
    draw = SampledPredictor(model, checked, memory, backend)
    return mean_and_deviation_of_draws(draw(checked, samples, make_seed(seed)), model.dtype)


@implements("N5", option="--dropout-samples N")
def sample_predictions(
    model: Module, x: Any, *, samples: int = SAMPLES, seed: int = 0, backend: Backend = "native"
) -> Array:
    """Monte-Carlo dropout: predictions with dropout left on, f(x; mₛ) for fresh masks mₛ.

    Their mean (1/S) Σ f(x; mₛ) is the network averaged over its masks, which one pass without
    masks approximates; their deviation says how far the thinned networks agree, which is some of a
    prediction's uncertainty and not all: noise of the targets, for one, is not in it. BatchNorm
    keeps to its running statistics.

    Args:
        model: with Dropout, VanillaDropout or other random layers.
        x: as in :meth:`steepest.Trainer.fit`.
        samples: S.
        seed: draw s of row i depends on it, s and i alone.
        backend: ``native`` or ``reference``, as the Trainer's.

    Returns:
        Array (samples, n, …) of the model's element type.

    Source: Gal, Ghahramani 2016; L2.

    Raises:
        ConfigurationError: a model without dropout, fewer than two samples.

    >>> import steepest as st
    >>> model = st.nn.MLP(3, [4], 2, dropout=0.5)
    >>> st.sample_predictions(model, np.ones((10, 3)), samples=20).shape
    (20, 10, 2)
    """
    check_samples(samples)
    checked = tables(x, model.dtype)
    draw = SampledPredictor(model, checked, Memory(model.states().values()), backend)
    return np.stack(list(draw(checked, samples, make_seed(seed))))


def mean_and_deviation_of_draws(draws: Iterator[Array], dtype: Any) -> tuple[Array, Array]:
    """Mean and standard deviation (divided by N) of arrays that come one by one, in float64.

    Source: Welford 1962.
    """
    mean, squares, count = np.zeros(()), np.zeros(()), 0
    for draw in draws:
        count += 1
        apart = draw.astype(np.float64) - mean
        mean = mean + apart / count
        squares = squares + apart * (draw - mean)
    return mean.astype(dtype), np.sqrt(squares / count).astype(dtype)


def check_samples(samples: object) -> None:
    """A spread needs two draws."""
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2:
        raise ConfigurationError(
            f"samples is a whole number from 2 on (100, say), not {samples!r}: a spread needs two"
        )


def make_seed(seed: int) -> int:
    """A seed that a stream can have.

    Raises:
        ConfigurationError: outside of 0 … 2³² − 1.
    """
    return int(make_key(seed).data[0])
