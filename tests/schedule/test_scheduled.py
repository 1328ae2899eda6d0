"""Schedules mean what their graphs mean: every op, its derivatives, and training steps.

The kernels run in memory that is shared as the schedule says, with all padding and all that is not
needed any more without a meaning.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from kit import workloads
from kit.draw import generator, inputs
from kit.judge import node_of
from schedule.run import check_steps
from steepest.autodiff import gradients
from steepest.ir.graph import Graph
from steepest.ir.lowering import Host
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS, Case, NotDifferentiable, Op
from steepest.ir.types import (
    Array,
    DType,
    float32,
    float64,
    is_floating,
    type_of,
)
from steepest.rewrite import rewrite
from steepest.schedule.plan import InputRole

ROLES: tuple[InputRole, ...] = ("table", "state", "stepped", "whole")
CALLS = [
    pytest.param(op, case, id=f"{op.name}-{number}")
    for op in OPS.values()
    for number, case in enumerate(op.cases)
    if not isinstance(op.lower(**case.attributes), Host)
]


def same(role: InputRole, arrays: Sequence[Array]) -> list[InputRole]:
    return [role for _ in arrays]


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@pytest.mark.parametrize(("op", "case"), CALLS)
def test_every_op_from_every_kind_of_memory(op: Op, case: Case, dtype: DType) -> None:
    arrays = inputs(case, generator(1), dtype)
    nodes = [placeholder(type_of(each)) for each in arrays]
    graph = Graph(tuple(nodes), (node_of(op, nodes, case),))
    for role in ROLES if arrays else ROLES[:1]:
        check_steps(graph, same(role, arrays), arrays)


@pytest.mark.parametrize(("op", "case"), CALLS)
def test_every_op_in_every_shape(op: Op, case: Case) -> None:
    """Where an op works with any shape: nothing, one, part of a vector, more than one."""
    shapes = [(), (0,), (1,), (15,), (16,), (17,), (3, 33), (2, 0), (1, 5), (4, 1), (2, 3, 4)]
    for shape in shapes if case.any_shape else ():
        arrays = inputs(case, generator(2), float32, shape)
        nodes = [placeholder(type_of(each)) for each in arrays]
        graph = Graph(tuple(nodes), (node_of(op, nodes, case),))
        check_steps(graph, same("stepped", arrays), arrays)


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@pytest.mark.parametrize(("op", "case"), CALLS)
def test_every_derivative_and_its_derivative(op: Op, case: Case, dtype: DType) -> None:
    arrays = inputs(case, generator(3), dtype)
    nodes = [placeholder(type_of(each)) for each in arrays]
    output = node_of(op, nodes, case)
    if not is_floating(output.dtype) or isinstance(op.pullback, NotDifferentiable):
        return
    variables = [each for each in nodes if is_floating(each.dtype)]
    seed = constant(np.ones(output.shape, output.dtype))
    first = existing(gradients([output], [seed], variables))
    ones = [constant(np.ones(each.shape, each.dtype)) for each in first]
    second = existing(gradients(first, ones, variables)) if first else []
    for graph in (Graph(tuple(nodes), (output, *first)), Graph(tuple(nodes), tuple(second))):
        if graph.outputs:
            check_steps(graph, same("stepped", arrays), arrays)
            check_steps(rewrite(graph).graph, same("state", arrays), arrays)


def existing(nodes: Sequence[Node | None]) -> list[Node]:
    return [each for each in nodes if each is not None]


# ---------------------------------------------------------------------------------- training steps

STEPS = {
    f"{kind} {name}": make
    for kind, makers in {
        "loss": workloads.LOSSES,
        "rule": workloads.RULES,
        "kind": workloads.KINDS,
        "double": workloads.DOUBLE,
    }.items()
    for name, make in makers.items()
}


@pytest.mark.parametrize("name", [*STEPS, "ensemble"])
def test_a_training_step(name: str) -> None:
    step = STEPS.get(name, workloads.ensemble)(1)
    values = [
        value[0] if role == "stepped" else value
        for value, role in zip(step.values, step.roles, strict=True)
    ]
    check_steps(step.graph, step.roles, values, guarded=name != "ensemble")
    check_steps(rewrite(step.graph).graph, step.roles, values)
