"""Expressions that look like what a rule is for, and are something else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rewrite.random_graphs import assert_same_bits, run, value_of
from steepest.ir.graph import Graph
from steepest.ir.node import Node, placeholder
from steepest.ir.types import TensorType, bool_, float32, float64, int64
from steepest.ops.elementwise import (
    abs,
    exp,
    expm1,
    log,
    log1p,
    logical_not,
    maximum,
    minimum,
    negative,
    reciprocal,
    relu,
    sigmoid,
    square,
    where,
)
from steepest.ops.joins import concat
from steepest.ops.movement import broadcast_to, cut, permute_dims, place, reshape
from steepest.ops.reduce import max, min, reduce_max, reduce_sum, sum
from steepest.rewrite import RULES, rewrite
from steepest.rewrite.build import apply

BOX = TensorType((2, 3, 4), float64)
MATRIX = TensorType((2, 3), float64)
SINGLE = TensorType((2, 3), float32)
TRUTH = TensorType((2, 3), bool_)

SMOOTH: list[Callable[..., Node]] = [
    lambda x, y: 1.0 / (2.0 + exp(x)),
    lambda x, y: 2.0 / (1.0 + exp(x)),
    lambda x, y: 1.0 / (1.0 + x),
    lambda x, y: 1.0 / (exp(x) + y),
    lambda x, y: 1.0 / (1.0 - exp(x)),
    lambda x, y: 1.0 / (1.0 * exp(x)),
    lambda x, y: y / (1.0 + exp(x)),
    lambda x, y: (1.0 + exp(x)) / 1.0,
    lambda x, y: reciprocal(2.0 + exp(x)),
    lambda x, y: reciprocal(exp(x) - 1.0),
    lambda x, y: log(2.0 + exp(x)),
    lambda x, y: log(exp(x) + y),
    lambda x, y: log(exp(x) * exp(y)),
    lambda x, y: log(2.0 + x),
    lambda x, y: log(3.0 - x / 9.0),
    lambda x, y: log(1.0 * x),
    lambda x, y: log(x + y),
    lambda x, y: log(x / exp(y)),
    lambda x, y: log(exp(x) * y),
    lambda x, y: log(x / y),
    lambda x, y: log(sum(x, axis=1)),
    lambda x, y: log(max(exp(x), axis=1)),
    lambda x, y: log(sum(exp(x), axis=0)),
    lambda x, y: log(sum(exp(x - min(x, axis=1, keepdims=True)), axis=1)),
    lambda x, y: log(sum(exp(x - y), axis=1)),
    lambda x, y: log(sum(exp(maximum(x, reshape(max(x, axis=1), (2, 1)))), axis=1)),
    lambda x, y: log1p(x),
    lambda x, y: log1p(expm1(x)),
    lambda x, y: log(1.0 + sigmoid(x)),
    lambda x, y: log(1.0 - sigmoid(x)),
    lambda x, y: exp(x) - 2.0,
    lambda x, y: exp(x) + 1.0,
    lambda x, y: 1.0 - exp(x),
    lambda x, y: exp(x) - y,
    lambda x, y: -1.0 + exp(x),
    lambda x, y: expm1(x) - 1.0,
    lambda x, y: 2.0 - sigmoid(x),
    lambda x, y: sigmoid(x) - 1.0,
    lambda x, y: 1.0 - x,
    lambda x, y: x**3.0,
    lambda x, y: x**-2.0,
    lambda x, y: 2.0**x,
    lambda x, y: x**y,
]


@pytest.mark.parametrize("number", range(len(SMOOTH)))
def test_what_is_not_quite_a_better_form_keeps_its_value(number: int) -> None:
    x, y = placeholder(MATRIX, "x"), placeholder(MATRIX, "y")
    graph = Graph((x, y), (SMOOTH[number](x, y),))
    rewritten = rewrite(graph).graph
    random = np.random.default_rng([7, number])
    for _ in range(5):
        values = [random.uniform(0.3, 2.0, MATRIX.shape) for _ in range(2)]
        np.testing.assert_allclose(run(rewritten, values), run(graph, values), rtol=1e-12)


EXACT: list[tuple[Callable[..., Node], tuple[TensorType, ...]]] = [
    (lambda x: x * 0.0, (SINGLE,)),
    (lambda x: x + 0.0, (SINGLE,)),
    (lambda x: 0.0 - x, (SINGLE,)),
    (lambda x: x - -0.0, (SINGLE,)),
    (lambda x: -0.0 + (x - -0.0), (SINGLE,)),
    (lambda x: 1.0 / x, (SINGLE,)),
    (lambda x: -1.0 / x, (SINGLE,)),
    (lambda x: x / x, (SINGLE,)),
    (lambda x: x / 3.0, (SINGLE,)),
    (lambda x: x / 6.0, (SINGLE,)),
    (lambda x: x / 0.0, (SINGLE,)),
    (lambda x: x / np.inf, (SINGLE,)),
    (lambda x: x / np.nan, (SINGLE,)),
    (lambda x: x / 2.0**-127, (SINGLE,)),  # 2^127 is a factor
    (lambda x: x / 2.0**-128, (SINGLE,)),  # 2^128 is none: it is infinite
    (lambda x: x / 2.0**126, (SINGLE,)),
    (lambda x: x / 2.0**127, (SINGLE,)),  # 2^-127 is denormal, a machine may take it for 0
    (lambda x: x / -(2.0**3), (SINGLE,)),
    (lambda x: 8.0 / x, (SINGLE,)),
    (lambda x: x**0.5, (SINGLE,)),
    (lambda x: x**-0.0, (SINGLE,)),
    (lambda x: 1.0**x, (SINGLE,)),
    (lambda x: x**3, (TensorType((2, 3), int64),)),
    (lambda x, y: negative(x - y), (SINGLE, SINGLE)),
    (lambda x, y: negative(x) - y, (SINGLE, SINGLE)),
    (lambda x, y: negative(x) * negative(y), (SINGLE, SINGLE)),
    (lambda x: negative(x) * negative(x), (SINGLE,)),
    (lambda x: 5.0 / negative(x), (SINGLE,)),
    (lambda x: negative(x) / 5.0, (SINGLE,)),
    (lambda x: abs(square(x)), (SINGLE,)),
    (lambda x: negative(abs(x)), (SINGLE,)),
    (lambda x: relu(abs(x)), (SINGLE,)),
    (lambda x: abs(relu(negative(x))), (SINGLE,)),
    (lambda x, y: maximum(minimum(x, y), y), (SINGLE, SINGLE)),
    (lambda x: logical_not(x) ^ x, (TRUTH,)),
    (lambda c, x, y: where(logical_not(c), where(c, x, y), y * x), (TRUTH, MATRIX, MATRIX)),
    (lambda c, x, y: where(c, where(x > y, x, y), y * x), (TRUTH, MATRIX, MATRIX)),
    (lambda c, x, y: where(c, x * y, where(x > y, x, y)), (TRUTH, MATRIX, MATRIX)),
    (lambda c, x, y: where(where(c, c, x > y), x, y), (TRUTH, MATRIX, MATRIX)),
    (lambda x: apply("cast", apply("cast", x, dtype=float32), dtype=float64), (MATRIX,)),
    (lambda x: apply("cast", apply("cast", x, dtype=float32), dtype=float64), (SINGLE,)),
    (lambda x: apply("cast", apply("cast", x, dtype=bool_), dtype=float64), (MATRIX,)),
    (
        lambda x: apply("cast", apply("cast", x * 2**53 + 1, dtype=float64), dtype=int64),
        (TensorType((2, 3), int64),),
    ),
    (
        lambda x: apply("cast", apply("cast", x, dtype=np.dtype("uint8")), dtype=int64),
        (TensorType((2, 3), int64),),
    ),
    (lambda x: permute_dims(permute_dims(x, (1, 2, 0)), (1, 2, 0)), (BOX,)),
    (lambda x: permute_dims(x, (0, 2, 1)), (TensorType((2, 1, 3), float64),)),
    (lambda x: permute_dims(x, (2, 1, 0)), (TensorType((2, 1, 3), float64),)),
    (lambda x: reshape(broadcast_to(x, shape=(2, 3)), (6,)), (TensorType((3,), float64),)),
    (lambda x: reshape(broadcast_to(x, shape=(2, 3)), (3, 2)), (TensorType((3,), float64),)),
    (
        lambda x: reshape(broadcast_to(x, shape=(2, 1, 3)), (1, 2, 3)),
        (TensorType((2, 1, 1), float64),),
    ),
    (lambda x: broadcast_to(x, shape=(3, 2, 3)), (TensorType((2, 1), float64),)),
    (lambda x: broadcast_to(x, shape=(3, 2, 1, 3)), (TensorType((1, 2, 1, 3), float64),)),
    (
        lambda x: cut(broadcast_to(x, shape=(4, 3)), cut=((1, 3, 1), (1, 3, 1))),
        (TensorType((4, 1), float64),),
    ),
    (lambda x: cut(x, cut=((0, 2, 1), (2, -1, -1))), (MATRIX,)),
    (lambda x: cut(cut(x, cut=((5, -1, -2),)), cut=((2, 0, -1),)), (TensorType((6,), float64),)),
    (lambda x: cut(cut(x, cut=((5, -1, -2),)), cut=((1, 1, 1),)), (TensorType((6,), float64),)),
    (lambda x: cut(cut(x, cut=((4, 0, -3),)), cut=((1, -1, -1),)), (TensorType((6,), float64),)),
    (
        lambda x: cut(
            place(x, shape=(4, 3), cut=((1, 3, 1), (0, 3, 1))), cut=((0, 2, 1), (0, 3, 1))
        ),
        (MATRIX,),
    ),
    (lambda x: place(x, shape=(2, 3), cut=((1, -1, -1), (0, 3, 1))), (MATRIX,)),
    (lambda x, y: concat([concat([x, y], axis=1), concat([y, x], axis=1)]), (MATRIX, MATRIX)),
    (lambda x: reduce_max(reduce_sum(x, axes=(0,)), axes=(0,)), (MATRIX,)),
    (lambda x: reduce_sum(reduce_max(x, axes=(2,)), axes=(0, 1)), (BOX,)),
    (lambda x: reduce_max(reduce_max(x, axes=(0,)), axes=(1,)), (BOX,)),
    (lambda x: reduce_max(x, axes=(0, 1, 2)), (TensorType((1, 3, 1), float64),)),
    (lambda x: reduce_sum(x, axes=(1, 3)), (TensorType((1, 3, 1, 2), float64),)),
    (lambda x: reduce_sum(x, axes=(0, 3)), (TensorType((1, 3, 1, 2), float64),)),
    (lambda x: reduce_max(x, axes=(0, 2)), (TensorType((1, 3, 1, 2), float64),)),
    (
        lambda x, y: exp(reshape(x, (6,))) * permute_dims(y, (1, 0)),
        (MATRIX, TensorType((6, 1), float64)),
    ),
    (
        lambda x, y: broadcast_to(x, shape=(2, 3)) * broadcast_to(y, shape=(2, 3)),
        (TensorType((2, 1), float64), TensorType((3,), float64)),
    ),
    (
        lambda x, y: permute_dims(x, (1, 2, 0)) + permute_dims(y, (2, 1, 0)),
        (TensorType((2, 2, 2), float64),) * 2,
    ),
    (
        lambda x, y: reshape(x, (3,)) + reshape(y, (3,)),
        (TensorType((1, 3), float64), TensorType((3, 1), float64)),
    ),
]


@pytest.mark.parametrize("number", range(len(EXACT)))
def test_what_looks_like_an_identity_keeps_its_bits(number: int) -> None:
    build, types = EXACT[number]
    inputs = [placeholder(type, f"x{i}") for i, type in enumerate(types)]
    graph = Graph(tuple(inputs), (build(*inputs),))
    exact = {name: rule for name, rule in RULES.items() if rule.keeps == "bits"}
    rewritten = rewrite(graph, exact).graph
    for seed in range(40):
        random = np.random.default_rng([8, seed])
        values = [value_of(type, random, special=True) for type in types]
        assert_same_bits(run(rewritten, values)[0], run(graph, values)[0])


DIVISORS = {
    **dict.fromkeys([2.0**126, 2.0**-127, 0.5, -4.0], "multiply"),
    **dict.fromkeys([2.0**127, 2.0**-128, 3.0, 0.75, -6.0, np.inf, 0.0], "divide"),
}


@pytest.mark.parametrize("divisor", DIVISORS)
def test_division_by_a_power_of_two_is_a_product_if_its_factor_is_a_normal_number(
    divisor: float,
) -> None:
    x = placeholder(SINGLE, "x")
    (output,) = rewrite(Graph((x,), (x / divisor,))).graph.outputs
    assert output.op.name == DIVISORS[divisor]
