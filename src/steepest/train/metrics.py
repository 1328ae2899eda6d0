"""Metrics: plain functions of (prediction, target) arrays, for histories and callbacks.

A prediction is what the model gives: scores, not labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np

from steepest.errors import ConfigurationError, ShapeError, nearest
from steepest.ir.types import Array

Metric: TypeAlias = Callable[[Array, Array], float]

# What ``fit`` accepts: names of metrics, functions, or either of them under names of one's own.
Asked: TypeAlias = Mapping[str, Metric | str] | Iterable[Metric | str] | str | None

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
    if prediction.ndim != 2 or target.size != len(prediction):
        raise ShapeError(
            "accuracy(prediction, target): prediction is scores (n, classes) and target labels "
            f"(n,), not {prediction.shape} and {target.shape}{_swapped(prediction, target)}"
        )
    hits: Any = prediction.argmax(axis=1) == target.reshape(-1)
    return _mean(hits)


def binary_accuracy(prediction: Array, target: Array, /) -> float:
    """The share of rows whose score (n,) or (n, 1) has the sign of the class, {0, 1} or {−1, 1}.

    >>> import steepest as st
    >>> st.metrics.binary_accuracy(np.array([-2.0, 1.0]), np.array([0, 1]))
    1.0
    """
    if prediction.size != target.size:
        raise ShapeError(
            "binary_accuracy(prediction, target): one score and one class per row, "
            f"not {prediction.shape} and {target.shape}"
        )
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


def _swapped(prediction: Array, target: Array) -> str:
    swapped = prediction.ndim == 1 and target.ndim == 2
    return "; they seem to be swapped" if swapped else ""


def _errors(prediction: Array, target: Array) -> Any:
    if prediction.size != target.size:
        raise ShapeError(
            "prediction and target are one number for another, "
            f"not of shapes {prediction.shape} and {target.shape}"
        )
    return prediction.astype(np.float64).reshape(target.shape) - target.astype(np.float64)


RESERVED = ("epoch", "step", "loss", "penalty", "learning_rate", "seconds")
METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "binary_accuracy": binary_accuracy,
    "mae": mae,
    "mse": mse,
    "r2": r2,
}
# Of these more is better; any other is taken as an error.
RISING = ("accuracy", "binary_accuracy", "r2")


def metrics_of(asked: Asked) -> dict[str, Metric]:
    """Functions by name: of ``["accuracy"]``, ``{"hits": "accuracy"}`` or ``{"hits": f}``.

    Raises:
        ConfigurationError: no such name (the nearest are given), or no function.
    """
    given: Any = asked
    if given is None:
        return {}
    if isinstance(given, Mapping):
        named = cast("Mapping[str, Metric | str]", given)
        return {_free(name): _metric(each) for name, each in named.items()}
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Iterable):
        raise ConfigurationError(
            f'metrics is a list of names or a dict {{"name": function}}, not {given!r}'
        )
    functions = [_metric(each) for each in cast("Iterable[Metric | str]", given)]
    return {_name(function): function for function in functions}


def _free(name: str) -> str:
    """Refuse a name that a row of the history has already."""
    if name in RESERVED or name.startswith("validation_"):
        raise ConfigurationError(
            f"a metric cannot be called {name!r}, which the history has already; choose another"
        )
    return name


def _name(metric: Metric) -> str:
    name = getattr(metric, "__name__", "")
    if not name.isidentifier():
        raise ConfigurationError('a metric without a name: write metrics={"name": function}')
    return name


def _metric(asked: Metric | str) -> Metric:
    if isinstance(asked, str):
        if asked not in METRICS:
            raise ConfigurationError(f"there is no metric {asked!r}; {nearest(asked, METRICS)}")
        return METRICS[asked]
    if not callable(asked):
        raise ConfigurationError(
            f"a metric is a function of (prediction, target) or a name, not {asked!r}"
        )
    return asked
