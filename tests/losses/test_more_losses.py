"""Robust, quantile, count and margin losses by what they are for; and losses of one's own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn.metrics

import steepest as st
from steepest.errors import (
    ConfigurationError,
    DataError,
    GradientError,
    ShapeError,
    TraceError,
    TrainingError,
)

pytestmark = pytest.mark.row("O5")

Array = Any
RNG = np.random.default_rng(1)
Y = RNG.standard_t(3, size=301) * 2 + 1
WORD: Any = "x"


def minimum(loss: st.losses.Loss, y: Array, low: float = -9.0, high: float = 9.0) -> float:
    """The constant prediction with the smallest mean loss, by bisection of the derivative."""
    total = st.grad(lambda f: st.sum(loss(f + st.zeros(y.shape), st.tensor(y))))
    for _ in range(60):
        middle = (low + high) / 2
        if float(total(st.tensor(np.float64(middle)))) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def test_each_is_smallest_at_what_it_estimates() -> None:
    assert minimum(st.losses.HalfSquaredError(), Y) == pytest.approx(Y.mean())
    assert minimum(st.losses.AbsoluteError(), Y) == pytest.approx(np.median(Y))
    for q in (0.05, 0.5, 0.83):
        expected = np.quantile(Y, q, method="inverted_cdf")
        assert minimum(st.losses.Quantile(q), Y) == pytest.approx(expected)
    counts = RNG.poisson(3.0, 301).astype(float)
    assert np.exp(minimum(st.losses.Poisson(), counts)) == pytest.approx(counts.mean())
    huber = st.losses.Huber(1.5)
    expected = scipy.optimize.minimize_scalar(
        lambda f: scipy.special.huber(1.5, Y - f).sum(), tol=1e-12
    ).x
    assert minimum(huber, Y) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("delta", [0.3, 1.0, 4.0])
def test_huber_is_scipys(delta: float) -> None:
    f = RNG.normal(size=301)
    found = st.losses.Huber(delta)(f, Y).numpy()
    np.testing.assert_allclose(found, scipy.special.huber(delta, f - Y), rtol=1e-12)


@pytest.mark.parametrize("q", [0.05, 0.5, 0.9])
def test_one_quantile_is_scikit_learns_pinball_loss(q: float) -> None:
    f = RNG.normal(size=301)
    expected = sklearn.metrics.mean_pinball_loss(Y, f, alpha=q)
    for prediction in (f, f[:, None]):
        assert st.losses.Quantile(q)(prediction, Y).numpy().mean() == pytest.approx(expected)


def test_poisson_is_the_likelihood_up_to_a_constant() -> None:
    f, y = RNG.normal(size=50), RNG.poisson(2.0, 50)
    expected = -scipy.stats.poisson.logpmf(y, np.exp(f)) - scipy.special.gammaln(y + 1)
    found = st.losses.Poisson()(f, y.astype(float)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_margins_of_several_classes_are_scikit_learns() -> None:
    scores, labels = RNG.normal(size=(60, 4)), RNG.integers(0, 4, 60)
    found = st.losses.Hinge()(scores, labels).numpy().mean()
    assert found == pytest.approx(sklearn.metrics.hinge_loss(labels, scores))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (st.losses.Hinge(), lambda m: np.maximum(0, 1 - m)),
        (st.losses.SquaredHinge(), lambda m: np.maximum(0, 1 - m) ** 2),
        (st.losses.Perceptron(), lambda m: np.maximum(0, -m)),
    ],
)
def test_margins_of_one_score_in_all_ways_to_write_two_classes(
    loss: st.losses.Loss, expected: Callable[[Array], Array]
) -> None:
    f = RNG.normal(size=40)
    signs = np.where(RNG.random(40) < 0.5, -1, 1)
    for target in (signs, (signs + 1) // 2, signs > 0):
        for prediction in (f, f[:, None]):
            prepared = loss.prepare(target, prediction.shape[1:], st.float64)
            found = loss(prediction, prepared).numpy()
            np.testing.assert_allclose(found, expected(signs * f), rtol=1e-12)


@pytest.mark.row("M1")
def test_the_perceptron_moves_by_y_x_exactly_where_it_is_wrong_also_at_zero() -> None:
    f, y = np.array([-2.0, 0.0, 0.0, 3.0]), np.array([1.0, 1.0, -1.0, 1.0])
    total = st.grad(lambda f: st.sum(st.losses.Perceptron()(f, y)))
    np.testing.assert_array_equal(total(st.tensor(f)).numpy(), [-1.0, -1.0, 1.0, 0.0])


def test_smoothing_zero_is_the_cross_entropy() -> None:
    scores, labels = RNG.normal(size=(60, 4)), RNG.integers(0, 4, 60)
    np.testing.assert_allclose(
        st.losses.SmoothedCrossEntropy(0.0)(scores, labels).numpy(),
        st.losses.CrossEntropy()(scores, labels).numpy(),
    )


def test_quantile_heads_hold_the_share_they_say() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(4000, 1)).astype(np.float32)
    y = (x[:, 0] + (0.5 + 0.4 * x[:, 0]) * rng.normal(size=4000)).astype(np.float32)
    with st.random.stream(0):
        model = st.nn.MLP(1, [16], 3, activation="tanh")
    rate = st.optim.schedules.CosineAnnealing(0.02, steps=800)
    trainer = st.Trainer(model, st.losses.Quantile([0.1, 0.5, 0.9]), st.optim.Adam(rate))
    trainer.fit(x, y, epochs=20, batch_size=100)
    found = trainer.predict(x)
    shares = (y[:, None] <= found).mean(axis=0)
    np.testing.assert_allclose(shares, [0.1, 0.5, 0.9], atol=0.03)
    # wide where the noise is: the true distance of the quantiles 0.1 and 0.9 is 2·1.2816 σ(x)
    width = 2 * scipy.stats.norm.ppf(0.9) * (0.5 + 0.4 * x[:, 0])
    assert np.corrcoef(found[:, 2] - found[:, 0], width)[0, 1] > 0.95


OPTIONS: list[tuple[Callable[[], object], str]] = [
    (lambda: st.losses.Huber(0.0), "delta is a number above 0"),
    (lambda: st.losses.Quantile([0.5, 0.1]), "rising order"),
    (lambda: st.losses.Quantile([0.5, 0.5]), "rising order"),
    (lambda: st.losses.Quantile([]), "numbers between 0 and 1"),
    (lambda: st.losses.Quantile(1.0), "numbers between 0 and 1"),
    (lambda: st.losses.Quantile([0.1, 50]), "numbers between 0 and 1"),
    (lambda: st.losses.SmoothedCrossEntropy(1.0), "from 0 to below 1"),
    (lambda: st.losses.SmoothedCrossEntropy(WORD), "from 0 to below 1, not 'x'"),
    (lambda: st.losses.loss("huber", {"delt": 1.0}), "did you mean 'delta'"),
    (lambda: st.losses.loss("hinge", {"delta": 1.0}), "it has none"),
]


@pytest.mark.parametrize(("make", "message"), OPTIONS)
def test_impossible_options(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_targets_that_do_not_fit() -> None:
    with pytest.raises(DataError, match=r"counts, numbers from 0 on; y holds -1.0 at row 2"):
        st.losses.Poisson().prepare(np.array([0.0, 3.0, -1.0]), (1,), st.float32)
    with pytest.raises(ShapeError, match="needs a model with 2 outputs"):
        st.losses.Quantile([0.1, 0.9]).prepare(np.ones(3), (1,), st.float32)
    with pytest.raises(DataError, match="0 and 1, or −1 and 1"):
        st.losses.Hinge().prepare(np.array([0, 1, 2]), (1,), st.float32)
    with pytest.raises(DataError, match="outside of 0 … 2"):
        st.losses.Hinge().prepare(np.array([0, 1, 3]), (3,), st.float32)


# -------------------------------------------------------------------------- losses of one's own

SCORES = RNG.normal(size=(64, 1))
TARGETS = RNG.normal(size=64)


def column(f: st.Tensor) -> st.Tensor:
    return st.reshape(f, f.shape[:1])


RIGHT: dict[str, Callable[[st.Tensor, st.Tensor], st.Tensor]] = {
    "fourth power": lambda f, y: (column(f) - y) ** 4,
    "absolute": lambda f, y: st.abs(column(f) - y),
    "log cosh": lambda f, y: st.log(st.cosh(column(f) - y)),
    "pinball": lambda f, y: st.where(y > column(f), 0.9 * (y - column(f)), 0.1 * (column(f) - y)),
    "constant": lambda f, y: 0.0 * column(f) + y,
}


@pytest.mark.row("D6")
@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("at", ["anywhere", "the targets", "zero", "far away"])
def test_a_right_gradient_passes_also_at_corners(name: str, at: str) -> None:
    f = {
        "anywhere": SCORES,
        "the targets": TARGETS[:, None],
        "zero": np.zeros((64, 1)),
        "far away": SCORES * 100,
    }[at]
    for dtype in (np.float32, np.float64):
        st.losses.check_own_loss(RIGHT[name], f.astype(dtype), TARGETS.astype(dtype))


WRONG: dict[str, tuple[Callable[[Any, Any], Any], type[Exception], str]] = {
    "a detached factor": (
        lambda f, y: (column(f) - y).detach() * (column(f) - y),
        GradientError,
        r"wrong at example \d+.*Unchecked",
    ),
    "one example in 64": (
        lambda f, y: st.where(
            st.arange(64) == 17, (column(f) - y).detach() ** 2, (column(f) - y) ** 2
        ),
        GradientError,
        "wrong at example 17",
    ),
    "a mean": (lambda f, y: st.mean((column(f) - y) ** 2), ShapeError, r"not \(\)"),
    "a square of rows": (lambda f, y: (f - y) ** 2, ShapeError, r"not \(64, 64\)"),
    "NumPy": (lambda f, y: (f.numpy() - y.numpy()) ** 2, TraceError, "should give a Tensor"),
    "a logarithm": (lambda f, y: st.log(column(f)), TrainingError, "nan for example"),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_loss_is_refused(name: str) -> None:
    function, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        st.losses.check_own_loss(function, SCORES, TARGETS)


def test_the_trainer_checks_once_and_before_it_trains() -> None:
    calls: list[bool] = []

    def own(f: st.Tensor, y: st.Tensor) -> st.Tensor:
        calls.append(f.is_traced)
        return (column(f) - y) ** 2

    x = SCORES.astype(np.float32)
    trainer = st.Trainer(st.nn.Linear(1, 1), own, st.optim.SGD(0.1))
    trainer.fit(x, TARGETS, epochs=1, batch_size=16)
    first = len([traced for traced in calls if not traced])
    trainer.fit(x, TARGETS, epochs=1, batch_size=16)
    assert len([traced for traced in calls if not traced]) == first > 0

    wrong = WRONG["a detached factor"][0]
    trainer = st.Trainer(st.nn.Linear(1, 1), wrong, st.optim.SGD(0.1))
    with pytest.raises(GradientError, match="the gradient of your loss is wrong"):
        trainer.fit(x, TARGETS, epochs=1, batch_size=16)
    assert trainer.steps == 0
    meant = st.losses.Unchecked(wrong)
    st.Trainer(st.nn.Linear(1, 1), meant, "sgd").fit(x, TARGETS, epochs=1, batch_size=16)
