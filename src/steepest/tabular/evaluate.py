"""How good predictions are, each number beside what a constant prediction would reach."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias, final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from steepest.tabular.calibration import calibration_error

Floats: TypeAlias = NDArray[np.float64]
LEAST = float(np.finfo(np.float64).eps)  # so that a certain and wrong prediction costs 36, not all
Codes: TypeAlias = NDArray[np.int64]


# Scores of which more is better; of the others less is.
RISING = frozenset(
    {
        *("accuracy", "balanced_accuracy", "subset_accuracy", "roc_auc", "average_precision", "r2"),
        *("precision", "recall", "f1"),
    }
)


_OF_PROBABILITIES = ("log_loss", "brier", "calibration_error")
_SCORES = {
    "classification": (
        *("accuracy", "balanced_accuracy", "log_loss"),
        *("roc_auc", "average_precision", "brier", "calibration_error"),
    ),
    "regression": ("rmse", "mae", "r2"),
}


def score_names(task: str, classes: Sequence[str]) -> list[str]:
    """All scores of a task.

    >>> score_names("regression", [])
    ['rmse', 'mae', 'r2']
    """
    of_each = [f"{name}:{word(each)}" for each in classes for name in ("precision", "recall", "f1")]
    return [*_SCORES[task], *of_each]


def rises(score: str) -> bool:
    """Whether more of a score is better.

    >>> rises("accuracy"), rises("precision:yes"), rises("rmse")
    (True, True, False)
    """
    return score.partition(":")[0] in RISING


@final
class Score(Struct, frozen=True):
    """One number, beside the same number for the baseline; None where it is not defined."""

    name: str
    value: float | None
    baseline: float | None


@final
class Evaluation(Struct, frozen=True, kw_only=True):
    """All scores of one set of rows, the one to look at first first."""

    task: Literal["classification", "regression"]
    rows: int
    scores: tuple[Score, ...]
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    def __repr__(self) -> str:
        """Show the scores as text."""
        return self.text()

    def __getitem__(self, name: str) -> float | None:
        """Return one score's value by its name."""
        return next(score.value for score in self.scores if score.name == name)

    @property
    def first(self) -> Score:
        """Return the score that sums the evaluation up: accuracy or rmse."""
        return self.scores[0]

    def text(self) -> str:
        """Write a line per score, its value and the baseline's, then the confusion matrix."""
        width = max(len(score.name) for score in self.scores)
        lines = [
            f"{score.name:<{width}} {_decimal(score.value):>14}"
            f"   baseline {_decimal(score.baseline):>14}"
            for score in self.scores
        ]
        if self.confusion:
            lines += ["", *self._matrix()]
        return "\n".join(lines)

    def _matrix(self) -> Iterator[str]:
        names = [word(name) for name in self.classes]
        cells = [[str(cell) for cell in row] for row in self.confusion]
        first = max(len(name) for name in [*names, "actual"])
        widths = [
            max(len(text) for text in [name, *column])
            for name, column in zip(names, zip(*cells, strict=True), strict=True)
        ]
        yield "confusion matrix: a row is an actual class, a column a predicted one"
        for name, row in [("actual", names), *zip(names, cells, strict=True)]:
            padded = (f"{text:>{width}}" for text, width in zip(row, widths, strict=True))
            yield f"{name:<{first}} {' '.join(padded)}"


def evaluate_classes(
    actual: Codes,
    probabilities: Floats,
    frequencies: Floats,
    classes: Sequence[str],
    chosen: NDArray[np.intp] | None = None,
) -> Evaluation:
    """Score predicted probabilities against the actual classes.

    The Brier score is mean_i sum_k (p_ik - [y_i = k])^2, halved for two classes. ROC AUC and
    average precision are those of the second of two classes; of more, each against the rest and
    averaged. The calibration error is that of the likeliest class's probability in 15 bins. A score
    without a meaning (one class only) is None.

    Args:
        actual: Class codes, (n,).
        probabilities: Predicted, (n, k), rows summing to 1.
        frequencies: Share of each class in the training rows, (k,): what the baseline predicts.
        classes: Names of the k classes.
        chosen: Code of the class that is predicted, (n,); by default the likeliest.
    """
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    constant = np.broadcast_to(frequencies / frequencies.sum(), probabilities.shape)
    predicted = probabilities.argmax(axis=1) if chosen is None else chosen
    model = dict(_class_scores(actual, probabilities, predicted, classes))
    baseline = dict(_class_scores(actual, constant, constant.argmax(axis=1), classes))
    baseline["calibration_error"] = None  # it knows nothing of a row, and is sure of nothing
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (actual, predicted), 1)
    return Evaluation(
        task="classification",
        rows=len(actual),
        scores=tuple(Score(name, value, baseline[name]) for name, value in model.items()),
        classes=tuple(classes),
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
    )


def evaluate_values(actual: Floats, predicted: Floats, mean: float) -> Evaluation:
    """Score predicted numbers against the actual ones.

    Args:
        actual: In the target's units, (n,).
        predicted: Likewise.
        mean: Of the target over the training rows: what the baseline predicts.
    """
    baseline = dict(value_scores(actual, np.full_like(actual, mean)))
    return Evaluation(
        task="regression",
        rows=len(actual),
        scores=tuple(
            Score(name, value, baseline[name]) for name, value in value_scores(actual, predicted)
        ),
    )


