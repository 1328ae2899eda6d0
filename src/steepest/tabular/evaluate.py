"""How good predictions are, each number beside what a constant prediction would reach."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Literal, final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from steepest.tabular.scores import (
    CLASS_SCORES,
    NUMBER_SCORES,
    OF_EACH_CLASS,
    Classified,
    Codes,
    Estimated,
    Floats,
)

_MOST_CONFUSED = 200


def score_names(task: str, classes: Sequence[str]) -> list[str]:
    """All scores of a task.

    >>> score_names("regression", [])
    ['rmse', 'mae', 'r2']
    """
    if task == "regression":
        return [*NUMBER_SCORES]
    return [*CLASS_SCORES, *(f"{name}:{word(each)}" for each in classes for name in OF_EACH_CLASS)]


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
    confusion: tuple[tuple[int, ...], ...] = ()  # empty of more than 200 classes

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
    model = _class_scores(Classified(actual, probabilities, predicted), classes)
    baseline = _class_scores(Classified(actual, constant, constant.argmax(axis=1)), classes)
    baseline["calibration_error"] = None  # it knows nothing of a row, and is sure of nothing
    return Evaluation(
        task="classification",
        rows=len(actual),
        scores=tuple(Score(name, value, baseline[name]) for name, value in model.items()),
        classes=tuple(classes),
        confusion=_confusion(actual, predicted, len(classes)),
    )


def _confusion(actual: Codes, predicted: Codes, classes: int) -> tuple[tuple[int, ...], ...]:
    """How often each class was taken for each; of very many classes nothing, as it is squared."""
    if classes > _MOST_CONFUSED:
        return ()
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (actual, predicted), 1)
    return tuple(map(tuple, counts.tolist()))


def evaluate_values(actual: Floats, predicted: Floats, mean: float) -> Evaluation:
    """Score predicted numbers against the actual ones.

    Args:
        actual: In the target's units, (n,).
        predicted: Likewise.
        mean: Of the target over the training rows: what the baseline predicts.
    """
    ours, constant = Estimated(actual, predicted), Estimated(actual, np.full_like(actual, mean))
    return Evaluation(
        task="regression",
        rows=len(actual),
        scores=tuple(
            Score(name, each.of(ours), each.of(constant)) for name, each in NUMBER_SCORES.items()
        ),
    )


def without_probabilities(evaluation: Evaluation) -> Evaluation:
    """Leave the scores open that judge probabilities, for a model that has none."""
    judging = {name for name, each in CLASS_SCORES.items() if each.judges_probabilities}
    return replace(
        evaluation,
        scores=tuple(
            Score(each.name, None, each.baseline) if each.name in judging else each
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


def _class_scores(rows: Classified, classes: Sequence[str]) -> dict[str, float | None]:
    found = {name: each.of(rows) for name, each in CLASS_SCORES.items()}
    of_each = {name: score(rows) for name, score in OF_EACH_CLASS.items()}
    for code, label in enumerate(classes):
        found |= {f"{name}:{word(label)}": float(of_each[name][code]) for name in of_each}
    return found


def _decimal(value: float | None) -> str:
    if value is None:
        return "-"
    size = abs(value)
    return f"{value:.6f}" if size < 10 else f"{value:.4f}" if size < 100_000 else f"{value:.2f}"


def word(name: str) -> str:
    """Quote a class name that holds blanks, so that a line still splits into its fields."""
    return json.dumps(name, ensure_ascii=False) if not name or any(map(str.isspace, name)) else name
