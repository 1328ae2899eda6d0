"""The comparison with the reference has teeth: faults in each stage are planted, and found."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from compile.native import Native, check_close, native, reference
from steepest.codegen import draw, emit, expressions, loops, memory, nest
from steepest.codegen.code import Code
from steepest.codegen.contract_frame import Frame
from steepest.codegen.text import Text, Value, Whole
from steepest.compile import Source
from steepest.ir.graph import Graph
from steepest.ir.node import Node, placeholder
from steepest.ir.op import OPS
from steepest.ir.scalar import Scalar
from steepest.ir.types import Array, DType, Shape, TensorType, float32, uint32
from steepest.runtime.cache import ObjectCache
from steepest.schedule import clusters, layout, plan
from steepest.schedule.kernels import Draw
from steepest.schedule.memory import Arena, Lifetime
from steepest.schedule.plan import InputRole

Patch: TypeAlias = pytest.MonkeyPatch
STEPS = 2


def cell(*shape: int) -> Node:
    return placeholder(TensorType(shape, float32))


def of_cells(
    outputs: Callable[..., list[Node]], updates: Callable[..., list[Node]], *shapes: Shape
) -> Graph:
    """A graph whose inputs are state; the first ones get the next values."""
    nodes = [cell(*shape) for shape in shapes]
    pairs = zip(nodes, updates(*nodes), strict=False)
    return Graph(tuple(nodes), tuple(outputs(*nodes)), tuple(pairs))


def pointwise(x: Node) -> list[Node]:
    return [OPS["add"](OPS["multiply"](x, x), 0.5)]


def columns(x: Node) -> list[Node]:
    return [OPS["reduce_sum"](x, axes=(0,))]


def rows(x: Node) -> list[Node]:
    return [OPS["reduce_sum"](x, axes=(1,)), OPS["reduce_max"](x, axes=(1,))]


def product(x: Node, y: Node) -> list[Node]:
    return [OPS["contract"](x, y, left=(0, 1), right=(1, 2), result=(0, 2))]


def chain(x: Node) -> list[Node]:
    """Values that are needed at the same time, and some that are not."""
    a = OPS["cumulative_sum"](x, axis=0)
    b = OPS["cumulative_sum"](OPS["tanh"](a), axis=1)
    c = OPS["cumulative_sum"](OPS["tanh"](b), axis=0)
    return [OPS["add"](OPS["add"](a, b), c)]


def mixed(x: Node) -> list[Node]:
    """Each element needs others: it cannot be changed in place."""
    return [OPS["add"](x, OPS["permute_dims"](x, axes=(1, 0)))]


def nothing(*_: Node) -> list[Node]:
    return []


# ------------------------------------------------------------------------------------------ faults


def loop_ends_early(patch: Patch) -> None:
    """Off by one in the bound of a loop over vectors."""
    write = loops.Sweep.write

    def short(self: loops.Sweep, text: Text, body: loops.Body) -> None:
        write(replace(self, stop=text.add(self.stop, -1)), text, body)

    patch.setattr(loops.Sweep, "write", short)


def mask_is_missing(patch: Patch) -> None:
    """Lanes behind the end take part."""

    def all_lanes(_text: Text, lanes: int, _position: Whole, _stop: Whole) -> Value:
        inside = ", ".join(["i1 true"] * lanes)
        return Value(f"<{inside}>", np.dtype(bool), lanes)

    for module in (memory, loops, nest, draw):
        patch.setattr(module, "mask", all_lanes)


def block_ends_early(patch: Patch) -> None:
    """Off by one at the boundary between blocks of products."""
    length = Frame.block_length

    def short(self: Frame, start: Whole) -> str:
        return self.text.define(f"sub i64 {length(self, start)}, 1")

    patch.setattr(Frame, "block_length", short)


def everything_is_in_place(patch: Patch) -> None:
    """State is overwritten though others want its old value."""

    def of_its_own(node: Node, *rest: Any) -> dict[Node, bool]:  # noqa: ANN401
        return dict.fromkeys(read_by(node, *rest), True)

    read_by = clusters.read_by
    patch.setattr(clusters, "read_by", of_its_own)


def readers_come_later(patch: Patch) -> None:
    """State is overwritten before others have read it."""

    planner: Any = plan._Planner  # pyright: ignore[reportPrivateUsage]
    choose = planner._choose_in_place

    def hasty(self: Any) -> Any:  # noqa: ANN401
        known, self._readers = self._readers, {}
        with pytest.MonkeyPatch.context() as meanwhile:
            meanwhile.setattr(clusters.Cluster, "needs", lambda *_: False)
            chosen = choose(self)
        self._readers = known
        return chosen

    patch.setattr(planner, "_choose_in_place", hasty)


def values_overlap(patch: Patch) -> None:
    """A value's memory is given away while it is still needed."""
    arrange = plan.arrange

    def short(lifetimes: dict[Any, Lifetime]) -> Arena:
        return arrange({each: Lifetime(life.first, life.first) for each, life in lifetimes.items()})

    patch.setattr(plan, "arrange", short)


def rows_without_padding(patch: Patch) -> None:
    """Whole vectors run over the end of a row, into the next."""

    def tight(shape: Shape, _dtype: DType, order: tuple[int, ...]) -> tuple[Shape, int]:
        strides, size = [0] * len(shape), 1
        for axis in reversed(order):
            strides[axis] = size if shape[axis] > 1 else 0
            size *= shape[axis]
        return tuple(strides), size + 4 * layout.VECTOR

    patch.setattr(plan, "padded", tight)


def an_update_is_lost(patch: Patch) -> None:
    planner: Any = plan._Planner  # pyright: ignore[reportPrivateUsage]
    copies = planner._copies
    patch.setattr(planner, "_copies", lambda *given: copies(*given)[1:])


