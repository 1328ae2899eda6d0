"""What an attacker found: estimators are whole after each fit, and mistakes are told in words."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from steepest import NeuralClassifier, NeuralRegressor
from steepest.errors import ConfigurationError, DataError

X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame({"a": X[:, 0], "s": np.array(["u", "v"])[np.arange(60) % 2]})
QUICK: dict[str, Any] = {"max_epochs": 1, "hidden_layer_sizes": 4, "random_state": 0}


def classifier(**words: Any) -> NeuralClassifier:
    return NeuralClassifier(**{**QUICK, **words})


@pytest.fixture(scope="module")
def batches() -> NeuralClassifier:
    return classifier().partial_fit(X, Y, classes=[0, 1])


CHANGES: dict[str, Any] = {
    "hidden_layer_sizes": 9,
    "activation": "tanh",
    "dtype": "float64",
    "loss": "hinge",
    "ensemble_size": 2,
    "dropout": 0.5,
    "options": {"network.batch_norm": "before"},
}


@pytest.mark.parametrize("word", CHANGES)
def test_what_was_made_already_cannot_change(word: str, batches: NeuralClassifier) -> None:
    before = batches.get_params()[word]
    try:
        batches.set_params(**{word: CHANGES[word]})
        with pytest.raises(ConfigurationError, match=r"cannot be where a fit goes on.*set it back"):
            batches.partial_fit(X, Y)
    finally:
        batches.set_params(**{word: before})


def test_a_larger_batch_does_not_change_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    many = np.random.default_rng(1).normal(size=(1100, 2))
    ours = NeuralClassifier(random_state=0).partial_fit(X, Y, classes=[0, 1])
    ours.partial_fit(many, many[:, 0] > 0)
    ours.save(path)
    assert np.array_equal(NeuralClassifier.load(path).predict_proba(X), ours.predict_proba(X))


def failing(ours: NeuralClassifier) -> list[Callable[[], object]]:
    return [
        lambda: ours.fit(X[:, :1], ["p", "q"] * 30, sample_weight=[-1] * 60),
        lambda: ours.fit(FRAME, ["a"] * 60),
        lambda: ours.partial_fit(X, Y, classes=["p", "q"]),
    ]


def test_a_fit_that_fails_leaves_what_was_there() -> None:
    ours = classifier().fit(X, Y)
    expected = ours.predict(X)
    for fail in failing(ours):
        with pytest.raises(ValueError):  # noqa: PT011 - some are scikit-learn's
            fail()
        assert ours.n_features_in_ == 2
        assert np.array_equal(ours.predict(X), expected)


def test_missing_markers_hold_for_frames_arrays_and_files(tmp_path: Path) -> None:
    coded = FRAME.assign(a=np.where(np.arange(60) % 4, FRAME["a"], -999))
    blank = FRAME.assign(a=coded["a"].replace(-999, np.nan))
    ours = classifier(options={"data.missing": ["-999"]})
    for given, same in ((coded, blank), (coded[["a"]].to_numpy(), blank[["a"]].to_numpy())):
        ours.fit(given, Y).save(tmp_path / "m.safetensors")
        assert ours.model_.schema.features[0].missing == 15
        loaded = NeuralClassifier.load(tmp_path / "m.safetensors")
        for rows in (given, same):
            assert np.array_equal(ours.predict_proba(rows), loaded.predict_proba(rows))


def test_columns_without_values_and_huge_numbers_are_fitted() -> None:
    assert classifier().fit(X * np.nan, Y).predict(X).shape == (60,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regressor = NeuralRegressor(**QUICK).fit(X, X[:, 0] * 1e300)
    scores = regressor.model_.results.validation
    assert scores is not None
    assert 1e298 < (scores["rmse"] or 0) < 1e301


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "y_val of several": (
        lambda: NeuralRegressor(**QUICK).fit(X, Y, X_val=X, y_val=np.c_[Y, Y]),
        "y_val has 2 targets for each row, and y 1",
    ),
    "labels of -1 and 1": (
        lambda: classifier().fit(X, np.c_[Y, 1 - Y] * 2 - 1),
        "each is a label of 0 and 1",
    ),
    "labels without an order": (
        lambda: classifier().fit(X, np.array([1, "a"] * 30, dtype=object)),
        r"no common order \(int, str\)",
    ),
    "weights of classes": (lambda: classifier(class_weight=3).fit(X, Y), "class_weight is 'bal"),
    "a weight": (lambda: classifier(class_weight={0: "x"}).fit(X, Y), "^class_weight = "),
    "a state": (lambda: classifier(random_state=-1).fit(X, Y), "^random_state = -1"),
    "options": (lambda: classifier(options="x").fit(X, Y), "options is a dictionary"),
    "names of options": (lambda: classifier(options={3: 1}).fit(X, Y), "options is a dictionary"),
    "features": (lambda: classifier(options={"data.features": ["a"]}).fit(X, Y), "X has them"),
    "kinds": (
        lambda: classifier(options={"data.types": {"b": "numeric"}}).fit(FRAME, Y),
        "X has no column 'b'",
    ),
    "lazy": (lambda: classifier().fit(pl.LazyFrame({"a": Y}), Y), "a LazyFrame has no rows yet"),
    "complex": (lambda: classifier().fit(FRAME.assign(a=1j), Y), "complex"),
    "beyond float64": (
        lambda: classifier().fit(FRAME.assign(a=[10**400, *range(59)]), Y),
        "row 1, column 'a': the value is infinite",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_words(name: str) -> None:
    act, told = REFUSED[name]
    with pytest.raises((DataError, ConfigurationError), match=told):
        act()


def test_no_rows() -> None:
    ours = classifier().fit(FRAME, Y)
    with pytest.raises(DataError, match="X has no rows"):
        ours.predict(FRAME.iloc[:0])
    assert ours.model_.predict(FRAME.iloc[:0]).shape == (0,)


def test_large_whole_classes_come_back_from_a_file(tmp_path: Path) -> None:
    ours = classifier(early_stopping=False).fit(X, Y + 2**62)
    ours.save(tmp_path / "m.safetensors")
    assert NeuralClassifier.load(tmp_path / "m.safetensors").classes_.tolist() == [2**62, 2**62 + 1]
