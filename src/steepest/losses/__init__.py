"""Losses: how wrong a prediction is, for each example.

A loss maps (prediction, target) to one number per example. The Trainer averages: a batch's loss is
(1/B) Σ wᵢ ℓᵢ with weights of mean 1 over the whole training set (not over the batch), so that the
mini-batch gradient is unbiased.
"""

from steepest.losses.classification import (
    BinaryLogistic,
    CrossEntropy,
    Hinge,
    MultiLabelLogistic,
    Perceptron,
    SmoothedCrossEntropy,
    SquaredHinge,
)
from steepest.losses.loss import (
    LOSSES,
    Given as Given,
    Head as Head,
    Loss,
    LossFunction as LossFunction,
    loss,
)
from steepest.losses.own import Unchecked, check_own_loss
from steepest.losses.quantile import Quantile
from steepest.losses.regression import (
    AbsoluteError,
    HalfSquaredError,
    Huber,
    Poisson,
    SquaredError,
)

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryLogistic",
    "CrossEntropy",
    "HalfSquaredError",
    "Hinge",
    "Huber",
    "Loss",
    "MultiLabelLogistic",
    "Perceptron",
    "Poisson",
    "Quantile",
    "SmoothedCrossEntropy",
    "SquaredError",
    "SquaredHinge",
    "Unchecked",
    "check_own_loss",
    "loss",
]
