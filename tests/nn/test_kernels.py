"""Kernel machines: primal and dual forms on the same data, and scikit-learn's kernels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.kernel_ridge
import sklearn.metrics.pairwise
import sklearn.svm

import steepest as st
from steepest.errors import ConfigurationError, DataError, ShapeError
from steepest.transform.executable import Backend

pytestmark = pytest.mark.row("M5")

RNG = np.random.default_rng(0)
PAIRWISE: Any = sklearn.metrics.pairwise  # whose types know defaults only
RIDGE: Any = sklearn.kernel_ridge.KernelRidge
SVC: Any = sklearn.svm.SVC
X, Z = RNG.normal(size=(30, 3)), RNG.normal(size=(11, 3))
Y = np.where(X[:, 0] * X[:, 1] > 0, 1, -1)


def test_kernels_are_scikit_learns() -> None:
    for degree, constant in [(1, 0.0), (2, 1.0), (3, 0.5), (5, 2.0)]:
        found = st.nn.PolynomialKernel(degree, constant)(st.tensor(Z), st.tensor(X)).numpy()
        expected = PAIRWISE.polynomial_kernel(Z, X, degree=degree, gamma=1.0, coef0=constant)
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    for gamma in (0.1, 2.0):
        found = st.nn.RadialKernel(gamma)(st.tensor(Z), st.tensor(X)).numpy()
        np.testing.assert_allclose(found, PAIRWISE.rbf_kernel(Z, X, gamma=gamma), rtol=1e-10)


@pytest.mark.parametrize(("degree", "constant"), [(1, 1.0), (2, 1.0), (3, 0.7), (4, 0.0)])
def test_polynomial_features_have_the_kernels_inner_products(degree: int, constant: float) -> None:
    phi = st.nn.PolynomialFeatures(3, degree, constant=constant)
    left, right = phi(st.tensor(Z)).numpy(), phi(st.tensor(X)).numpy()
    assert left.shape == (11, phi.features)
    expected = st.nn.PolynomialKernel(degree, constant)(st.tensor(Z), st.tensor(X)).numpy()
    np.testing.assert_allclose(left @ right.T, expected, rtol=1e-10, atol=1e-12)


def test_primal_and_dual_form_are_one_function() -> None:
    """w = Σ αᵢ yᵢ φ(xᵢ): a linear layer on φ is the hidden layer of kernels."""
    alpha, bias = RNG.random(30), 0.3
    machine = st.nn.KernelMachine(X, Y, st.nn.PolynomialKernel(3, 1.0))
    machine.alpha.assign(alpha)
    phi = st.nn.PolynomialFeatures(3, 3)
    linear = st.nn.Linear(phi.features, 1).astype(st.float64)
    weight = (alpha * Y) @ phi(st.tensor(X)).numpy()
    linear.weight.assign(weight[None, :])
    for cell in (machine.bias, linear.bias):
        assert cell is not None
        cell.assign(np.array([bias]))
    primal = st.nn.Sequential(phi, linear)
    np.testing.assert_allclose(
        st.predict(machine, Z), st.predict(primal, Z), rtol=1e-10, atol=1e-12
    )
    assert machine.squared_norm().item() == pytest.approx(weight @ weight)


def test_random_fourier_features_come_near_the_radial_kernel() -> None:
    with st.random.stream(0):
        phi = st.nn.RandomFourierFeatures(3, 20_000, gamma=0.4).astype(st.float64)
    left, right = phi(st.tensor(Z)).numpy(), phi(st.tensor(X)).numpy()
    expected = st.nn.RadialKernel(0.4)(st.tensor(Z), st.tensor(X)).numpy()
    # an entry's deviation is at most 1/√D
    assert np.abs(left @ right.T - expected).max() < 5 / np.sqrt(20_000)
    assert not phi.parameters()


def test_the_dual_form_with_kernel_ridges_coefficients_predicts_as_it_does() -> None:
    y = np.sin(X[:, 0]) + X[:, 1]
    ridge = RIDGE(alpha=0.1, kernel="rbf", gamma=0.5).fit(X, y)
    machine = st.nn.KernelMachine(X, kernel=st.nn.RadialKernel(0.5), bias=False)
    machine.alpha.assign(ridge.dual_coef_)
    np.testing.assert_allclose(st.predict(machine, Z)[:, 0], ridge.predict(Z), rtol=1e-10)


@pytest.mark.row("M1")
def test_the_hinge_loss_finds_the_support_vector_machines_function() -> None:
    """The primal form, trained by (sub)gradients, against LIBSVM's dual solution."""
    n, penalty = len(X), 0.05
    svm = SVC(kernel="poly", degree=2, gamma=1.0, coef0=1.0, C=1 / (n * penalty))
    svm.fit(X, Y)
    phi = st.nn.PolynomialFeatures(3, 2)
    model = st.nn.Sequential(phi, st.nn.Linear(phi.features, 1)).astype(st.float64)
    rate = st.optim.schedules.CosineAnnealing(0.05, steps=2000)
    trainer = st.Trainer(model, "hinge", st.optim.SGD(rate), l2=penalty)
    trainer.fit(X, Y, epochs=2000, batch_size=None)

    def objective(f: np.ndarray, squared_norm: float) -> float:
        return float(np.maximum(0, 1 - Y * f).mean() + penalty / 2 * squared_norm)

    weight = model.states()["layers.1.weight"].value.numpy()
    mine = objective(trainer.predict(X)[:, 0], float((weight**2).sum()))
    dual = svm.dual_coef_[0]
    gram = PAIRWISE.polynomial_kernel(svm.support_vectors_, degree=2, gamma=1.0, coef0=1.0)
    theirs = objective(svm.decision_function(X), float(dual @ gram @ dual))
    assert mine == pytest.approx(theirs, rel=5e-3)
    machine = st.nn.KernelMachine(svm.support_vectors_, kernel=st.nn.PolynomialKernel(2, 1.0))
    machine.alpha.assign(dual)
    assert machine.bias is not None
    machine.bias.assign(svm.intercept_)
    np.testing.assert_allclose(st.predict(machine, X)[:, 0], svm.decision_function(X), rtol=1e-8)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("kernel", [st.nn.RadialKernel(1.0), st.nn.PolynomialKernel(2)])
