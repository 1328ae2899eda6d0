"""Which values are computed together: the nodes that one kernel will store.

A cluster has one space. It may start with a reduction; then come nodes that read the cluster's own
values only at their own point. Nodes are taken in order of evaluation, and each joins the cluster
of what it reads if nothing else has to happen in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from steepest.ir.graph import Graph, order
from steepest.ir.lowering import Contract, Fold, Join, Lowering, Pointwise, Random, Scan, Scatter
from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.scalar import Scalar
from steepest.schedule.expressions import Expressions, Indices, is_own, own_indices, squeezed
from steepest.schedule.realise import Realised, operand_memory

Kind: TypeAlias = Literal["pointwise", "fold", "contract", "join", "scatter", "scan", "draw"]
_CHEAP = 4


@final
@dataclass(eq=False)
class Cluster:
    """The nodes of one kernel.

    Args:
        number: counts the clusters as they are made.
        kind: what it starts with.
        shape: the space, in the order of the nodes' own axes, without extents of 1.
        members: the nodes that are computed, in order; the first of a fold or a contraction is its
            result.
        reads: nodes whose memory is read, and whether only at the kernel's own point.
        before: the clusters that must have run.
        after: those that wait for it.
        level: more than that of any in ``before``.
        is_early: it is needed for what may end the run, so it may not change state.
    """

    number: int
    kind: Kind
    shape: tuple[int, ...]
    members: list[Node] = field(default_factory=list[Node])
    reads: dict[Node, bool] = field(default_factory=dict[Node, bool])
    before: set[Cluster] = field(default_factory=set["Cluster"])
    after: set[Cluster] = field(default_factory=set["Cluster"])
    level: int = 0
    is_early: bool = False

    @property
    def root(self) -> Node | None:
        """The node of the reduction."""
        return self.members[0] if self.kind in ("fold", "contract") else None

    def wait_for(self, other: Cluster) -> None:
        """Run after another, which must not need this one."""
        self.before.add(other)
        other.after.add(self)
        pending = [(self, other.level + 1)]
        while pending:
            cluster, least = pending.pop()
            if cluster.level < least:
                assert cluster is not other, "a cluster waits for itself"
                cluster.level = least
                pending += [(each, least + 1) for each in cluster.after]

    def needs(self, other: Cluster) -> bool:
        """Whether it runs after another, directly or through others, or is that one."""
        seen: set[Cluster] = set()
        pending: list[Cluster] = [self]
        while pending:
            cluster = pending.pop()
            if cluster is other:
                return True
            if cluster.level > other.level and cluster not in seen:
                seen.add(cluster)
                pending += cluster.before
        return False


def read_by(node: Node, lowering: Mapping[Node, Lowering], realised: Realised) -> dict[Node, bool]:
    """The nodes in memory that a node's expression loads, and whether only at its own point."""
    found: dict[Node, bool] = {}

    def leaf(other: Node, indices: Indices) -> Scalar | None:
        if other is node or not (other.op is INPUT or other in realised or _is_array(other)):
            return None
        found[other] = found.get(other, True) and (
            squeezed(other.type.shape) == squeezed(node.type.shape) and is_own(other, indices)
        )
        return Scalar("load", (), other.type.dtype)

    Expressions(lowering, leaf).value(node, own_indices(node))
    return found


def _is_array(node: Node) -> bool:
    return node.op is CONSTANT and node.type.size != 1


def _is_checked(lowering: Lowering) -> bool:
    return isinstance(lowering, Pointwise) and lowering.check is not None


