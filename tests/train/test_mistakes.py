"""What a user may get wrong with fit and predict, and what is said then."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import (
    ConfigurationError,
    DataError,
    DTypeError,
    ShapeError,
    SteepestError,
    TrainingError,
)

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, 0].copy()
LABELS = (Y > 0).astype(int)


Anything = Any  # mistakes are of any type


def at(array: Anything, place: Anything, value: float) -> Anything:
    changed = np.array(array)
    changed[place] = value
    return changed


def fit(
    x: Anything = X, y: Anything = Y, loss: Anything = "half_squared_error", **options: Anything
) -> st.History:
    outputs = 2 if loss == "cross_entropy" else 1
    with st.random.stream(0):
        model = st.nn.MLP(3, [4], outputs)
    trainer = st.Trainer(model, loss, "sgd")
    given: dict[str, Any] = {"epochs": 1, "batch_size": 5, **options}
    return trainer.fit(x, y, **given)


MISTAKES: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: fit(y=Y[:-1]), DataError, "x has 20 rows and y 19"),
    (lambda: fit(x=at(X, (3, 1), np.nan)), DataError, "x holds nan at row 3, column 1"),
    (lambda: fit(x=at(X, (3, 1), np.inf)), DataError, "x holds inf at row 3, column 1"),
    (lambda: fit(y=at(Y, 7, np.nan)), DataError, r"y holds nan at row 7 \(counted from 0\)"),
    (lambda: fit(x=X[:0], y=Y[:0]), DataError, "x has no rows"),
    (lambda: fit(x=3.0), DataError, "single number"),
    (lambda: fit(x=np.array([["a"] * 3] * 20)), DTypeError, "x holds <U1, not numbers"),
    (lambda: fit(x={"a": X, "b": X[:5]}), DataError, r"x\['a'\] 20, x\['b'\] 5"),
    (lambda: fit(x={}), DataError, "holds no arrays"),
    (lambda: fit(x=X[:, :2]), ShapeError, "last axis should be 3"),
    (lambda: fit(y=np.stack([Y, Y], axis=1)), ShapeError, r"y holds \(2,\) numbers per example"),
    (lambda: fit(loss="cross_entropy"), DTypeError, r"use y.astype\(int\)"),
    (lambda: fit(loss="cross_entropy", y=LABELS * 2), DataError, "label 2 of example"),
    (lambda: fit(loss="binary_logistic"), DataError, "0 and 1, or −1 and 1"),
    (lambda: fit(loss="hinge"), ConfigurationError, "no loss 'hinge'"),
    (lambda: fit(batch_size=21), ConfigurationError, "batch_size=21 is more than the 20 rows"),
    (lambda: fit(batch_size=0), ConfigurationError, "whole number from 1 on, or None, not 0"),
    (lambda: fit(batch_size=2.5), ConfigurationError, "whole number from 1 on, or None, not 2.5"),
    (lambda: fit(epochs=0), ConfigurationError, "epochs is a whole number from 1 on, not 0"),
    (lambda: fit(time_limit=0), ConfigurationError, "time_limit is a number of seconds above 0"),
    (lambda: fit(sample_weight=-Y), DataError, "sample_weight is negative at row"),
    (lambda: fit(sample_weight=Y * 0), DataError, "sample_weight is 0 everywhere"),
    (lambda: fit(sample_weight=np.ones(3)), DataError, r"one number per example, shape \(20,\)"),
    (lambda: fit(validation_data=(X, Y[:-1])), DataError, "validation x has 20 rows"),
    (lambda: fit(validation_data=(X,)), ConfigurationError, r"validation_data is \(x, y\)"),
    (
        lambda: fit(validation_data=(at(X, (0, 0), np.nan), Y)),
        DataError,
        "validation x holds nan at row 0, column 0",
    ),
    (lambda: fit(callbacks=[st.EverySteps(0, print)]), ConfigurationError, "EverySteps: n"),
    (lambda: fit(loss=lambda f, y: st.mean(f)), ShapeError, "one number per example"),
    (
        lambda: st.Trainer(st.nn.Dropout(0.1), "squared_error", "sgd"),
        ConfigurationError,
        "no train",
    ),
    (lambda: st.Trainer(st.nn.Linear(1, 1), "squared_error", "sg"), ConfigurationError, "'sgd'"),
    (
        lambda: st.Trainer(st.nn.Linear(1, 1), "squared_error", "sgd", l2=-1.0),
        ConfigurationError,
        "l2 is a number from 0 on",
    ),
    (
        lambda: st.Trainer(st.nn.Linear(1, 1), "squared_error", "sgd", seed=-1),
        ConfigurationError,
        "a seed is a whole number from 0",
    ),
    (lambda: st.predict(st.nn.Linear(3, 1), X[:, :2]), ShapeError, "last axis should be 3"),
    (lambda: st.predict(st.nn.Linear(3, 1), at(X, (1, 2), np.nan)), DataError, "row 1, column 2"),
]


@pytest.mark.parametrize(("make", "error", "message"), MISTAKES)
def test_mistakes(make: Callable[[], object], error: type[Exception], message: str) -> None:
    assert issubclass(error, SteepestError)
    with pytest.raises(error, match=message):
        make()


def test_a_model_that_loses_the_rows_is_refused() -> None:
    class Mean(st.nn.Module):
        def __init__(self) -> None:
            self.linear = st.nn.Linear(3, 1)

        def forward(self, x: st.Tensor) -> st.Tensor:
            return st.mean(self.linear(x))

    with pytest.raises(TrainingError, match="first axis is the batch"):
        st.predict(Mean(), X)


def test_a_mistake_leaves_the_model_alone() -> None:
    model = st.nn.Linear(3, 1)
    before = model.weight.value.numpy()
    trainer = st.Trainer(model, "half_squared_error", "sgd")
    with pytest.raises(DataError):
        trainer.fit(X, Y[:-1], epochs=1, batch_size=5)
    np.testing.assert_array_equal(model.weight.value.numpy(), before)
    assert trainer.epochs == 0
    assert trainer.fit(X, Y, epochs=1, batch_size=5).stopped == "finished"
