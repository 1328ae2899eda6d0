"""Rules applied to a graph until none fires: bottom-up, equal nodes shared, every firing kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from steepest.ir.graph import Graph, order
from steepest.ir.node import CONSTANT, Node
from steepest.rewrite.rule import ANY, RULES, Rule

_Table: TypeAlias = dict[str, list[Rule]]
_Key: TypeAlias = tuple[object, object, tuple[int, ...]]
SHARED = "equal nodes"  # what a firing is called that is no rule's: two nodes have become one
_MOST_FIRINGS = 50  # per node of the graph, before we say that rules go in circles
_MOST_PASSES = 50
_COMMUTATIVE = {
    *("add", "multiply", "equal", "not_equal", "logical_and", "logical_or", "logical_xor"),
    *("bitwise_and", "bitwise_or", "bitwise_xor"),
}


@final
@dataclass(frozen=True)
class Firing:
    """One replacement: by which rule (or :data:`SHARED`), of which node, by which."""

    rule: str
    before: Node
    after: Node

    def __str__(self) -> str:
        line = f"  at {self.before.origin}" if self.before.origin else ""
        return f"{self.rule}: {self.before!r} to {self.after!r}{line}"


@final
@dataclass(frozen=True)
class Rewritten:
    """A graph, and what was done to make it."""

    graph: Graph
    firings: tuple[Firing, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How often each rule fired, the most frequent first."""
        return dict(Counter(firing.rule for firing in self.firings).most_common())


def rewrite(graph: Graph, rules: Mapping[str, Rule] = RULES) -> Rewritten:
    """A graph of the same values: no rule fires on it, and no two of its nodes are equal.

    Nodes are visited from the inputs on, each when what it is made of is final; what replaces one
    is visited in the same way. So one pass is enough, but for rules that absorb an input: they ask
    who else uses it, which is known between passes only. Another pass follows while one of these
    fires.

    Args:
        graph: stays as it is.
        rules: by name; those that come first are tried first.

    Raises:
        AssertionError: the rules undo each other's work.
    """
    plain = [rule for rule in rules.values() if rule.absorbs is None]
    absorbing = _by_op([rule for rule in rules.values() if rule.absorbs is not None])
    visit = _Pass(graph, _by_op(plain), Counter())
    graph, firings = visit.run(), visit.firings
    for _ in range(_MOST_PASSES):
        uses = _uses(graph)
        if not any(_replacement(node, absorbing, uses) for node in graph.nodes):
            return Rewritten(graph, tuple(firings))
        visit = _Pass(graph, _by_op(rules.values()), uses)
        graph = visit.run()
        firings += visit.firings
    raise _endless(firings)


def _uses(graph: Graph) -> Counter[Node]:
    uses = Counter(graph.results)
    for node in graph.nodes:
        uses.update(node.inputs)
    return uses


def _by_op(rules: Iterable[Rule]) -> _Table:
    """For each op the rules to try, in their order; under ``ANY`` those for all other ops."""
    given = list(rules)
    names = {name for rule in given for name in rule.ops} | {ANY}
    return {name: [r for r in given if name in r.ops or ANY in r.ops] for name in names}


def _replacement(node: Node, table: _Table, uses: Counter[Node]) -> tuple[str, Node] | None:
    """What the first rule that fires makes of a node, and the rule's name."""
    for rule in table.get(node.op.name, table[ANY]):
        # A node that was made in this pass has no count yet, and waits for the next.
        if rule.absorbs is not None and uses[node.inputs[rule.absorbs]] != 1:
            continue
        after = rule.apply(node)
        if after is not None:
            return rule.name, after
    return None


def _endless(firings: Sequence[Firing]) -> AssertionError:
    last = ", ".join(dict.fromkeys(firing.rule for firing in firings[-20:]))
    return AssertionError(f"rules that undo each other's work: {last}")


@final
class _Pass:
    """One visit of all nodes: ``final`` holds what has become of those that were visited."""

    def __init__(self, graph: Graph, table: _Table, uses: Counter[Node]) -> None:
        self.firings: list[Firing] = []
        self._graph = graph
        self._table = table
        self._uses = uses
        self._final: dict[Node, Node] = {node: node for node in graph.inputs}
        self._rank: dict[Node, int] = {node: i for i, node in enumerate(graph.inputs)}
        self._known: dict[_Key, Node] = {}
        self._becomes: dict[Node, Node] = {}

    def run(self) -> Graph:
        nodes = self._graph.nodes
        most = _MOST_FIRINGS * (len(nodes) + 20)
        for node in nodes:
            self._visit(node, most)
        if not self.firings:
            return self._graph
        final = self._final
        return Graph(
            self._graph.inputs,
            tuple(final[output] for output in self._graph.outputs),
            tuple((state, final[value]) for state, value in self._graph.updates),
        )

    def _visit(self, root: Node, most: int) -> None:
        """Make ``root`` final, and first whatever it is made of or becomes."""
        final, becomes = self._final, self._becomes
        stack = [root]
        while stack:
            node = stack[-1]
            if node in final:
                stack.pop()
                continue
            needed = (becomes[node],) if node in becomes else node.inputs
            waits_for = [each for each in needed if each not in final]
            if waits_for:
                stack += reversed(waits_for)
                if max(len(self.firings), len(stack)) > most:
                    raise _endless(self.firings)
            elif node in becomes:
                final[node] = final[becomes[node]]
            else:
                self._settle(node)

    def _settle(self, node: Node) -> None:
        """Share a node whose inputs are final, or apply a rule to it, or keep it."""
        now = node.of(tuple([self._final[each] for each in node.inputs]))
        key = self._key(now)
        known = self._known.get(key)
        if known is not None:
            self.firings.append(Firing(SHARED, node, known))
            self._becomes[node] = known
            return
        self._known[key] = now
        found = _replacement(now, self._table, self._uses)
        if found is None:
            self._rank[now] = len(self._rank)
            self._final[now] = self._final[node] = now
            return
        rule, after = found
        self._becomes[node] = self._becomes[now] = after
        for made in order([after], self._final.__contains__):
            if made.inputs and made not in self._final:
                made.origin = node.origin
        self.firings.append(Firing(rule, node, after))

    def _key(self, node: Node) -> _Key:
        """Equal for nodes that compute the same."""
        if node.op is CONSTANT:
            value = node.attributes["value"]
            return CONSTANT, (value.dtype.str, value.shape, value.tobytes()), ()
        ranks = [self._rank[each] for each in node.inputs]
        if node.op.name in _COMMUTATIVE:
            ranks.sort()
        return node.op, _frozen(node.attributes) if node.attributes else (), tuple(ranks)


def _frozen(value: object) -> object:
    """Attributes as something to look up by; 1, True and 1.0 differ, and so do 0.0 and −0.0."""
    match value:
        case str():
            return value
        case dict():
            return tuple([(name, _frozen(value[name])) for name in sorted(value)])  # pyright: ignore
        case tuple() | list():
            return tuple(map(_frozen, value))  # pyright: ignore
        case float():
            return value.hex()
        case np.ndarray():
            return value.dtype.str, value.shape, value.tobytes()
        case bool():
            return bool, value
        case _:
            return value
