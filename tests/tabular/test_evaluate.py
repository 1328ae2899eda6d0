"""Scores against scikit-learn on the labels, which our own code never sees."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics

from steepest.tabular.evaluate import Evaluation, evaluate_classes, evaluate_values


def draw(classes: int, seed: int = 0, rows: int = 60) -> tuple[list[str], np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    codes = generator.integers(classes, size=rows)
    probabilities = generator.dirichlet(np.ones(classes), size=rows)
    return [f"class {code}" for code in range(classes)], codes, probabilities


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_class_scores_are_scikit_learns(classes: int) -> None:
    names, codes, probabilities = draw(classes)
    scores = evaluate_classes(codes, probabilities, np.ones(classes) / classes, names)
    labels = np.array(names)[codes]
    predicted = np.array(names)[probabilities.argmax(1)]
    many = classes > 2
    score = probabilities if many else probabilities[:, 1]
    options = {"multi_class": "ovr"} if many else {}
    expected = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "log_loss": metrics.log_loss(labels, probabilities),
        "roc_auc": metrics.roc_auc_score(labels, score, **options),
        "brier": metrics.brier_score_loss(
            labels, score, **({} if many else {"pos_label": "class 1"})
        ),
    }
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, abs=1e-12), name
    for score_name, function in (
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
        ("f1", metrics.f1_score),
    ):
        values = function(labels, predicted, average=None, labels=names)  # pyright: ignore[reportArgumentType]
        for name, value in zip(names, np.atleast_1d(values), strict=True):
            assert scores[f'{score_name}:"{name}"'] == pytest.approx(value)
    assert scores.confusion == tuple(map(tuple, metrics.confusion_matrix(labels, predicted)))
    assert scores.first.name == "accuracy"


def test_thousands_of_classes_have_no_table_of_confusions() -> None:
    for count in (200, 201):
        even = np.full((count, count), 1 / count)
        names = [f"k{place}" for place in range(count)]
        found = evaluate_classes(np.arange(count), even, even[0], names)
        assert len(found.confusion) == (200 if count == 200 else 0)
        assert ("confusion" in found.text()) == (count == 200)


def test_the_baseline_always_predicts_the_majority_of_training() -> None:
    names, codes, probabilities = draw(3)
    frequencies = np.array([0.2, 0.5, 0.3])
    scores = {s.name: s for s in evaluate_classes(codes, probabilities, frequencies, names).scores}
    assert scores["accuracy"].baseline == pytest.approx(np.mean(codes == 1))
    assert scores["balanced_accuracy"].baseline == pytest.approx(1 / 3)
    assert scores["log_loss"].baseline == pytest.approx(-np.mean(np.log(frequencies[codes])))
    assert scores["roc_auc"].baseline == pytest.approx(0.5)
    assert scores["brier"].baseline == pytest.approx(
        np.mean(((np.eye(3)[codes] - frequencies) ** 2).sum(1))
    )


def test_one_class_only_leaves_scores_undefined_and_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = evaluate_classes(
            np.zeros(4, dtype=np.int64), np.full((4, 2), 0.5), np.array([0.5, 0.5]), ["a", "b"]
        )
    assert scores["roc_auc"] is None
    assert scores["accuracy"] == 1.0
    assert "roc_auc" in scores.text()


def test_value_scores_are_scikit_learns() -> None:
    generator = np.random.default_rng(1)
    actual, predicted = generator.normal(size=50) * 1e5, generator.normal(size=50) * 1e5
    scores = evaluate_values(actual, predicted, 12.0)
    assert [score.name for score in scores.scores] == ["rmse", "mae", "r2"]
    assert scores["rmse"] == pytest.approx(metrics.root_mean_squared_error(actual, predicted))
    assert scores["mae"] == pytest.approx(metrics.mean_absolute_error(actual, predicted))
    assert scores["r2"] == pytest.approx(metrics.r2_score(actual, predicted))
    assert scores.first.baseline == pytest.approx(np.sqrt(np.mean((actual - 12) ** 2)))


def test_a_constant_target_has_no_r2() -> None:
    assert evaluate_values(np.ones(3), np.ones(3), 1.0)["r2"] is None


@pytest.mark.parametrize(
    "scores",
    [
        evaluate_classes(*(draw(3)[1:]), np.ones(3) / 3, ["x", "two words", ""]),
        evaluate_values(np.array([1e-9, 1e9]), np.array([1e9, 2.0]), 0.0),
    ],
)
def test_text_is_name_value_baseline_in_plain_decimals(scores: Evaluation) -> None:
    lines = scores.text().split("\n\n")[0].splitlines()
    assert len(lines) == len(scores.scores)
    for line, score in zip(lines, scores.scores, strict=True):
        name, value, word, baseline = line.rsplit(maxsplit=3)
        assert (name, word) == (score.name, "baseline")
        assert "e" not in value + baseline
        assert float(value) == pytest.approx(score.value, rel=1e-3, abs=1e-6)
