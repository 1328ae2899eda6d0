"""Predictions: the model in use, in blocks of a fixed number of rows."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from steepest.errors import TrainingError
from steepest.ir.types import Array
from steepest.nn import Module, evaluating
from steepest.schedule.plan import InputRole
from steepest.tensor.tensor import Tensor
from steepest.train.arrays import Tables, leaves_of, mapped, rows_of, tables
from steepest.transform.executable import Backend, Task, executable
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace, record

BLOCK = 256


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
        n = rows_of(x)
        whole = n // BLOCK
        leaves = list(leaves_of(x))
        outputs: list[Array] = []
        if whole:
            blocks = [_blocks(table[: whole * BLOCK]) for table in leaves]
            outputs += self._program.run(whole, blocks).outputs
        if n > whole * BLOCK or not n:
            rest = [_filled(table[whole * BLOCK :])[None] for table in leaves]
            outputs += self._program.run(1, rest).outputs
        flat = [each.reshape(-1, *each.shape[2:]) for each in outputs]
        return np.concatenate(flat)[:n]


def trace_prediction(model: Module, like: Tables) -> Trace:
    """The model in use, on a block of rows.

    Errors:
        TrainingError: it gives no array with a row for each row.
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
    return trace


def _blocks(table: Array) -> Array:
    return table.reshape(-1, BLOCK, *table.shape[1:])


def _filled(rows: Array) -> Array:
    """Up to a block, with copies of the first row."""
    filling = np.repeat(rows[:1], BLOCK - len(rows), axis=0)
    return np.concatenate([rows, filling])


def predict(model: Module, x: Any, *, backend: Backend = "native") -> Array:
    """The model's raw outputs for each row of ``x``: scores, logits, values.

    Args:
        model: in evaluation mode, whatever the mode around.
        x: as in :meth:`steepest.Trainer.fit`.
        backend: ``native`` or ``reference``, as the Trainer's.

    Returns:
        Array (n, …) of the model's element type.

    >>> import steepest as st
    >>> st.predict(st.nn.MLP(3, [4], 2), np.zeros((10, 3))).shape
    (10, 2)
    """
    checked = tables(x, model.dtype)
    return Predictor(model, checked, Memory(model.states().values()), backend)(checked)