@final
class Clusters:
    """All clusters of a graph.

    Args:
        graph: normalised.
        lowering: of every node that is not a leaf.
        realised: the nodes with memory.
        guarded: the output that must be finite before state changes, if any.

    ``gates`` are the nodes that may end the run: the guarded one, and those with a check.
    """

    def __init__(
        self,
        graph: Graph,
        lowering: Mapping[Node, Lowering],
        realised: Realised,
        guarded: Node | None,
    ) -> None:
        self._lowering = lowering
        self._realised = realised
        self._next = {value for _, value in graph.updates}
        self.home: dict[Node, Cluster] = {}
        self.all: list[Cluster] = []
        checked = [node for node, kind in lowering.items() if _is_checked(kind)]
        self.gates = checked if guarded is None else [*checked, guarded]
        first = order(self.gates)
        early = set(first)
        rest = [node for node in graph.nodes if node not in early]
        for node in (*first, *rest):
            if node in realised and node.type.size:
                self._place(node, is_early=node in early)

    def _place(self, node: Node, *, is_early: bool) -> None:
        match self._lowering[node]:
            case Fold() | Contract() | Join() | Scatter() | Scan() | Random() as lowering:
                cluster = self._new(_KINDS[type(lowering)], node)
                self._read(cluster, self._operands(node, lowering))
            case _:
                reads = read_by(node, self._lowering, self._realised)
                cluster = self._that_takes(node, reads)
                cluster = cluster or self._new("pointwise", node)
                self._read(cluster, reads)
        cluster.members.append(node)
        cluster.is_early |= is_early
        self.home[node] = cluster

    def _new(self, kind: Kind, node: Node) -> Cluster:
        cluster = Cluster(len(self.all), kind, squeezed(node.type.shape))
        self.all.append(cluster)
        return cluster

    def _operands(self, node: Node, lowering: Lowering) -> dict[Node, bool]:
        """What a reduction, or another node with a kernel of its own, reads."""
        if isinstance(lowering, Contract | Scatter | Scan | Random):
            memory = [operand_memory(each, self._lowering) for each in node.inputs]
            return dict.fromkeys(memory, False)
        found: dict[Node, bool] = {}
        for each in node.inputs:
            if each.op is INPUT or each in self._realised or _is_array(each):
                found[each] = False
            else:
                found.update(dict.fromkeys(read_by(each, self._lowering, self._realised), False))
        return found

    def _read(self, cluster: Cluster, reads: Mapping[Node, bool]) -> None:
        for node, own in reads.items():
            home = self.home.get(node)
            if home is cluster:
                continue
            cluster.reads[node] = cluster.reads.get(node, True) and own
            if home is not None:
                cluster.wait_for(home)

    # ----------------------------------------------------------------------------------- joining

    def _that_takes(self, node: Node, reads: Mapping[Node, bool]) -> Cluster | None:
        """The latest cluster that the node can join."""
        shape = squeezed(node.type.shape)
        homes = {self.home[each] for each in reads if each in self.home}
        for cluster in self._candidates(shape, reads):
            if (
                cluster.shape == shape
                and self._suits(cluster, node)
                and all(own for each, own in reads.items() if self.home.get(each) is cluster)
                and not any(home is not cluster and home.needs(cluster) for home in homes)
            ):
                return cluster
        return None

    def _candidates(self, shape: tuple[int, ...], reads: Mapping[Node, bool]) -> list[Cluster]:
        """Clusters whose values it reads; then those that read what it reads at the same point."""
        shared = [each for each, own in reads.items() if own]
        found = {self.home[each] for each in shared if each in self.home}
        for cluster in self.all[-40:]:
            if cluster.shape == shape and cluster not in found:
                read = cluster.reads
                if not shape or any(read.get(each, False) for each in shared):
                    found.add(cluster)
        return sorted(found, key=lambda cluster: -cluster.number)

    def _suits(self, cluster: Cluster, node: Node) -> bool:
        if cluster.is_early and node in self._next:
            return False
        # Nothing may look up a position before it is known to be inside.
        if any(_is_checked(self._lowering[each]) for each in cluster.members):
            return False
        match cluster.kind:
            case "pointwise" | "contract":
                return True
            case "fold":
                return (
                    not cluster.shape
                    or not runs_along_fold(cluster, self._lowering)
                    or (self._realised.work[node] <= _CHEAP)
                )
            case _:
                return False


_KINDS: dict[type[Lowering], Kind] = {
    Fold: "fold",
    Contract: "contract",
    Join: "join",
    Scatter: "scatter",
    Scan: "scan",
    Random: "draw",
}


def runs_along_fold(cluster: Cluster, lowering: Mapping[Node, Lowering]) -> bool:
    """Whether vectors run along an axis that is folded away: the last one that is wide."""
    node = cluster.members[0]
    fold = lowering[node]
    if not isinstance(fold, Fold):
        return False
    (source,) = node.inputs
    wide = [axis for axis, extent in enumerate(source.type.shape) if extent != 1]
    return bool(wide) and wide[-1] in fold.axes


def readers(clusters: Iterable[Cluster]) -> dict[Node, list[Cluster]]:
    """For each node in memory, the clusters that load it."""
    found: dict[Node, list[Cluster]] = {}
    for cluster in clusters:
        for node in cluster.reads:
            found.setdefault(node, []).append(cluster)
    return found


def in_turn(clusters: Sequence[Cluster]) -> Iterator[Cluster]:
    """The clusters in an order in which each can run: as they were made, where that is possible."""
    done: set[Cluster] = set()
    under_way: set[Cluster] = set()
    for first in clusters:
        stack = [(first, False)]
        while stack:
            cluster, ready = stack.pop()
            if cluster in done:
                continue
            if ready:
                done.add(cluster)
                yield cluster
                continue
            assert cluster not in under_way, "a cluster waits for itself"
            under_way.add(cluster)
            stack.append((cluster, True))
            waiting = sorted(cluster.before - done, key=lambda each: -each.number)
            stack.extend((each, False) for each in waiting)
