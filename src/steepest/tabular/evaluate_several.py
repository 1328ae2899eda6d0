"""How good predictions of several targets are: the mean of each score, then each target's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from steepest.tabular.evaluate import Evaluation, Score, word
from steepest.tabular.scores import (
    LABEL_SCORES,
    NUMBER_SCORES,
    SUBSET_ACCURACY,
    Classified,
    Codes,
    Estimated,
    Floats,
    Measure,
    R,
)


def several_score_names(task: str, names: Sequence[str]) -> list[str]:
    """All scores of several targets of a task.

    >>> several_score_names("regression", ["u"])
    ['rmse', 'mae', 'r2', 'rmse:u', 'mae:u', 'r2:u']
    """
    own = [*NUMBER_SCORES] if task == "regression" else [*LABEL_SCORES]
    first = own if task == "regression" else [own[0], SUBSET_ACCURACY, *own[1:]]
    return [*first, *(f"{score}:{word(name)}" for name in names for score in own)]


def evaluate_labels(
    actual: Codes, probabilities: Floats, shares: Floats, names: Sequence[str]
) -> Evaluation:
    """Score predicted probabilities of several labels of two classes.

    Each score is the mean over labels of the score of one: accuracy is 1 − the Hamming loss, the
    Brier score mean_i (p_i − y_i)², F1 that of the second class. ``subset_accuracy`` is the share
    of rows whose labels are all right. A score without a meaning (one class only) is None, and is
    left out of the mean.

    Args:
        actual: 1 for the second class of a label, else 0, (n, labels).
        probabilities: of the second classes, (n, labels).
        shares: of the second classes in the training rows, (labels,): what the baseline predicts.
        names: of the labels.
    """
    constant = np.broadcast_to(shares, probabilities.shape)
    model, baseline = (
        [_of_label(actual[:, j], given[:, j]) for j in range(len(names))]
        for given in (probabilities, constant)
    )
    subset = [
        float(((each > 0.5) == actual).all(axis=1).mean()) for each in (probabilities, constant)
    ]
    scores = _with_means(names, LABEL_SCORES, model, baseline)
    scores.insert(1, Score(SUBSET_ACCURACY, *subset))
    return Evaluation(task="classification", rows=len(actual), scores=tuple(scores))


def evaluate_numbers(
    actual: Floats, predicted: Floats, means: Floats, names: Sequence[str]
) -> Evaluation:
    """Score predicted numbers of several targets, each in its own units.

    The first scores are means over targets, as scikit-learn's ``uniform_average``.

    Args:
        actual: (n, targets).
        predicted: likewise.
        means: of the targets over the training rows, (targets,): what the baseline predicts.
        names: of the targets.
    """
    constant = np.broadcast_to(means, actual.shape)
    model, baseline = (
        [Estimated(actual[:, j], given[:, j]) for j in range(len(names))]
        for given in (predicted, constant)
    )
    scores = _with_means(names, NUMBER_SCORES, model, baseline)
    return Evaluation(task="regression", rows=len(actual), scores=tuple(scores))


def _with_means(
    names: Sequence[str],
    measures: Mapping[str, Measure[R]],
    model: Sequence[R],
    baseline: Sequence[R],
) -> list[Score]:
    """The mean of each score over targets, then each target's own."""
    ours, theirs = (
        [{name: each.of(rows) for name, each in measures.items()} for rows in targets]
        for targets in (model, baseline)
    )
    scores = [
        Score(name, _mean(each[name] for each in ours), _mean(each[name] for each in theirs))
        for name in measures
    ]
    for target, found, constant in zip(names, ours, theirs, strict=True):
        scores += [Score(f"{name}:{word(target)}", found[name], constant[name]) for name in found]
    return scores


def _of_label(actual: Codes, probability: Floats) -> Classified:
    """One label's rows; at one half the first class is predicted."""
    both = np.stack([1.0 - probability, probability], axis=1)
    return Classified(actual, both, (probability > 0.5).astype(np.intp))


def _mean(values: Iterator[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
