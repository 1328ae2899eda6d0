"""Importance of columns against scikit-learn's, and of tables where it is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss, mean_squared_error

from steepest.errors import ConfigurationError, DataError
from steepest.tabular import TableModel, fit_table
from steepest.tabular.importance import student_quantile

SHORT: dict[str, Any] = {"network": {"hidden_layer_sizes": [16]}, "training": {"max_epochs": 8}}


def _frame(rows: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    x, noise = generator.normal(size=(2, rows))
    level = generator.choice([f"level {each}" for each in range(12)], rows)
    few = np.array(["a", "b", None], dtype=object)[generator.integers(0, 3, rows)]
    worth = 2 * x + (few == "a") + np.char.str_len(level.astype(str)) - 7.0
    return pd.DataFrame(
        {
            "x": np.where(generator.random(rows) < 0.1, np.nan, x),
            "few": few,
            "level": level,
            "noise": noise,
            "y": np.where(worth + generator.normal(size=rows) > 0, "high", "low"),
            "z": worth + 0.1 * generator.normal(size=rows),
        }
    )


def _fitted(frame: pd.DataFrame, target: str, options: Any = SHORT) -> TableModel:  # noqa: ANN401
    model = fit_table(frame, target, options, backend="reference")
    model.trained.backend = "native"  # it predicts often
    return model


class _Predicting(BaseEstimator):  # what scikit-learn wants to call
    def __init__(self, model: TableModel) -> None:
        self.model = model

    def fit(self, x: object, y: object) -> None: ...


@pytest.mark.parametrize(("target", "metric"), [("y", "log_loss"), ("z", "rmse")])
def test_it_is_what_scikit_learn_finds(target: str, metric: str) -> None:
    frame = _frame()
    model = _fitted(frame.drop(columns="z" if target == "y" else "y"), target)
    columns = ["x", "few", "level", "noise"]

    def score(estimator: Any, rows: Any, actual: Any) -> float:  # noqa: ANN401
        if metric == "log_loss":
            return -log_loss(actual, estimator.model.predict_proba(rows))
        return -float(mean_squared_error(actual, estimator.model.predict(rows)) ** 0.5)

    ours = model.importance(frame, repeats=20)
    theirs = permutation_importance(
        _Predicting(model), frame[columns], frame[target], scoring=score, n_repeats=20,
        random_state=0,
    )  # fmt: skip
    assert (ours.metric, ours.rows, ours.repeats) == (metric, 400, 20)
    assert ours.score == pytest.approx(-score(_Predicting(model), frame, frame[target]), rel=1e-4)
    found = {each.column: each for each in ours.columns}
    assert ours.columns[0].column == "x"
    for place, name in enumerate(columns):
        each = found[name]
        spread = float(theirs["importances_std"][place]) + 1e-6
        assert np.std(each.losses) == pytest.approx(spread, rel=0.6, abs=1e-4)
        assert each.mean == pytest.approx(
            float(theirs["importances_mean"][place]), abs=5 * spread * (2 / 20) ** 0.5
        )
        half = t.ppf(0.975, 19) * np.std(each.losses, ddof=1) / 20**0.5
        assert (each.low, each.high) == pytest.approx((each.mean - half, each.mean + half))


def test_one_column_that_is_all_takes_all() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=500)
    frame = pd.DataFrame({"x": x, "n": generator.normal(size=500), "y": x > 0})
    model = _fitted(frame, "y", {**SHORT, "training": {"max_epochs": 30}})
    found = model.importance(frame, metric="accuracy", repeats=20)
    first, second = found.columns
    assert (first.column, second.column) == ("x", "n")
    assert first.low < 0.5 < first.high + 0.03  # of rows in a random order half are right
    assert abs(second.mean) < 0.02
    assert found.score > 0.97


def test_the_same_seed_gives_the_same_and_rising_scores_turn_round() -> None:
    frame = _frame(200).drop(columns="z")
    model = _fitted(frame, "y")
    one, two = (model.importance(frame, repeats=3, seed=5, metric="roc_auc") for _ in range(2))
    assert one == two
    assert model.importance(frame, repeats=3, seed=6, metric="roc_auc") != one
    told: list[tuple[int, int]] = []
    model.importance(frame, repeats=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert one.columns[0].column == "x"
    assert one.columns[0].mean > 0
    assert "roc_auc" in one.text()


def test_columns_that_go_together_are_named() -> None:
    generator = np.random.default_rng(0)
    x, other = generator.normal(size=(2, 300))
    frame = pd.DataFrame(
        {"x": x, "other": other, "twice": np.exp(x) + 0.01 * other, "y": x + other > 0}
    )
    found = _fitted(frame, "y").importance(frame, repeats=2)
    assert found.together == (("x", "twice"),)
    assert "'x', 'twice' go together" in found.text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"repeats": 1}, "at least 2 repeats, not 1"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'"),
        ({"metric": "rmse"}, "there is no score 'rmse' here"),
    ],
)
def test_impossible_wishes(options: dict[str, Any], told: str) -> None:
    frame = _frame(100).drop(columns="z")
    model = _fitted(frame, "y")
    with pytest.raises(ConfigurationError, match=told):
        model.importance(frame, **options)
    with pytest.raises(DataError, match="at least 2 rows"):
        model.importance(frame.head(1))


@pytest.mark.parametrize("freedom", [1, 2, 5, 29, 300])
@pytest.mark.parametrize("share", [0.6, 0.975, 0.999])
def test_the_quantile_is_that_of_scipy(freedom: int, share: float) -> None:
    assert student_quantile(share, freedom) == pytest.approx(t.ppf(share, freedom), rel=1e-9)
