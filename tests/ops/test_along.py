"""Ops along an axis against NumPy: running sums and products, positions of extremes."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some
from hypothesis.extra import numpy as arrays_of

import steepest as st
from kit.draw import generator
from steepest.errors import ShapeError

MATRICES = arrays_of.arrays(
    np.float64,
    arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
    elements=some.integers(-2, 2),
)


@given(MATRICES, some.data())
def test_running_sums_and_products(x: Any, data: some.DataObject) -> None:
    axis = data.draw(some.integers(-x.ndim, x.ndim - 1))
    sums, products = st.cumulative_sum, st.cumulative_prod
    np.testing.assert_array_equal(sums(st.tensor(x), axis=axis).numpy(), np.cumsum(x, axis))
    np.testing.assert_array_equal(products(st.tensor(x), axis=axis).numpy(), np.cumprod(x, axis))


@given(MATRICES.filter(lambda x: x.size > 0), some.data())
def test_positions_of_extremes_are_the_first_of_equals(x: Any, data: some.DataObject) -> None:
    axis = data.draw(some.none() | some.integers(-x.ndim, x.ndim - 1))
    keepdims = data.draw(some.booleans())
    for ours, numpys in ((st.argmax, np.argmax), (st.argmin, np.argmin)):
        found = ours(st.tensor(x), axis=axis, keepdims=keepdims)
        expected = numpys(x, axis=axis, keepdims=keepdims)
        assert found.dtype == st.int64
        np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("zeros", range(4))
def test_the_gradient_of_running_products_is_right_at_zeros(zeros: int) -> None:
    n = 5
    for places in itertools.combinations(range(n), zeros):
        x = generator().uniform(0.5, 2.0, n)
        x[list(places)] = 0.0
        found = st.jacobian(st.cumulative_prod)(st.tensor(x)).numpy()
        for i, j in itertools.product(range(n), repeat=2):
            exact = np.prod(np.delete(x[: i + 1], j)) if j <= i else 0.0
            np.testing.assert_allclose(found[i, j], exact, rtol=1e-13)


def test_small_integers_run_wide() -> None:
    assert st.cumulative_sum(st.tensor([1, 2, 3])).tolist() == [1, 3, 6]
    small = st.tensor([100, 100, 3], dtype=st.int8)
    assert st.cumulative_sum(small).tolist() == [100, 200, 203]
    assert st.cumulative_prod(small).tolist() == [100, 10_000, 30_000]
    assert st.cumulative_sum(st.tensor([True, True])).tolist() == [1, 2]
    assert st.cumulative_sum(st.tensor([1], dtype=st.uint8)).dtype == st.uint64


def test_refusals_name_the_axis() -> None:
    x = st.ones((2,))
    for each in (st.argmax, st.argsort, st.sort, st.cumulative_sum, st.cumulative_prod):
        with pytest.raises(ShapeError, match="there is no axis 3"):
            each(x, axis=3)
    with pytest.raises(ShapeError, match="no position in an axis of extent 0"):
        st.argmax(st.zeros((0,)))
