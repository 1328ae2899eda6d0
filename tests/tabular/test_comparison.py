"""scikit-learn's models beside ours: exactly the same rows, scored alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from steepest.errors import ConfigurationError
from steepest.tabular import fit_table
from steepest.tabular.comparison import Comparison
from steepest.tabular.options import from_plain
from steepest.tabular.prepare import prepare

SHORT: dict[str, Any] = {
    "network": {"hidden_layer_sizes": [8]},
    "training": {"max_epochs": 3},
    "data": {"test": 0.25},
}


def _frame(rows: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    x, z = generator.normal(size=(2, rows))
    kind = np.array(["a", "b", "c", None], dtype=object)[generator.integers(0, 4, rows)]
    worth = x + (kind == "b") + 0.5 * generator.normal(size=rows)
    return pd.DataFrame(
        {
            "x": np.where(generator.random(rows) < 0.1, np.nan, x),
            "kind": kind,
            "z": z,
            "y": np.array(["low", "mid", "high"])[np.digitize(worth, [-0.3, 0.8])],
            "v": worth,
            "even": worth > 0,
            "odd": z > 0.2,
        }
    )


def _rows(frame: pd.DataFrame, target: Any, options: dict[str, Any]) -> tuple[Any, Any]:  # noqa: ANN401
    parts = prepare(frame, from_plain({**options, "data": {**options["data"], "target": target}}))
    assert parts.test is not None
    assert parts.validation is not None
    seen = [*parts.training.numbers, *parts.validation.numbers]
    return frame.iloc[np.array(seen) - 1], frame.iloc[parts.test.numbers - 1]


def _compared(frame: pd.DataFrame, target: Any, options: dict[str, Any]) -> Comparison:  # noqa: ANN401
    found = fit_table(frame, target, options, compare=True, backend="reference").comparison
    assert found is not None
    return found


def _linear(model: Any) -> Any:  # noqa: ANN401
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepared = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]), (numbers, ["x", "z"])
    )
    return make_pipeline(prepared, model)


def test_classes_are_compared_on_the_same_rows() -> None:
    frame = _frame()[["x", "kind", "z", "y"]]
    found = _compared(frame, "y", SHORT)
    seen, unseen = _rows(frame, "y", SHORT)
    assert [each.name for each in found.models] == ["steepest", "linear model", "gradient boosting"]
    assert (found.training_rows, found.test_rows) == (300, 100)
    columns = ["x", "kind", "z"]
    linear = _linear(LogisticRegression(max_iter=1000)).fit(seen[columns], seen["y"])
    expected = log_loss(unseen["y"], linear.predict_proba(unseen[columns]))
    assert found.models[1].evaluation["log_loss"] == pytest.approx(expected, rel=1e-3)
    known = pd.CategoricalDtype(["a", "b", "c"])
    boosting = HistGradientBoostingClassifier(random_state=0, categorical_features="from_dtype")
    with threadpool_limits(1):  # those of OpenMP wait for each other on a busy machine
        boosting.fit(seen[columns].astype({"kind": known}), seen["y"])
    predicted = boosting.predict_proba(unseen[columns].astype({"kind": known}))
    expected = log_loss(unseen["y"], predicted)
    assert found.models[2].evaluation["log_loss"] == pytest.approx(expected, rel=0.02)
    text = repr(found)
    assert text.splitlines()[0] == "on 100 test rows, after 300 to learn from"
    assert [line.split()[0] for line in text.splitlines()[2:]] == [
        *("steepest", "linear", "gradient", "baseline"),
    ]


def test_numbers_are_compared_on_the_same_rows() -> None:
    frame = _frame()[["x", "kind", "z", "v"]]
    found = _compared(frame, "v", SHORT)
    seen, unseen = _rows(frame, "v", SHORT)
    linear = _linear(Ridge()).fit(seen[["x", "kind", "z"]], seen["v"])
    predicted = linear.predict(unseen[["x", "kind", "z"]])
    expected = mean_squared_error(unseen["v"], predicted) ** 0.5
    assert found.models[1].evaluation["rmse"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("target", [["even", "odd"], ["v", "z"]])
def test_several_targets_are_compared_one_by_one(target: list[str]) -> None:
    frame = _frame()
    frame = frame.drop(columns=[name for name in ("y", "v", "even", "odd") if name not in target])
    found = _compared(frame, target, SHORT)
    alone = frame.drop(columns=target[1])
    expected = _compared(alone, target[0], SHORT).models[1].evaluation
    score = "log_loss" if target[0] == "even" else "rmse"
    both = found.models[1].evaluation[f"{score}:{target[0]}"]
    assert both is not None
    assert both == pytest.approx(expected[score], rel=0.2)  # the rows are drawn otherwise


def test_weights_count_for_all() -> None:
    frame = _frame().assign(w=lambda each: np.where(each["y"] == "low", 8.0, 1.0))
    frame = frame[["x", "kind", "z", "y", "w"]]
    options = {**SHORT, "data": {"test": 0.25, "sample_weight": "w"}}
    heavy, light = _compared(frame, "y", options), _compared(frame.drop(columns="w"), "y", SHORT)
    for ours, theirs in zip(heavy.models[1:], light.models[1:], strict=True):
        recall = ours.evaluation["recall:low"], theirs.evaluation["recall:low"]
        assert recall[0] is not None
        assert recall[1] is not None
        assert recall[0] > recall[1]


def test_nothing_is_compared_without_test_rows() -> None:
    with pytest.raises(ConfigurationError, match="--compare needs rows that no model has seen"):
        fit_table(_frame(), "y", compare=True)
