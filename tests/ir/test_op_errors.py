"""What an error says of the inputs: types, never numbers."""

import numpy as np
import pytest

import steepest as st
from steepest.errors import ShapeError


def test_an_array_is_shown_as_its_type() -> None:
    with pytest.raises(ShapeError) as caught:
        st.nn.Linear(10, 32)(np.ones((3, 9)))
    first = str(caught.value).splitlines()[0]
    assert first.startswith("Linear(inputs=10, outputs=32)(float64[3, 9]): the last axis should be")


def test_a_long_list_is_cut_short() -> None:
    with pytest.raises(ShapeError) as caught:
        st.add(st.ones((2,)), list(range(1000)))  # pyright: ignore[reportArgumentType]
    assert len(str(caught.value).splitlines()[0]) < 150
