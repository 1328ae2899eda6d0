"""Cells: read and assigned at once when eager, inputs and updates of a graph when traced."""

import numpy as np
import pytest

import steepest as st
from steepest.errors import DTypeError, ShapeError, TraceError


def test_a_cell_is_read_and_assigned_at_once() -> None:
    cell = st.State(st.tensor([1.0, 2.0]), name="w")
    assert cell.value.requires_grad
    assert repr(cell) == "<state w: float32[2]>"
    cell.assign(cell.value * 2.0)
    assert cell.value.tolist() == [2.0, 4.0]
    assert cell.value.is_leaf
    cell.assign(np.array([5.0, 6.0]))
    assert cell.value.tolist() == [5.0, 6.0]
    assert (cell.shape, cell.dtype) == ((2,), st.float32), "a cell keeps its type"


def test_a_cell_that_is_not_trained_requires_no_grad() -> None:
    assert not st.State(st.ones((2,)), trainable=False).value.requires_grad
    assert st.State(st.tensor(0), trainable=False).value.dtype == st.int64
    with pytest.raises(DTypeError, match="holds floating-point numbers, not int64"):
        st.State(st.tensor(0))


def test_the_gradient_of_a_cell_is_kept_by_its_value() -> None:
    cell = st.State(st.tensor([3.0]))
    st.sum(cell.value * cell.value).backward()
    assert cell.value.grad is not None
    assert cell.value.grad.tolist() == [6.0]


def test_a_cell_keeps_its_shape() -> None:
    cell = st.State(st.ones((2,)), name="b")
    with pytest.raises(ShapeError, match=r"<state b: float32\[2\]> cannot become .*\(3,\)"):
        cell.assign(st.ones((3,)))


def test_converting_a_cell_is_for_good() -> None:
    cell = st.State(st.ones((2,)))
    cell.convert(st.float64)
    assert cell.value.dtype == st.float64
    assert cell.value.requires_grad


def test_when_traced_reads_are_inputs_and_assignments_updates() -> None:
    weight = st.State(st.ones((2,)), name="weight")
    count = st.State(st.tensor(0), trainable=False, name="count")

    def f(x: st.Tensor) -> st.Tensor:
        y = x * weight.value
        count.assign(count.value + 1)
        count.assign(count.value + 1)
        return y

    graph = st.trace(f)(st.ones((2,)))
    assert str(graph) == "\n".join(
        [
            "graph(x: float32[2], weight: float32[2], count: int64[])",
            "  %0 = multiply(x, weight)  : float32[2]",
            "  %1 = add(count, 1)        : int64[]",
            "  %2 = add(%1, 1)           : int64[]",
            "  count <- %2",
            "  return %0",
        ]
    )
    assert count.value.item() == 0, "tracing changes nothing"
    f(st.ones((2,)))
    assert count.value.item() == 2


def test_a_cell_that_is_only_read_has_no_update() -> None:
    cell = st.State(st.ones((2,)), name="w")
    assert st.trace(lambda x: x * cell.value)(1.0).updates == ()


def test_a_traced_value_cannot_be_kept_by_an_eager_cell() -> None:
    cell = st.State(st.tensor(0.0), trainable=False)

    def f(x: st.Tensor) -> st.Tensor:
        cell.assign(x)
        return x

    with pytest.raises(TraceError, match="cannot keep a value of a graph"):
        st.vmap(f)(st.ones((2,)))
    assert cell.value.item() == 0.0


def test_grad_binds_the_cells_of_a_module_and_leaves_them_as_they_are() -> None:
    cell = st.State(st.tensor([3.0]), name="w")

    class Model:
        def states(self) -> dict[str, st.State]:
            return {"w": cell}

    found = st.grad(lambda model: st.sum(cell.value**2))(Model())
    assert {name: each.tolist() for name, each in found.items()} == {"w": [6.0]}
    assert cell.value.grad is None


def test_a_cell_assigned_within_grad_outside_of_a_trace() -> None:
    """A running statistic that a model updates while its gradient is taken."""
    seen = st.State(st.tensor(0.0), trainable=False)

    def f(x: st.Tensor) -> st.Tensor:
        seen.assign(x.detach())
        return x * x

    assert st.grad(f)(3.0).item() == 6.0
    assert seen.value.item() == 3.0
    assert not seen.value.requires_grad
