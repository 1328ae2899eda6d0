"""Streams of random numbers: equal for equal keys, new at each draw, step and member."""

import threading

import numpy as np
import pytest
import scipy.stats

import steepest as st
from steepest.errors import ConfigurationError
from steepest.tensor.random import Stream, make_key
from steepest.tensor.tensor import Tensor


def draws(seed: int = 0, count: int = 2) -> list[list[float]]:
    with st.random.stream(seed):
        return [st.random.uniform((5,)).tolist() for _ in range(count)]


def test_a_seed_gives_the_same_numbers_again() -> None:
    assert draws(7) == draws(7)
    assert draws(7) != draws(8)


def test_each_draw_is_new_whatever_its_kind() -> None:
    with st.random.stream(1):
        drawn = [st.random.bits((50,)).tolist() for _ in range(3)]
        single = [st.random.uniform((50,)) for _ in range(3)]
        double = [st.random.uniform((50,), dtype=st.float64) for _ in range(3)]
        normal = [st.random.normal((50,)) for _ in range(3)]
    assert len({tuple(words) for words in drawn}) == 3
    values = [value for x in (*single, *double, *normal) for value in x.tolist()]
    assert len(set(values)) > 440


def test_a_stream_inside_of_a_stream_leaves_the_outer_one_alone() -> None:
    with st.random.stream(3):
        first = st.random.uniform((2,)).tolist()
        with st.random.stream(4):
            inner = st.random.uniform((2,)).tolist()
        second = st.random.uniform((2,)).tolist()
    assert [first, second] == [row[:2] for row in draws(3)]
    assert inner == draws(4)[0][:2]


def test_threads_have_streams_of_their_own() -> None:
    found: dict[int, list[list[float]]] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: found.update({seed: draws(seed)}))
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {seed: draws(seed) for seed in range(4)}


def test_a_step_and_a_member_give_other_numbers() -> None:
    def drawn(member: int, step: int) -> list[float]:
        key = make_key(5, member)
        with st.random.stream(Stream(key, Tensor(np.array(step, np.uint32), None))):
            return st.random.uniform((4,)).tolist()

    found = [drawn(member, step) for member in range(3) for step in range(3)]
    assert len({tuple(each) for each in found}) == 9


def test_the_same_graph_draws_anew_at_each_step() -> None:
    def drawn(step: Tensor) -> Tensor:
        with st.random.stream(Stream(make_key(5), step)):
            return st.random.uniform((4,))

    steps = st.arange(3, dtype=st.uint32)
    at_once = st.vmap(drawn)(steps)
    assert at_once.tolist() == [drawn(step).tolist() for step in steps]


def test_seeds_out_of_range_are_refused() -> None:
    for seed in (-1, 2**32):
        with pytest.raises(ConfigurationError, match="from 0 to 4294967295"):
            draws(seed)
    assert draws(2**32 - 1)


def test_uniform_stays_below_its_upper_end() -> None:
    """100 + (1 − 2⁻²⁴) is 101 in float32."""
    with st.random.stream(0):
        x = st.random.uniform((1_000_000,), low=100.0, high=101.0).numpy()
    assert x.min() >= 100.0
    assert x.max() < 101.0
    assert scipy.stats.kstest(x[:20_000] - 100.0, "uniform").pvalue > 0.01


def test_normal_has_the_mean_and_the_deviation_asked_for() -> None:
    with st.random.stream(0):
        x = st.random.normal((40_000,), mean=3.0, deviation=2.0, dtype=st.float64).numpy()
    assert scipy.stats.kstest((x - 3) / 2, "norm").pvalue > 0.01


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
def test_bernoulli(probability: float) -> None:
    with st.random.stream(0):
        x = st.random.bernoulli(probability, (40_000,)).numpy()
    assert x.dtype == bool
    deviation = np.sqrt(probability * (1 - probability) / len(x))
    assert abs(x.mean() - probability) <= 4 * deviation


def test_bernoulli_refuses() -> None:
    for probability in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigurationError, match="a probability is from 0 to 1"):
            st.random.bernoulli(probability, (1,))
