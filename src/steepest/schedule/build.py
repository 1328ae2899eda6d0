"""From a cluster to its kernel: axes put in order, expressions written, places in memory found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from steepest.ir.lowering import Fold, Join, Lowering, Pointwise, Random, Scan, Scatter
from steepest.ir.node import CONSTANT, Node
from steepest.ir.scalar import Scalar, ordered
from steepest.schedule.clusters import Cluster, runs_along_fold
from steepest.schedule.contractions import extents_of, groups
from steepest.schedule.expressions import Expressions, Indices, own_indices, squeezed
from steepest.schedule.index import Index, Linear, address, axis_index
from steepest.schedule.kernels import (
    Access,
    AnyKernel,
    Buffer,
    Contraction,
    Draw,
    Folded,
    Folds,
    Kernel,
    Scanned,
    Scattered,
    Store,
)
from steepest.schedule.realise import operand_memory, strides_through

Order = tuple[int, ...]


@final
@dataclass(frozen=True)
class Places:
    """Where nodes are in memory.

    Args:
        lowering: of every node that is not a leaf.
        memory: a node's buffer; None for what is computed where it is needed.
    """

    lowering: Mapping[Node, Lowering]
    memory: Callable[[Node], Buffer | None]


def access(buffer: Buffer, indices: Sequence[Index], axes: int) -> Access:
    """The place of an element in memory, for a kernel of so many axes."""
    return _accessed(buffer, address(indices, buffer.strides), axes)


def load(buffer: Buffer, indices: Sequence[Index], axes: int) -> Scalar:
    """The element there."""
    where = address(indices, buffer.strides)
    inputs = tuple([scalar for scalar, _ in where.scalars])
    return Scalar("load", inputs, buffer.dtype, _accessed(buffer, where, axes))


def _accessed(buffer: Buffer, where: Linear, axes: int) -> Access:
    strides = [0] * axes
    for axis, stride in where.axes:
        strides[axis] = stride
    dynamic = tuple([stride for _, stride in where.scalars])
    return Access(buffer, tuple(strides), where.constant, dynamic)


@final
class Builder:
    """Writes the kernels of one cluster.

    Args:
        cluster: what is computed.
        places: where nodes are in memory.
        order: the space's axes from the outermost to the one along which vectors run.
    """

    def __init__(self, cluster: Cluster, places: Places, order: Order) -> None:
        self._cluster = cluster
        self._places = places
        self._order = order

    def kernels(self) -> list[AnyKernel]:
        """What computes the cluster, in turn."""
        node = self._cluster.members[0]
        match self._places.lowering[node]:
            case Join(axis) if self._cluster.kind == "join":
                return list(self._joined(node, axis))
            case Scatter():
                return [self._scattered(node)]
            case Scan():
                return [self._scanned(node)]
            case Random(site):
                return list(self._drawn(node, site))
            case Fold(_, _) as fold if self._cluster.kind == "fold":
                return [self._folded(node, fold)]
            case _ if self._cluster.kind == "contract":
                return [self._contracted(node)]
            case _:
                return [self._pointwise()]

    @property
    def _name(self) -> str:
        names = dict.fromkeys(node.op.name for node in self._cluster.members)
        return " ".join(names)

    # ------------------------------------------------------------------------ pointwise and folds

    def best_order(self) -> Order:
        """The order in which the fewest loads jump, if nothing else decides it."""
        node = self._cluster.members[0]
        if self._cluster.kind == "contract":
            return self._order_of_contraction(node)
        if self._cluster.kind == "fold":
            fold = self._places.lowering[node]
            assert isinstance(fold, Fold)
            if runs_along_fold(self._cluster, self._places.lowering):
                return self._order
            (source,) = node.inputs
            count = sum(1 for axis in fold.axes if source.type.shape[axis] != 1)
            value = self._folded_value(source, fold, tuple(range(count)))
            return moved_last(self._count, best_axis([value], range(self._count)))
        stores, _ = self._values(_positions(self._order), self._count, None)
        return moved_last(self._count, best_axis(stores, range(self._count)))

    def _order_of_contraction(self, node: Node) -> Order:
        """Vectors run along the axis where an operand's elements lie in a row."""
        found = groups(node)
        wide = [n for n in node.attributes["result"] if n in sum(found[:3], ())]
        (m,), (n,) = found.rows, found.columns
        units = {label: self._unit(node, label) for label in (m, n)}
        lanes = (m if wide[-1] == m else n) if units[m] == units[n] else (m if units[m] else n)
        return moved_last(len(wide), wide.index(lanes))

    @property
    def _count(self) -> int:
        """The kernel's axes of space: one of extent 1 where there is none."""
        return max(len(self._cluster.shape), 1)

    def _pointwise(self) -> Kernel:
        stores, checks = self._values(_positions(self._order), self._count, None)
        return self._kernel(stores, checks, self._count - 1, None)

    def _folded(self, node: Node, fold: Fold) -> Kernel:
        """Built twice: the first time to see along which axis vectors should run."""
        (source,) = node.inputs
        count = self._count
        shape = source.type.shape
        extents = [n for axis, n in enumerate(shape) if n != 1 and axis in fold.axes]
        along = runs_along_fold(self._cluster, self._places.lowering)
        folds: Order = tuple(range(len(extents)))
        value = self._folded_value(source, fold, folds)
        if along:
            best = best_axis([value], range(count, count + len(extents)))
            folds = moved_last(len(extents), best - count)
            value = self._folded_value(source, fold, folds)
        stores, checks = self._values(_positions(self._order), count, node)
        ranges = tuple(extents[axis] for axis in folds) or (1,)
        reduction = Folds(ranges, (Folded(fold.combine, value),))
        lanes = count + len(ranges) - 1 if along else count - 1
        return self._kernel(stores, checks, lanes, reduction)

    def _folded_value(self, source: Node, fold: Fold, folds: Order) -> Scalar:
        wide = [axis for axis, extent in enumerate(source.type.shape) if extent != 1]
        of_space, of_fold = iter(_positions(self._order)), iter(_positions(folds))
        position = [
            self._count + next(of_fold) if axis in fold.axes else next(of_space) for axis in wide
        ]
        axes = self._count + max(len(folds), 1)
        expressions = self._expressions(position, axes, None)
        return expressions.value(source, own_indices(source, position))

    def _kernel(
        self,
        stores: Sequence[Scalar | Store],
        checks: Sequence[Scalar],
        lanes: int,
        reduction: Folds | None,
    ) -> Kernel:
        shape = self._cluster.shape or (1,)
        space = tuple(shape[axis] for axis in self._order)
        kept = tuple(each for each in stores if isinstance(each, Store))
        return Kernel(self._name, space, kept, lanes, reduction, tuple(checks))

    def _expressions(self, position: Sequence[int], axes: int, root: Node | None) -> Expressions:
        members = set(self._cluster.members)

        def leaf(node: Node, indices: Indices) -> Scalar | None:
            own = node in members and indices == own_indices(node, position)
            if own and node is root:
                return Scalar("result", (), node.type.dtype, 0)
            if own or (node.op is CONSTANT and node.type.size == 1):
                return None
            buffer = self._places.memory(node)
            return None if buffer is None else load(buffer, indices, axes)

        return Expressions(self._places.lowering, leaf)

    def _values(
        self, position: Sequence[int], axes: int, root: Node | None
    ) -> tuple[list[Scalar | Store], list[Scalar]]:
        """The stores of all members (their values, where they have no memory), and the checks."""
        expressions = self._expressions(position, axes, root)
        stores: list[Scalar | Store] = []
        checks: list[Scalar] = []
        for node in self._cluster.members:
            indices = own_indices(node, position)
            value = expressions.value(node, indices)
            checks += _checks_of(node, self._places.lowering, expressions, indices)
            buffer = self._places.memory(node)
            stores.append(value if buffer is None else Store(self._target(buffer, indices), value))
        return stores, checks

    def _target(self, buffer: Buffer, indices: Indices) -> Access:
        where = access(buffer, indices, self._count)
        return where if self._cluster.shape else Access(buffer, (1,), where.offset, where.dynamic)

    # ------------------------------------------------------------------------------- contractions

    def _contracted(self, node: Node) -> Kernel:
        found = groups(node)
        wide = [label for label in node.attributes["result"] if label in sum(found[:3], ())]
        (m,), (n,), (k,) = found.rows, found.columns, found.summed
        lanes = wide[self._order[-1]]
        rows = m if lanes == n else n
        space = (*(label for label in wide if label not in (m, n)), rows, lanes)
        axis_of = {label: axis for axis, label in enumerate((*space, k))}
        position = [axis_of[label] for label in wide]
        operands = [
            self._operand(each, node.attributes[name], axis_of, len(space) + 1)
            for each, name in zip(node.inputs, ("left", "right"), strict=True)
        ]
        left, right = operands if lanes == n else operands[::-1]
        extents = extents_of(node)
        stores, checks = self._values(position, len(space) + 1, node)
        return Kernel(
            self._name,
            tuple(extents[label] for label in space),
            tuple(each for each in stores if isinstance(each, Store)),
            len(space) - 1,
            Contraction(extents[k], left, right),
            tuple(checks),
        )

    def _unit(self, node: Node, label: int) -> int:
        """Whether the operand that has a label has its elements side by side along it."""
        for each, name in zip(node.inputs, ("left", "right"), strict=True):
            labels = node.attributes[name]
            other = node.attributes["right" if name == "left" else "left"]
            if label in labels and label not in other:
                axis_of = {own: axis for axis, own in enumerate(dict.fromkeys(labels))}
                found = self._operand(each, labels, axis_of, len(axis_of))
                return int(found.strides[axis_of[label]] == 1)
        return 0

    def _operand(
        self, node: Node, labels: Sequence[int], axis_of: Mapping[int, int], axes: int
    ) -> Access:
        numbers = [
            axis_of[label]
            for label, extent in zip(labels, node.type.shape, strict=True)
            if extent != 1
        ]
        return self._access(node, numbers, axes)

    def _access(self, node: Node, numbers: Sequence[int], axes: int) -> Access:
        """Where an operand's elements are, its wide axes being these axes of the kernel."""
        base = operand_memory(node, self._places.lowering)
        indices = strides_through(node, base, self._places.lowering, numbers)
        return access(self._memory(base), indices, axes)

    def _memory(self, node: Node) -> Buffer:
        buffer = self._places.memory(node)
        assert buffer is not None, f"{node!r} has no memory"
        return buffer

    # -------------------------------------------------------------------- what has its own kernel

    def _joined(self, node: Node, axis: int) -> Iterator[Kernel]:
        """A kernel for each part, in turn; what is wide in the whole is an axis of all of them."""
        buffer = self._memory(node)
        wide = [each for each, extent in enumerate(node.type.shape) if extent != 1]
        start = 0
        for part in node.inputs:
            shape = part.type.shape
            if part.type.size:
                target = _numbered(node.type.shape, wide)
                target[axis] = target[axis].scaled(1, start) if wide else Linear()
                space = tuple(shape[each] for each in wide) or (1,)
                where = access(buffer, target, len(space))
                if not wide:
                    where = Access(buffer, (1,))
                source = _numbered(shape, wide)
                value = self._expressions(range(len(wide)), len(space), None).value(
                    part, tuple(source)
                )
                yield Kernel("join", space, (Store(where, value, exact=True),), len(space) - 1)
            start += shape[axis]

    def _three(self, node: Node) -> list[int]:
        return [axis for axis, extent in enumerate(node.type.shape) if extent != 1]

    def _scattered(self, node: Node) -> Scattered:
        updates, indices = node.inputs
        before, size, after = node.type.shape
        rows = indices.type.size
        target = self._memory(node)
        return Scattered(
            "scatter",
            (before, rows, after),
            size,
            self._access(updates, self._three(updates), 3),
            self._access(indices, [0] * len(squeezed(indices.type.shape)), 1),
            access(target, own_indices(node, self._three(node)), 3),
        )

    def _scanned(self, node: Node) -> Scanned:
        (source,) = node.inputs
        before, run, after = node.type.shape
        target = self._memory(node)
        return Scanned(
            "running sum",
            (before, run, after),
            self._access(source, self._three(source), 3),
            access(target, own_indices(node, self._three(node)), 3),
        )

    def _drawn(self, node: Node, site: int) -> Iterator[Draw]:
        """One draw for each key: there are several in an ensemble."""
        key, step = node.inputs
        target = self._memory(node)
        lead = step.type.size
        shape = node.type.shape[len(step.type.shape) :]
        rows, width = (shape if len(shape) == 2 else (*shape, 1, 1)[:2]) if shape else (1, 1)
        first = 1 if lead > 1 else 0
        of_key = self._access(key, [0, 1] if first else [0], first + 1)
        of_step = self._access(step, [0] if first else [], first)
        wide = [axis for axis, extent in enumerate(node.type.shape) if extent != 1]
        base = len(step.type.shape)
        places = [0 if axis < base else first + axis - base for axis in wide]
        whole = access(target, own_indices(node, places), first + 2)
        for member in range(lead):
            yield Draw(
                "random",
                _of_member(of_key, member, first),
                _of_member(of_step, member, first),
                site,
                _of_member(whole, member, first),
                rows,
                width,
            )


