"""Graphs at random compute the same before and after; and a wrong rule would be found that way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from rewrite.random_graphs import Choose, assert_same_bits, grown, run, values_of
from steepest.ir.node import Node
from steepest.ir.types import DType, TensorType, bool_, float32, float64, int64
from steepest.ops.elementwise import logical_not, where
from steepest.ops.movement import permute_dims
from steepest.rewrite import RULES, Rule, rewrite
from steepest.rewrite.build import again, apply, full, is_number, is_op, reshaped
from steepest.rewrite.rule import Example, example

KINDS: dict[str, tuple[DType, ...]] = {
    "float32": (float32, float32, bool_),
    "float64": (float64, float64, bool_),
    "mixed": (float32, float64, int64, bool_),
    "integers": (int64, bool_, np.dtype("uint8")),
}
EXACT = {name: rule for name, rule in RULES.items() if rule.keeps == "bits"}
SUMS = {name: rule for name, rule in RULES.items() if rule.keeps != "accuracy"}
ALL = [*RULES.values()]
EASY = settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],  # the graphs are small already, and shrinking takes minutes
)


def drawn(data: st.DataObject) -> Choose:
    """Choices by number, so that a failure's report is the graph and not what it is made of."""
    return lambda options: options[data.draw(st.integers(0, len(options) - 1))]


def check_bits(
    choose: Choose, kind: str, seed: int, rules: Mapping[str, Rule], sown: Sequence[Rule] = ALL
) -> None:
    graph = grown(choose, KINDS[kind], sown)
    values = values_of(graph, np.random.default_rng([2, seed]), special=True)
    rewritten = rewrite(graph, rules).graph
    assert rewritten.inputs == graph.inputs
    try:
        for found, expected in zip(run(rewritten, values), run(graph, values), strict=True):
            assert_same_bits(found, expected)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{graph}\n{rewritten}\n{values}") from None
    assert rewrite(rewritten, rules).firings == ()


@pytest.mark.parametrize("kind", KINDS)
@EASY
@given(data=st.data(), seed=st.integers(0, 1000))
def test_a_random_graph_keeps_its_bits(kind: str, data: st.DataObject, seed: int) -> None:
    check_bits(drawn(data), kind, seed, EXACT)


@EASY
@given(data=st.data(), seed=st.integers(0, 1000))
def test_sums_of_integers_keep_their_bits_in_any_order(data: st.DataObject, seed: int) -> None:
    check_bits(drawn(data), "integers", seed, SUMS)


@EASY
@given(data=st.data(), seed=st.integers(0, 1000))
def test_a_smooth_random_graph_keeps_its_values(data: st.DataObject, seed: int) -> None:
    graph = grown(drawn(data), KINDS["float64"], ALL, smooth=True)
    values = values_of(graph, np.random.default_rng([3, seed]), special=False)
    rewritten = rewrite(graph).graph
    for found, expected in zip(run(rewritten, values), run(graph, values), strict=True):
        some = np.isfinite(expected)
        scale = np.max(np.abs(expected), where=some, initial=1.0)
        np.testing.assert_allclose(found[some], expected[some], rtol=1e-7, atol=1e-9 * scale)
    assert rewrite(rewritten).firings == ()


# ------------------------------------------------------------------------- planted faults are found


def zero_times(node: Node) -> Node | None:
    zero = any(is_number(each, 0) for each in node.inputs)
    return full(0, node.dtype, node.shape) if zero else None


def plus_zero(node: Node) -> Node | None:
    return node.inputs[0] if is_number(node.inputs[1], 0) else None


def minus_itself(node: Node) -> Node | None:
    x, y = node.inputs
    return full(0, node.dtype, node.shape) if x is y else None


def divided_by_itself(node: Node) -> Node | None:
    x, y = node.inputs
    return full(1, node.dtype, node.shape) if x is y else None


def where_swapped(node: Node) -> Node | None:
    c, x, y = node.inputs
    return apply("where", c.inputs[0], x, y) if is_op(c, "logical_not") else None


def permutes_the_wrong_way(node: Node) -> Node | None:
    (x,) = node.inputs
    if not is_op(x, "permute_dims"):
        return None
    first, second = x.attributes["axes"], node.attributes["axes"]
    axes = tuple(second[axis] for axis in first)
    return reshaped(again("permute_dims", x.inputs, {"axes": axes}), node.shape)


def negative_of_difference(node: Node) -> Node | None:
    (x,) = node.inputs
    return apply("subtract", x.inputs[1], x.inputs[0]) if is_op(x, "subtract") else None


def narrow_cast(node: Node) -> Node | None:
    (x,) = node.inputs
    return apply("cast", x.inputs[0], dtype=node.dtype) if is_op(x, "cast") else None


REAL = TensorType((2, 3), float64)
PAIR = (REAL, REAL)
FAULTS = [
    (zero_times, "multiply", example(lambda x: x * 0.0, REAL)),
    (plus_zero, "add", example(lambda x: x + 0.0, REAL)),
    (minus_itself, "subtract", example(lambda x: x - x, REAL)),
    (divided_by_itself, "divide", example(lambda x: x / x, REAL)),
    (negative_of_difference, "negative", example(lambda x, y: -(x - y), *PAIR)),
    (
        where_swapped,
        "where",
        example(lambda c, x, y: where(logical_not(c), x, y), TensorType((2, 3), bool_), *PAIR),
    ),
    (
        permutes_the_wrong_way,
        "permute_dims",
        example(
            lambda x: permute_dims(permute_dims(x, (1, 2, 0)), (1, 0, 2)),
            TensorType((2, 3, 4), float64),
        ),
    ),
    (
        narrow_cast,
        "cast",
        example(lambda x: apply("cast", apply("cast", x, dtype=float32), dtype=float64), REAL),
    ),
]


@pytest.mark.parametrize(("wrong", "op", "pattern"), FAULTS)
def test_a_wrong_rule_is_found(
    wrong: Callable[[Node], Node | None], op: str, pattern: Example
) -> None:
    planted = Rule(wrong.__name__, "Wrong.", (op,), wrong, (pattern,))
    rules = {"wrong": planted, **EXACT}

    def look() -> None:
        for seed in range(500):
            random = np.random.default_rng([5, seed])
            check_bits(chooser(random), "mixed", seed, rules, [*[planted] * 10, *ALL])

    with pytest.raises(AssertionError):
        look()


def chooser(random: np.random.Generator) -> Choose:
    return lambda options: options[int(random.integers(len(options)))]
