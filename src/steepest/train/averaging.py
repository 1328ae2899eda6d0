"""How the predictions of several models are averaged: as the loss says what outputs mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steepest.ir.types import Array
from steepest.losses import BinaryLogistic, Loss, LossFunction
from steepest.nn import (
    mean_of_exponentials,
    mean_of_outputs,
    mean_of_sigmoids,
    mean_of_softmaxes,
)
from steepest.nn.ensemble import Mean


def mean_for(loss: LossFunction) -> Mean:
    """How outputs of networks trained with this loss become one output."""
    head = loss.head if isinstance(loss, Loss) else "value"
    if head == "labels" or isinstance(loss, BinaryLogistic):
        return mean_of_sigmoids
    if head == "probabilities":
        return mean_of_softmaxes
    return mean_of_exponentials if head == "log" else mean_of_outputs


def meaning(loss: LossFunction, outputs: Array) -> Array:
    """What outputs stand for, in float64: probabilities, values, or the outputs themselves."""
    averaged = mean_for(loss)
    if averaged is mean_of_softmaxes:
        return softmax(outputs)
    if averaged is mean_of_sigmoids:
        return sigmoid(outputs)
    outputs = outputs.astype(np.float64)
    return np.exp(outputs) if averaged is mean_of_exponentials else outputs


def softmax(scores: Array) -> NDArray[np.float64]:
    """Scores (n, k) as probabilities e^z_k / Σⱼ e^z_j, in float64."""
    shifted = scores.astype(np.float64)
    exponentials = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(scores: Array) -> NDArray[np.float64]:
    """Scores as probabilities 1 / (1 + e^−z), in float64."""
    return np.exp(-np.logaddexp(0.0, -scores.astype(np.float64)))


def mean_and_deviation_of_models(
    loss: LossFunction, outputs: Sequence[Array]
) -> tuple[Array, Array]:
    """Mean and standard deviation (divided by their number) over several models, in float64.

    Args:
        loss: what they were trained with.
        outputs: (n, …) of each.
    """
    meant = [meaning(loss, each) for each in outputs]
    return np.mean(meant, axis=0), np.std(meant, axis=0)
