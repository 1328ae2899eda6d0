"""How good predictions of several targets are: the mean of each score, then each target's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from steepest.tabular.evaluate import (
    LEAST,
    Codes,
    Evaluation,
    Floats,
    Score,
    average_precision,
    roc_auc,
    value_scores,
    word,
)

_OF_LABELS = ("accuracy", "log_loss", "roc_auc", "average_precision", "brier", "f1")
_OF_NUMBERS = ("rmse", "mae", "r2")


def several_score_names(task: str, names: Sequence[str]) -> list[str]:
    """All scores of several targets of a task.

    >>> several_score_names("regression", ["u"])
    ['rmse', 'mae', 'r2', 'rmse:u', 'mae:u', 'r2:u']
    """
    first = (
        _OF_NUMBERS if task == "regression" else ("accuracy", "subset_accuracy", *_OF_LABELS[1:])
    )
    own = _OF_NUMBERS if task == "regression" else _OF_LABELS
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
        [dict(_label_scores(actual[:, j], given[:, j])) for j in range(len(names))]
        for given in (probabilities, constant)
    )
    subset = [
        float(((each > 0.5) == actual).all(axis=1).mean()) for each in (probabilities, constant)
    ]
    scores = _with_means(names, _OF_LABELS, model, baseline)
    scores.insert(1, Score("subset_accuracy", *subset))
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
        [dict(value_scores(actual[:, j], given[:, j])) for j in range(len(names))]
        for given in (predicted, constant)
    )
    scores = _with_means(names, _OF_NUMBERS, model, baseline)
    return Evaluation(task="regression", rows=len(actual), scores=tuple(scores))


def _with_means(
    names: Sequence[str],
    kinds: Sequence[str],
    model: Sequence[dict[str, float | None]],
    baseline: Sequence[dict[str, float | None]],
) -> list[Score]:
    scores = [
        Score(kind, _mean(each[kind] for each in model), _mean(each[kind] for each in baseline))
        for kind in kinds
    ]
    for name, ours, theirs in zip(names, model, baseline, strict=True):
        scores += [Score(f"{kind}:{word(name)}", ours[kind], theirs[kind]) for kind in kinds]
    return scores


def _mean(values: Iterator[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _label_scores(actual: Codes, probability: Floats) -> Iterator[tuple[str, float | None]]:
    truth, chosen = actual.astype(np.float64), probability > 0.5
    yield "accuracy", float((chosen == (actual > 0)).mean())
    given = np.where(actual > 0, probability, 1.0 - probability)
    yield "log_loss", float(-np.log(np.maximum(given, LEAST)).mean())
    yield "roc_auc", _if_both(roc_auc, truth, probability)
    yield "average_precision", _if_both(average_precision, truth, probability)
    yield "brier", float(((probability - truth) ** 2).mean())
    yield "f1", float(2 * truth[chosen].sum() / max(truth.sum() + chosen.sum(), 1))


def _if_both(
    score: Callable[[Floats, Floats], float], truth: Floats, given: Floats
) -> float | None:
    return score(truth, given) if 0 < truth.sum() < len(truth) else None
