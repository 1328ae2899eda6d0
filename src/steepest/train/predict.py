"""Predictions: the model in use, in blocks of a fixed number of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest.errors import TrainingError
from steepest.ir.types import Array
from steepest.nn import Module, evaluating
from steepest.tensor.tensor import Tensor
from steepest.train.arrays import Tables, leaves_of, mapped, rows_of, tables
from steepest.train.executable import Executable, Memory
from steepest.transform.trace import record

BLOCK = 256


def predictor(model: Module, like: Tables, memory: Memory) -> Callable[[Tables], Array]:
    """A function from tables such as ``like`` to the model's outputs, in evaluation mode.

    Rows go through in blocks of 256, the last one filled up and the filling dropped: a row's
    prediction does not depend on the rows beside it.
    """
    block = mapped(
        like, lambda table: Tensor(np.zeros((BLOCK, *table.shape[1:]), table.dtype), None)
    )

    def forward(x: Any) -> Tensor:
        with evaluating():
            return model(x)

    trace = record(forward, block)
    if len(trace.graph.outputs) != 1 or trace.graph.outputs[0].shape[:1] != (BLOCK,):
        raise TrainingError("the model should give one array whose first axis is the batch")
    run = Executable(trace, memory)

    def predict(x: Tables) -> Array:
        n = rows_of(x)
        outputs: list[Array] = []
        for start in range(0, n, BLOCK):
            (output,) = run(*(_block(table, start) for table in leaves_of(x)))
            outputs.append(output[: n - start])
        return np.concatenate(outputs)

    return predict


def _block(table: Array, start: int) -> Array:
    rows = table[start : start + BLOCK]
    if len(rows) == BLOCK:
        return rows
    filling = np.repeat(rows[:1], BLOCK - len(rows), axis=0)
    return np.concatenate([rows, filling])


def predict(model: Module, x: Any) -> Array:
    """The model's raw outputs for each row of ``x``: scores, logits, values.

    Args:
        model: in evaluation mode, whatever the mode around.
        x: as in :meth:`steepest.Trainer.fit`.

    Returns:
        Array (n, …) of the model's element type.

    >>> import steepest as st
    >>> st.predict(st.nn.MLP(3, [4], 2), np.zeros((10, 3))).shape
    (10, 2)
    """
    checked = tables(x, model.dtype)
    return predictor(model, checked, Memory(model.states().values()))(checked)
