"""Every check that scikit-learn has for estimators, on the native backend."""

from typing import Any

import pytest
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    parametrize_with_checks,
)

from steepest import NeuralClassifier, NeuralRegressor

# Small, so that all take a minute and not ten: what they look for has nothing to do with the size.
SMALL: dict[str, Any] = {"hidden_layer_sizes": (24,), "max_epochs": 30, "learning_rate": 0.01}

DRAWN = "which rows are held back, and which are in a batch, depends on how many there are"
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": DRAWN,
    "check_sample_weight_equivalence_on_sparse_data": DRAWN,
}
# All rows at each step, and nothing drawn: a row of weight 2 is as good as two rows.
UNDRAWN: dict[str, Any] = {
    "early_stopping": False,
    "dropout": 0.0,
    "batch_size": 10_000,
    "dtype": "float64",
}


@parametrize_with_checks(
    [NeuralClassifier(**SMALL), NeuralRegressor(**SMALL)],
    expected_failed_checks=lambda _: EXPECTED_TO_FAIL,
)
def test_every_check_passes(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        check_sample_weight_equivalence_on_dense_data,
        check_sample_weight_equivalence_on_sparse_data,
    ],
)
@pytest.mark.parametrize("make", [NeuralClassifier, NeuralRegressor])
@pytest.mark.parametrize("size", [{}, SMALL], ids=["as it comes", "small"])
def test_a_weight_is_so_many_rows_where_nothing_is_drawn(check: Any, make: Any, size: Any) -> None:
    estimator = make(**size, **UNDRAWN)
    check(make.__name__, estimator)
