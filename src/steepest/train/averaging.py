"""How the predictions of several models are averaged: as the loss says what outputs mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
    if isinstance(loss, BinaryLogistic):
        return mean_of_sigmoids
    head = loss.head if isinstance(loss, Loss) else "value"
    if head == "probabilities":
        return mean_of_softmaxes
    return mean_of_exponentials if head == "log" else mean_of_outputs


def meaning(loss: LossFunction, outputs: Array) -> Array:
    """What outputs stand for, in float64: probabilities, values, or the outputs themselves."""
    outputs = outputs.astype(np.float64)
    averaged = mean_for(loss)
    if averaged is mean_of_softmaxes:
        exponentials = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return exponentials / exponentials.sum(axis=-1, keepdims=True)
    if averaged is mean_of_sigmoids:
        return np.exp(-np.logaddexp(0.0, -outputs))
    return np.exp(outputs) if averaged is mean_of_exponentials else outputs


def mean_and_deviation(loss: LossFunction, outputs: Sequence[Array]) -> tuple[Array, Array]:
    """Mean and standard deviation (divided by their number) over several models, in float64.

    Args:
        loss: what they were trained with.
        outputs: (n, …) of each.
    """
    meant = [meaning(loss, each) for each in outputs]
    return np.mean(meant, axis=0), np.std(meant, axis=0)
