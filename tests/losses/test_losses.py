"""Losses against scikit-learn and SciPy, their gradients by closed forms, and what they refuse."""

from typing import Any

import numpy as np
import pytest
import scipy.special
import sklearn.metrics

import steepest as st
from steepest.errors import ConfigurationError, DataError, DTypeError, ShapeError

RNG = np.random.default_rng(0)
N, K = 40, 5
SCORES = RNG.normal(size=(N, K)) * 3
LABELS = RNG.integers(0, K, N)
F, Y = RNG.normal(size=N) * 3, RNG.normal(size=N)
SIGNS = np.where(RNG.random(N) < 0.5, -1, 1)
SEVERAL = np.random.default_rng(1).choice([-1, 1], (N, K))
Array = Any
pytestmark = pytest.mark.row("O2", "O3", "O4", "O5")
POSITIVE = RNG.poisson(2.0, N).astype(float)
OTHERS = np.where(np.eye(K, dtype=bool)[LABELS], -np.inf, SCORES)
MARGIN = SCORES[np.arange(N), LABELS] - OTHERS.max(axis=1)
TOWARDS = np.eye(K)[LABELS] - np.eye(K)[OTHERS.argmax(axis=1)]  # the derivative of MARGIN
SMOOTHED = 0.9 * np.eye(K)[LABELS] + 0.1 / K
RESIDUAL = Y[:, None] - SCORES[:, :3]
QUANTILES = np.array([0.1, 0.5, 0.9])


def values(loss: st.losses.Loss, prediction: Array, target: Array) -> Array:
    return loss(st.tensor(prediction), st.tensor(target)).numpy()


def gradient(loss: st.losses.Loss, prediction: Array, target: Array) -> Array:
    return st.grad(lambda f: st.sum(loss(f, st.tensor(target))))(st.tensor(prediction)).numpy()


CASES: dict[str, tuple[Array, Array, Array, Array]] = {
    # name: (prediction, target, loss, gradient), the last two by closed forms
    "half_squared_error": (F, Y, 0.5 * (F - Y) ** 2, F - Y),
    "squared_error": (F, Y, (F - Y) ** 2, 2 * (F - Y)),
    "binary_logistic": (
        F,
        SIGNS,
        np.log1p(np.exp(-SIGNS * F)),
        -SIGNS * scipy.special.expit(-SIGNS * F),
    ),
    "multilabel_logistic": (
        SCORES,
        SEVERAL,
        np.log1p(np.exp(-SEVERAL * SCORES)).mean(axis=1),
        -SEVERAL * scipy.special.expit(-SEVERAL * SCORES) / K,
    ),
    "cross_entropy": (
        SCORES,
        LABELS,
        -scipy.special.log_softmax(SCORES, axis=1)[np.arange(N), LABELS],
        scipy.special.softmax(SCORES, axis=1) - np.eye(K)[LABELS],
    ),
    "smoothed_cross_entropy": (
        SCORES,
        LABELS,
        -(SMOOTHED * scipy.special.log_softmax(SCORES, axis=1)).sum(axis=1),
        scipy.special.softmax(SCORES, axis=1) - SMOOTHED,
    ),
    "absolute_error": (F, Y, np.abs(F - Y), np.sign(F - Y)),
    "huber": (F, Y, scipy.special.huber(1.0, F - Y), np.clip(F - Y, -1.0, 1.0)),
    "poisson": (F, POSITIVE, np.exp(F) - POSITIVE * F, np.exp(F) - POSITIVE),
    "quantile": (
        SCORES[:, :3],
        Y,
        np.maximum(QUANTILES * RESIDUAL, (QUANTILES - 1) * RESIDUAL).mean(axis=1),
        np.where(RESIDUAL >= 0, -QUANTILES, 1 - QUANTILES) / 3,
    ),
    "hinge": (
        SCORES,
        LABELS,
        np.maximum(0.0, 1 - MARGIN),
        -TOWARDS * (MARGIN < 1)[:, None],
    ),
    "squared_hinge": (
        SCORES,
        LABELS,
        np.maximum(0.0, 1 - MARGIN) ** 2,
        -2 * TOWARDS * np.maximum(0.0, 1 - MARGIN)[:, None],
    ),
    "perceptron": (
        SCORES,
        LABELS,
        np.maximum(0.0, -MARGIN),
        -TOWARDS * (MARGIN <= 0)[:, None],
    ),
}


def test_each_loss_has_its_closed_form_here() -> None:
    assert set(CASES) == set(st.losses.LOSSES)


@pytest.mark.parametrize("name", CASES)
def test_value(name: str) -> None:
    prediction, target, expected, _ = CASES[name]
    found = values(st.losses.LOSSES[name](), prediction, target)
    assert found.shape == (N,)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
    prediction, target, _, expected = CASES[name]
    found = gradient(st.losses.LOSSES[name](), prediction, target)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_element_type_is_that_of_the_prediction(name: str) -> None:
    prediction, target, _, _ = CASES[name]
    loss = st.losses.LOSSES[name]()
    prepared = loss.prepare(target, prediction.shape[1:], st.float32)
    found = loss(st.tensor(prediction, dtype=st.float32), st.tensor(prepared))
    assert found.dtype == st.float32


