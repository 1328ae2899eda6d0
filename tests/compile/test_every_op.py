"""Every op as machine code, with its derivatives, at every width: what the reference computes.

Many calls are one program, because what takes time is LLVM.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from compile.native import WIDTHS, Native, Outcome, Roles, check_close, reference, rows_of
from kit.draw import generator, inputs
from kit.judge import node_of
from steepest.autodiff import gradients
from steepest.ir.graph import Graph
from steepest.ir.lowering import Contract, Fold, Host, Pointwise, Scan, Scatter
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS, Case, NotDifferentiable, Op
from steepest.ir.scalar import argument, ordered
from steepest.ir.types import Array, DType, float32, float64, is_floating, type_of
from steepest.schedule.plan import InputRole

ROLES: tuple[InputRole, ...] = ("table", "state", "stepped", "whole")
SHAPES = [(), (0,), (1,), (15,), (16,), (17,), (3, 33), (1, 5), (4, 1)]
STEPS = 2
PARTS = 8  # programs that all calls are spread over, so that none takes LLVM long


ROUNDED = {"exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "erf", "power"}


@dataclass(frozen=True)
class Call:
    """An op on values, and what is computed with it; whether the first output is exact."""

    label: str
    nodes: list[Node]
    values: list[Array]
    outputs: list[Node]
    exact: bool


def calls(dtype: DType) -> Iterator[Call]:
    for op in OPS.values():
        for number, case in enumerate(op.cases):
            if not isinstance(op.lower(**case.attributes), Host):
                yield from calls_of(op, case, f"{op.name} {number}", dtype)


def calls_of(op: Op, case: Case, label: str, dtype: DType) -> Iterator[Call]:
    """As the case says, with derivatives; in all shapes, if it takes any."""
    values = inputs(case, generator(1), dtype)
    nodes = [placeholder(type_of(each)) for each in values]
    output = node_of(op, nodes, case)
    exact = is_exact(output)
    yield Call(label, nodes, values, [output, *derivatives(op, output, nodes)], exact)
    for shape in SHAPES if case.any_shape else ():
        values = inputs(case, generator(2), dtype, shape)
        nodes = [placeholder(type_of(each)) for each in values]
        yield Call(f"{label} {shape}", nodes, values, [node_of(op, nodes, case)], exact)


def is_exact(node: Node) -> bool:
    """Whether the reference's bits are the only right ones: no sum, and no function but √."""
    match node.op.lower(**node.attributes):
        case Pointwise(formula):
            inputs = [argument(n, each.dtype) for n, each in enumerate(node.inputs)]
            used = {each.instruction for each in ordered([formula(*inputs)])}
            return not used & {*ROUNDED, "multiply_add", "call", "call_where"}
        case Fold(combine="sum") | Contract() | Scan() | Scatter():
            return not is_floating(node.dtype)
        case _:
            return True


def derivatives(op: Op, output: Node, nodes: Sequence[Node]) -> list[Node]:
    """The first ones and, of these, the second."""
    if not is_floating(output.dtype) or isinstance(op.pullback, NotDifferentiable):
        return []
    variables = [each for each in nodes if is_floating(each.dtype)]
    first = existing(gradients([output], [ones(output)], variables))
    return first + (existing(gradients(first, list(map(ones, first)), variables)) if first else [])


def ones(node: Node) -> Node:
    return constant(np.ones(node.shape, node.dtype))


def existing(nodes: Sequence[Node | None]) -> list[Node]:
    return [each for each in nodes if each is not None]


@dataclass(frozen=True)
class Together:
    """Many calls in one graph."""

    graph: Graph
    roles: Roles
    values: list[Array]
    labels: list[str]
    exact: list[bool]


def together(found: Sequence[Call]) -> Together:
    """Their inputs lie in memory of all kinds, in turn."""
    nodes = [node for call in found for node in call.nodes]
    roles: list[InputRole] = [
        ROLES[number % 4] for number, call in enumerate(found) for _ in call.nodes
    ]
    values = [value for call in found for value in call.values]
    outputs = [node for call in found for node in call.outputs]
    labels = [call.label for call in found for _ in call.outputs]
    exact = [call.exact and not n for call in found for n in range(len(call.outputs))]
    return Together(
        Graph(tuple(nodes), tuple(outputs)), roles, rows_of(roles, values, STEPS), labels, exact
    )


def check_exact(all: Together, found: Outcome, expected: Outcome) -> None:
    pairs = zip(all.labels, all.exact, found.bits, expected.bits, strict=False)
    wrong = {label for label, exact, ours, theirs in pairs if exact and ours != theirs}
    assert not wrong


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
def test_every_op_and_its_derivatives(dtype: DType, part: int) -> None:
    all = together(list(calls(dtype))[part::PARTS])
    assert sum(all.exact) > 200 // PARTS
    expected = reference(all.graph, all.roles, all.values, STEPS)
    bits: dict[int, list[bytes]] = {}
    # At 4 lanes no multiply_add is fused, for which float64 has no kernels of its own.
    for lanes in WIDTHS if dtype == float32 else (16, 8):
        program = Native(all.graph, all.roles, lanes)
        program.put(all.values)
        found = program.run(all.values, STEPS)
        check_close(found, expected, all.labels)
        check_exact(all, found, expected)
        bits[lanes] = found.bits
    assert bits[16] == bits[8]
