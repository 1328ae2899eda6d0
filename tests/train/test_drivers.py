"""Training with drivers: SciPy's minimum, the record they share with rules, what they refuse."""

import itertools
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.optimize

import steepest as st
from steepest.errors import ConfigurationError, TrainingError
from steepest.optim.drivers import DRIVERS

Array = Any
Option = Any  # of fit, of a model
RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4))
Y = (X[:, 0] * X[:, 1] + X[:, 2] + 0.5 * RNG.normal(size=150) > 0).astype(int)
WEIGHTS = RNG.uniform(0.2, 2.0, 150)
L2 = 0.02


def network(dtype: Option = np.float64, **options: Option) -> st.nn.Module:
    with st.random.stream(1):
        return st.nn.MLP(4, [6], 2, activation="tanh", **options).astype(dtype)


def weights_of(model: st.nn.Module) -> dict[str, Array]:
    return {name: cell.value.numpy() for name, cell in model.states().items()}


def same(one: st.nn.Module, other: st.nn.Module) -> bool:
    ours, theirs = weights_of(one), weights_of(other)
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)


def by_hand(flat: Array) -> float:
    """The objective of logistic regression in NumPy: weighted, the bias without a penalty."""
    scores = X @ flat[:4] + flat[4]
    signs = 2.0 * Y - 1.0
    losses = np.logaddexp(0.0, -signs * scores)
    return float(np.mean(WEIGHTS / WEIGHTS.mean() * losses) + L2 / 2 * np.sum(flat[:4] ** 2))


@pytest.mark.row("P8", "P9", "P10")
@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("name", DRIVERS)
def test_weights_and_penalty_are_part_of_what_is_made_small(name: str, backend: Option) -> None:
    model = st.nn.Linear(4, 1).astype(np.float64)
    trainer = st.Trainer(model, "binary_logistic", name, l2=L2, backend=backend)
    history = trainer.fit(X, Y, epochs=100, batch_size=None, sample_weight=WEIGHTS)
    best = scipy.optimize.minimize(by_hand, np.zeros(5), method="BFGS", options={"gtol": 1e-8})
    assert model.bias is not None
    found = np.concatenate([model.weight.value.numpy()[0], model.bias.value.numpy()])
    np.testing.assert_allclose(found, best.x, atol=1e-4)
    row = history.rows[-1]
    assert row["loss"] + row["penalty"] == pytest.approx(best.fun, abs=1e-8)
    assert history.stopped == "converged"
    assert "gradient_tolerance" in history.message
    assert trainer.steps == trainer.epochs == len(history) < 40


@pytest.mark.row("P8")
def test_newton_solves_least_squares_in_a_step() -> None:
    target = X @ RNG.normal(size=4) + 3.0 + 0.1 * RNG.normal(size=150)
    with st.random.stream(0):
        model = st.nn.Linear(4, 1).astype(np.float64)
    for cell in model.states().values():
        cell.assign(np.full(cell.shape, 5.0))  # so far out that the step is within the first radius
    history = st.Trainer(model, "half_squared_error", "newton").fit(
        X, target, epochs=9, batch_size=None
    )
    exact = np.linalg.lstsq(np.column_stack([X, np.ones(150)]), target, rcond=None)[0]
    np.testing.assert_allclose(model.weight.value.numpy()[0], exact[:4], rtol=1e-9)
    assert len(history) <= 3


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_is_trained_and_its_record_is_whole(name: str, dtype: Option) -> None:
    model = network(dtype)
    trainer = st.Trainer(model, "cross_entropy", name, l2=0.001)
    seen: list[int] = []
    history = trainer.fit(
        X[:100], Y[:100], epochs=25, batch_size=None,
        validation_data=(X[100:], Y[100:]), metrics=["accuracy"],
        callbacks=[st.EverySteps(1, lambda now: seen.append(now.step))],
    )  # fmt: skip
    assert seen == [row["step"] for row in history.rows] == [*range(1, len(history) + 1)]
    objective = [row["loss"] + row["penalty"] for row in history.rows]
    assert all(later <= earlier for earlier, later in itertools.pairwise(objective))
    last = history.rows[-1]
    assert {"validation_loss", "validation_accuracy", "learning_rate", "seconds"} <= set(last)
    assert last["evaluations"] >= len(history)
    outputs = trainer.predict(X[:100])
    assert last["accuracy"] == pytest.approx(st.metrics.accuracy(outputs, Y[:100]))
    mean = np.mean(np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(100), Y[:100]])
    assert last["loss"] == pytest.approx(mean, rel=1e-5)
    assert last["accuracy"] > 0.9


@pytest.mark.parametrize("name", DRIVERS)
def test_a_second_fit_goes_on(name: str) -> None:
    once, twice = network(), network()
    st.Trainer(once, "cross_entropy", name).fit(X, Y, epochs=9, batch_size=None)
    trainer = st.Trainer(twice, "cross_entropy", name)
    trainer.fit(X, Y, epochs=4, batch_size=None)
    history = trainer.fit(X, Y, epochs=5, batch_size=None)
    assert history.rows[0]["epoch"] == 5
    assert same(once, twice)


