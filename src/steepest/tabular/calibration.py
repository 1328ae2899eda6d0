"""Temperature scaling: one number that makes probabilities as sure as they are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["calibration_error", "fit_temperature"]

Floats: TypeAlias = NDArray[np.float64]
Meaning: TypeAlias = Callable[[Floats], Floats]

_BINS = 15
_LOW, _HIGH = np.log(0.1), np.log(10.0)
_PRIOR = 20.0
_MOST_ROWS = 20_000
_GOLDEN = 0.5 * (5**0.5 - 1)


def fit_temperature(
    outputs: NDArray[Any],
    actual: NDArray[Any],
    meaning: Meaning,
    *,
    weights: Floats | None = None,
    errors: float = 2.0,
) -> float:
    r"""The temperature T for which outputs / T make the least log loss, if it is clearly less.

    Minimised is :math:`\sum_i \ell_i(T) + 20 (\log T)^2` with each row's loss
    :math:`\ell_i = -(1 - e) \log p_{i,y_i} - e \,\frac1K \sum_k \log p_{ik}`, :math:`e = 1/(n+1)`:
    one row in all is of a class that nobody knows, so that rows which all are right do not ask for
    certainty, and twenty say that T is near 1. It is 1 unless the mean loss falls by more than so
    many of its standard errors.

    Args:
        outputs: of the network for validation rows, (n, outputs).
        actual: codes of classes, (n,), or of several labels, (n, labels).
        meaning: from outputs to probabilities: of the classes, or of the labels' second class.
        weights: how much each row counts.
        errors: standard errors; 0 takes the best in any case.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks" (2017), who
    minimise the log loss alone: on tables of a hundred validation rows that made the test rows'
    log loss worse by up to 0.27.
    """
    if len(outputs) > _MOST_ROWS:
        rows = np.linspace(0, len(outputs) - 1, _MOST_ROWS).astype(np.intp)
        outputs, actual = outputs[rows], actual[rows]
        weights = None if weights is None else weights[rows]
    outputs = outputs.astype(np.float64)
    weighed = np.ones(len(outputs)) if weights is None else weights * len(weights) / weights.sum()

    def objective(log: float) -> float:
        own, even = _losses(meaning(outputs / np.exp(log)), actual)
        share = 1 / (len(outputs) + 1)
        return float(weighed @ ((1 - share) * own + share * even)) + _PRIOR * log**2

    best = _least(objective)
    apart = weighed * (
        _losses(meaning(outputs), actual)[0] - _losses(meaning(outputs / np.exp(best)), actual)[0]
    )
    spread = float(apart.std(ddof=1)) / len(apart) ** 0.5 if len(apart) > 1 else np.inf
    return float(np.exp(best)) if errors == 0 or apart.mean() > errors * spread else 1.0


def calibration_error(actual: NDArray[Any], probabilities: Floats) -> float:
    r"""The expected calibration error: how far confidence is from being right, on average.

    :math:`\sum_b \frac{n_b}{n} |\text{accuracy}_b - \text{confidence}_b|` over 15 bins of equal
    width of the likeliest class's probability; of several labels over all of them.

    Args:
        actual: codes of classes, (n,), or of labels, (n, labels).
        probabilities: of the classes, (n, classes), or of the labels' second class, (n, labels).

    >>> calibration_error(np.array([0, 1]), np.array([[0.9, 0.1], [0.1, 0.9]])).__round__(3)
    0.1
    """
    if actual.ndim == 1:
        confidence = probabilities.max(axis=1)
        right = probabilities.argmax(axis=1) == actual
    else:
        confidence = np.maximum(probabilities, 1 - probabilities).ravel()
        right = ((probabilities > 0.5) == (actual > 0)).ravel()
    place = np.minimum((confidence * _BINS).astype(np.intp), _BINS - 1)
    apart = np.bincount(place, weights=right - confidence, minlength=_BINS)
    return float(np.abs(apart).sum() / len(confidence))


def _losses(probabilities: Floats, actual: NDArray[Any]) -> tuple[Floats, Floats]:
    """Minus the logarithm of the probability of what is right, and its mean over all classes."""
    least = np.finfo(np.float64).tiny
    if actual.ndim == 1:
        logs = -np.log(np.maximum(probabilities, least))
        return logs[np.arange(len(actual)), actual.astype(np.intp)], logs.mean(axis=1)
    second = -np.log(np.maximum(probabilities, least))
    first = -np.log(np.maximum(1 - probabilities, least))
    own = np.where(actual > 0, second, first)
    return own.mean(axis=1), ((first + second) / 2).mean(axis=1)


def _least(objective: Callable[[float], float]) -> float:
    """Where a function of one dip is least: golden section."""
    low, high = float(_LOW), float(_HIGH)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = objective(left), objective(right)
    for _ in range(32):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = objective(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = objective(right)
    return (low + high) / 2
