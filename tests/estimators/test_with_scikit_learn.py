"""What scikit-learn does with estimators, done with ours on frames of mixed columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.experimental import enable_halving_search_cv as enable_halving_search_cv
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from steepest import NeuralClassifier, NeuralRegressor

SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "max_epochs": 12,
    "learning_rate": 0.03,
    "random_state": 0,
}


def houses(rows: int = 240) -> pd.DataFrame:
    """Numbers with missing ones, text, booleans, categories; and what they come to."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "rooms": random.integers(1, 9, rows),
            "area": random.gamma(9.0, 12.0, rows),
            "street": random.choice(["High Street", "Main Street", "Park Lane"], rows),
            "garden": random.random(rows) < 0.4,
            "heating": pd.Categorical(random.choice(["gas", "oil", "wood"], rows)),
        }
    )
    price = 30.0 * frame["rooms"] + 2.0 * frame["area"] + 80.0 * (frame["street"] == "Park Lane")
    frame["price"] = price + 40.0 * frame["garden"] + random.normal(0.0, 10.0, rows)
    frame.loc[random.random(rows) < 0.1, "area"] = np.nan
    frame.loc[random.random(rows) < 0.1, "street"] = None
    return frame


HOUSES = houses()
X = HOUSES.drop(columns="price")
PRICE = HOUSES["price"]
IS_DEAR = pd.Series(np.where(PRICE.median() < PRICE, "dear", "cheap"), name="class")


@pytest.mark.usefixtures("interpreted")
def test_a_pipeline_of_column_transformers() -> None:
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["rooms", "area"]),
            ("text", OneHotEncoder(sparse_output=False), ["heating"]),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make_pipeline(columns, NeuralClassifier(**SMALL)).fit(X, IS_DEAR)
    assert model.score(X, IS_DEAR) > 0.7
    assert model[-1].feature_names_in_.tolist() == [
        *("rooms", "area", "heating_gas", "heating_oil", "heating_wood")
    ]


@pytest.mark.usefixtures("interpreted")
def test_a_pipeline_that_hands_on_a_sparse_matrix() -> None:
    text = ColumnTransformer([("text", OneHotEncoder(), ["street", "garden"])], sparse_threshold=1)
    model = make_pipeline(text, NeuralRegressor(**SMALL)).fit(X, PRICE)
    assert model.predict(X).shape == (len(X),)


@pytest.mark.usefixtures("interpreted")
def test_a_grid_of_parameters_and_of_options() -> None:
    grid = {
        "hidden_layer_sizes": [(16,)],
        "options__optimizer__schedule": ["constant", "cosine"],
    }
    search = GridSearchCV(NeuralClassifier(**SMALL), grid, cv=2).fit(X, IS_DEAR)
    assert len(search.cv_results_["params"]) == 2
    assert search.best_score_ > 0.6
    best = search.best_estimator_.model_.configuration.optimizer.schedule
    assert best == search.best_params_["options__optimizer__schedule"]


@pytest.mark.usefixtures("interpreted")
def test_a_halving_search_over_epochs() -> None:
    halving: Any = HalvingGridSearchCV
    search = halving(
        NeuralRegressor(**SMALL),
        {"l2": [0.0, 1e-2]},
        resource="max_epochs",
        min_resources=3,
        max_resources=12,
        factor=2,
        cv=2,
        random_state=0,
    ).fit(X, PRICE)
    assert search.best_estimator_.n_iter_ <= 12


@pytest.mark.usefixtures("interpreted")
def test_predictions_and_scores_by_cross_validation() -> None:
    found = cross_val_predict(NeuralClassifier(**SMALL), X, IS_DEAR, cv=2, method="predict_proba")
    assert found.shape == (len(X), 2)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    scores = cross_val_score(NeuralRegressor(**SMALL), X, PRICE, cv=2)
    assert scores.min() > 0.5


def test_permutation_importance_finds_what_matters() -> None:
    model = NeuralRegressor(**SMALL).fit(X, PRICE)
    found = permutation_importance(model, X, PRICE, n_repeats=3, random_state=0)
    importance = dict(zip(X.columns, found["importances_mean"], strict=True))
    assert max(importance, key=lambda name: importance[name]) in {"rooms", "area"}
    assert importance["heating"] < 0.1 * importance["area"]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize(
    "around",
    [
        CalibratedClassifierCV(NeuralClassifier(**SMALL), cv=2, method="temperature"),
        CalibratedClassifierCV(NeuralClassifier(**SMALL), cv=2),
        TunedThresholdClassifierCV(NeuralClassifier(**SMALL), cv=2),
        VotingClassifier(
            [
                ("a", NeuralClassifier(**SMALL)),
                ("b", NeuralClassifier(**SMALL, activation="tanh")),
            ],
            voting="soft",
        ),
    ],
    ids=lambda around: type(around).__name__,
)
def test_classifiers_around_a_classifier(around: Any) -> None:
    labels = IS_DEAR.to_numpy()
    fitted = around.fit(X, labels)
    assert set(fitted.predict(X)) == {"cheap", "dear"}
    assert fitted.score(X, labels) > 0.75


def test_bagging_in_two_processes_gives_what_one_does() -> None:
    def bagged(jobs: int) -> Any:
        each = NeuralClassifier(**SMALL)
        return BaggingClassifier(each, n_estimators=2, n_jobs=jobs, random_state=0).fit(X, IS_DEAR)

    two = bagged(2)
    np.testing.assert_array_equal(two.predict_proba(X), bagged(1).predict_proba(X))
    assert two.score(X, IS_DEAR) > 0.75


@pytest.mark.usefixtures("interpreted")
def test_regressors_around_a_regressor() -> None:
    numbers = X[["rooms", "area"]].fillna(100.0)
    stack = StackingRegressor(
        [("network", NeuralRegressor(**SMALL)), ("line", LinearRegression())],
        final_estimator=LinearRegression(),
        cv=2,
    ).fit(numbers, PRICE)
    assert stack.score(numbers, PRICE) > 0.5
    logarithm = TransformedTargetRegressor(
        NeuralRegressor(**SMALL), func=np.log, inverse_func=np.exp
    )
    assert logarithm.fit(X, PRICE + 500.0).predict(X).min() > 0
    both = MultiOutputRegressor(NeuralRegressor(**SMALL)).fit(X, np.c_[PRICE, -PRICE])
    assert both.predict(X).shape == (len(X), 2)


@pytest.mark.usefixtures("interpreted")
def test_weights_reach_it_through_a_pipeline_by_routing() -> None:
    weights = np.where(IS_DEAR == "dear", 1e-6, 1.0)
    with config_context(enable_metadata_routing=True):
        each: Any = NeuralClassifier(**SMALL)
        pipeline = make_pipeline(each.set_fit_request(sample_weight=True))
        fitted = pipeline.fit(X, IS_DEAR, sample_weight=weights)
    assert (fitted.predict(X) == "cheap").mean() > 0.95
