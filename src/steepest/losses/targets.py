"""Shapes of predictions and targets, and targets that a loss is not made for."""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.errors import DataError, DTypeError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import Array, DType, Shape, is_floating, uint32
from steepest.losses.loss import Given
from steepest.ops.movement import reshape
from steepest.tensor.creation import asarray
from steepest.tensor.tensor import Tensor


def one_each(prediction: Given, target: Given, name: str) -> tuple[Tensor, Tensor]:
    """Both as (batch,): never (batch, 1) against (batch,), which would broadcast to a square."""
    prediction, target = asarray(prediction), asarray(target)
    f, y = (
        reshape(each, each.shape[:1]) if each.ndim == 2 and each.shape[1] == 1 else each
        for each in (prediction, target)
    )
    if f.ndim != 1 or f.shape != y.shape:
        error = ShapeError("prediction and target are one number per example, (batch,)")
        raise explain(error, name, (prediction, target))
    return f, y


def alike(prediction: Given, target: Given, name: str) -> tuple[Tensor, Tensor]:
    """Both as (batch,), or with equal further axes."""
    prediction, target = asarray(prediction), asarray(target)
    if prediction.size == prediction.shape[0]:
        return one_each(prediction, target, name)
    if prediction.shape != target.shape:
        error = ShapeError("prediction and target should have equal shapes")
        raise explain(error, name, (prediction, target))
    return prediction, target


def scores_and_labels(prediction: Given, target: Given, name: str) -> tuple[Tensor, Tensor]:
    """Scores (batch, classes) and labels (batch,)."""
    prediction, target = asarray(prediction), asarray(target)
    if prediction.ndim != 2 or target.shape != prediction.shape[:1]:
        error = ShapeError("prediction is (batch, classes) and target (batch,)")
        raise explain(error, name, (prediction, target))
    if not target.is_traced:
        check_labels(target.data, prediction.shape[-1], name)
    return prediction, target


# ------------------------------------------------------------------------------------ preparation


def check_shape(target: Array, outputs: Shape) -> None:
    """As many numbers per example as the model gives; a single one may be a column."""
    one = target.ndim == 1 and outputs in ((), (1,))
    if target.shape[1:] != outputs and not one and not (target.shape[1:] == (1,) and not outputs):
        raise ShapeError(
            f"y holds {target.shape[1:]} numbers per example, the model gives {outputs}"
        )


def numbers(target: Array, outputs: Shape, dtype: DType) -> Array:
    """Numbers, cast to the model's element type."""
    refuse_text(target)
    check_shape(target, outputs)
    return target.astype(dtype)


def signs(target: Array, outputs: Shape, dtype: DType, name: str) -> Array:
    """Two values, {−1, 1} or {0, 1}; not mapped yet."""
    target = target.astype(dtype) if target.dtype.kind == "b" else target
    refuse_text(target)
    found = np.unique(target)
    if not (np.isin(found, (0, 1)).all() or np.isin(found, (-1, 1)).all()):
        raise DataError(
            f"{name} is for two classes written as 0 and 1, or −1 and 1; y holds "
            f"{_some(found)}; for more classes use CrossEntropy, for numbers HalfSquaredError"
        )
    check_shape(target, outputs)
    return target.astype(dtype)


def labels(target: Array, outputs: Shape, name: str) -> Array:
    """Labels, integers from 0 to K − 1."""
    if len(outputs) != 1:
        raise ShapeError(
            f"{name} needs a prediction of shape (batch, classes); one example's is {outputs}"
        )
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.ndim != 1:
        raise ShapeError(f"labels are one number per example; y has shape {target.shape}")
    check_labels(target, outputs[0], name)
    return target.astype(uint32)


def refuse_text(target: Array) -> None:
    """Numbers or booleans only."""
    if target.dtype.kind not in "biuf":
        raise DTypeError(f"y holds {target.dtype}, which are no numbers; encode it first")


def check_labels(target: Array, classes: int, name: str) -> None:
    """Integers from 0 to K − 1."""
    if target.dtype.kind not in "biu":
        hint = "; use y.astype(int)" if is_floating(target.dtype) else ""
        raise DTypeError(
            f"{name}: labels are integers from 0 to {classes - 1}, not {target.dtype}{hint}"
        )
    outside: Any = np.flatnonzero((target < 0) | (target >= classes))
    if outside.size:
        row = int(outside[0])
        raise DataError(
            f"{name}: the label {target[row]} of example {row} is outside of 0 … "
            f"{classes - 1}, the model's {classes} outputs"
        )


def _some(values: Array) -> str:
    shown = ", ".join(str(value) for value in values[:4])
    return f"{shown}, …" if values.size > 4 else shown
