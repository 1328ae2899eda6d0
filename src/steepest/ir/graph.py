"""A graph: inputs, outputs, and the next value of each piece of state. Pure; checked when built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

from steepest.ir.node import INPUT, Node
from steepest.ir.picture import picture
from steepest.ir.text import text

_MOST_DRAWN = 300  # nodes; a notebook shows the text of larger graphs


def order(outputs: Iterable[Node], known: Callable[[Node], bool] | None = None) -> list[Node]:
    """All nodes that ``outputs`` depend on, inputs before consumers; not past a ``known`` node.

    An explicit stack instead of recursion: a chain of 100,000 ops is fine.
    """
    done: dict[Node, None] = {}  # in order
    stack = list(outputs)[::-1]
    while stack:
        node = stack[-1]
        if node not in done:
            waits_for = [each for each in node.inputs if each not in done]
            if waits_for and not (known is not None and known(node)):
                stack += reversed(waits_for)
                continue
            done[node] = None
        stack.pop()
    return list(done)


def substitute(outputs: Sequence[Node], replacement: Mapping[Node, Node]) -> list[Node]:
    """``outputs`` with some nodes replaced, and what depends on them built anew."""
    new = dict(replacement)
    for node in order(outputs, new.__contains__):
        if node in new:
            continue
        new[node] = node.of(tuple([new[each] for each in node.inputs]))
    return [new[node] for node in outputs]


@final
@dataclass(frozen=True, eq=False)
class Graph:
    """A pure computation: ``outputs`` and ``updates`` as functions of ``inputs``.

    Args:
        inputs: the nodes that are bound when the graph runs, in order.
        outputs: what it returns, in order.
        updates: pairs (input that holds state, its next value). State changes only after everything
            has been computed.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    updates: tuple[tuple[Node, Node], ...] = ()

    def __post_init__(self) -> None:
        given = set(self.inputs)
        for node in self.nodes:
            if node.op is INPUT and node not in given:
                raise ValueError(f"the graph reads {node!r}, which is not among its inputs")
        for state, value in self.updates:
            if state not in given:
                raise ValueError(f"the graph updates {state!r}, which is not among its inputs")
            if state.type != value.type:
                raise ValueError(f"state of type {state.type} cannot become {value.type}")

    @property
    def results(self) -> tuple[Node, ...]:
        """Everything it computes: the outputs, then the next values of the state."""
        return self.outputs + tuple(value for _, value in self.updates)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, inputs before consumers."""
        return tuple(order((*self.inputs, *self.results), set(self.inputs).__contains__))

    def __repr__(self) -> str:
        return text(self.inputs, self.nodes, self.outputs, self.updates)

    def _repr_svg_(self) -> str | None:
        nodes = self.nodes
        return picture(nodes, self.results) if len(nodes) <= _MOST_DRAWN else None