@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("at", [1, 3, 6])
def test_interrupted_and_resumed_has_the_same_bits(name: str, at: int, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "epochs": 9, "batch_size": None, "validation_data": (X[100:], Y[100:]),
        "early_stopping": st.EarlyStopping(patience=5),
    }  # fmt: skip
    whole, half, halves = (network(np.float32, batch_norm="before") for _ in range(3))
    expected = st.Trainer(whole, "cross_entropy", name).fit(X[:100], Y[:100], **options)
    file = tmp_path / "fit.safetensors"
    first = st.Trainer(half, "cross_entropy", name).fit(
        X[:100], Y[:100], **options, checkpoint=st.Checkpoint(file),
        callbacks=[st.EverySteps(at, lambda now: signal.raise_signal(signal.SIGINT))],
    )  # fmt: skip
    assert first.stopped == "interrupted"
    assert len(first) == at
    resumed = st.Trainer(halves, "cross_entropy", name).fit(
        X[:100], Y[:100], **options, checkpoint=st.Checkpoint(file), resume=file
    )
    assert same(whole, halves)
    for one, other in zip(expected.rows, resumed.rows, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert (expected.stopped, expected.message) == (resumed.stopped, resumed.message)


@pytest.mark.parametrize("name", DRIVERS)
def test_every_way_to_stop(name: str) -> None:
    def fit(**options: Option) -> st.History:
        trainer = st.Trainer(network(), "cross_entropy", name)
        given: dict[str, Any] = {"epochs": 200, "batch_size": None, **options}
        return trainer.fit(X[:100], Y[:100], **given)

    assert fit(time_limit=1e-9).stopped == "time limit"
    assert len(fit(time_limit=1e-9)) == 0
    assert fit(epochs=2).stopped == "finished"
    asked = fit(callbacks=[lambda now: st.Stop("enough") if now.epoch == 3 else None])
    assert (asked.stopped, asked.message, len(asked)) == ("callback", "enough", 3)
    held_out = (X[100:], Y[100:])
    early = fit(validation_data=held_out, early_stopping=st.EarlyStopping(patience=2))
    assert early.stopped in ("early stopping", "converged")
    if early.stopped == "early stopping":
        assert early.best_epoch == len(early) - 2


def test_batch_normalisation_counts_an_iteration_once() -> None:
    model = network(batch_norm="before")
    st.Trainer(model, "cross_entropy", "lbfgs").fit(X, Y, epochs=6, batch_size=None)
    layer = next(part for _, part in model.named() if isinstance(part, st.nn.BatchNorm))
    assert layer.batches.value.item() == 6
    before = network(batch_norm="before")
    first = next(part for _, part in before.named() if isinstance(part, st.nn.BatchNorm))
    st.Trainer(before, "cross_entropy", "lbfgs").fit(X, Y, epochs=1, batch_size=None)
    linear = before.layers[0].weight.value.numpy()  # pyright: ignore[reportAttributeAccessIssue]
    np.testing.assert_allclose(first.mean.value.numpy(), (X @ linear.T).mean(0), atol=1e-12)


@pytest.mark.row("P10")
@pytest.mark.parametrize("name", DRIVERS)
def test_mini_batches_and_draws_are_refused_unless_forced(name: str) -> None:
    make = DRIVERS[name]
    title = make.__name__

    def refused(text: str, *, dropout: float = 0.0, **options: Option) -> None:
        model = network(dropout=dropout)
        trainer = st.Trainer(model, "cross_entropy", name)
        before = weights_of(model)
        given: dict[str, Any] = {"epochs": 1, "batch_size": None, **options}
        with pytest.raises(ConfigurationError, match=text):
            trainer.fit(X, Y, **given)
        assert trainer.steps == 0
        np.testing.assert_equal(weights_of(model), before)

    refused(
        rf"{title} needs the whole.*150 rows.*batches of 32.*Forced\({title}\(\)", batch_size=32
    )
    refused("whole training set", sampler="with_replacement")
    refused("set dropout to 0", dropout=0.5)
    refused("leave watch away", watch=1)
    forced = st.Trainer(network(dropout=0.2), "cross_entropy", st.optim.Forced(make()))
    history = forced.fit(X, Y, epochs=3, batch_size=50)
    assert forced.steps == 9
    assert history.stopped == "finished"


@pytest.mark.row("P8")
def test_too_many_parameters_name_another_driver() -> None:
    wide = st.nn.MLP(4, [1000], 2)
    for name, count in (("newton", "3,000"), ("bfgs", "5,000")):
        with pytest.raises(ConfigurationError, match=rf"{count} parameters.*7,002.*LBFGS|7,002"):
            st.Trainer(wide, "cross_entropy", name).fit(X, Y, epochs=1, batch_size=None)


def test_a_loss_without_a_value_is_told() -> None:
    model = st.nn.Linear(4, 1).astype(np.float64)
    model.weight.assign(np.full((1, 4), np.nan))
    for name in DRIVERS:
        with pytest.raises(TrainingError, match=r"before iteration 1.*weight"):
            st.Trainer(model, "half_squared_error", name).fit(X, Y, epochs=1, batch_size=None)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: st.Trainer(network(), "cross_entropy", "lbgfs"), "did you mean 'lbfgs'"),
        (lambda: st.Trainer(network(), "cross_entropy", "adma"), "did you mean 'adam'"),
        (lambda: st.optim.optimizer("steep"), "'adam'.*'lbfgs'"),
        (
            lambda: st.Trainer(network(), "cross_entropy", "lbfgs").graph(X, Y, batch_size=None),
            "no graph of its step",
        ),
    ],
)
def test_mistakes(call: Callable[[], object], text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        call()
    assert re.search(text, str(caught.value))


def test_frozen_parameters_stay() -> None:
    model = network()
    trainer = st.Trainer(model, "cross_entropy", "lbfgs")
    trainer.fit(X, Y, epochs=3, batch_size=None)
    frozen = next(iter(model.states().values()))
    frozen.trainable = False
    before = frozen.value.numpy().copy()
    loss = trainer.fit(X, Y, epochs=3, batch_size=None).rows[-1]["loss"]
    np.testing.assert_array_equal(frozen.value.numpy(), before)
    assert loss < 0.69
