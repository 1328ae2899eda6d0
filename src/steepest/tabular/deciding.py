"""How classes are decided, chosen on the rows held out: temperature first, then the threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from steepest.data import Schema
from steepest.errors import ConfigurationError
from steepest.tabular.calibration import calibration_error, fit_temperature
from steepest.tabular.decision import PLAIN, Decision, check_decision, cost_matrix, threshold_costs
from steepest.tabular.heads import ClassHead, Head, LabelHead
from steepest.tabular.sections.decision import Decision as Options

__all__ = ["best_threshold", "decide", "decided_by"]


def decide(
    head: Head,
    options: Options,
    outputs: NDArray[Any] | None,
    actual: NDArray[Any] | None,
    weights: NDArray[np.float64] | None = None,
) -> Decision | None:
    """Choose what the options leave open; None where nothing is decided, as for numbers.

    Args:
        head: of the network, as it is trained.
        options: those of the decision.
        outputs: of the network for the validation rows, (n, outputs); None for no rows.
        actual: their classes.
        weights: how much each counts for the log loss, as in training.
    """
    if not isinstance(head, ClassHead | LabelHead) or not head.has_probabilities:
        return None
    found = PLAIN
    if outputs is not None and actual is not None and options.calibration != "none":
        errors = 2.0 if options.calibration == "auto" else 0.0
        before = calibration_error(actual, head.meaning(outputs))
        temperature = fit_temperature(outputs, actual, head.meaning, weights=weights, errors=errors)
        head = replace(head, decision=Decision(temperature=temperature))
        found = Decision(
            temperature=temperature,
            rows=len(actual),
            error_before=before,
            error_after=calibration_error(actual, head.meaning(outputs)),
        )
    if isinstance(head, LabelHead):
        return found if found != PLAIN else None
    if options.costs:
        return structs.replace(found, costs=cost_matrix(options.costs, head.classes))
    second = head.classes[1]
    if not isinstance(options.threshold, str):
        costs = threshold_costs(options.threshold)
        return structs.replace(found, costs=costs, threshold=options.threshold, second=second)
    if options.threshold != "none" and outputs is not None and actual is not None:
        meant = head.meaning(outputs)[:, 1]
        threshold, score = best_threshold(meant, actual, options.threshold)
        at_half = _scores(np.array([meant >= 0.5]), actual, options.threshold)[0]
        return structs.replace(
            found,
            costs=threshold_costs(threshold),
            threshold=threshold,
            second=second,
            chosen_for=options.threshold,
            score=score,
            score_at_half=float(at_half),
            rows=len(actual),
        )
    return found if found != PLAIN else None


def decided_by(threshold: float, schema: Schema, head: Head, decision: Decision | None) -> Decision:
    """A decision by a threshold of one's own, at the temperature that was chosen.

    Raises:
        ConfigurationError: it is not between 0 and 1, or there are not two classes.
    """
    if not 0 < threshold < 1:
        raise ConfigurationError(f"a threshold is between 0 and 1, and {threshold:g} is not")
    check_decision(
        Options(threshold=threshold),
        schema,
        has_probabilities=head.has_probabilities,
        validation=True,
    )
    return Decision(
        temperature=(decision or PLAIN).temperature,
        costs=threshold_costs(threshold),
        threshold=threshold,
        second=schema.target.classes[1],
    )


def best_threshold(
    probability: NDArray[np.float64], actual: NDArray[Any], score: str
) -> tuple[float, float]:
    """The threshold that is best for a score on some rows, and the score.

    Of those between two rows' probabilities it is the middle, or one half where that lies between
    them; of equally good ones the nearest to one half.

    Args:
        probability: of the second class, (n,).
        actual: 1 for the second class, else 0, (n,).
        score: "accuracy", "balanced_accuracy" or "f1".

    >>> best_threshold(np.array([0.1, 0.2, 0.4, 0.9]), np.array([0, 0, 1, 1]), "f1")
    (0.30000000000000004, 1.0)
    """
    order = np.argsort(-probability, kind="stable")
    ordered, hits = probability[order], np.cumsum(actual[order] > 0)
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    given = np.concatenate([[0], ends + 1])
    right = np.concatenate([[0], hits[ends]])
    positives = int(hits[-1])
    found = _of_counts(given, right, positives, len(actual), score).astype(np.float64)
    above, below = ordered[ends], np.append(ordered[ends][1:], 0.0)
    middle = (above + below) / 2
    between = np.where(middle > below, middle, above)  # of neighbouring numbers none is between
    between = np.where((below < 0.5) & (above >= 0.5), 0.5, between)
    cuts = np.concatenate([[(1.0 + ordered[0]) / 2], between])
    found[(cuts <= 0) | (cuts >= 1)] = -np.inf  # rows that are certain are not told apart
    best = np.flatnonzero(found >= found.max() - 1e-12)
    chosen = best[np.abs(cuts[best] - 0.5).argmin()]
    return float(cuts[chosen]), float(found[chosen])


def _scores(chosen: NDArray[np.bool_], actual: NDArray[Any], score: str) -> NDArray[np.float64]:
    """Of several choices, (choices, n)."""
    truth = actual > 0
    right = (chosen & truth).sum(axis=1)
    return _of_counts(chosen.sum(axis=1), right, int(truth.sum()), len(actual), score)


def _of_counts(
    given: NDArray[Any], right: NDArray[Any], positives: int, rows: int, score: str
) -> NDArray[np.float64]:
    """A score by how many rows are given the second class, and how many of these have it."""
    negatives = rows - positives
    if score == "f1":
        return 2 * right / np.maximum(given + positives, 1)
    spared = negatives - (given - right)
    if score == "accuracy":
        return (right + spared) / rows
    recalls = [part / count for part, count in ((right, positives), (spared, negatives)) if count]
    return np.mean(recalls, axis=0)
