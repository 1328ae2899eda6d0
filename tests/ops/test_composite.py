"""softmax, logsumexp and the like against SciPy, in the middle and at the ends of the scale."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.special

import steepest as st
from kit.draw import generator

AXES = [None, 0, 1, -1, (0, 2), (0, 1, 2)]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_logsumexp(axis: Any, keepdims: bool, scale: float) -> None:
    x = generator().normal(size=(2, 3, 4)) * scale
    found = st.logsumexp(st.tensor(x), axis=axis, keepdims=keepdims).numpy()
    expected = scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_softmax_and_its_logarithm(axis: int, scale: float) -> None:
    x = generator().normal(size=(2, 3, 4)) * scale
    np.testing.assert_allclose(
        st.softmax(st.tensor(x), axis=axis).numpy(), scipy.special.softmax(x, axis), atol=1e-15
    )
    np.testing.assert_allclose(
        st.log_softmax(st.tensor(x), axis=axis).numpy(),
        scipy.special.log_softmax(x, axis),
        rtol=1e-13,
    )


def test_logsumexp_of_infinities() -> None:
    nothing = st.tensor([-math.inf, -math.inf])
    assert st.logsumexp(nothing).item() == -math.inf
    assert st.logsumexp(st.tensor([math.inf, 1.0])).item() == math.inf
    assert st.logsumexp(st.tensor([-math.inf, 1.0])).item() == 1.0


def test_the_gradient_of_logsumexp_is_softmax() -> None:
    x = st.tensor(generator().normal(size=(5,)) * 100)
    found = st.grad(st.logsumexp)(x).numpy()
    np.testing.assert_allclose(found, scipy.special.softmax(x.numpy()), atol=1e-15)


def test_the_jacobian_of_softmax() -> None:
    x = st.tensor(generator().normal(size=(4,)))
    p = scipy.special.softmax(x.numpy())
    found = st.jacobian(st.softmax)(x).numpy()
    np.testing.assert_allclose(found, np.diag(p) - np.outer(p, p), atol=1e-15)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm(axis: Any, keepdims: bool) -> None:
    x = generator().normal(size=(2, 3, 4))
    found = st.norm(st.tensor(x), axis=axis, keepdims=keepdims).numpy()
    expected = np.sqrt(np.sum(x**2, axis=axis, keepdims=keepdims))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_clip_against_numpy() -> None:
    x = generator().normal(size=(20,))
    for low, high in [(-0.5, 0.5), (None, 0.1), (-0.1, None)]:
        assert st.clip(st.tensor(x), low, high).tolist() == np.clip(x, low, high).tolist()
    assert st.clip(st.tensor(x)).tolist() == x.tolist()
    assert st.clip(st.arange(5), 1, 3).tolist() == [1, 1, 2, 3, 3]


def test_one_hot() -> None:
    labels = st.tensor([[2, 0], [1, 5]])
    assert st.one_hot(labels, 3).tolist() == [
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
    ]
    assert st.one_hot(labels, 3).dtype == st.float32
    assert st.one_hot(labels, 3, dtype=st.float64).dtype == st.float64
    assert st.one_hot(st.tensor([1], dtype=st.uint8), 3).tolist() == [[0.0, 1.0, 0.0]]
