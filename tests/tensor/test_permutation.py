"""Random orders of rows: fixed for ever, uniform, different for each draw, seed and member."""

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError


def order(n: int, **options: int) -> list[int]:
    return st.random.permutation(n, **{"seed": 0, **options}).tolist()


def test_an_order_is_fixed_for_ever() -> None:
    assert order(8) == [6, 1, 2, 4, 5, 0, 3, 7]
    assert sorted(order(1000, seed=7, draw=2)) == list(range(1000))
    assert order(0) == []


def test_seeds_draws_and_members_differ() -> None:
    orders = [order(50), order(50, seed=1), order(50, draw=1), order(50, member=1)]
    assert len({tuple(each) for each in orders}) == 4
    assert order(50) == order(50)


def test_orders_are_uniform() -> None:
    places = np.array([order(5, draw=draw) for draw in range(4000)])
    for place in range(5):
        counts = np.bincount(places[:, place], minlength=5)
        assert (np.abs(counts - 800) < 130).all()  # five standard deviations of 25.3


def test_a_seed_is_a_32_bit_number() -> None:
    with pytest.raises(ConfigurationError, match="from 0 to 4294967295"):
        order(3, seed=-1)
