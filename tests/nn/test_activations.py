"""Every activation of the registry against NumPy and SciPy, and its derivative."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats

import steepest as st
from steepest.errors import ConfigurationError

pytestmark = pytest.mark.row("M3")

Array = Any
INDEPENDENT: dict[str, Callable[[Array], Array]] = {
    "identity": lambda x: x,
    "sigmoid": scipy.special.expit,
    "tanh": np.tanh,
    "lecun_tanh": lambda x: 1.7159 * np.tanh(2 * x / 3),
    "relu": lambda x: np.clip(x, 0, None),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "selu": lambda x: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "gelu": lambda x: x * scipy.stats.norm.cdf(x),
    "silu": lambda x: x * scipy.special.expit(x),
    "mish": lambda x: x * np.tanh(scipy.special.log1p(np.exp(x))),
    "softplus": lambda x: -scipy.special.log_expit(-x),
}
POINTS = np.array([-30.0, -5.0, -1.3, -0.2, 0.1, 0.7, 2.5, 30.0])


def test_each_activation_has_an_independent_twin_here() -> None:
    assert set(INDEPENDENT) == set(st.nn.ACTIVATIONS)


@pytest.mark.parametrize("name", st.nn.ACTIVATIONS)
def test_value(name: str) -> None:
    found = st.nn.activation(name)(st.tensor(POINTS)).numpy()
    np.testing.assert_allclose(found, INDEPENDENT[name](POINTS), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", st.nn.ACTIVATIONS)
def test_derivative(name: str) -> None:
    function = st.nn.activation(name)
    found = st.grad(lambda x: st.sum(function(x)))(st.tensor(POINTS)).numpy()
    step = 1e-5
    twin = INDEPENDENT[name]
    differences = (twin(POINTS + step) - twin(POINTS - step)) / (2 * step)
    np.testing.assert_allclose(found, differences, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", st.nn.ACTIVATIONS)
def test_safe_far_out_and_in_float32(name: str) -> None:
    x = st.tensor([-1e4, 1e4])
    function = st.nn.activation(name)
    assert function(x).dtype == st.float32
    assert np.isfinite(function(x).numpy()).all()
    assert np.isfinite(st.grad(lambda x: st.sum(function(x)))(x).numpy()).all()


@pytest.mark.parametrize("name", st.nn.ACTIVATIONS)
def test_nan_passes_through(name: str) -> None:
    assert math.isnan(st.nn.activation(name)(st.tensor(math.nan)).item())


def test_relu_at_zero_has_derivative_zero() -> None:
    assert st.grad(lambda x: st.nn.relu(x))(0.0).item() == 0.0


@pytest.mark.parametrize("name", st.nn.ACTIVATIONS)
def test_recommended_initialiser_keeps_the_signal_alive(name: str) -> None:
    """Five wide layers: the mean square neither explodes nor vanishes."""
    chosen = st.nn.activation(name)
    with st.random.stream(1):
        x = st.random.normal((256, 200))
        for _ in range(5):
            x = chosen(st.nn.Linear(200, 200, initialise=chosen.initialiser)(x))
    assert 1e-3 < float(np.mean(x.numpy() ** 2)) < 1e3


def test_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="no activation 'rellu'; did you mean 'relu'"):
        st.nn.activation("rellu")
