"""Every op compiled: forward, its derivative and the derivative of that, at every width."""

from collections.abc import Sequence

import numpy as np
import pytest

from compile.native import Native, widths
from kit.draw import generator, inputs
from kit.judge import node_of
from steepest.autodiff import gradients
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.ir.lowering import Host
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS, NotDifferentiable, Op
from steepest.ir.types import Array, float32, float64, is_floating, type_of
from steepest.schedule.plan import InputRole

COMPILED = [
    op
    for op in OPS.values()
    if not any(isinstance(op.lower(**case.attributes), Host) for case in op.cases)
]
# Units of the largest element: several roundings, in sums and formulas of another order.
DIGITS = {"float32": 4e-6, "float64": 4e-14}


def with_derivatives(op: Op) -> tuple[Graph, list[Array]]:
    """All cases of an op in float32 and float64: results, derivatives, derivatives of those."""
    nodes: list[Node] = []
    values: list[Array] = []
    outputs: list[Node] = []
    for case in op.cases:
        for dtype in (float32, float64):
            arrays = inputs(case, generator(7), dtype)
            own = [placeholder(type_of(each)) for each in arrays]
            nodes += own
            values += arrays
            result = node_of(op, own, case)
            outputs.append(result)
            if is_floating(result.dtype) and not isinstance(op.pullback, NotDifferentiable):
                first = derivatives([result], own)
                outputs += [*first, *derivatives(first, own)]
    return Graph(tuple(nodes), tuple(outputs)), values


def derivatives(outputs: Sequence[Node], inputs: Sequence[Node]) -> list[Node]:
    variables = [each for each in inputs if is_floating(each.dtype)]
    if not outputs:
        return []
    ones = [constant(np.linspace(0.5, 1, e.size, dtype=e.dtype).reshape(e.shape)) for e in outputs]
    found = gradients(list(outputs), ones, variables)
    return [each for each in found if each is not None]


@pytest.mark.parametrize("op", COMPILED, ids=lambda op: op.name)
def test_a_compiled_op_is_its_reference_at_every_width(op: Op) -> None:
    graph, values = with_derivatives(op)
    expected = Program(graph.inputs, graph.outputs)(*values)
    roles: list[InputRole] = ["stepped" for _ in values]
    found = {
        lanes: [output[0] for output in Native(graph, roles, values, lanes)()] for lanes in widths()
    }
    for outputs in found.values():
        for ours, theirs in zip(outputs, expected, strict=True):
            check_close(ours, theirs)
    if 8 in found and 16 in found:
        for narrow, wide in zip(found[8], found[16], strict=True):
            assert narrow.tobytes() == wide.tobytes()


def check_close(ours: Array, theirs: Array) -> None:
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    if not is_floating(ours.dtype):
        np.testing.assert_array_equal(ours, theirs)
        return
    digits = DIGITS[str(ours.dtype)]
    some = np.isfinite(theirs)
    scale = np.max(np.abs(theirs), where=some, initial=0.1)
    np.testing.assert_allclose(ours, theirs, rtol=digits, atol=digits * scale)


@pytest.mark.parametrize("op", COMPILED, ids=lambda op: op.name)
def test_an_op_reads_tables_and_state(op: Op) -> None:
    """Tables are not padded; matrices of state lie transposed."""
    graph, values = with_derivatives(op)
    expected = Program(graph.inputs, graph.outputs)(*values)
    kinds: tuple[InputRole, ...] = ("table", "state")
    for role in kinds:
        found = Native(graph, [role for _ in values], values)()
        for ours, theirs in zip(found, expected, strict=True):
            check_close(ours[0], theirs)
