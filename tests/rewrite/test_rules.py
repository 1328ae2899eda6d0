"""What holds for every rule, tested over the registry: a new rule is picked up with no edit."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest

from rewrite.random_graphs import assert_same_bits, run, value_of
from steepest.ir.graph import Graph
from steepest.ir.node import CONSTANT, Node, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import Array
from steepest.rewrite import RULES, Rewritten, Rule, rewrite
from steepest.rewrite.build import apply
from steepest.rewrite.rule import ANY, Example, example, floats, rule

SEEDS = range(60)


def rules(*keeps: str) -> pytest.MarkDecorator:
    """All examples of all rules that keep what is named."""
    chosen = [
        pytest.param(each, one, id=f"{each.name}-{number}")
        for each in RULES.values()
        for number, one in enumerate(each.examples)
        if each.keeps in keeps
    ]
    return pytest.mark.parametrize(("rule_", "one"), chosen)


def graph_of(one: Example) -> Graph:
    inputs = tuple(placeholder(type, f"x{i}") for i, type in enumerate(one.types))
    return Graph(inputs, (one.build(*inputs),))


@rules("bits", "sums", "accuracy")
def test_a_rule_fires_on_its_examples(rule_: Rule, one: Example) -> None:
    graph = graph_of(one)
    rewritten = rewrite(graph)
    assert rule_.name in rewritten.counts, f"{graph}\n{rewritten.graph}\n{rewritten.counts}"
    assert rewritten.graph.outputs[0].type == graph.outputs[0].type
    assert_firings_are_true(rewritten)


def assert_firings_are_true(rewritten: Rewritten) -> None:
    """Each firing says which node became which, of the same type."""
    for firing in rewritten.firings:
        assert firing.before is not firing.after
        assert firing.before.type == firing.after.type
        assert str(firing).startswith(f"{firing.rule}: <node {firing.before.op.name}: ")


@rules("bits", "sums", "accuracy")
def test_nothing_is_left_to_do(rule_: Rule, one: Example) -> None:
    rewritten = rewrite(graph_of(one)).graph
    again = rewrite(rewritten)
    assert again.firings == ()
    assert repr(again.graph) == repr(rewritten)


@rules("bits", "sums", "accuracy")
def test_a_rule_alone_fires_and_comes_to_an_end(rule_: Rule, one: Example) -> None:
    """The other rules may only be needed to bring numbers into the form that rules look for."""
    numbers = {name: RULES[name] for name in ("repeated_number", "constant_folding")}
    own = {rule_.name: rule_, **numbers}
    first = rewrite(graph_of(one), own)
    assert rewrite(first.graph, own).firings == ()


@rules("bits")
def test_an_exact_rule_keeps_every_bit(rule_: Rule, one: Example) -> None:
    graph = graph_of(one)
    rewritten = rewrite(graph, {n: r for n, r in RULES.items() if r.keeps == "bits"}).graph
    for seed in SEEDS:
        random = np.random.default_rng([1, seed])
        values = [value_of(type, random, special=True) for type in one.types]
        assert_same_bits(run(rewritten, values)[0], run(graph, values)[0])


@rules("sums")
def test_another_order_of_sums_keeps_whole_numbers(rule_: Rule, one: Example) -> None:
    graph = graph_of(one)
    rewritten = rewrite(graph).graph
    for seed in SEEDS:
        random = np.random.default_rng([2, seed])
        values = [random.integers(-9, 9, t.shape).astype(t.dtype) for t in one.types]
        assert_same_bits(run(rewritten, values)[0], run(graph, values)[0])


# ------------------------------------------------------------------------------------ better forms

# Arguments where formulas overflow, underflow or cancel.
HARD = (1e-7, -1e-7, 3e-4, -0.01, 0.3, -0.6, 1.0, 2.5, -7.0, 30.0, -40.0, 80.0, -120.0, 1000.0)
# Below which results count as 0: they are differences of numbers of size 1 and more.
RESULTS_OF_SIZE_ONE = {"log_of_sum_of_exps", "log_of_quotient"}
# NumPy's power happens to be a square; and 1 / (1 + ∞) is what it should be, to a denormal number.
NEARLY_AS_GOOD_BEFORE = {"power_two", "power_minus_one", "logistic"}


def of_decimals(function: Callable[[Decimal], Decimal]) -> Callable[[Array], Array]:
    return np.vectorize(function, otypes=[object])


# The meaning of ops in 80 digits; for the others NumPy's own works on decimals.
EXACT = {
    "exp": of_decimals(lambda x: x.exp()),
    "log": of_decimals(lambda x: x.ln()),
    "log1p": of_decimals(lambda x: (1 + x).ln()),
    "sigmoid": of_decimals(lambda x: 1 / (1 + (-x).exp())),
    "pow": lambda x, y: x**y,
    "reduce_sum": lambda x, *, axes: np.sum(x, axes),
}


def exactly(graph: Graph, values: list[Array]) -> Array:
    """The value of the formula as it was written, rounded once."""
    known: dict[Node, Any] = {
        node: of_decimals(Decimal)(value.astype(object))
        for node, value in zip(graph.inputs, values, strict=True)
    }
    with localcontext(prec=80) as context:
        context.clear_traps()
        for node in graph.nodes:
            if node.op is CONSTANT:
                known[node] = of_decimals(Decimal)(node.attributes["value"].astype(object))
            elif node not in known:
                meaning = EXACT.get(node.op.name, node.op.reference)
                known[node] = meaning(*[known[each] for each in node.inputs], **node.attributes)
        return np.vectorize(np.longdouble, otypes=[np.longdouble])(
            known[graph.outputs[0]].astype(str)
        )


def hard_values(one: Example, random: np.random.Generator) -> list[Array]:
    """The second argument of a quotient is positive."""
    values = [random.choice(np.asarray(HARD), type.shape) for type in one.types]
    return [value.astype(type.dtype) for value, type in zip(values, one.types, strict=True)]


def error(found: Array, exact: Array, floor: float) -> Array:
    """In units of the last place, of the floor at least; no number where there is one: infinite."""
    with np.errstate(all="ignore"):
        nearest = exact.astype(found.dtype)
        unit = np.spacing(np.maximum(np.abs(nearest), found.dtype.type(floor)))
        off = np.where(found == nearest, 0, np.abs(found - exact) / unit)
    return np.where(np.isnan(exact), 0, np.where(np.isnan(off), np.inf, off)).astype(float)


@rules("accuracy")
def test_a_better_form_is_better(rule_: Rule, one: Example) -> None:
    graph = graph_of(one)
    rewritten = rewrite(graph).graph
    floor = 1.0 if rule_.name in RESULTS_OF_SIZE_ONE else 0.0
    before: list[Array] = []
    after: list[Array] = []
    for seed in range(60):
        values = hard_values(one, np.random.default_rng([3, seed]))
        exact = exactly(graph, values)
        before.append(error(run(graph, values)[0], exact, floor))
        after.append(error(run(rewritten, values)[0], exact, floor))
    assert np.max(after) <= max(np.max(before), 2.0)
    assert np.mean(np.minimum(after, 1e6)) <= np.mean(np.minimum(before, 1e6)) + 0.5
    assert np.max(after) < 10, rewritten
    assert np.max(before) > 100 or rule_.name in NEARLY_AS_GOOD_BEFORE


# ------------------------------------------------------------------------------------ the registry


@pytest.mark.parametrize("rule_", RULES.values(), ids=lambda each: each.name)
def test_a_rule_says_what_it_does(rule_: Rule) -> None:
    assert re.fullmatch(r"[^\n]{5,95}\.", rule_.summary)
    assert rule_.name in RULES
    assert rule_.examples
    assert all(name in OPS or name in (ANY, "constant") for name in rule_.ops)


def test_a_rule_is_defined_once() -> None:
    again: Callable[[Node], Node | None] = RULES["times_one"].apply
    with pytest.raises(ValueError, match="'times_one' is defined twice"):
        rule("multiply", on=(example(lambda x: x),))(again)


def test_a_rule_may_be_left_out() -> None:
    x = placeholder(floats(3))
    graph = Graph((x,), (apply("negative", apply("negative", x)),))
    assert rewrite(graph).graph.outputs == (x,)
    rest = {name: each for name, each in RULES.items() if name != "double_negation"}
    assert rewrite(graph, rest).graph is graph