def without_probabilities(evaluation: Evaluation) -> Evaluation:
    """Leave the scores open that judge probabilities, for a model that has none."""
    return replace(
        evaluation,
        scores=tuple(
            Score(each.name, None, each.baseline) if each.name in _OF_PROBABILITIES else each
            for each in evaluation.scores
        ),
    )


def with_cost(
    evaluation: Evaluation,
    actual: Codes,
    chosen: NDArray[np.intp],
    costs: Sequence[Sequence[float]],
    constant: int,
) -> Evaluation:
    """Add what the mistakes cost, on average over all rows.

    Args:
        evaluation: of classes.
        actual: their codes, (n,).
        chosen: those predicted, (n,).
        costs: of predicting a class (column) where another is right (row).
        constant: the class that the baseline predicts for every row.
    """
    matrix = np.array(costs)
    cost = Score(
        "cost", float(matrix[actual, chosen].mean()), float(matrix[actual, constant].mean())
    )
    return replace(evaluation, scores=(*evaluation.scores, cost))


def with_quantiles(
    evaluation: Evaluation, actual: Floats, values: Floats, quantiles: Sequence[float]
) -> Evaluation:
    """Add how good predicted quantiles are.

    ``pinball`` is the mean over rows and quantiles of max(q r, (q - 1) r), r = actual - predicted;
    ``coverage`` the share of rows between the outermost quantiles, for two or more. A good model
    has q_last - q_first of them there.

    Args:
        evaluation: of one number per row.
        actual: in the target's units, (n,).
        values: predicted, (n, quantiles), rising in each row.
        quantiles: which.
    """
    apart = actual[:, None] - values
    q = np.asarray(quantiles)
    scores = [*evaluation.scores]
    scores.append(Score("pinball", float(np.maximum(q * apart, (q - 1) * apart).mean()), None))
    if len(quantiles) > 1:
        inside = (actual >= values[:, 0]) & (actual <= values[:, -1])
        scores.append(Score("coverage", float(inside.mean()), None))
    return replace(evaluation, scores=tuple(scores))


def _class_scores(
    actual: Codes, probabilities: Floats, predicted: NDArray[np.intp], classes: Sequence[str]
) -> Iterator[tuple[str, float | None]]:
    codes = np.arange(len(classes))
    truth = (actual[:, None] == codes).astype(np.float64)
    chosen = (predicted[:, None] == codes).astype(np.float64)
    hits, wanted, given = (truth * chosen).sum(0), truth.sum(0), chosen.sum(0)
    precision, recall = hits / np.maximum(given, 1), hits / np.maximum(wanted, 1)
    f1 = 2 * hits / np.maximum(wanted + given, 1)
    yield "accuracy", float(hits.sum() / len(actual))
    yield "balanced_accuracy", float(recall[wanted > 0].mean())
    given_actual = probabilities[np.arange(len(actual)), actual]
    yield "log_loss", float(-np.mean(np.log(np.maximum(given_actual, LEAST))))
    yield "roc_auc", _against_rest(roc_auc, truth, probabilities)
    yield "average_precision", _against_rest(average_precision, truth, probabilities)
    squares = float(np.mean(np.sum((probabilities - truth) ** 2, axis=1)))
    yield "brier", squares / (2 if len(classes) == 2 else 1)
    yield "calibration_error", calibration_error(actual, probabilities)
    for code, name in enumerate(classes):
        yield f"precision:{word(name)}", float(precision[code])
        yield f"recall:{word(name)}", float(recall[code])
        yield f"f1:{word(name)}", float(f1[code])


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


def _against_rest(
    score: Callable[[Floats, Floats], float], truth: Floats, probabilities: Floats
) -> float | None:
    columns = [1] if truth.shape[1] == 2 else range(truth.shape[1])
    defined = [k for k in columns if 0 < truth[:, k].sum() < len(truth)]
    if not defined:
        return None
    return float(np.mean([score(truth[:, k], probabilities[:, k]) for k in defined]))


def value_scores(actual: Floats, predicted: Floats) -> Iterator[tuple[str, float | None]]:
    """The scores of one number a row."""
    errors = predicted - actual
    spread = float(np.sum((actual - actual.mean()) ** 2))
    yield "rmse", float(np.sqrt(np.mean(errors**2)))
    yield "mae", float(np.mean(np.abs(errors)))
    yield "r2", 1 - float(np.sum(errors**2)) / spread if spread > 0 else None


def _decimal(value: float | None) -> str:
    if value is None:
        return "-"
    size = abs(value)
    return f"{value:.6f}" if size < 10 else f"{value:.4f}" if size < 100_000 else f"{value:.2f}"


def word(name: str) -> str:
    """Quote a class name that holds blanks, so that a line still splits into its fields."""
    return json.dumps(name, ensure_ascii=False) if not name or any(map(str.isspace, name)) else name