def formula_is_inexact(patch: Patch) -> None:
    def off(x: Scalar) -> Scalar:
        return tanh(x) * 1.0001

    tanh = expressions.EXPANSIONS["tanh"]
    patch.setattr(expressions, "EXPANSIONS", {**expressions.EXPANSIONS, "tanh": off})


@dataclass(frozen=True)
class Planted:
    """A fault, and a graph that shows it.

    Args:
        plant: puts it into the compiler.
        graph: is compiled.
        lanes: of the processor.
    """

    plant: Callable[[Patch], None]
    graph: Graph
    lanes: int = 16


FAULTS = [
    Planted(loop_ends_early, of_cells(pointwise, nothing, (33, 3))),
    Planted(loop_ends_early, of_cells(pointwise, nothing, (497,))),
    Planted(loop_ends_early, of_cells(pointwise, nothing, (17,)), lanes=8),
    Planted(loop_ends_early, of_cells(columns, nothing, (5, 33))),
    Planted(mask_is_missing, of_cells(rows, nothing, (20, 5))),
    Planted(mask_is_missing, of_cells(rows, nothing, (20, 5)), lanes=8),
    Planted(mask_is_missing, of_cells(rows, nothing, (20, 500)), lanes=4),
    Planted(block_ends_early, of_cells(product, nothing, (9, 300), (300, 20))),
    Planted(block_ends_early, of_cells(product, nothing, (9, 513), (513, 20)), lanes=4),
    Planted(everything_is_in_place, of_cells(nothing, mixed, (19, 19))),
    Planted(readers_come_later, of_cells(nothing, lambda x, y: [y, x], (5, 19), (5, 19))),
    Planted(values_overlap, of_cells(chain, nothing, (5, 19))),
    Planted(rows_without_padding, of_cells(chain, nothing, (5, 19))),
    Planted(an_update_is_lost, of_cells(nothing, mixed, (19, 19))),
    Planted(formula_is_inexact, of_cells(lambda x: [OPS["tanh"](x)], nothing, (5, 19))),
]


def names(fault: Planted) -> str:
    return f"{fault.plant.__name__}-{fault.lanes}"


def compared(graph: Graph, lanes: int) -> None:
    random = np.random.default_rng(1)
    values = [random.uniform(0.5, 1.5, each.shape).astype(float32) for each in graph.inputs]
    roles: list[InputRole] = ["state" for _ in values]
    expected = reference(graph, roles, values, STEPS)
    check_close(native(graph, roles, values, STEPS, lanes), expected)


@pytest.mark.parametrize("fault", FAULTS, ids=names)
def test_a_fault_is_found(fault: Planted, monkeypatch: Patch) -> None:
    compared(fault.graph, fault.lanes)
    fault.plant(monkeypatch)
    with pytest.raises(AssertionError):
        compared(fault.graph, fault.lanes)


# ---------------------------------------------------------------------------- what is kept on disk


def test_a_stale_entry_is_found(tmp_path: Path, monkeypatch: Patch) -> None:
    """If two programs had one key, the second would be the first."""

    def run(number: float) -> None:
        x = cell(5, 19)
        graph = Graph((x,), (OPS["multiply"](x, number),))
        values: list[Array] = [np.ones((5, 19), float32)]
        program = Native(graph, ["whole"], cache=ObjectCache(tmp_path))
        check_close(program.run(values, 1), reference(graph, ["whole"], values, 1))

    run(2.0)
    run(3.0)
    monkeypatch.setattr(Source, "key", property(lambda self: b"one for all"))
    run(2.0)
    with pytest.raises(AssertionError):
        run(3.0)


# ----------------------------------------------------------------------------- what ends the run


def test_a_forgotten_gate_is_found(monkeypatch: Patch) -> None:
    """State is overwritten before the loss has been looked at."""
    w, v = cell(5, 19), cell()
    loss = OPS["add"](OPS["reduce_sum"](OPS["multiply"](w, 2.0), axes=(0, 1)), v)
    graph = Graph((w, v), (loss,), ((w, OPS["tanh"](w)),))
    values = [np.ones((5, 19), float32), np.asarray(np.nan, float32)]

    def state_is_kept() -> None:
        found = native(graph, ["state", "state"], values, STEPS, guarded=True)
        assert found.failed is not None
        np.testing.assert_array_equal(found.state[0], values[0])

    state_is_kept()
    make = clusters.Clusters.__init__

    def without_gates(self: clusters.Clusters, *given: Any) -> None:  # noqa: ANN401
        make(self, *given)
        self.gates = []
        for each in self.all:
            each.is_early = False

    monkeypatch.setattr(clusters.Clusters, "__init__", without_gates)
    monkeypatch.setattr(plan, "in_turn", lambda all: sorted(all, key=lambda each: -each.number))
    with pytest.raises(AssertionError):
        state_is_kept()


def test_draws_of_another_site_are_found(monkeypatch: Patch) -> None:
    key, step = (placeholder(TensorType(shape, uint32)) for shape in ((2,), ()))
    graph = Graph((key, step), (OPS["random_bits"](key, step, site=3, shape=(5, 7)),))
    values = [np.asarray([1, 2], uint32), np.asarray(3, uint32)]

    def compare() -> None:
        expected = reference(graph, ["whole", "whole"], values, 1)
        check_close(native(graph, ["whole", "whole"], values, 1), expected)

    compare()
    written = emit.draw

    def elsewhere(kernel: Draw) -> Code:
        return written(replace(kernel, site=kernel.site + 1))

    monkeypatch.setattr(emit, "draw", elsewhere)
    with pytest.raises(AssertionError):
        compare()
