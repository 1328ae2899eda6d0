"""What an expression becomes, as text: the work that is left."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from textwrap import dedent

import numpy as np
import pytest

import steepest as st
from steepest.ir.graph import Graph
from steepest.ir.node import CONSTANT, placeholder
from steepest.ir.types import TensorType, float64
from steepest.rewrite import rewrite
from steepest.rewrite.build import apply

FORMS: list[tuple[Callable[..., st.Tensor], str]] = [
    (
        lambda x: st.log(st.softmax(x)),
        """
        %0 = reduce_max(x, axes=(1,))
        %1 = reshape(%0, shape=(2, 1))
        %2 = broadcast_to(%1, shape=(2, 3))
        %3 = subtract(x, %2)
        %4 = exp(%3)
        %5 = reduce_sum(%4, axes=(1,))
        %6 = log(%5)
        %7 = reshape(%6, shape=(2, 1))
        %8 = broadcast_to(%7, shape=(2, 3))
        %9 = subtract(%3, %8)
        return %9
        """,
    ),
    (
        lambda x: st.log(st.exp(x) / st.sum(st.exp(x), axis=1, keepdims=True)),
        """
        %0 = reduce_max(x, axes=(1,))
        %1 = isfinite(%0)
        %2 = broadcast_to(0.0, shape=(2,))
        %3 = where(%1, %0, %2)
        %4 = reshape(%3, shape=(2, 1))
        %5 = broadcast_to(%4, shape=(2, 3))
        %6 = subtract(x, %5)
        %7 = exp(%6)
        %8 = reduce_sum(%7, axes=(1,))
        %9 = log(%8)
        %10 = add(%9, %3)
        %11 = reshape(%10, shape=(2, 1))
        %12 = broadcast_to(%11, shape=(2, 3))
        %13 = subtract(x, %12)
        return %13
        """,
    ),
    (
        lambda x: st.softplus(-x) + st.log(1.0 + st.exp(-x)),
        """
        %0 = negative(x)
        %1 = broadcast_to(0.0, shape=(2, 3))
        %2 = logaddexp(%0, %1)
        %3 = add(%2, %2)
        return %3
        """,
    ),
    (
        lambda x, v: st.exp(st.broadcast_to(v, shape=(2, 3))) * x,
        """
        %0 = exp(v)
        %1 = broadcast_to(%0, shape=(2, 3))
        %2 = multiply(%1, x)
        return %2
        """,
    ),
    (
        lambda x, v: (x - v) * (1.0 / (v * 2.0)),
        """
        %0 = broadcast_to(v, shape=(2, 3))
        %1 = subtract(x, %0)
        %2 = broadcast_to(1.0, shape=(3,))
        %3 = broadcast_to(2.0, shape=(3,))
        %4 = multiply(v, %3)
        %5 = divide(%2, %4)
        %6 = broadcast_to(%5, shape=(2, 3))
        %7 = multiply(%1, %6)
        return %7
        """,
    ),
    (
        lambda x: st.matmul(x, x.T).T,
        """
        %0 = contract(x, x, left=(0, 1), right=(2, 1), result=(2, 0))
        return %0
        """,
    ),
    (
        lambda x: st.sum(x.T @ x, axis=0) / 4.0,
        """
        %0 = contract(x, x, left=(1, 0), right=(1, 2), result=(0, 2))
        %1 = reduce_sum(%0, axes=(0,))
        %2 = broadcast_to(0.25, shape=(3,))
        %3 = multiply(%1, %2)
        return %3
        """,
    ),
    (
        lambda x: st.pad(x[:, 1:], [(0, 0), (1, 0)])[:, 1:],
        """
        %0 = cut(x, cut=((0, 2, 1), (1, 3, 1)))
        return %0
        """,
    ),
    (
        lambda x: st.flip(st.flip(x)),
        """
        return x
        """,
    ),
    (
        lambda x: x - 0.1 * (-x / 2.0),
        """
        %0 = broadcast_to(0.1, shape=(2, 3))
        %1 = broadcast_to(-0.5, shape=(2, 3))
        %2 = multiply(x, %1)
        %3 = multiply(%0, %2)
        %4 = subtract(x, %3)
        return %4
        """,
    ),
    (
        lambda x: st.mean(x) * st.zeros((2, 3)) + st.ones((2, 3)) * 2.0,
        """
        %0 = reduce_sum(x, axes=(0, 1))
        %1 = divide(%0, 6.0)
        %2 = multiply(%1, 0.0)
        %3 = add(%2, 2.0)
        %4 = broadcast_to(%3, shape=(2, 3))
        return %4
        """,
    ),
    (
        lambda x: st.astype(st.astype(x > 0.0, st.float64), st.float32) * x,
        """
        %0 = broadcast_to(0.0, shape=(2, 3))
        %1 = greater(x, %0)
        %2 = cast(%1, dtype=float32)
        %3 = multiply(%2, x)
        return %3
        """,
    ),
    (
        lambda x: st.max(st.max(x, axis=1), axis=0),
        """
        %0 = reduce_max(x, axes=(0, 1))
        return %0
        """,
    ),
    (
        lambda x: st.grad(lambda x: st.sum(st.sigmoid(x)))(x),
        """
        %0 = sigmoid(x)
        %1 = broadcast_to(1.0, shape=(2, 3))
        %2 = subtract(%1, %0)
        %3 = multiply(%0, %2)
        return %3
        """,
    ),
]


def form_of(function: Callable[..., st.Tensor]) -> str:
    given = {"x": st.ones((2, 3)), "v": st.ones((3,))}
    arguments = [given[name] for name in inspect.signature(function).parameters]
    graph = rewrite(st.trace(function)(*arguments)).graph
    return "\n".join(line.split(" : ")[0].strip() for line in repr(graph).splitlines()[1:])


@pytest.mark.parametrize(("function", "expected"), FORMS)
def test_an_expression_becomes(function: Callable[..., st.Tensor], expected: str) -> None:
    assert form_of(function) == dedent(expected).strip()


@pytest.mark.parametrize(("length", "folded"), [(3, True), (64, True), (65, False)])
def test_numbers_are_folded_into_numbers_that_are_not_large(length: int, folded: bool) -> None:
    x = placeholder(TensorType((length,), float64), "x")
    few = x.lift(np.arange(1.0, 3.0))
    many = apply("concat", *[few] * ((length + 1) // 2), axis=0)
    part = apply("cut", many, cut=((0, length, 1),))
    (output,) = rewrite(Graph((x,), (x * part,))).graph.outputs
    assert (output.inputs[1].op is CONSTANT) == folded


@pytest.mark.parametrize(("length", "folded"), [(4096, True), (4097, False)])
def test_numbers_that_take_long_to_fold_are_left_to_the_run(length: int, folded: bool) -> None:
    x = placeholder(TensorType((), float64), "x")
    total = apply("reduce_sum", apply("broadcast_to", x.lift(0.5), shape=(length,)), axes=(0,))
    (output,) = rewrite(Graph((x,), (x + total,))).graph.outputs
    assert (output.inputs[1].op is CONSTANT) == folded
