"""Contractions against np.einsum on random labels, and the products of linear algebra."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some

import steepest as st
from kit.draw import generator
from steepest.errors import DTypeError, ShapeError
from steepest.ops.contract import contract
from steepest.tensor.tensor import Tensor

LETTERS = "abcdef"


@some.composite
def contractions(draw: some.DrawFn) -> tuple[list[int], list[int], list[int], list[int]]:
    """Labels of the two inputs and the result, each in at least two of the three; and extents."""
    kinds = draw(some.lists(some.sampled_from(["batch", "row", "column", "sum"]), max_size=5))
    labels = range(len(kinds))
    left = [i for i in labels if kinds[i] != "column"]
    right = [i for i in labels if kinds[i] != "row"]
    result = [i for i in labels if kinds[i] != "sum"]
    extents = [draw(some.integers(0, 3)) for _ in labels]
    return (
        draw(some.permutations(left)),
        draw(some.permutations(right)),
        draw(some.permutations(result)),
        extents,
    )


@given(contractions())
def test_contract_is_einsum(call: tuple[list[int], list[int], list[int], list[int]]) -> None:
    left, right, result, extents = call
    random = generator()
    a = random.normal(size=[extents[i] for i in left])
    b = random.normal(size=[extents[i] for i in right])
    spelled = ["".join(LETTERS[i] for i in labels) for labels in (left, right, result)]
    expected = np.einsum(f"{spelled[0]},{spelled[1]}->{spelled[2]}", a, b)

    def f(a: Tensor, b: Tensor) -> Tensor:
        return contract(a, b, left=tuple(left), right=tuple(right), result=tuple(result))

    value, pullback = st.vjp(f, st.tensor(a), st.tensor(b))
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-12, atol=1e-13)
    g = random.normal(size=expected.shape)
    by_a, by_b = pullback(st.tensor(g))
    expected_a = np.einsum(f"{spelled[2]},{spelled[1]}->{spelled[0]}", g, b)
    expected_b = np.einsum(f"{spelled[2]},{spelled[0]}->{spelled[1]}", g, a)
    np.testing.assert_allclose(by_a.numpy(), expected_a, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(by_b.numpy(), expected_b, rtol=1e-12, atol=1e-13)


VECTORS = [(3,), (2, 3), (4, 2, 3), (1, 2, 3), (5, 1, 2, 3)]
OTHERS = [(3,), (3, 2), (4, 3, 2), (1, 3, 2), (5, 4, 3, 2)]


@pytest.mark.parametrize(("left", "right"), list(itertools.product(VECTORS, OTHERS)))
def test_matmul_is_numpys(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    random = generator()
    a, b = random.normal(size=left), random.normal(size=right)
    expected = a @ b
    x, y = st.tensor(a), st.tensor(b)
    by_numpy: Any = a  # whose @ gives way to ours
    for found in (st.matmul(x, y), x @ b, by_numpy @ y):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("left", "right"), list(itertools.product(VECTORS[:4], OTHERS[:4])))
def test_the_gradient_of_matmul(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Both gradients at once, against differences along one direction."""
    random = generator(1)
    a, b = random.normal(size=left), random.normal(size=right)
    da, db = random.normal(size=left), random.normal(size=right)
    weights = random.normal(size=(a @ b).shape)
    by_a, by_b = st.grad(lambda a, b: st.sum((a @ b) * weights), (0, 1))(st.tensor(a), st.tensor(b))
    exact = np.sum(weights * (da @ b + a @ db))
    found = np.sum(by_a.numpy() * da) + np.sum(by_b.numpy() * db)
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_matmul_of_integers_and_of_mixed_types() -> None:
    found = st.matmul(st.tensor([[1, 2]]), st.tensor([[3], [4]]))
    assert (found.tolist(), found.dtype) == ([[11]], st.int64)
    mixed = st.matmul(st.ones((2, 2)), st.ones((2, 2), dtype=st.float64))
    assert mixed.dtype == st.float64
    assert st.matmul(st.zeros((2, 0)), st.zeros((0, 3))).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (
            (2, 3),
            (4, 2),
            r"matmul\(float32\[2, 3\], float32\[4, 2\]\): the last axis of the first \(3",
        ),
        ((3,), (4,), "only axis of the second"),
        ((), (3,), r"use \* to multiply with a number"),
        ((2, 2, 3), (3, 3, 2), "do not broadcast"),
    ],
)
def test_matmul_refuses(left: tuple[int, ...], right: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        st.matmul(st.ones(left), st.ones(right))


def test_matmul_of_truth_is_refused() -> None:
    with pytest.raises(DTypeError, match="it takes numbers"):
        st.matmul(st.tensor([True]), st.tensor([True]))


@pytest.mark.parametrize("axes", [0, 1, 2, ((0, 1), (1, 0)), ((2,), (0,)), ((-1, 0), (0, -2))])
def test_tensordot_is_numpys(axes: Any) -> None:
    random = generator()
    a, b = random.normal(size=(3, 3, 3)), random.normal(size=(3, 3, 3))
    found = st.tensordot(st.tensor(a), st.tensor(b), axes=axes).numpy()
    np.testing.assert_allclose(found, np.tensordot(a, b, axes), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axis", [-1, -2])
def test_vecdot_is_numpys(axis: int) -> None:
    random = generator()
    a, b = random.normal(size=(3, 2, 4)), random.normal(size=(2, 4))
    found = st.vecdot(st.tensor(a), st.tensor(b), axis=axis).numpy()
    np.testing.assert_allclose(found, np.sum(a * b, axis), rtol=1e-12)
    with pytest.raises(ShapeError, match="negative"):
        st.vecdot(st.tensor(a), st.tensor(b), axis=0)


def test_outer_is_numpys() -> None:
    random = generator()
    a, b = random.normal(size=3), random.normal(size=4)
    assert st.outer(st.tensor(a), st.tensor(b)).tolist() == np.outer(a, b).tolist()