def _of_member(where: Access, member: int, first: int) -> Access:
    """The place for one value of the leading axis, if there is one."""
    if not first:
        return where
    return Access(where.buffer, where.strides[1:], where.offset + member * where.strides[0])


def _numbered(shape: Sequence[int], wide: Sequence[int]) -> list[Linear]:
    """An index for each axis: the kernel's axes are those that are wide in the whole."""
    return [
        axis_index(wide.index(axis)) if axis in wide and extent != 1 else Linear()
        for axis, extent in enumerate(shape)
    ]


def _checks_of(
    node: Node, lowering: Mapping[Node, Lowering], expressions: Expressions, indices: Indices
) -> list[Scalar]:
    own = lowering[node]
    if not isinstance(own, Pointwise) or own.check is None:
        return []
    return [own.check(*(expressions.value(each, indices) for each in node.inputs))]


def _positions(order: Sequence[int]) -> list[int]:
    """For each axis, its place in an order."""
    places = [0] * len(order)
    for place, axis in enumerate(order):
        places[axis] = place
    return places


def moved_last(count: int, last: int) -> Order:
    """So many axes in order, but one of them last."""
    return (*(axis for axis in range(count) if axis != last), last)


def best_axis(values: Sequence[Scalar | Store], axes: Sequence[int]) -> int:
    """The axis along which the fewest loads would jump: their stride there is neither 0 nor 1.

    The last one, unless another is better.
    """
    roots = [each.value if isinstance(each, Store) else each for each in values]
    loads = [each for each in ordered(roots) if each.instruction == "load"]
    jumps = {axis: sum(_jumps(each, axis) for each in loads) for axis in axes}
    return min(reversed(axes), key=jumps.__getitem__)


def _jumps(scalar: Scalar, axis: int) -> int:
    where: Access = scalar.value
    return int(where.strides[axis] not in (0, 1))
