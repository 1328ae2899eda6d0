"""A compiled function keeps programs apart wherever the function itself would do something else."""

from __future__ import annotations

from typing import Any, final

import numpy as np
import pytest

import steepest as st

X = st.tensor([1.0, -2.0])


@final
class Scale(st.nn.Module):
    """A module without cells."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def forward(self, x: st.Tensor) -> st.Tensor:
        return x * self.factor


def call(module: Any, x: st.Tensor) -> Any:
    return module(x)


def test_modules_without_cells_are_told_apart() -> None:
    compiled = st.jit(call)
    for factor in (2.0, 3.0, 2.0):
        assert compiled(Scale(factor), X).tolist() == [factor, -2 * factor]


def test_modules_that_share_all_cells_are_told_apart() -> None:
    layer = st.nn.Linear(2, 2)
    compiled = st.jit(call)
    for activation in (st.nn.relu, st.nn.tanh):
        model = st.nn.Sequential(layer, activation)
        np.testing.assert_allclose(compiled(model, X).numpy(), model(X).detach().numpy(), 1e-6)


def test_a_module_that_got_another_cell_is_compiled_again() -> None:
    layer = st.nn.Linear(2, 2)
    compiled = st.jit(call)
    compiled(layer, X)
    layer.weight = st.State(st.ones((2, 2)))
    assert compiled(layer, X).tolist() == layer(X).tolist()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([X], (X,)),
        ([X], {"0": X}),
        ({"1": X}, {1: X}),
        ({"a": X, "b": []}, {"a": X, "b": {}}),
        ({True: X}, {1: X}),
        ([[X], X], [[X, X]]),
    ],
)
def test_structures_with_the_same_leaves_are_told_apart(first: Any, second: Any) -> None:
    compiled = st.jit(lambda parts: parts)
    for given in (first, second, first):
        assert shape_of(compiled(given)) == shape_of(given)


def shape_of(value: Any) -> object:
    if isinstance(value, dict):
        return {repr(key): shape_of(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return (type(value).__name__, [shape_of(part) for part in value])
    return "leaf"


def test_what_comes_from_outside_stays_as_it_was_traced() -> None:
    factor = [2.0]
    compiled = st.jit(lambda x: x * factor[0])
    assert compiled(X).tolist() == [2.0, -4.0]
    factor[0] = 3.0
    assert compiled(X).tolist() == [2.0, -4.0]
