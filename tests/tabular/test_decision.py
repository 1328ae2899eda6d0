"""Temperature, thresholds and costs: against scikit-learn, SciPy and plain counting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from steepest.errors import ConfigurationError
from steepest.losses import CrossEntropy
from steepest.tabular import fit_table, load
from steepest.tabular.calibration import calibration_error, fit_temperature
from steepest.tabular.deciding import best_threshold, decide
from steepest.tabular.decision import Decision, cost_matrix, threshold_costs
from steepest.tabular.evaluate import evaluate_classes
from steepest.tabular.heads import ClassHead
from steepest.tabular.sections.decision import Decision as Options

NOTHING: Any = 0.0
SCORES = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1": lambda actual, chosen: f1_score(actual, chosen, zero_division=NOTHING),
}
SHORT: dict[str, Any] = {"network": {"hidden_layer_sizes": [8]}, "training": {"max_epochs": 4}}


def _rows(rows: int, classes: int, sureness: float, seed: int = 0) -> tuple[Any, Any]:
    """Outputs that are too sure by a factor, and classes drawn by what they should be."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, classes))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    codes = (generator.random((rows, 1)) > chances).sum(axis=1)
    return sureness * logits, codes


def _frame(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    x, z = generator.normal(size=(2, rows))
    sick = x + 0.7 * z + generator.normal(size=rows) > 1.2
    return pd.DataFrame({"x": x, "z": z, "y": np.where(sick, "sick", "well")})


@pytest.mark.parametrize("sureness", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_temperature_is_how_much_too_sure_outputs_are(sureness: float, classes: int) -> None:
    outputs, codes = _rows(8_000, classes, sureness)
    head = ClassHead(CrossEntropy(), tuple("abcde"[:classes]))
    found = fit_temperature(outputs, codes, head.meaning)
    assert found == pytest.approx(sureness, rel=0.08)
    assert sureness != 1.0 or found == 1.0  # no chance difference is followed


def test_the_temperature_is_the_least_of_its_formula() -> None:
    outputs, codes = _rows(300, 3, 2.0)
    weights = np.random.default_rng(1).random(300)

    def objective(log: float) -> float:
        logs = log_softmax(outputs / np.exp(log), axis=1)
        losses = -(300 * logs[np.arange(300), codes] + logs.mean(axis=1)) / 301
        return float(300 * np.average(losses, weights=weights) + 20 * log**2)

    best = minimize_scalar(objective, bounds=(-2, 2), method="bounded", options={"xatol": 1e-9})
    head = ClassHead(CrossEntropy(), ("a", "b", "c"))
    found = fit_temperature(outputs, codes, head.meaning, weights=weights, errors=0.0)
    assert np.log(found) == pytest.approx(best.x, abs=1e-5)


def test_rows_that_are_all_right_do_not_ask_for_certainty() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 2, 40)
    outputs = np.stack([1.0 - 2 * codes, 2 * codes - 1.0], axis=1)
    head = ClassHead(CrossEntropy(), ("a", "b"))
    assert 0.5 < fit_temperature(outputs, codes, head.meaning, errors=0.0) < 1.0


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 60), classes=st.integers(2, 4))
def test_the_calibration_error_is_what_bins_say(seed: int, rows: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), rows)
    codes = generator.integers(0, classes, rows)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == codes
    expected = 0.0
    for low in range(15):
        inside = (confidence >= low / 15) & (confidence < (low + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration_error(codes, probabilities) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("score", SCORES)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(2, 40), steps=st.sampled_from([3, 50]))
def test_no_threshold_is_better_than_the_best(score: str, seed: int, rows: int, steps: int) -> None:
    generator = np.random.default_rng(seed)
    probability = generator.integers(0, steps + 1, rows) / steps
    actual = generator.integers(0, 2, rows)
    actual[:2] = [0, 1]
    threshold, value = best_threshold(probability, actual, score)
    reached = {
        cut: SCORES[score](actual, (probability >= cut).astype(int))
        for cut in [threshold, 0.5, *probability, (1 + probability.max()) / 2]
        if 0 < cut < 1
    }
    assert value == pytest.approx(reached[threshold])
    assert value == pytest.approx(max(reached.values()))
    assert 0 < threshold < 1


@given(
    probability=st.floats(0, 1), threshold=st.floats(0.01, 0.99),
)  # fmt: skip
def test_a_threshold_is_a_matter_of_costs(probability: float, threshold: float) -> None:
    decision = Decision(costs=threshold_costs(threshold))
    chosen = decision.codes(np.array([[1 - probability, probability]]))[0]
    if abs(probability - threshold) > 1e-9:
        assert chosen == (probability > threshold)
    assert decision.codes(np.array([[1 - threshold, threshold]]))[0] == 1


@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 5))
def test_the_class_of_least_expected_cost_is_predicted(seed: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), 20)
    names = tuple("abcde"[:classes])
    costs = {f"{a}:{b}": float(generator.random()) for a in names for b in names if a != b}
    matrix = cost_matrix(costs, names)
    expected = [
        min(
            range(classes),
            key=lambda code: sum(
                p * costs.get(f"{names[k]}:{names[code]}", 0.0) for k, p in enumerate(row)
            ),
        )
        for row in probabilities
    ]
    assert Decision(costs=matrix).codes(probabilities).tolist() == expected