def test_against_scikit_learn() -> None:
    soft = scipy.special.softmax(SCORES, axis=1)
    expected = sklearn.metrics.log_loss(LABELS, soft)
    assert values(st.losses.CrossEntropy(), SCORES, LABELS).mean() == pytest.approx(expected)
    expected = sklearn.metrics.log_loss(SIGNS, scipy.special.expit(F))
    assert values(st.losses.BinaryLogistic(), F, SIGNS).mean() == pytest.approx(expected)
    each = [
        sklearn.metrics.log_loss(SEVERAL[:, j], scipy.special.expit(SCORES[:, j])) for j in range(K)
    ]
    found = values(st.losses.MultiLabelLogistic(), SCORES, SEVERAL).mean()
    assert found == pytest.approx(np.mean(each))


def test_cross_entropy_of_two_classes_with_a_zero_score_is_the_binary_logistic_loss() -> None:
    scores = np.stack([F, np.zeros(N)], axis=1)
    labels = (1 - SIGNS) // 2  # class 0 is y = 1
    np.testing.assert_allclose(
        values(st.losses.CrossEntropy(), scores, labels),
        values(st.losses.BinaryLogistic(), F, SIGNS),
        rtol=1e-12,
        atol=1e-14,
    )
    np.testing.assert_allclose(
        gradient(st.losses.CrossEntropy(), scores, labels)[:, 0],
        gradient(st.losses.BinaryLogistic(), F, SIGNS),
        rtol=1e-10,
        atol=1e-14,
    )


def test_binary_logistic_maps_zero_and_false_to_minus_one() -> None:
    expected = values(st.losses.BinaryLogistic(), F, SIGNS)
    for target in ((SIGNS + 1) // 2, SIGNS > 0, (SIGNS > 0).astype(np.float64)):
        np.testing.assert_array_equal(values(st.losses.BinaryLogistic(), F, target), expected)
    expected = values(st.losses.MultiLabelLogistic(), SCORES, SEVERAL)
    for target in ((SEVERAL + 1) // 2, SEVERAL > 0):
        found = values(st.losses.MultiLabelLogistic(), SCORES, target)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_ten_thousand_are_safe(dtype: type) -> None:
    far = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], dtype)
    labels = np.array([0, 0])
    np.testing.assert_allclose(values(st.losses.CrossEntropy(), far, labels), [0.0, 2e4])
    assert np.isfinite(gradient(st.losses.CrossEntropy(), far, labels)).all()
    ones = np.array([1, 1])
    np.testing.assert_allclose(values(st.losses.BinaryLogistic(), far[:, 0], ones), [0.0, 1e4])
    found = values(st.losses.MultiLabelLogistic(), far[:, :2], np.array([[1, 0], [1, 1]]))
    np.testing.assert_allclose(found, [0.0, 5e3])
    assert np.isfinite(gradient(st.losses.BinaryLogistic(), far[:, 0], ones)).all()


@pytest.mark.parametrize("loss", [st.losses.HalfSquaredError(), st.losses.SquaredError()])
def test_several_outputs_are_averaged_as_scikit_learn_does(loss: st.losses.Loss) -> None:
    targets = RNG.normal(size=(N, K))
    half = 0.5 if isinstance(loss, st.losses.HalfSquaredError) else 1.0
    expected = half * sklearn.metrics.mean_squared_error(targets, SCORES)
    assert values(loss, SCORES, targets).mean() == pytest.approx(expected)


ONE_EACH = ["half_squared_error", "squared_error", "binary_logistic", "absolute_error", "huber"]


@pytest.mark.parametrize("name", ONE_EACH)
def test_a_column_meets_a_vector_without_becoming_a_square(name: str) -> None:
    prediction, target, expected, _ = CASES[name]
    loss = st.losses.LOSSES[name]()
    np.testing.assert_allclose(values(loss, prediction[:, None], target), expected)
    np.testing.assert_allclose(values(loss, prediction, target[:, None]), expected)
    np.testing.assert_allclose(values(loss, prediction[:, None], target[:, None]), expected)


@pytest.mark.parametrize("name", CASES)
def test_other_shapes_are_refused(name: str) -> None:
    prediction, target, _, _ = CASES[name]
    message = r"should have|number per (example|quantile|label)|is \(batch, classes\)"
    with pytest.raises(ShapeError, match=message):
        st.losses.LOSSES[name]()(st.tensor(prediction), st.tensor(target[:-1]))
    with pytest.raises(ShapeError, match=message):
        st.losses.LOSSES[name]()(st.zeros((4, 3, 2)), st.tensor(target))


