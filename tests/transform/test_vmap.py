"""vmap against a Python loop over the examples: axes, captured values, structures, refusals."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as some

import steepest as st
from kit.draw import generator
from steepest.errors import ShapeError
from steepest.tensor.tensor import Tensor

pytestmark = pytest.mark.row("D5")

X = generator(1).normal(size=(5, 3, 4))
W = generator(2).normal(size=(4, 2))

FUNCTIONS: dict[str, Callable[[Tensor], Any]] = {
    "matmul": lambda x: x @ W,
    "matmul left": lambda x: W.T @ x.T,
    "gram": lambda x: x @ x.T,
    "softmax": lambda x: st.softmax(x, axis=0),
    "log softmax": lambda x: st.log_softmax(x),
    "sort": lambda x: st.sort(x, axis=-1),
    "sort down": lambda x: st.sort(x, axis=0, descending=True),
    "argmax": lambda x: st.argmax(x, axis=1),
    "argmax flat": lambda x: st.argmax(x),
    "take own": lambda x: st.take(x, st.argsort(x[:, 0]), axis=0),
    "take along": lambda x: st.take_along_axis(x, st.argsort(x, axis=0), axis=0),
    "index": lambda x: x[::-1, 1:3],
    "index arrays": lambda x: x[[0, 2], [1, 3]],
    "index own": lambda x: st.tensor([1.0, 2.0, 3.0, 4.0])[st.argmax(x, axis=1)],
    "at": lambda x: x.at((0, slice(None)), 0.0),
    "prod": lambda x: st.prod(x, axis=0),
    "mean and deviation": lambda x: (x - st.mean(x)) / st.std(x),
    "running": lambda x: st.cumulative_sum(x, axis=1) + st.cumulative_prod(x, axis=0),
    "joins": lambda x: st.concat([x, st.ones((3, 1)), x * 2.0], axis=1),
    "stack": lambda x: st.stack([x, st.zeros((3, 4), dtype=st.float64)], axis=-1),
    "roll and pad": lambda x: st.pad(st.roll(x, 1, axis=1), [(1, 0), (0, 1)], value=2.0),
    "tile and repeat": lambda x: st.repeat(st.tile(x, (2, 1)), 2, axis=1),
    "transpose": lambda x: st.permute_dims(st.expand_dims(x, axis=1), (2, 0, 1)),
    "one hot": lambda x: st.one_hot(st.argmax(x, axis=1), 4),
    "tensordot": lambda x: st.tensordot(x, st.tensor(W), axes=1),
    "outer": lambda x: st.outer(x[0], x[1]),
    "where": lambda x: st.where(x > 0.0, x, -x),
    "constant": lambda x: st.ones((2,)),
    "norm": lambda x: st.norm(x, axis=1),
    "broadcast": lambda x: st.broadcast_to(x[0], shape=(2, 4)),
    "max": lambda x: st.max(x, axis=0) - st.min(x),
    "gradient": lambda x: st.grad(lambda y: st.sum(st.tanh(y @ W)))(x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_vmap_is_a_loop(name: str, axis: int) -> None:
    function = FUNCTIONS[name]
    moved = np.moveaxis(X, 0, axis)
    found = st.vmap(function, axis)(st.tensor(moved))
    expected = np.stack([function(st.tensor(x)).numpy() for x in X])
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "arg" not in n and n != "one hot"])
def test_the_gradient_of_vmap_is_that_of_a_loop(name: str) -> None:
    function = FUNCTIONS[name]

    def at_once(x: Tensor) -> Tensor:
        return st.sum(st.sin(st.vmap(function)(x)))

    def one_by_one(x: Tensor) -> Tensor:
        return st.sum(st.sin(st.stack([function(each) for each in x])))

    found, expected = st.grad(at_once)(st.tensor(X)), st.grad(one_by_one)(st.tensor(X))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-9, atol=1e-12)


@given(some.integers(0, 3), some.permutations([0, 1, 2]), some.booleans())
def test_axes_of_several_arguments(size: int, order: list[int], first: bool) -> None:
    x = generator().normal(size=(size, 2, 3)).transpose(order)
    axis = order.index(0)
    slices = np.moveaxis(x, axis, 0)
    factor = generator(1).normal(size=slices.shape[1:])
    axes = (axis, None) if first else (None, axis)
    arguments = (x, factor) if first else (factor, x)
    found = st.vmap(lambda a, b: st.sum(a * b, axis=0), axes)(*map(st.tensor, arguments))
    np.testing.assert_allclose(found.numpy(), np.sum(slices * factor, 1), rtol=1e-12, atol=1e-15)


def test_structures_share_an_axis() -> None:
    batch = {"a": st.arange(3), "b": [st.ones((3, 2))]}
    found = st.vmap(lambda p: p["b"][0] * p["a"])(batch)
    assert found.tolist() == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]
    scaled = st.vmap(lambda p, k: p["b"][0] * k, (0, None))(batch, 2.0)
    assert scaled.shape == (3, 2)


def test_arrays_and_numbers_are_arguments_too() -> None:
    assert st.vmap(lambda x, k: x * k, (0, None))(np.arange(3.0), 2).tolist() == [0.0, 2.0, 4.0]


def test_the_function_runs_once() -> None:
    calls: list[Any] = []

    def f(x: Tensor) -> Tensor:
        calls.append(x.shape)
        return x

    st.vmap(f)(st.ones((100, 2)))
    assert calls == [(2,)]


def test_captured_values_keep_their_gradient() -> None:
    w = st.tensor([1.0, 10.0], requires_grad=True)
    found = st.vmap(lambda x: st.sum(w * x))(st.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert found.requires_grad
    st.sum(found).backward()
    assert w.grad is not None
    assert w.grad.tolist() == [4.0, 6.0]


def test_refusals() -> None:
    with pytest.raises(ShapeError, match=r"equally many examples, not \{'0': 2, '1': 3\}"):
        st.vmap(lambda x, y: x)(st.ones((2,)), st.ones((3,)))
    with pytest.raises(ShapeError, match="single number; give None as its axis"):
        st.vmap(lambda x: x)(st.tensor(1.0))
    with pytest.raises(ShapeError, match="1 axes for 2 arguments"):
        st.vmap(lambda x, y: x, (0,))(st.ones((2,)), st.ones((2,)))
    with pytest.raises(ShapeError, match="there is no axis 2"):
        st.vmap(lambda x: x, 2)(st.ones((2, 2)))
    with pytest.raises(ShapeError, match="equally many examples"):
        st.vmap(lambda x: x, None)(st.ones((2, 2)))
