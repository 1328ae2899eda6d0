"""Every score once: what it is called, how it is computed, and whether more of it is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from steepest.tabular.calibration import calibration_error

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]
R = TypeVar("R")

LEAST = float(np.finfo(np.float64).eps)  # so that a certain and wrong prediction costs 36, not all


@final
@dataclass(frozen=True)
class Classified:
    """Rows of one target with classes, and what was said of them.

    Args:
        actual: codes, (n,).
        probabilities: (n, classes), rows summing to 1.
        predicted: codes, (n,).
    """

    actual: Codes
    probabilities: Floats
    predicted: NDArray[np.intp]

    @cached_property
    def truth(self) -> Floats:
        """1 at each row's class, else 0: (n, classes)."""
        classes = np.arange(self.probabilities.shape[1])
        return (self.actual[:, None] == classes).astype(np.float64)

    @cached_property
    def hits(self) -> Floats:
        """Rows of each class that are predicted so."""
        return self._counts(self.actual[self.actual == self.predicted])

    @cached_property
    def wanted(self) -> Floats:
        """Rows of each class."""
        return self._counts(self.actual)

    @cached_property
    def given(self) -> Floats:
        """Rows that are predicted to be of each class."""
        return self._counts(self.predicted)

    def _counts(self, codes: NDArray[Any]) -> Floats:
        return np.bincount(codes, minlength=self.probabilities.shape[1]).astype(np.float64)


@final
@dataclass(frozen=True)
class Estimated:
    """Rows of one target of numbers, and what was said of them, both (n,) in its units."""

    actual: Floats
    predicted: Floats

    @cached_property
    def size(self) -> float:
        """What both are divided by meanwhile."""
        return magnitude(self.actual, self.predicted)

    @cached_property
    def errors(self) -> Floats:
        """Predicted minus actual, divided so."""
        return (self.predicted - self.actual) / self.size


@final
@dataclass(frozen=True)
class Measure(Generic[R]):
    """How good predictions are, in one number.

    Args:
        of: the number, of rows; None where it has no meaning, as with one class only.
        rises: more is better.
        judges_probabilities: it has no meaning for a model without.
    """

    of: Callable[[R], float | None]
    rises: bool = False
    judges_probabilities: bool = False


def roc_auc(truth: Floats, score: Floats) -> float:
    """Return the probability that a positive row scores above a negative one, ties counting half.

    By ranks: (sum of the positives' midranks - p (p + 1) / 2) / (p q), p positives and q negatives.

    >>> roc_auc(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    midranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = truth.sum()
    negatives = len(truth) - positives
    rank_sum = float((midranks * truth).sum())
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(truth: Floats, score: Floats) -> float:
    """Return sum_n (recall_n - recall_{n-1}) precision_n over the thresholds from above.

    >>> truth = np.array([0.0, 0.0, 1.0, 1.0])
    >>> round(average_precision(truth, np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(truth[order])[last_of_ties]
    given = np.flatnonzero(last_of_ties) + 1
    return float(np.sum(np.diff(hits, prepend=0) / truth.sum() * hits / given))


def magnitude(*numbers: Floats) -> float:
    """1, or of huge numbers a power of two near them: divided by it, their squares are finite.

    >>> magnitude(np.array([3.0])), magnitude(np.array([1e300])) > 1e299
    (1.0, True)
    """
    largest = max(float(np.max(np.abs(each), initial=0.0)) for each in numbers)
    if largest < 1e120 or not np.isfinite(largest):
        return 1.0
    return 2.0 ** (int(np.frexp(largest)[1]) - 2)


def _against_rest(score: Callable[[Floats, Floats], float], rows: Classified) -> float | None:
    """Of the second of two classes; of more, the mean of each against the others."""
    truth = rows.truth
    columns = [1] if truth.shape[1] == 2 else range(truth.shape[1])
    defined = [k for k in columns if 0 < rows.wanted[k] < len(truth)]
    if not defined:
        return None
    return float(np.mean([score(truth[:, k], rows.probabilities[:, k]) for k in defined]))


def _balanced_accuracy(rows: Classified) -> float:
    recall = rows.hits / np.maximum(rows.wanted, 1)
    return float(recall[rows.wanted > 0].mean())


def _log_loss(rows: Classified) -> float:
    of_actual = rows.probabilities[np.arange(len(rows.actual)), rows.actual]
    return float(-np.mean(np.log(np.maximum(of_actual, LEAST))))


def _brier(rows: Classified) -> float:
    squares = float(np.mean(np.sum((rows.probabilities - rows.truth) ** 2, axis=1)))
    return squares / (2 if rows.truth.shape[1] == 2 else 1)


def _r2(rows: Estimated) -> float | None:
    spread = float(np.sum(((rows.actual - rows.actual.mean()) / rows.size) ** 2))
    return 1 - float(np.sum(rows.errors**2)) / spread if spread > 0 else None


CLASS_SCORES: Mapping[str, Measure[Classified]] = MappingProxyType(
    {
        "accuracy": Measure(lambda rows: float(rows.hits.sum() / len(rows.actual)), rises=True),
        "balanced_accuracy": Measure(_balanced_accuracy, rises=True),
        "log_loss": Measure(_log_loss, judges_probabilities=True),
        "roc_auc": Measure(partial(_against_rest, roc_auc), rises=True),
        "average_precision": Measure(partial(_against_rest, average_precision), rises=True),
        "brier": Measure(_brier, judges_probabilities=True),
        "calibration_error": Measure(
            lambda rows: calibration_error(rows.actual, rows.probabilities),
            judges_probabilities=True,
        ),
    }
)
"""Of one target with classes; the first sums it up."""

# Each of these rises: (classes,).
OF_EACH_CLASS: Mapping[str, Callable[[Classified], Floats]] = MappingProxyType(
    {
        "precision": lambda rows: rows.hits / np.maximum(rows.given, 1),
        "recall": lambda rows: rows.hits / np.maximum(rows.wanted, 1),
        "f1": lambda rows: 2 * rows.hits / np.maximum(rows.wanted + rows.given, 1),
    }
)

_SHARED = ("accuracy", "log_loss", "roc_auc", "average_precision", "brier")
LABEL_SCORES: Mapping[str, Measure[Classified]] = MappingProxyType(
    {
        **{name: CLASS_SCORES[name] for name in _SHARED},
        "f1": Measure(lambda rows: float(OF_EACH_CLASS["f1"](rows)[1]), rises=True),
    }
)
"""Of one of several labels of two classes."""

NUMBER_SCORES: Mapping[str, Measure[Estimated]] = MappingProxyType(
    {
        "rmse": Measure(lambda rows: float(rows.size * np.sqrt(np.mean(rows.errors**2)))),
        "mae": Measure(lambda rows: float(rows.size * np.mean(np.abs(rows.errors)))),
        "r2": Measure(_r2, rises=True),
    }
)
"""Of one target of numbers; the first sums it up."""

SUBSET_ACCURACY = "subset_accuracy"
_RISING = frozenset(
    [SUBSET_ACCURACY, *OF_EACH_CLASS]
    + [name for name, each in (CLASS_SCORES | LABEL_SCORES).items() if each.rises]
    + [name for name, each in NUMBER_SCORES.items() if each.rises]
)


def rises(score: str) -> bool:
    """Whether more of a score is better.

    >>> rises("accuracy"), rises("precision:yes"), rises("rmse")
    (True, True, False)
    """
    return score.partition(":")[0] in _RISING
