"""The learning-rate range test: small tables, known curvature, nothing touched."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError, TrainingError
from steepest.report import plot_rate_range
from steepest.train.rate_finder import OneBatch, Sweep, with_rate
from steepest.train.samplers import DisjointBatches, Draw

pytestmark = pytest.mark.row("S10")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6))
Y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)


def trainer(optimizer: Any = "adamw", **options: Any) -> st.Trainer:  # noqa: ANN401
    with st.random.stream(0):
        model = st.nn.MLP(6, [32], 2, **options)
    return st.Trainer(model, "cross_entropy", optimizer)


def test_two_hundred_rows_are_enough() -> None:
    found = st.find_learning_rate(trainer(dropout=0.2), X, Y, batch_size=32)
    assert 50 < len(found.losses) <= 100  # several passes of 6 batches
    assert 1e-3 < found.proposal < 0.1
    history = trainer(st.optim.AdamW(found.proposal)).fit(X, Y, epochs=30, batch_size=32)
    slow = trainer(st.optim.AdamW(found.proposal / 100)).fit(X, Y, epochs=30, batch_size=32)
    assert history.rows[-1]["loss"] < 0.2 < slow.rows[-1]["loss"]


@pytest.mark.parametrize("size", [None, 50])
def test_the_rate_fits_the_curvature(size: int | None) -> None:
    """Of ½ c (w − 3)² gradient descent diverges at 2/c; a third of about 1/c is proposed."""
    ones = np.ones((200, 1))
    for curvature in (0.1, 10.0):
        model = st.nn.Linear(1, 1, bias=False).astype(np.float64)
        of_line = st.Trainer(model, "half_squared_error", "sgd")
        root = curvature**0.5
        found = st.find_learning_rate(
            of_line, root * ones, 3.0 * root * ones, batch_size=size, high=1e3
        )
        assert 0.01 / curvature < found.proposal < 0.7 / curvature


def test_nothing_of_the_trainer_changes() -> None:
    one, other = trainer(st.optim.Momentum(0.1)), trainer(st.optim.Momentum(0.1))
    for each in (one, other):
        each.fit(X, Y, epochs=2, batch_size=20)
    st.find_learning_rate(one, X, Y, batch_size=20, sample_weight=np.arange(200.0))
    assert (one.epochs, one.steps) == (2, 20)
    for each in (one, other):
        each.fit(X, Y, epochs=2, batch_size=20)
    for name, cell in one.model.states().items():
        np.testing.assert_array_equal(cell.value.numpy(), other.model.states()[name].value.numpy())


def test_the_same_again() -> None:
    first = st.find_learning_rate(trainer(), X, Y, batch_size=32)
    again = st.find_learning_rate(trainer(), X, Y, batch_size=32)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert first.proposal == again.proposal


def test_the_curve_is_what_training_step_by_step_gives() -> None:
    """Each loss is that of the watched rows after a step at its rate, by hand."""
    chosen = trainer("sgd").model.astype(np.float64)
    probe = st.Trainer(chosen, "cross_entropy", "sgd")
    found = st.find_learning_rate(probe, X, Y, batch_size=None, steps=12, low=1e-3, high=1.0)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-3, 1.0, 12), rtol=1e-12)
    for rate, loss in zip(found.rates, found.losses, strict=True):
        rule = st.optim.SGD(float(rate))  # natively each rate would be a program
        step = st.Trainer(chosen, "cross_entropy", rule, backend="reference")
        step.fit(X, Y, epochs=1, batch_size=None)
        outputs = step.predict(X)
        expected = np.mean(np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(200), Y])
        assert loss == pytest.approx(expected, rel=1e-9)
    smooth = found.losses[0]
    for loss, average in zip(found.losses, found.smoothed, strict=True):
        smooth = 0.7 * smooth + 0.3 * loss
        assert average == pytest.approx(smooth)


def test_it_ends_where_the_loss_is_lost() -> None:
    ones = np.ones((64, 1))
    model = st.nn.Linear(1, 1, bias=False)
    found = st.find_learning_rate(
        st.Trainer(model, "squared_error", "sgd"), 1e3 * ones, ones, batch_size=16, low=1e-12
    )
    assert len(found.losses) < 100
    assert found.proposal < 1e-6


def test_an_epoch_of_one_batch_goes_through_all() -> None:
    batches = st.Batches(25, 10)
    for first in (0, 2):
        epochs = [OneBatch().rows(batches, Draw(3, 0, first + t)) for t in range(2)]
        whole = DisjointBatches().rows(batches, Draw(3, 0, first // 2))
        np.testing.assert_array_equal(np.concatenate(epochs), whole[:20])


def test_rules_around_rules_keep_their_own() -> None:
    sweep = Sweep(0.1, 1.0, 10)
    inside = st.optim.ClipByNorm(st.optim.WeightDecay(st.optim.Adam(beta1=0.8), 0.5), 2.0)
    assert with_rate(st.optim.AveragedParameters(inside), sweep) == st.optim.ClipByNorm(
        st.optim.WeightDecay(st.optim.Adam(sweep, beta1=0.8), 0.5), 2.0
    )


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: st.find_learning_rate(trainer("lbfgs"), X, Y, batch_size=None),
         ConfigurationError, "LBFGS has no learning rate"),
        (lambda: st.find_learning_rate(trainer(), X, Y, batch_size=32, low=1.0, high=0.1),
         ConfigurationError, "rise from low to high"),
        (lambda: st.find_learning_rate(trainer(), X, Y, batch_size=32, steps=3),
         ConfigurationError, "from 10 on"),
        (lambda: st.find_learning_rate(trainer("sgd"), X, Y, batch_size=32, high=1e-5),
         TrainingError, "no learning rate from 1e-06 to 1e-05"),
        (lambda: st.find_learning_rate(trainer(), X, Y, batch_size=900),
         ConfigurationError, "900"),
    ],
)  # fmt: skip
def test_refused(call: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_the_picture_shows_the_proposal() -> None:
    found = st.find_learning_rate(trainer(), X, Y, batch_size=32)
    axes = plot_rate_range(found).axes[0]
    assert axes.get_xscale() == "log"
    lines = [line.get_xdata() for line in axes.get_lines()]
    np.testing.assert_array_equal(lines[1], found.rates)
    assert lines[2][0] == found.proposal  # pyright: ignore[reportIndexIssue]
