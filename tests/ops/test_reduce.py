"""Folds and the statistics made of them against NumPy, over shapes, axes and element types."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some
from hypothesis.extra import numpy as arrays_of

import steepest as st
from kit.draw import generator
from kit.judge import central_difference, check_batch, check_pullback
from steepest.errors import DTypeError, ShapeError
from steepest.ir.op import OPS, Case, Sample
from steepest.ir.types import DTYPES, DType

FOLDS = ["sum", "prod", "max", "min", "mean", "var", "std", "all", "any"]
AXES = [None, 0, 1, 2, -1, (0, 1), (0, -1), (0, 1, 2), ()]


@pytest.mark.parametrize("name", FOLDS)
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_folds_are_numpys(name: str, axis: Any, keepdims: bool) -> None:
    x = generator().normal(size=(2, 3, 4))
    x = x > 0 if name in ("all", "any") else x
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    found = getattr(st, name)(st.tensor(x), axis=axis, keepdims=keepdims)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13)


@some.composite
def folds(draw: some.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape = draw(arrays_of.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3))
    axes = draw(some.lists(some.sampled_from(range(len(shape))), unique=True, min_size=1))
    return shape, tuple(sorted(axes))


@pytest.mark.parametrize("name", ["reduce_sum", "reduce_max", "reduce_min", "reduce_all"])
@given(call=folds())
def test_folds_of_any_shape(name: str, call: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    shape, axes = call
    dtype = "bool" if name == "reduce_all" else "floating"
    case = Case((Sample(shape, dtype=dtype, distinct=dtype == "floating"),), {"axes": axes})
    if name in ("reduce_max", "reduce_min") and any(shape[axis] == 0 for axis in axes):
        with pytest.raises(ShapeError, match="extent 0"):
            getattr(st, name.removeprefix("reduce_"))(st.zeros(shape), axis=axes)
        return
    check_pullback(OPS[name], case, generator())
    check_batch(OPS[name], case, generator(), 2)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_sums_and_products_of_small_integers(dtype: DType) -> None:
    x = np.array([[1, 0, 1], [1, 1, 1]]).astype(dtype)
    found, expected = st.sum(st.tensor(x), axis=0), np.sum(x, axis=0)
    assert found.tolist() == expected.tolist()
    assert found.dtype == expected.dtype, "NumPy sums small integers wide, as the standard asks"
    if dtype.kind != "b":
        assert st.prod(st.tensor(x)).dtype == np.prod(x).dtype
    assert st.prod(st.tensor(x), axis=1).tolist() == [0, 1]


def test_sum_in_another_type() -> None:
    assert st.sum(st.tensor([True, True]), dtype=st.float32).dtype == st.float32
    assert st.sum(st.tensor([1.5, 1.6]), dtype=st.int64).item() == 2


def test_many_small_integers_do_not_overflow() -> None:
    assert st.sum(st.full((1000,), 100, dtype=st.int8)).item() == 100_000


@pytest.mark.parametrize("correction", [0.0, 1.0, 0.5])
def test_variance_with_a_correction(correction: float) -> None:
    x = generator().normal(size=(4, 5))
    for axis in (None, 0, 1):
        found = st.var(st.tensor(x), axis=axis, correction=correction).numpy()
        np.testing.assert_allclose(found, np.var(x, axis=axis, correction=correction), rtol=1e-13)
        found = st.std(st.tensor(x), axis=axis, correction=correction).numpy()
        np.testing.assert_allclose(found, np.std(x, axis=axis, correction=correction), rtol=1e-13)


@pytest.mark.parametrize("wrapped", [st.var, st.jit(st.var)], ids=["reference", "compiled"])
def test_a_small_variance_far_from_zero_is_rounded_once(wrapped: Callable[..., st.Tensor]) -> None:
    x = (1e4 + generator().normal(size=1001)).astype(np.float32)
    found = wrapped(st.tensor(x)).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.var(x, dtype=np.float64), rtol=6e-8)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13])
def test_the_gradient_of_a_product_is_right_at_zeros(n: int) -> None:
    for zeros in range(min(n, 3) + 1):
        x = generator(n).uniform(0.5, 2.0, n)
        x[:zeros] = 0.0
        expected = [np.prod(np.delete(x, i)) for i in range(n)]
        found = st.grad(st.prod)(st.tensor(x)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        hessian = st.hessian(st.prod)(st.tensor(x)).numpy()
        for i in range(n):
            for j in range(n):
                exact = 0.0 if i == j else np.prod(np.delete(x, [i, j]))
                np.testing.assert_allclose(hessian[i, j], exact, rtol=1e-13)


def test_products_of_nothing() -> None:
    assert st.prod(st.zeros((0,))).item() == 1.0
    assert st.prod(st.zeros((2, 0)), axis=1).tolist() == [1.0, 1.0]
    assert st.prod(st.zeros((0, 2)), axis=1).shape == (0,)
    assert st.prod(st.tensor(3.0)).item() == 3.0
    assert st.sum(st.zeros((2, 0)), axis=1).tolist() == [0.0, 0.0]


def test_equal_extremes_share_the_gradient() -> None:
    """A third each; two of them agree with central differences as well."""
    x = st.tensor([2.0, 1.0, 2.0, 2.0], dtype=st.float64)
    assert st.grad(st.max)(x).tolist() == pytest.approx([1 / 3, 0.0, 1 / 3, 1 / 3])
    assert st.grad(lambda x: st.min(-x))(x).tolist() == pytest.approx([-1 / 3, 0.0, -1 / 3, -1 / 3])
    rows = st.tensor([[1.0, 1.0, 0.0], [3.0, 2.0, 1.0]], dtype=st.float64)
    found = st.grad(lambda x: st.sum(st.max(x, axis=1)))(rows)
    assert found.tolist() == [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]
    pair = np.array([1.0, 1.0])
    along = np.array([1.0, 0.0])
    by_differences = central_difference(np.max, pair, along)
    assert st.grad(st.max)(st.tensor(pair)).tolist()[0] == pytest.approx(by_differences)


def test_folds_refuse() -> None:
    with pytest.raises(ShapeError, match=r"sum\(\): there is no axis 1.*axes -1 to 0"):
        st.sum(st.ones((2,)), axis=1)
    with pytest.raises(ShapeError, match="0-dimensional"):
        st.sum(st.tensor(1.0), axis=0)
    with pytest.raises(ShapeError, match="name one axis twice"):
        st.sum(st.ones((2, 2)), axis=(0, -2))
    with pytest.raises(ShapeError, match="no value over an axis of extent 0"):
        st.max(st.zeros((0, 2)))
    for statistic in (st.mean, st.var, st.std):
        with pytest.raises(DTypeError, match=r"\(int64\[3\]\): int64 does not.*astype\(st.fl"):
            statistic(st.arange(3))


def test_the_gradient_of_the_deviation_of_equal_numbers_is_finite_or_said() -> None:
    """√ at 0 has no slope: the gradient is NaN, not a wrong number."""
    assert np.isnan(st.grad(st.std)(st.ones((3,))).numpy()).all()
    assert st.grad(st.var)(st.ones((3,))).tolist() == [0.0, 0.0, 0.0]
