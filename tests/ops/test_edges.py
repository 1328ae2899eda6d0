"""Where a bound is one off, or a result has one axis too many: small cases against NumPy."""

import numpy as np
import pytest

import steepest as st
from steepest.errors import DTypeError, ShapeError


def test_an_integer_to_the_power_of_zero_is_one() -> None:
    found = st.pow(st.tensor([2, 0, -3]), st.tensor([0, 0, 2]))
    assert found.tolist() == [1, 1, 9]
    with pytest.raises(DTypeError, match="a negative power of an integer"):
        st.pow(st.tensor([2]), st.tensor([-1]))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_positions_of_extremes_keep_their_axis_on_request(axis: int) -> None:
    x = np.random.default_rng(0).permutation(24.0 * np.arange(24)).reshape(2, 3, 4)
    for ours, theirs in ((st.argmax, np.argmax), (st.argmin, np.argmin)):
        kept = ours(st.tensor(x), axis=axis, keepdims=True)
        np.testing.assert_array_equal(kept.numpy(), theirs(x, axis=axis, keepdims=True))
        flat = ours(st.tensor(x), axis=axis)
        np.testing.assert_array_equal(flat.numpy(), theirs(x, axis=axis))


def test_a_condition_of_another_shape_or_type_is_refused() -> None:
    x = st.ones((2, 3))
    infer = st.where.infer
    condition = (x > 0.0).type
    assert infer(condition, x.type, x.type) == x.type
    for bad in (
        (condition._replace(shape=(3,)), x.type, x.type),
        (condition, x.type, x.type._replace(shape=(3,))),
    ):
        with pytest.raises(ShapeError, match="differ"):
            infer(*bad)


def test_a_place_that_is_not_there_is_explained() -> None:
    with pytest.raises(ShapeError, match="out of bounds"):
        st.ones((3,)).at(5, 1.0)
