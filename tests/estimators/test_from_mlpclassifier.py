"""The page for those who come from scikit-learn's MLP: complete, and every line of it runs."""

from __future__ import annotations

import inspect
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from steepest import NeuralClassifier, NeuralRegressor

PAGE = Path(__file__).parents[2] / "docs" / "from-mlpclassifier.md"
NONE = "–"
ESTIMATORS = (MLPClassifier, MLPRegressor, NeuralClassifier, NeuralRegressor)


def rows() -> list[tuple[str, str]]:
    """The first two cells of each line that holds code."""
    found: list[tuple[str, str]] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        codes = [re.fullmatch(f"`([^`]+)`|{NONE}", cell) for cell in cells[:2]]
        if len(cells) == 3 and codes[0] and codes[1]:
            found.append((codes[0][1] or NONE, codes[1][1] or NONE))
    return found


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory, interpreted_throughout: None) -> dict[str, Any]:
    """What the page's lines speak of."""
    x, y = load_iris(return_X_y=True, as_frame=True)
    file = tmp_path_factory.mktemp("page") / "ours.safetensors"

    def saved(estimator: NeuralClassifier) -> Path:
        estimator.save(file)
        return file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = MLPClassifier(max_iter=3, early_stopping=True).fit(x, y)
        their_regressor = MLPRegressor(max_iter=3).fit(x, y)
    return {
        **{"X": x, "y": y, "weights": np.ones(len(y)), "saved": saved},
        **{"pickle": pickle, "clone": clone, "theirs": theirs, "their_regressor": their_regressor},
        "ours": NeuralClassifier(max_epochs=3).fit(x, y),
        "our_regressor": NeuralRegressor(max_epochs=3).fit(x, y),
        **{"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor},
        **{"NeuralClassifier": NeuralClassifier, "NeuralRegressor": NeuralRegressor},
    }


@pytest.mark.parametrize("code", [each for row in rows() for each in row if each != NONE])
def test_line_runs(code: str, names: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        value: Any = eval(code, dict(names))
        if type(value) in ESTIMATORS and "=" in code and "fit" not in code:
            short = "max_epochs" if hasattr(value, "max_epochs") else "max_iter"
            value.set_params(**{short: 2}).fit(names["X"], names["y"])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_nothing_of_scikit_learn_is_left_out(kind: type, names: dict[str, Any]) -> None:
    page = "\n".join(theirs for theirs, _ in rows())
    for parameter in inspect.signature(kind).parameters:
        assert re.search(rf"\({parameter}=|, {parameter}=", page), parameter
    fitted = names["theirs" if kind is MLPClassifier else "their_regressor"]
    attributes = [name for name in vars(fitted) if name.endswith("_") and name[0] != "_"]
    methods = [name for name in dir(kind) if name[0] != "_" and callable(getattr(fitted, name))]
    for name in [*attributes, *methods]:
        assert re.search(rf"\.{name}\b", page), name


def test_our_own_parameters_are_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for parameter in inspect.signature(NeuralClassifier).parameters:
        assert f"{parameter}=" in text or f"`{parameter}`" in text, parameter
