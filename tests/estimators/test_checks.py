"""Every check that scikit-learn has for estimators, on the native backend."""

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from steepest.estimators import NeuralClassifier, NeuralRegressor

# Small, so that the checks take a minute and not ten; what they look for has nothing to do with it.
SMALL: dict[str, Any] = {"hidden_layer_sizes": (32,), "max_epochs": 40}


@parametrize_with_checks(
    [NeuralClassifier(**SMALL), NeuralRegressor(**SMALL)],
)
def test_the_defaults_pass_every_check(estimator: Any, check: Any) -> None:
    check(estimator)