def test_eager_labels_outside_are_refused() -> None:
    for label in (-1, K):
        bad = np.where(np.arange(N) == 7, label, LABELS)
        with pytest.raises(DataError, match=f"label {label} of example 7 is outside of 0 … 4"):
            values(st.losses.CrossEntropy(), SCORES, bad)


PREPARE: list[tuple[str, Array, tuple[int, ...], type[Exception], str]] = [
    ("cross_entropy", LABELS + 1, (K,), DataError, "outside of 0 … 4"),
    ("cross_entropy", LABELS * 1.0, (K,), DTypeError, r"use y.astype\(int\)"),
    ("cross_entropy", LABELS, (), ShapeError, r"needs a prediction of shape \(batch, classes\)"),
    ("cross_entropy", np.eye(K, dtype=int)[LABELS], (K,), ShapeError, "one number per example"),
    ("binary_logistic", LABELS, (1,), DataError, "0 and 1, or −1 and 1"),
    ("binary_logistic", np.array([-1, 0, 1]), (1,), DataError, "y holds -1, 0, 1"),
    ("multilabel_logistic", SEVERAL + 1, (K,), DataError, "0 and 1, or −1 and 1"),
    ("multilabel_logistic", SEVERAL, (3,), ShapeError, "per example"),
    ("multilabel_logistic", LABELS % 2, (K,), ShapeError, "per example"),
    ("half_squared_error", np.array(["a", "b"]), (1,), DTypeError, "no numbers"),
    ("half_squared_error", np.zeros((4, 2)), (3,), ShapeError, "per example"),
    ("squared_error", np.zeros(4), (3,), ShapeError, "per example"),
]


@pytest.mark.parametrize("outputs", [(), (1,)])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("name", ONE_EACH)
def test_one_number_per_example_may_be_a_column(
    name: str, shape: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    loss = st.losses.LOSSES[name]()
    prepared = loss.prepare(np.ones(shape), outputs, st.float32)
    assert prepared.dtype == st.float32
    assert loss(st.zeros((4, *outputs)), st.tensor(prepared)).shape == (4,)
    with pytest.raises(ShapeError, match=r"y holds \(2,\) numbers per example"):
        loss.prepare(np.ones((4, 2)), outputs, st.float32)


def test_labels_may_be_a_column() -> None:
    prepared = st.losses.CrossEntropy().prepare(LABELS[:, None], (K,), st.float32)
    np.testing.assert_array_equal(prepared, LABELS)


@pytest.mark.parametrize(("name", "target", "outputs", "error", "message"), PREPARE)
def test_targets_that_do_not_fit_are_refused(
    name: str, target: Array, outputs: tuple[int, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        st.losses.LOSSES[name]().prepare(target, outputs, st.float32)


def test_a_function_is_a_loss_and_a_name_stands_for_one() -> None:
    own = lambda f, y: (f - y) ** 4  # noqa: E731
    assert st.losses.loss(own) is own
    assert st.losses.loss("squared_error") == st.losses.SquaredError()
    with pytest.raises(ConfigurationError, match="did you mean 'cross_entropy'"):
        st.losses.loss("crossentropy")


def test_arrays_and_lists_are_taken_as_they_are() -> None:
    net = st.nn.Linear(2, 3)
    x, labels = np.ones((4, 2)), np.array([0, 1, 2, 0])
    loss = st.losses.CrossEntropy()
    expected = loss(net(x), st.tensor(labels)).numpy()
    np.testing.assert_array_equal(loss(net(x), labels).numpy(), expected)
    np.testing.assert_array_equal(loss(net(x), [0, 1, 2, 0]).numpy(), expected)
    for regression in (st.losses.HalfSquaredError(), st.losses.SquaredError()):
        np.testing.assert_array_equal(regression(st.tensor([1.0, 5.0]), [1.0, 5.0]).numpy(), 0.0)
    given = st.losses.BinaryLogistic()(np.array([0.0, 0.0]), np.array([0, 1]))
    np.testing.assert_allclose(given.numpy(), np.log(2.0))


@pytest.mark.parametrize("name", CASES)
def test_a_native_step_is_the_reference_step(name: str) -> None:
    prediction, target, _, _ = CASES[name]
    width = prediction.shape[1] if prediction.ndim == 2 else 1
    x = np.random.default_rng(2).normal(size=(N, 4))
    found: list[Array] = []
    for backend in ("native", "reference"):
        with st.random.stream(1):
            model = st.nn.Linear(4, width)
        trainer = st.Trainer(model, name, st.optim.SGD(0.1), backend=backend)
        losses = trainer.fit(x, target, epochs=2, batch_size=13).column("loss")
        found.append(np.concatenate([losses, trainer.predict(x).reshape(-1)]))
    np.testing.assert_allclose(found[0], found[1], rtol=2e-4, atol=2e-5)
