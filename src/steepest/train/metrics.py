"""Metrics: plain functions of (prediction, target) arrays, for histories and callbacks.

A prediction is what the model gives: scores, not labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from steepest.ir.types import Array

Metric: TypeAlias = Callable[[Array, Array], float]

__all__ = [
    "accuracy",
    "binary_accuracy",
    "mae",
    "mse",
    "r2",
]


def accuracy(prediction: Array, target: Array, /) -> float:
    """The share of rows whose largest score (n, K) is at the label (n,).

    >>> import steepest as st
    >>> st.metrics.accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
    0.5
    """
    hits: Any = prediction.argmax(axis=1) == target.reshape(-1)
    return _mean(hits)


def binary_accuracy(prediction: Array, target: Array, /) -> float:
    """The share of rows whose score (n,) or (n, 1) has the sign of the class, {0, 1} or {−1, 1}.

    >>> import steepest as st
    >>> st.metrics.binary_accuracy(np.array([-2.0, 1.0]), np.array([0, 1]))
    1.0
    """
    hits: Any = (prediction.reshape(-1) > 0) == (target.reshape(-1) > 0)
    return _mean(hits)


def mse(prediction: Array, target: Array, /) -> float:
    """The mean squared error, in float64.

    >>> import steepest as st
    >>> st.metrics.mse(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    2.0
    """
    return _mean(_errors(prediction, target) ** 2)


def mae(prediction: Array, target: Array, /) -> float:
    """The mean absolute error, in float64.

    >>> import steepest as st
    >>> st.metrics.mae(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    1.0
    """
    return _mean(np.abs(_errors(prediction, target)))


def r2(prediction: Array, target: Array, /) -> float:
    """The coefficient of determination, 1 − Σ (y − f)² / Σ (y − ȳ)²; NaN for a constant target.

    >>> import steepest as st
    >>> st.metrics.r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    spread = target.astype(np.float64) - target.astype(np.float64).mean(axis=0)
    total = float(np.sum(spread**2))
    return 1.0 - float(np.sum(_errors(prediction, target) ** 2)) / total if total else float("nan")


def _mean(values: Any) -> float:
    return float(np.asarray(values, np.float64).mean())


def _errors(prediction: Array, target: Array) -> Any:
    return prediction.astype(np.float64).reshape(target.shape) - target.astype(np.float64)
