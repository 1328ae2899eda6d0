"""Initialisers: exact variances and bounds, by the registry."""

import math

import numpy as np
import pytest
import scipy.stats

import steepest as st
from steepest.errors import ConfigurationError
from steepest.init import fans

pytestmark = pytest.mark.row("I1", "I2", "I3")

FAN_OUT, FAN_IN = 300, 500
VARIANCE = {
    "zeros": 0.0,
    "lecun_normal": 1 / FAN_IN,
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "he_normal": 2 / FAN_IN,
    "he_uniform": 2 / FAN_IN,
    "naive_normal": 0.01**2,
    "orthogonal": 1 / FAN_IN,
}
BOUND = {
    "glorot_uniform": math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "he_uniform": math.sqrt(6 / FAN_IN),
}


def test_each_initialiser_has_its_variance_here() -> None:
    assert set(VARIANCE) == set(st.init.INITIALISERS)


@pytest.mark.parametrize("name", VARIANCE)
def test_mean_and_variance(name: str) -> None:
    with st.random.stream(5):
        drawn = st.init.initialiser(name)((FAN_OUT, FAN_IN)).numpy().astype(np.float64)
    n = drawn.size
    deviation = math.sqrt(VARIANCE[name])
    assert abs(drawn.mean()) <= 5 * deviation / math.sqrt(n)
    # the relative standard error of a variance is at most √(2/n) for normal numbers
    assert abs(drawn.var() - VARIANCE[name]) <= 5 * VARIANCE[name] * math.sqrt(2 / n)


@pytest.mark.parametrize("name", BOUND)
def test_uniform_ones_reach_their_bound_and_not_beyond(name: str) -> None:
    with st.random.stream(5):
        drawn = np.abs(st.init.initialiser(name)((FAN_OUT, FAN_IN)).numpy())
    assert drawn.max() <= BOUND[name] * (1 + 1e-6)
    assert drawn.max() > BOUND[name] * 0.999


@pytest.mark.parametrize("name", [name for name in VARIANCE if name.endswith("normal")])
def test_normal_ones_have_normal_tails(name: str) -> None:
    with st.random.stream(5):
        drawn = st.init.initialiser(name)((FAN_OUT, FAN_IN)).numpy()
    standard = drawn / math.sqrt(VARIANCE[name])
    assert abs(float((np.abs(standard) > 1.96).mean()) - 0.05) < 0.003
    assert abs(float((standard**4).mean()) - 3.0) < 0.1


@pytest.mark.parametrize("name", VARIANCE)
def test_element_type(name: str) -> None:
    assert st.init.initialiser(name)((3, 2), dtype=st.float64).dtype == st.float64


@pytest.mark.row("I2", "I3")
@pytest.mark.parametrize("name", [name for name in VARIANCE if VARIANCE[name]])
@pytest.mark.parametrize("seed", [1, 2])
def test_distribution_by_kolmogorov_and_smirnov(name: str, seed: int) -> None:
    """An element of an orthogonal matrix is √B, with a sign, of B ~ Beta(1/2, (n − 1)/2)."""
    with st.random.stream(seed):
        drawn = st.init.initialiser(name)((FAN_OUT, FAN_IN)).numpy().astype(np.float64)
    deviation = math.sqrt(VARIANCE[name])
    sample = drawn.reshape(-1)
    if name in BOUND:
        cdf = scipy.stats.uniform(-BOUND[name], 2 * BOUND[name]).cdf
    elif name == "orthogonal":
        sample = drawn[:, 0]  # elements of a row depend on each other, weakly
        square = scipy.stats.beta(0.5, (FAN_IN - 1) / 2)
        cdf = lambda w: 0.5 * (1 + np.sign(w) * square.cdf(w * w))  # noqa: E731
    else:
        cdf = scipy.stats.norm(0.0, deviation).cdf
    assert scipy.stats.kstest(sample, cdf).pvalue > 0.001
    # and another deviation, by 2 %, would not pass
    if name != "orthogonal":
        assert scipy.stats.kstest(sample * 1.02, cdf).pvalue < 0.001


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6), (3, 2, 2, 2), (5,)])
def test_orthogonal_keeps_lengths(shape: tuple[int, ...]) -> None:
    with st.random.stream(3):
        w = st.init.orthogonal(shape, dtype=st.float64).numpy()
    flat = w.reshape(shape[0], -1)
    small = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-12)


def test_only_constants_give_equal_units() -> None:
    equal = [name for name, each in st.init.INITIALISERS.items() if each.gives_equal_units]
    assert equal == ["zeros"]
    assert st.init.constant(1.0).gives_equal_units
    assert not st.init.forced("zeros").gives_equal_units


def test_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'he_normal'"):
        st.init.initialiser("he_norml")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((3, 2), (2, 3)), ((4, 3, 5, 5), (75, 100)), ((7,), (7, 7)), ((), (1, 1))],
)
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert fans(shape) == expected
