"""State: changed in place where nobody wants the old value, and only when nothing stops the run."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from schedule.run import by_kernels, check_steps, memory_of
from steepest.ir.graph import Graph
from steepest.ir.node import Node, constant, placeholder
from steepest.ir.op import OPS
from steepest.ir.types import Array, DType, Shape, TensorType, float32, float64, int64
from steepest.schedule.kernels import Kernel
from steepest.schedule.plan import InputRole, Schedule, schedule

SHAPES: list[Shape] = [(), (1,), (17,), (3, 3), (1, 3), (3, 1, 3), (2, 3, 3)]

Updates = Sequence[tuple[Node, Node]]
STATE: InputRole = "state"


def cell(shape: Shape, dtype: DType = float32) -> Node:
    return placeholder(TensorType(shape, dtype))


def some_values(nodes: Sequence[Node]) -> list[Array]:
    random = np.random.default_rng(5)
    return [random.uniform(0.5, 1.5, each.shape).astype(each.dtype) for each in nodes]


def planned(cells: Sequence[Node], updates: Updates, outputs: Sequence[Node] = ()) -> Schedule:
    """The schedule, which has been seen to do what the graph says for three steps."""
    graph = Graph(tuple(cells), tuple(outputs), tuple(updates))
    return check_steps(graph, [STATE for _ in cells], some_values(cells), steps=3)


def in_place(plan: Schedule) -> bool:
    """Whether nothing but the state is written."""
    return not plan.scratch.offsets


def turned(x: Node) -> Node:
    rank = len(x.shape)
    axes = (*range(rank - 2), rank - 1, rank - 2)
    return OPS["permute_dims"](x, axes=axes) if rank > 1 else x


@pytest.mark.parametrize("shape", SHAPES)
def test_cells_swap(shape: Shape) -> None:
    a, b = cell(shape), cell(shape)
    planned([a, b], [(a, b), (b, a)])


@pytest.mark.parametrize("shape", SHAPES)
def test_cells_move_in_a_circle(shape: Shape) -> None:
    a, b, c = cell(shape), cell(shape), cell(shape)
    planned([a, b, c], [(a, b), (b, c), (c, a)])
    planned([a, b, c], [(c, b), (b, a), (a, c)])


@pytest.mark.parametrize("shape", SHAPES)
def test_cells_take_each_other_s_changed_values(shape: Shape) -> None:
    a, b = cell(shape), cell(shape)
    twice, half = OPS["multiply"](a, 2.0), OPS["multiply"](b, 0.5)
    planned([a, b], [(a, half), (b, twice)], [OPS["add"](a, b)])
    planned([a, b], [(a, twice), (b, twice)], [twice])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cell_stays(shape: Shape) -> None:
    a, b = cell(shape), cell(shape)
    planned([a, b], [(a, a), (b, a)], [b])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_only_reads_its_own_place_is_done_in_place(shape: Shape) -> None:
    a, b = cell(shape), cell(shape)
    plan = planned([a, b], [(a, OPS["multiply"](OPS["add"](a, b), 0.5))])
    assert in_place(plan)
    assert len(plan.kernels) == 1


def test_two_cells_change_in_one_kernel() -> None:
    a, b = cell((3, 17)), cell((3, 17))
    total = OPS["add"](OPS["multiply"](a, 0.9), b)
    plan = planned([a, b], [(a, total), (b, OPS["subtract"](b, total))])
    assert in_place(plan)
    assert len(plan.kernels) == 1


ELSEWHERE: list[Callable[[Node], Node]] = [
    lambda x: OPS["add"](x, turned(x)),
    lambda x: OPS["cut"](x, cut=tuple((n - 1, -1, -1) for n in x.shape)),
    lambda x: OPS["subtract"](x, OPS["reduce_sum"](x, axes=tuple(range(x.ndim)))),
    lambda x: OPS["add"](x, OPS["cumulative_sum"](x, axis=0)),
    lambda x: OPS["add"](x, OPS["take"](x, constant(np.asarray([1, 2, 0])), axis=0)),
    lambda x: OPS["contract"](x, x, left=(0, 1), right=(1, 2), result=(0, 2)),
    lambda x: OPS["concat"](
        *[OPS["cut"](x, cut=((i, i + 1, 1), (0, 3, 1))) for i in (2, 0, 1)], axis=0
    ),
    lambda x: OPS["scatter_add"](x, constant(np.asarray([2, 2, 1])), axis=0, size=3),
    lambda x: OPS["broadcast_to"](OPS["reduce_max"](x, axes=(0,)), shape=(3, 3)),
]


@pytest.mark.parametrize("change", ELSEWHERE)
def test_what_reads_other_places_is_right_too(change: Callable[[Node], Node]) -> None:
    a = cell((3, 3))
    planned([a], [(a, change(a))], [a])


@pytest.mark.parametrize("change", ELSEWHERE)
def test_whoever_wants_the_old_value_gets_it(change: Callable[[Node], Node]) -> None:
    """The update comes first in the graph; what reads the cell comes after it."""
    a, b = cell((3, 3)), cell((3, 3))
    following = OPS["multiply"](a, 0.5)
    planned([a, b], [(a, following), (b, change(a))], [OPS["add"](following, 1.0), change(a)])


def test_a_cell_that_the_next_value_of_another_reads_after_its_change() -> None:
    """b needs a's old value in a kernel that needs a's new one: a changes at the end."""
    a, b = cell((3, 17)), cell((17,))
    new = OPS["tanh"](a)
    total = OPS["reduce_sum"](new, axes=(0,))
    spread = OPS["broadcast_to"](total, shape=(3, 17))
    both = OPS["reduce_sum"](OPS["multiply"](a, spread), axes=(0,))
    planned([a, b], [(a, new), (b, OPS["add"](b, both))])


def test_outputs_that_are_cells_inputs_and_numbers() -> None:
    a, x = cell((3, 17)), cell((3, 17))
    next_a = OPS["add"](a, x)
    graph = Graph((a, x), (a, x, next_a, constant(np.asarray(3, float32)), a), ((a, next_a),))
    roles: list[InputRole] = ["state", "stepped"]
    check_steps(graph, roles, some_values([a, x]), steps=3)


def test_cells_become_numbers() -> None:
    a, b = cell((3, 17)), cell((), int64)
    zeros = constant(np.zeros((3, 17), float32))
    planned([a, b], [(a, zeros), (b, constant(np.asarray(7)))], [OPS["add"](a, 1.0)])


@pytest.mark.parametrize("shape", [(0,), (3, 0)])
def test_cells_without_elements(shape: Shape) -> None:
    a, b = cell(shape), cell((3,))
    total = OPS["broadcast_to"](OPS["reduce_sum"](a, axes=tuple(range(a.ndim))), shape=(3,))
    planned([a, b], [(a, OPS["add"](a, 1.0)), (b, OPS["add"](b, total))], [a])


# -------------------------------------------------------------------------- what may end the run


def refused(graph: Graph, values: list[Array], *, guarded: bool) -> None:
    """The step does not come to its end, and state is as it was."""
    plan = schedule(graph, [STATE for _ in values], guarded=guarded)
    memory = memory_of(plan, values)
    assert by_kernels(plan, memory, []) is None
    for buffer, value in zip(plan.inputs, values, strict=True):
        np.testing.assert_array_equal(memory.get(buffer), value)


def updates_of(w: Node, loss: Node) -> list[tuple[tuple[Node, Node], ...]]:
    """Before the loss, in its kernel, after it, and by what the loss is computed from."""
    part = OPS["multiply"](w, 2.0)
    spread = OPS["broadcast_to"](loss, shape=w.shape)
    return [((w, part),), ((w, OPS["add"](w, spread)),), ((w, OPS["tanh"](w)),), ((w, w),)]


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
def test_a_loss_that_is_not_finite_leaves_the_state(which: int, bad: float, dtype: DType) -> None:
    w, v = cell((3, 17), dtype), cell((), dtype)
    loss = OPS["add"](OPS["reduce_sum"](OPS["multiply"](w, 2.0), axes=(0, 1)), v)
    updates = (*updates_of(w, loss)[which], (v, OPS["add"](v, 1.0)))
    graph = Graph((w, v), (loss, OPS["divide"](v, 0.0)), updates)
    values = some_values([w, v])
    check_steps(graph, [STATE, STATE], values, guarded=True)
    refused(graph, [values[0], np.asarray(bad, dtype)], guarded=True)


@pytest.mark.parametrize("where", [(0, 0), (2, 16)])
def test_every_element_of_the_first_output_must_be_finite(where: tuple[int, int]) -> None:
    w = cell((3, 17))
    graph = Graph((w,), (OPS["multiply"](w, 2.0),), ((w, OPS["tanh"](w)),))
    (values,) = some_values([w])
    check_steps(graph, [STATE], [values], guarded=True)
    values[where] = np.nan
    refused(graph, [values], guarded=True)
    plan = schedule(graph, [STATE], guarded=False)
    assert by_kernels(plan, memory_of(plan, [values]), []) is not None


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("which", range(4))
def test_a_position_outside_leaves_the_state(which: int, *, guarded: bool) -> None:
    w, at = cell((3, 17)), cell((5,), int64)
    position = OPS["position"](at, extent=3)
    rows = OPS["take"](w, position, axis=0)
    loss = OPS["reduce_sum"](rows, axes=(0, 1))
    graph = Graph((w, at), (loss, position), (*updates_of(w, loss)[which], (at, position)))
    values = some_values([w, at])
    inside, outside = np.asarray([0, -1, 2, -3, 1]), np.asarray([0, 1, 2, 1, 3])
    check_steps(graph, [STATE, STATE], [values[0], inside], guarded=guarded)
    refused(graph, [values[0], outside], guarded=guarded)


def test_a_check_that_nothing_depends_on_comes_first_too() -> None:
    """The cell is written in place by a kernel that could run before the position is looked at."""
    w, at = cell((3, 17)), cell((5,), int64)
    graph = Graph((w, at), (OPS["position"](at, extent=3),), ((w, OPS["tanh"](w)),))
    plan = schedule(graph, [STATE, STATE], guarded=False)
    writer = plan.kernels[-1]
    assert isinstance(writer, Kernel)
    assert writer.stores[0].access.buffer.role == "state"
    refused(graph, [*some_values([w]), np.asarray([0, 1, 2, 0, -4])], guarded=False)
