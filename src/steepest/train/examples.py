"""Data checked and cast for one model and one loss."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from steepest.errors import DataError
from steepest.ir.types import Array, is_floating
from steepest.losses import Loss, LossFunction
from steepest.nn import Module
from steepest.train.arrays import (
    Tables,
    array_of,
    check_finite,
    checked_weights,
    in_dtype,
    normalised_weights,
    rows_of,
    tables,
)
from steepest.train.predict import trace_prediction
from steepest.train.rows import Examples


@final
class Checked:
    """Turns what a user hands in into examples for one model and one loss.

    Args:
        model: gives the element type, and the shape of a prediction.
        loss: says what targets should be.
    """

    def __init__(self, model: Module, loss: LossFunction) -> None:
        self._model = model
        self._loss = loss
        self._output_shape: tuple[int, ...] | None = None

    def whole(self, x: Any, y: Any, weights: Any, x_name: str = "x", y_name: str = "y") -> Examples:
        """All rows there are; their weights get mean 1.

        Raises:
            DataError, DTypeError, ShapeError: data that does not fit; names row and column.
        """
        inputs, target = self._pair(x, y, x_name, y_name)
        dtype = self._model.dtype
        checked = None if weights is None else normalised_weights(weights, len(target), dtype)
        return Examples(inputs, target, checked)

    def part(self, x: Any, y: Any, weights: Any) -> Examples:
        """Some rows of many, whose weights are taken as they are.

        Raises:
            DataError, DTypeError, ShapeError: data that does not fit; names row and column.
        """
        inputs, target = self._pair(x, y, "x", "y")
        dtype = self._model.dtype
        checked = None if weights is None else checked_weights(weights, len(target)).astype(dtype)
        return Examples(inputs, target, checked)

    def _pair(self, x: Any, y: Any, x_name: str, y_name: str) -> tuple[Tables, Array]:
        dtype = self._model.dtype
        inputs = tables(x, dtype, x_name)
        target = array_of(y, y_name)
        if len(target) != rows_of(inputs):
            raise DataError(
                f"{x_name} has {rows_of(inputs):,} rows and {y_name} {len(target):,}: there should "
                "be one target for each row"
            )
        check_finite(target, y_name)
        cast = in_dtype(target, dtype, y_name) if is_floating(target.dtype) else target
        if isinstance(self._loss, Loss):
            target = self._loss.prepare(target, self._shape_of_outputs(inputs), dtype)
        else:
            target = cast
        return inputs, np.ascontiguousarray(target)

    def _shape_of_outputs(self, inputs: Tables) -> tuple[int, ...]:
        """The shape of one prediction."""
        if self._output_shape is None:
            outputs = trace_prediction(self._model, inputs).graph.outputs
            self._output_shape = outputs[0].shape[1:]
        return self._output_shape
