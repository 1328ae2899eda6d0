"""A single neuron: perceptron, logistic and linear regression; deep linear nets; initial scales."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.linear_model

import steepest as st
from steepest.errors import ConfigurationError
from steepest.transform.executable import Backend

RNG = np.random.default_rng(0)
BACKENDS: list[Backend] = ["native", "reference"]


@pytest.mark.row("M1", "O5")
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_perceptron_converges_on_separable_data_within_novikoffs_bound(backend: Backend) -> None:
    """At most (R/γ)² updates, R the largest ‖x‖, γ the margin of a unit vector that separates."""
    x = RNG.normal(size=(60, 2))
    direction = np.array([0.6, 0.8])
    x = x[np.abs(x @ direction) > 0.3]
    y = np.sign(x @ direction)
    bound = (np.linalg.norm(x, axis=1).max() / np.abs(x @ direction).min()) ** 2
    neuron = st.nn.Linear(2, 1, bias=False, initialise="zeros").astype(st.float64)
    trainer = st.Trainer(neuron, "perceptron", st.optim.SGD(1.0), backend=backend)
    seen: list[bytes] = [np.zeros(2).tobytes()]
    every = st.EverySteps(1, lambda snapshot: seen.append(snapshot.values["weight"].tobytes()))
    for _ in range(40):
        trainer.fit(x, y, epochs=1, batch_size=1, callbacks=[every])
        if len(set(seen[-len(x) :])) == 1:
            break
    updates = sum(before != after for before, after in pairwise(seen))
    assert 0 < updates <= bound
    assert (np.sign(trainer.predict(x)[:, 0]) == y).all()


@pytest.mark.row("M1", "O3", "O6")
def test_logistic_regression_reaches_scikit_learns_optimum() -> None:
    x = RNG.normal(size=(80, 3))
    y = (x @ [1.0, -2.0, 0.5] + RNG.normal(size=80) > 0).astype(int)
    penalty = 0.1
    theirs = sklearn.linear_model.LogisticRegression(C=1 / (80 * penalty), tol=1e-10).fit(x, y)
    neuron = st.nn.Linear(3, 1).astype(st.float64)
    trainer = st.Trainer(neuron, "binary_logistic", st.optim.SGD(1.0), l2=penalty)
    trainer.fit(x, y, epochs=400, batch_size=None)
    assert neuron.bias is not None
    np.testing.assert_allclose(neuron.weight.value.numpy(), theirs.coef_, rtol=1e-5)
    np.testing.assert_allclose(neuron.bias.value.numpy(), theirs.intercept_, rtol=1e-4)


@pytest.mark.row("M1", "O2")
def test_a_single_neuron_with_squares_is_linear_regression() -> None:
    x = RNG.normal(size=(50, 3))
    y = x @ [1.0, 2.0, 3.0] + 4.0 + RNG.normal(size=50)
    neuron = st.nn.Linear(3, 1).astype(st.float64)
    trainer = st.Trainer(neuron, "half_squared_error", st.optim.SGD(0.5))
    trainer.fit(x, y, epochs=300, batch_size=None)
    expected, *_ = np.linalg.lstsq(np.c_[x, np.ones(50)], y, rcond=None)
    assert neuron.bias is not None
    np.testing.assert_allclose(neuron.weight.value.numpy()[0], expected[:3], rtol=1e-8)
    np.testing.assert_allclose(neuron.bias.value.numpy(), expected[3:], rtol=1e-8)


@pytest.mark.row("M1", "O5")
@pytest.mark.parametrize("name", ["poisson", "huber", "squared_hinge"])
def test_a_neuron_reaches_scipys_optimum_of_smooth_losses(name: str) -> None:
    x = RNG.normal(size=(60, 2))
    f = x @ [0.5, -0.3] + 0.2
    y = {
        "poisson": RNG.poisson(np.exp(f)).astype(float),
        "huber": f + RNG.standard_t(2, 60),
        "squared_hinge": np.where(f + RNG.normal(size=60) > 0, 1.0, -1.0),
    }[name]
    value = {
        "poisson": lambda f: np.exp(f) - y * f,
        "huber": lambda f: scipy.special.huber(1.0, f - y),
        "squared_hinge": lambda f: np.maximum(0, 1 - y * f) ** 2,
    }[name]
    best = scipy.optimize.minimize(lambda w: value(x @ w[:2] + w[2]).mean(), np.zeros(3), tol=1e-12)
    neuron = st.nn.Linear(2, 1).astype(st.float64)
    trainer = st.Trainer(neuron, name, st.optim.SGD(0.2))
    trainer.fit(x, y, epochs=600, batch_size=None)
    assert neuron.bias is not None
    found = [*neuron.weight.value.tolist()[0], *neuron.bias.value.tolist()]
    np.testing.assert_allclose(found, best.x, atol=2e-5)


@pytest.mark.row("M2")
@pytest.mark.parametrize("backend", BACKENDS)
def test_bounded_outputs_stay_between_their_bounds_and_learn(backend: Backend) -> None:
    x = RNG.normal(size=(100, 2))
    y = 3.0 + 4.0 / (1 + np.exp(-x @ [2.0, -1.0]))
    with st.random.stream(0):
        model = st.nn.MLP(2, [], 1, output_activation=st.nn.Bounded(3.0, 7.0)).astype(st.float64)
    trainer = st.Trainer(model, "half_squared_error", st.optim.SGD(0.5), backend=backend)
    trainer.fit(x, y, epochs=600, batch_size=None)
    np.testing.assert_allclose(model.states()["layers.0.weight"].value, [[2.0, -1.0]], atol=0.05)
    far = st.predict(model, x * 1e3)
    assert far.min() >= 3.0
    assert far.max() <= 7.0


@pytest.mark.row("M2", "M4")
def test_output_activations() -> None:
    x = RNG.normal(size=(20, 3)).astype(np.float32)
    states = {}
    for name in (None, "sigmoid", "tanh", st.nn.Softmax(), st.nn.Bounded(-2.0, 5.0)):
        with st.random.stream(3):
            net = st.nn.MLP(3, [8], 4, output_activation=name, initialise="glorot_uniform")
        states[repr(name)] = st.predict(net, x).astype(float)
    f = states["None"]
    np.testing.assert_allclose(states["'sigmoid'"], 1 / (1 + np.exp(-f)), rtol=1e-5)
    np.testing.assert_allclose(states["'tanh'"], np.tanh(f), rtol=1e-4, atol=1e-6)
    soft = np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(states["Softmax()"], soft, rtol=1e-5)
    bounded = -2 + 7 / (1 + np.exp(-f))
    np.testing.assert_allclose(states["Bounded(low=-2.0, high=5.0)"], bounded, rtol=1e-4)
    for bounds in ((1.0, 1.0), (2.0, 1.0), (0.0, np.inf)):
        with pytest.raises(ConfigurationError, match="the lower one first"):
            st.nn.Bounded(*bounds)


# --------------------------------------------------------------------------------- initial scales


@pytest.mark.row("I5")
@pytest.mark.parametrize("initialise", ["naive_normal", "orthogonal", "he_normal"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_every_layer_starts_with_variance_one(initialise: str, activation: str) -> None:
    x = RNG.normal(size=(300, 5)) * 20 + 3
    with st.random.stream(0):
        net = st.nn.MLP(5, [40] * 6, 2, activation=activation, initialise=initialise)
    before = {name: cell.value.numpy() for name, cell in net.states().items()}
    factors = st.nn.unit_variance(net, x)
    z = x
    for layer, factor in zip(range(0, 14, 2), factors.values(), strict=True):
        weight = net.states()[f"layers.{layer}.weight"].value.numpy()
        np.testing.assert_allclose(weight, before[f"layers.{layer}.weight"] * factor, rtol=1e-5)
        a = z @ weight.T
        assert a.var() == pytest.approx(1.0, rel=1e-3)
        z = np.maximum(a, 0) if activation == "relu" else np.tanh(a)


@pytest.mark.row("I5")
def test_a_dead_layer_is_named() -> None:
    net = st.nn.MLP(3, [4, 4], 1)
    net.states()["layers.0.bias"].assign(np.full(4, -1e6))
    with pytest.raises(ConfigurationError, match=r"outputs of layers.2, .* are all equal"):
        st.nn.unit_variance(net, RNG.normal(size=(50, 3)))
    with pytest.raises(ConfigurationError, match="not finite"):
        st.nn.unit_variance(st.nn.Linear(2, 1), np.array([[np.inf, 1.0], [-np.inf, 1.0]]))
    with pytest.raises(ConfigurationError, match="no Linear"):
        st.nn.unit_variance(st.nn.BatchNorm(2), np.ones((4, 2)))