def test_alike_costs_are_the_likeliest_class() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    decision = Decision(costs=cost_matrix({}, ["a", "b", "c", "d"]))
    assert decision.codes(probabilities).tolist() == probabilities.argmax(axis=1).tolist()


def test_scores_and_costs_are_of_what_is_chosen() -> None:
    head = ClassHead(
        CrossEntropy(), ("no", "yes"), Decision(costs=cost_matrix({"fn": 4}, ["no", "yes"]))
    )
    outputs, codes = _rows(500, 2, 1.0)
    meant = head.meaning(outputs)
    chosen = (head.choose(meant) == "yes").astype(int)
    assert chosen.mean() > (meant[:, 1] > 0.5).mean()
    found = head.evaluate(codes, meant, (0.9, 0.1))
    assert found["accuracy"] == pytest.approx(accuracy_score(codes, chosen))
    assert found["f1:yes"] == pytest.approx(f1_score(codes, chosen))
    cost = next(score for score in found.scores if score.name == "cost")
    mistakes = (chosen > codes).sum() + 4 * (chosen < codes).sum()
    assert cost.value == pytest.approx(mistakes / 500)
    assert cost.baseline == pytest.approx(4 * codes.mean())  # 0.1 * 4 < 0.9: no for all
    plain = evaluate_classes(codes.astype(np.int64), meant, np.array([0.9, 0.1]), ["no", "yes"])
    assert found["log_loss"] == plain["log_loss"]


def test_a_fit_chooses_keeps_and_saves_its_decision(tmp_path: Path) -> None:
    frame = _frame()
    options = {**SHORT, "data": {"validation": 0.3}, "decision": {"threshold": "f1"}}
    model = fit_table(frame, "y", options, backend="reference")
    decision = model.results.decision
    assert decision is not None
    assert decision.threshold is not None
    assert (decision.second, decision.chosen_for, decision.rows) == ("well", "f1", 120)
    probability = model.predict_proba(frame)[:, 1]
    expected = np.where(probability >= decision.threshold, "well", "sick")
    assert model.predict(frame).tolist() == expected.tolist()
    assert model.results.validation is not None
    assert model.results.validation["f1:well"] == pytest.approx(decision.score)
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.results.decision == decision
    assert again.predict(frame).tolist() == expected.tolist()
    assert f"'well' is predicted from probability {decision.threshold:.4g}" in again.summary()
    other = again.with_threshold(0.9)
    assert other.predict(frame).tolist() == np.where(probability >= 0.9, "well", "sick").tolist()
    assert again.predict(frame).tolist() == expected.tolist()


