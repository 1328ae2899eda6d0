"""What a user may get wrong with fit and predict, and what is said then."""

import copy
import threading
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
    TraceError,
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
    (lambda: fit(x=np.ma.masked_less(X, 0)), DataError, "x is a masked array"),
    (lambda: fit(y=np.ma.masked_less(Y, 0)), DataError, "y is a masked array, 1?[0-9] of"),
    (lambda: fit(y=np.stack([Y, Y], axis=1)), ShapeError, r"y holds \(2,\) numbers per example"),
    (lambda: fit(loss="cross_entropy"), DTypeError, r"use y.astype\(int\)"),
    (lambda: fit(loss="cross_entropy", y=LABELS * 2), DataError, "label 2 of example"),
    (lambda: fit(loss="binary_logistic"), DataError, "0 and 1, or −1 and 1"),
    (lambda: fit(loss=lambda f, y: None), TraceError, "the loss should give a Tensor.*not None"),
    (lambda: fit(loss="hing"), ConfigurationError, "no loss 'hing'"),
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


NET = st.nn.Linear(3, 1)
ANY: Anything = st
MORE: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: fit(metrics=["acuracy"]), ConfigurationError, "did you mean 'accuracy'"),
    (lambda: fit(metrics={"a": "nothing"}), ConfigurationError, "no metric 'nothing'; valid:"),
    (lambda: fit(metrics=3), ConfigurationError, "metrics is a list of names or a dict"),
    (lambda: fit(metrics=[lambda f, y: 0.0]), ConfigurationError, "a metric without a name"),
    (lambda: fit(metrics=[3]), ConfigurationError, "a metric is a function"),
    (lambda: fit(early_stopping=True), ConfigurationError, r"st.EarlyStopping\(patience=10\)"),
    (lambda: fit(validation_data=0.2), ConfigurationError, "yours to hold back"),
    (lambda: fit(callbacks=[st.EveryEpoch]), ConfigurationError, r"st.EveryEpoch\(function\)"),
    (lambda: fit(callbacks=[st.EverySteps]), ConfigurationError, r"st.EverySteps\(n, function"),
    (lambda: fit(callbacks=print), ConfigurationError, r"callbacks=\[print\]"),
    (lambda: fit(callbacks=[3]), ConfigurationError, "a callback is a function of a snapshot"),
    (lambda: fit(callbacks=[lambda _: True]), ConfigurationError, r"return st.Stop\(reason\)"),
    (lambda: fit(callbacks=[lambda _: st.Stop]), ConfigurationError, "Stop, the class"),
    (lambda: ANY.Trainer(NET, "squared_error", st.optim.Adam), ConfigurationError, r"Adam\(…\)"),
    (lambda: ANY.Trainer(NET, st.losses.CrossEntropy, "sgd"), ConfigurationError, "CrossEntropy"),
    (lambda: ANY.Trainer(st.nn.MLP, "squared_error", "sgd"), ConfigurationError, "class MLP"),
    (lambda: st.metrics.accuracy(LABELS, X), ShapeError, "they seem to be swapped"),
    (lambda: st.metrics.accuracy(X, LABELS[:-1]), ShapeError, r"labels \(n,\)"),
    (lambda: st.metrics.binary_accuracy(X, LABELS), ShapeError, "one score and one class"),
    (lambda: st.metrics.mse(X, Y), ShapeError, r"shapes \(20, 3\) and \(20,\)"),
]


@pytest.mark.parametrize(("make", "error", "message"), MISTAKES + MORE)
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


@pytest.mark.parametrize("asked", ["mae", ["mae"], {"mae": "mae"}, {"mae": st.metrics.mae}])
def test_metrics_may_be_named(asked: Anything) -> None:
    row = fit(metrics=asked, validation_data=(X, Y)).rows[0]
    assert {"mae", "validation_mae"} <= set(row)
    assert row["validation_mae"] > 0


def test_two_threads_cannot_fit_one_trainer_at_once() -> None:
    """Both would read the same weights, and one of them would overwrite what the other learnt."""
    model = st.nn.Linear(3, 1)
    trainer = st.Trainer(model, "half_squared_error", "sgd")
    caught: list[BaseException] = []

    def again(_: st.Snapshot) -> None:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()

    def attempt() -> None:
        try:
            trainer.fit(X, Y, epochs=1, batch_size=5)
        except TrainingError as error:
            caught.append(error)

    trainer.fit(X, Y, epochs=1, batch_size=5, callbacks=[again])
    assert "in a call of fit already" in str(caught[0])
    assert trainer.steps == 4
    attempt()  # nobody else is in it now
    assert trainer.steps == 8
    assert len(caught) == 1
    copy.deepcopy(trainer).fit(X, Y, epochs=1, batch_size=5)
