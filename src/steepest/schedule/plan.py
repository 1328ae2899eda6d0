"""From a graph to a schedule: kernels in order, and the memory they work in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from steepest.ir.graph import Graph
from steepest.ir.lowering import Host, Lowering, Pointwise
from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.types import Array, Shape
from steepest.schedule.build import Builder, Order, Places, access, load
from steepest.schedule.clusters import Cluster, Clusters, in_turn, readers
from steepest.schedule.index import Linear, axis_index
from steepest.schedule.kernels import (
    Access,
    AnyKernel,
    Buffer,
    Draw,
    Finite,
    Kernel,
    Scanned,
    Scattered,
    Store,
)
from steepest.schedule.layout import dense, padded, row_major, state_order
from steepest.schedule.memory import Arena, Lifetime, arrange
from steepest.schedule.normalise import normalise
from steepest.schedule.realise import Realised

InputRole: TypeAlias = Literal["table", "state", "stepped", "whole"]


class CannotSchedule(Exception):  # noqa: N818  (it says what, not that something broke)
    """The graph holds something that only the reference can do; the text says what."""


@final
@dataclass(frozen=True)
class Schedule:
    """What a program does in one step.

    Args:
        kernels: in order.
        inputs: the memory of each input of the graph, by role: a table's is the user's, a state's
            is in the arena of the state, the others' are in scratch memory.
        roles: of the inputs.
        outputs: where each output is at the end of a step, and its shape.
        constants: arrays that must be in memory before the first step.
        scratch: where everything else is.
        guard: the number of the kernel that ends the run if the first output is not finite.
    """

    kernels: tuple[AnyKernel, ...]
    inputs: tuple[Buffer, ...]
    roles: tuple[InputRole, ...]
    outputs: tuple[tuple[Buffer, Shape], ...]
    constants: tuple[tuple[Buffer, Array], ...]
    scratch: Arena
    guard: int | None


def state_buffer(name: str, node: Node) -> Buffer:
    """The memory of a piece of state: a function of its type, so that all programs agree."""
    shape, dtype = node.type
    strides, size = padded(shape, dtype, state_order(shape))
    return Buffer(name, dtype, shape, strides, "state", size)


def schedule(graph: Graph, roles: Sequence[InputRole], *, guarded: bool) -> Schedule:
    """Plan one step of a graph.

    Args:
        graph: rewritten.
        roles: of its inputs.
        guarded: whether a first output that is not finite keeps state from changing.

    Raises:
        CannotSchedule: an op runs on the reference only.
    """
    tables = frozenset(n for n, role in zip(graph.inputs, roles, strict=True) if role == "table")
    return _Planner(normalise(graph, tables), tuple(roles), guarded).schedule()


@final
class _Planner:
    """The steps of planning, one after the other; each leaves what the next needs."""

    def __init__(self, graph: Graph, roles: tuple[InputRole, ...], guarded: bool) -> None:
        self._graph = graph
        self._roles = roles
        self._lowering = _lowerings(graph)
        self._realised = Realised(graph, self._lowering)
        self._guarded = graph.outputs[0] if guarded else None
        self._clusters = Clusters(graph, self._lowering, self._realised, self._guarded)
        self._readers = readers(self._clusters.all)
        self._buffers: dict[Node, Buffer] = {}
        self._places = Places(self._lowering, self._buffers.get)
        self._constants: list[tuple[Buffer, Array]] = []
        self._orders: dict[Cluster, Order] = {}
        self._results = frozenset(graph.results)

    def schedule(self) -> Schedule:
        """All of it."""
        self._place_inputs()
        guard_after = self._clusters.home.get(self._guarded) if self._guarded else None
        in_place = self._choose_in_place()
        self._choose_orders(in_place)
        turn = list(in_turn(self._clusters.all))
        kernels: list[AnyKernel] = []
        guard: int | None = None
        for cluster in turn:
            self._place_members(cluster, in_place)
            kernels += self._build(cluster)
            if cluster is guard_after and self._guarded is not None:
                guard = len(kernels)
                kernels.append(Finite("is the loss finite?", self._buffers[self._guarded]))
        kernels += self._copies(in_place)
        outputs = tuple((self._memory(node), node.type.shape) for node in self._graph.outputs)
        return Schedule(
            tuple(kernels),
            tuple(self._buffers[node] for node in self._graph.inputs),
            self._roles,
            outputs,
            tuple(self._constants),
            arrange(self._lifetimes(kernels)),
            guard,
        )

    # ------------------------------------------------------------------------------------- memory

    def _place_inputs(self) -> None:
        for index, (node, role) in enumerate(zip(self._graph.inputs, self._roles, strict=True)):
            name = node.name or f"x{index}"
            shape, dtype = node.type
            if role == "state":
                self._buffers[node] = state_buffer(name, node)
            elif role == "table":
                strides, size = dense(shape)
                self._buffers[node] = Buffer(name, dtype, shape, strides, "table", size)
            else:
                self._buffers[node] = self._scratch(name, node, row_major(shape))
        arrays = [n for n in self._graph.nodes if n.op is CONSTANT and n.type.size != 1]
        for index, node in enumerate(arrays):
            self._buffers[node] = self._scratch(f"c{index}", node, row_major(node.type.shape))
            self._constants.append((self._buffers[node], node.attributes["value"]))

    def _scratch(self, name: str, node: Node, order: Order) -> Buffer:
        shape, dtype = node.type
        strides, size = padded(shape, dtype, order)
        return Buffer(name, dtype, shape, strides, "scratch", size)

    def _memory(self, node: Node) -> Buffer:
        found = self._buffers.get(node)
        return (
            self._scratch("nothing", node, row_major(node.type.shape)) if found is None else found
        )

    def _choose_in_place(self) -> dict[Node, Node]:
        """The updates that can overwrite state at once: (next value → state).

        Whatever reads the old value must run before, or be the same kernel at the same point; and
        so must all that may end the run.
        """
        home = self._clusters.home
        gates = {home[node] for node in self._clusters.gates if node in home}
        chosen: dict[Node, Node] = {}
        for state, value in self._graph.updates:
            writer = self._clusters.home.get(value)
            if writer is None or writer.is_early or not _fits(writer):
                continue
            others = {each for each in self._readers.get(state, ()) if each is not writer} | gates
            if not writer.reads.get(state, True) or any(each.needs(writer) for each in others):
                continue
            for each in others:
                writer.wait_for(each)
            chosen[value] = state
        return chosen

    def _choose_orders(self, in_place: Mapping[Node, Node]) -> None:
        """Kernels that write state run along its rows; those that feed them do so too."""
        for cluster in self._clusters.all:
            if len(cluster.shape) > 1 and any(node in in_place for node in cluster.members):
                self._orders[cluster] = state_order(cluster.shape)
        for cluster in self._clusters.all:
            if cluster in self._orders or cluster.kind not in ("pointwise", "contract"):
                continue
            users = [user for node in cluster.members for user in self._readers.get(node, ())]
            for user in users:
                if (
                    user.shape == cluster.shape
                    and user in self._orders
                    and any(user.reads.get(node, False) for node in cluster.members)
                ):
                    self._orders[cluster] = self._orders[user]

    def _place_members(self, cluster: Cluster, in_place: Mapping[Node, Node]) -> None:
        order = self._orders[cluster] = self._best_order(cluster)
        for node in cluster.members:
            if node in in_place:
                self._buffers[node] = self._buffers[in_place[node]]
            elif node in self._results or self._is_read_outside(node, cluster):
                name = _name(len(self._buffers), node)
                self._buffers[node] = self._scratch(name, node, _unsqueezed(node, order))

    def _is_read_outside(self, node: Node, cluster: Cluster) -> bool:
        return any(each is not cluster for each in self._readers.get(node, ()))

    # ------------------------------------------------------------------------------------ kernels

    def _build(self, cluster: Cluster) -> list[AnyKernel]:
        return Builder(cluster, self._places, self._orders[cluster]).kernels()

    def _best_order(self, cluster: Cluster) -> Order:
        """That of the state it writes or feeds, else the one that its loads suggest."""
        given = self._orders.get(cluster)
        natural = row_major(cluster.shape or (1,))
        if given is not None or cluster.kind not in ("pointwise", "fold", "contract"):
            return given or natural
        return Builder(cluster, self._places, natural).best_order()

    def _copies(self, in_place: Mapping[Node, Node]) -> list[AnyKernel]:
        """The updates that could not be made in place, after everything else."""
        kernels: list[AnyKernel] = []
        for state, value in self._graph.updates:
            if value in in_place or not value.type.size:
                continue
            kernels.append(_copy(self._buffers[value], self._buffers[state]))
        return kernels

    def _lifetimes(self, kernels: Sequence[AnyKernel]) -> dict[Buffer, Lifetime]:
        """From the first to the last kernel that touches a buffer; inputs from the beginning."""
        last = len(kernels)
        spans: dict[Buffer, list[int]] = {}
        for node, role in zip(self._graph.inputs, self._roles, strict=True):
            if role in ("stepped", "whole"):
                spans[self._buffers[node]] = [-1, last if role == "whole" else -1]
        for buffer, _ in self._constants:
            spans[buffer] = [-1, last]
        for number, kernel in enumerate(kernels):
            for buffer in buffers_of(kernel):
                if buffer.role == "scratch":
                    spans.setdefault(buffer, [number, number])[1] = max(
                        number, spans.get(buffer, [0, 0])[1]
                    )
        for node in self._graph.outputs:
            buffer = self._memory(node)
            if buffer.role == "scratch" and buffer.size:
                spans.setdefault(buffer, [0, 0])[1] = last
        return {buffer: Lifetime(first, end) for buffer, (first, end) in spans.items()}


def _lowerings(graph: Graph) -> dict[Node, Lowering]:
    found: dict[Node, Lowering] = {}
    for node in graph.nodes:
        if node.op in (INPUT, CONSTANT):
            continue
        lowering = node.op.lower(**node.attributes)
        if isinstance(lowering, Host):
            raise CannotSchedule(f"{node.op.name}: {lowering.reason}")
        if isinstance(lowering, Pointwise):
            lowering = lowering.on(each.type.dtype for each in node.inputs)
        found[node] = lowering
    return found


def _fits(writer: Cluster) -> bool:
    """Whether vectors can run along the axis whose elements lie side by side in state."""
    if writer.kind == "contract":
        return state_order(writer.shape)[-1] >= len(writer.shape) - 2
    return writer.kind in ("pointwise", "fold")


def _name(number: int, node: Node) -> str:
    return f"{node.op.name}{number}"


def _unsqueezed(node: Node, order: Order) -> Order:
    """An order of the wide axes, as one of all axes."""
    wide = [axis for axis, extent in enumerate(node.type.shape) if extent != 1]
    narrow = [axis for axis, extent in enumerate(node.type.shape) if extent == 1]
    return (*narrow, *(wide[axis] for axis in order if wide))


def _copy(source: Buffer, target: Buffer) -> Kernel:
    """All elements of a buffer to another, along the rows of the target."""
    wide = [axis for axis, extent in enumerate(target.extents) if extent != 1]
    wide.sort(key=lambda axis: -target.strides[axis])
    indices = [
        axis_index(wide.index(axis)) if axis in wide else Linear()
        for axis in range(len(target.extents))
    ]
    space = tuple(target.extents[axis] for axis in wide) or (1,)
    where = access(target, indices, len(space))
    if not wide:
        where = Access(target, (1,))
    value = load(source, indices, len(space))
    return Kernel("copy", space, (Store(where, value),), len(space) - 1)


def buffers_of(kernel: AnyKernel) -> list[Buffer]:
    """All memory that a kernel touches."""
    match kernel:
        case Kernel():
            written = [store.access.buffer for store in kernel.stores]
            return written + [each.buffer for each in kernel.loads]
        case Draw():
            return [kernel.key.buffer, kernel.step.buffer, kernel.target.buffer]
        case Scattered():
            return [kernel.updates.buffer, kernel.index.buffer, kernel.target.buffer]
        case Scanned():
            return [kernel.source.buffer, kernel.target.buffer]
        case Finite():
            return [kernel.source]
