"""Weights and names that would make training wrong without a word."""

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, DataError

X, Y = np.ones((6, 2)), np.array([0, 1, 0, 1, 0, 1])


def trainer() -> st.Trainer:
    return st.Trainer(st.nn.Linear(2, 2), "cross_entropy", "sgd")


@pytest.mark.parametrize("name", ["loss", "epoch", "penalty", "validation_loss"])
def test_a_metric_does_not_take_the_place_of_another_number(name: str) -> None:
    with pytest.raises(ConfigurationError, match="which the history has already"):
        trainer().fit(X, Y, epochs=1, batch_size=2, metrics={name: st.metrics.accuracy})


def test_weights_that_add_up_to_infinity_are_refused() -> None:
    with pytest.raises(DataError, match="sample_weight adds up to infinity"):
        trainer().fit(X, Y, epochs=1, batch_size=2, sample_weight=np.full(6, 1e308))
