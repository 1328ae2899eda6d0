"""Differences of neighbours, down to axes with nothing to compare."""

import numpy as np
import pytest

import steepest as st


@pytest.mark.parametrize("shape", [(5,), (1,), (0,), (2, 3), (3, 1), (3, 0)])
def test_differences_are_numpys(shape: tuple[int, ...]) -> None:
    x = np.arange(float(np.prod(shape))).reshape(shape) ** 2
    for axis in range(len(shape)):
        found = st.diff(st.tensor(x), axis=axis)
        np.testing.assert_array_equal(found.numpy(), np.diff(x, axis=axis))
        assert found.shape == np.diff(x, axis=axis).shape
