"""Which values get memory, and which are computed again wherever they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

from steepest.ir.graph import Graph
from steepest.ir.lowering import (
    Contract,
    Fold,
    Gather,
    Join,
    Lowering,
    Part,
    Permute,
    Pick,
    Pointwise,
    Random,
    Reshape,
    Scan,
    Scatter,
    Stretch,
)
from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.scalar import argument, ordered
from steepest.schedule.expressions import is_affine, own_indices
from steepest.schedule.index import Index, through

_SLOW = {"exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "erf", "power", "call"}
_MEDIUM = {"divide", "sqrt", "quotient"}
_AGAIN = 6  # an expression that costs less is computed again instead of stored
_MOST = 150  # cost of one expression, so that a function's text stays short
_DEPTH = 60


@final
class Costs:
    """Roughly how many simple vector instructions nodes take; each formula is looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], int] = {}

    def of(self, lowering: Lowering, node: Node) -> int:
        """That of one node."""
        match lowering:
            case Pointwise(formula):
                dtypes = [each.type.dtype for each in node.inputs]
                key = (formula, *dtypes)
                if key not in self._known:
                    inputs = [argument(*each) for each in enumerate(dtypes)]
                    parts = ordered([formula(*inputs)])
                    self._known[key] = sum(_weight(each.instruction) for each in parts)
                return self._known[key]
            case Gather() | Pick():
                return 4
            case _:
                return 0


def _weight(instruction: str) -> int:
    if instruction in ("argument", "constant"):
        return 0
    return 10 if instruction in _SLOW else 4 if instruction in _MEDIUM else 1


@final
class Realised:
    """The nodes whose values are kept in memory; ``node in realised`` asks for one.

    Args:
        graph: normalised.
        lowering: of every node that is not a leaf.

    Attributes:
        work: what a node costs at each point, with all that is computed in place for it.
    """

    def __init__(self, graph: Graph, lowering: Mapping[Node, Lowering]) -> None:
        self._lowering = lowering
        self._users: dict[Node, list[Node]] = {}
        nodes = graph.nodes
        for node in nodes:
            for each in set(node.inputs):
                self._users.setdefault(each, []).append(node)
        self._kept = set(graph.results)
        for node in nodes:
            self._keep_operands(node)
        self._costs = Costs()
        self._cost: dict[Node, int] = {}
        self.work: dict[Node, int] = {}
        self._depth: dict[Node, int] = {}
        self._holds_result: dict[Node, bool] = {}
        for node in nodes:
            self._decide(node)

    def __contains__(self, node: Node) -> bool:
        return node in self._kept

    def _keep_operands(self, node: Node) -> None:
        match self._lowering.get(node):
            case Contract() | Scatter() | Scan() | Random():
                operands = node.inputs
            case Gather() | Pick():
                operands = node.inputs[:1]
            case _:
                operands = ()
        self._kept.update(operand_memory(each, self._lowering) for each in operands)

    def _decide(self, node: Node) -> None:
        if node.op in (INPUT, CONSTANT):
            self._kept.discard(node)
            self._cost[node], self._depth[node], self._holds_result[node] = 0, 0, False
            return
        lowering = self._lowering[node]
        cost = self._costs.of(lowering, node)
        cost += sum([self._cost[each] for each in set(node.inputs)])
        self.work[node] = cost
        depth = 1 + max([self._depth[each] for each in node.inputs], default=0)
        result = any(self._holds_result[each] for each in node.inputs)
        if (
            node in self._kept
            or isinstance(lowering, Fold | Contract | Random | Scatter | Scan | Join)
            or (isinstance(lowering, Pointwise) and lowering.check is not None)
            or cost > _MOST
            or depth > _DEPTH
            or (cost and self._grows(node))
            or (isinstance(lowering, Pointwise) and self._is_shared(node, cost, result))
        ):
            self._kept.add(node)
            cost, depth = 0, 0
            result = isinstance(lowering, Fold | Contract)
        self._cost[node], self._depth[node], self._holds_result[node] = cost, depth, result

    def _is_shared(self, node: Node, cost: int, result: bool) -> bool:
        """Used more than once, and dear, or the first to touch the result of a reduction."""
        return len(self._users.get(node, ())) > 1 and (cost >= _AGAIN or result)

    def _grows(self, node: Node) -> bool:
        """Whether it is stretched: better computed before that, once."""
        size = node.type.size
        pending = list(self._users.get(node, ()))
        while pending:
            user = pending.pop()
            lowering = self._lowering[user]
            if isinstance(lowering, Stretch) and user.type.size > size:
                return True
            if isinstance(lowering, Reshape | Permute):
                pending += self._users.get(user, ())
        return False


def operand_memory(node: Node, lowering: Mapping[Node, Lowering]) -> Node:
    """The node whose memory serves as an operand: behind views with regular strides, or itself."""
    base, indices = node, own_indices(node)
    found = node
    while isinstance(view := lowering.get(base), Stretch | Permute | Part | Reshape):
        (source,) = base.inputs
        indices = through(view, indices, source.type.shape, base.type.shape)
        base = source
        if is_affine(indices):
            found = base
    return node if found.op is CONSTANT else found


def strides_through(
    node: Node, base: Node, lowering: Mapping[Node, Lowering], axes: Sequence[int]
) -> tuple[Index, ...]:
    """The place in ``base`` of a node's element, where ``axes`` numbers the node's wide axes."""
    indices = own_indices(node, axes)
    while node is not base:
        view = lowering[node]
        assert isinstance(view, Stretch | Permute | Part | Reshape)
        (source,) = node.inputs
        indices = through(view, indices, source.type.shape, node.type.shape)
        node = source
    return indices
