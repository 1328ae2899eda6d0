"""What several predictions are on average: of probabilities for classes, else of the outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steepest.ir.types import Array
from steepest.losses import BinaryLogistic, CrossEntropy, LossFunction


def probabilities(loss: LossFunction, outputs: Array) -> Array:
    """What outputs mean, in float64: probabilities for a loss of classes, else themselves."""
    outputs = outputs.astype(np.float64)
    if isinstance(loss, CrossEntropy):
        exponentials = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return exponentials / exponentials.sum(axis=-1, keepdims=True)
    if isinstance(loss, BinaryLogistic):
        return np.exp(-np.logaddexp(0.0, -outputs))
    return outputs


def mean_and_deviation(loss: LossFunction, outputs: Sequence[Array]) -> tuple[Array, Array]:
    """Mean and standard deviation (divided by their number) over several models, in float64.

    Args:
        loss: what they were trained with.
        outputs: (n, …) of each.
    """
    meant = [probabilities(loss, each) for each in outputs]
    return np.mean(meant, axis=0), np.std(meant, axis=0)