def test_temperature_changes_probabilities_and_no_class() -> None:
    frame = _frame(2000)
    sure = {"data": {"validation": 0.4}, "decision": {"calibration": "temperature"}}
    untempered = {**sure, "decision": {"calibration": "none"}}
    tempered, plain = (
        fit_table(frame, "y", {**SHORT, **options}, backend="reference")
        for options in (sure, untempered)
    )
    decision = tempered.results.decision
    assert plain.results.decision is None
    assert decision is not None
    assert decision.temperature != 1.0
    outputs = plain.outputs(plain.read(frame)).astype(np.float64)
    expected = softmax(outputs / decision.temperature, axis=1)
    np.testing.assert_allclose(tempered.predict_proba(frame), expected, atol=1e-12)
    assert tempered.predict(frame).tolist() == plain.predict(frame).tolist()
    found = tempered.results.validation
    assert found is not None
    assert found["calibration_error"] == pytest.approx(decision.error_after)


def test_labels_share_a_temperature() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(600, 2))
    noise = generator.normal(size=(600, 2))
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(
        u=x[:, 0] + noise[:, 0] > 0, v=x[:, 1] + noise[:, 1] > 0
    )
    options = {**SHORT, "decision": {"calibration": "temperature"}, "data": {"validation": 0.4}}
    model = fit_table(frame, ["u", "v"], options, backend="reference")
    assert model.results.decision is not None
    assert model.results.decision.temperature != 1.0


def test_what_is_not_asked_for_is_not_decided() -> None:
    outputs, codes = _rows(400, 2, 1.0)
    head = ClassHead(CrossEntropy(), ("no", "yes"))
    assert decide(head, Options(calibration="none"), outputs, codes) is None
    assert decide(head, Options(), None, None) is None
    found = decide(head, Options(costs={"fn": 2.0}), None, None)
    assert found == Decision(costs=((0.0, 1.0), (2.0, 0.0)))


@pytest.mark.parametrize(
    ("target", "options", "told"),
    [
        ("x", {"decision": {"threshold": 0.3}}, "--threshold is for classes, and 'x' is a number"),
        ("x", {"decision": {"costs": {"fn": 2}}}, "--costs is for classes, and 'x' is a number"),
        ("x", {"decision": {"calibration": "temperature"}}, "--calibration temperature is for"),
        ("y", {"decision": {"threshold": 0.3, "costs": {"fn": 2}}}, "give one of them"),
        ("y", {"decision": {"costs": {"fx": 2}}}, "no mistake 'fx'; .*'fp', 'fn'"),
        ("y", {"decision": {"costs": {"sick:wel": 2}}}, "did you mean 'sick:well'"),
        ("y", {"decision": {"costs": {"fp": 0, "fn": 0}}}, "all mistakes are free"),
        ("y", {"decision": {"threshold": "f1"}, "data": {"validation": 0.0}}, "there are none"),
        ("y", {"decision": {"threshold": 0.2}, "training": {"loss": "hinge"}}, "makes none"),
        ("k", {"decision": {"threshold": 0.2}}, "two classes, and 'k' has 3: .*--costs a:b=5"),
        ("k", {"decision": {"costs": {"fn": 2}}}, "fp and fn are for two classes"),
        (["y", "w"], {"decision": {"threshold": 0.2}}, "for one target, and there are 2"),
        ("y", {"decision": {"threshold": 1.0}}, "decision.threshold = 1.0 is not possible"),
    ],
)
def test_impossible_decisions_are_refused_before_training(
    target: str | list[str], options: dict[str, Any], told: str
) -> None:
    frame = _frame(60).assign(k=np.array(["a", "b", "c"])[np.arange(60) % 3], w=np.arange(60) % 2)

    def never(_: object) -> None:
        pytest.fail("it has trained")

    with pytest.raises(ConfigurationError, match=told):
        fit_table(frame, target, options, callbacks=[never])