def test_a_machine_is_trained_in_its_dual_form(backend: Backend, kernel: st.nn.Kernel) -> None:
    machine = st.nn.KernelMachine(X.astype(np.float32), Y, kernel)
    trainer = st.Trainer(machine, "binary_logistic", st.optim.Adam(0.05), backend=backend)
    trainer.fit(X, Y, epochs=60, batch_size=10)
    assert st.metrics.binary_accuracy(trainer.predict(X), Y) > 0.9
    np.testing.assert_array_equal(machine.points.value.numpy(), X.astype(np.float32))


def test_features_run_natively_in_a_step() -> None:
    for phi in (st.nn.PolynomialFeatures(3, 3), st.nn.RandomFourierFeatures(3, 64)):
        with st.random.stream(1):
            model = st.nn.Sequential(phi, st.nn.Linear(phi.features, 1))
        losses = [
            st.Trainer(model, "hinge", st.optim.SGD(1e-6), backend=backend)
            .fit(X, Y, epochs=1, batch_size=None)
            .rows[0]["loss"]
            for backend in ("native", "reference")
        ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)


MISTAKES: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: st.nn.RadialKernel(0.0), ConfigurationError, "gamma is a number above 0"),
    (lambda: st.nn.PolynomialKernel(0), ConfigurationError, "degree is a whole number"),
    (lambda: st.nn.PolynomialKernel(2, -1.0), ConfigurationError, "constant is a number from 0"),
    (lambda: st.nn.PolynomialFeatures(100, 5), ConfigurationError, "use a KernelMachine"),
    (lambda: st.nn.KernelMachine(X[:, 0]), DataError, "rows of finite numbers"),
    (lambda: st.nn.KernelMachine(X, Y * 2), DataError, "labels are one per point"),
    (lambda: st.nn.KernelMachine(X, Y[:-1]), DataError, "labels are one per point"),
    (lambda: st.nn.KernelMachine(X, Y)(st.ones((4, 2))), ShapeError, r"takes \(batch, 3\)"),
    (lambda: st.nn.PolynomialFeatures(3, 2)(st.ones((4, 2))), ShapeError, r"takes \(batch, 3\)"),
]


@pytest.mark.parametrize(("make", "error", "message"), MISTAKES)
def test_mistakes(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
