"""The reference interpreter: runs each op's NumPy meaning, one after the other.

Small and obviously right; every faster path is judged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, final

import numpy as np

from steepest.errors import GradientError
from steepest.ir.graph import order
from steepest.ir.node import INPUT, Node
from steepest.ir.types import Array


class _Instruction(NamedTuple):
    """Compute from the slots ``sources`` into ``target``, then empty the slots ``last``."""

    compute: Callable[..., Array]
    sources: tuple[int, ...]
    target: int
    last: tuple[int, ...]


@final
class Program:
    """The instructions that compute some nodes from others, made once and run many times.

    Args:
        inputs: nodes whose values are given at each run.
        outputs: nodes whose values are wanted. Nodes with a recorded value are not computed again.
    """

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        given = set(inputs)
        nodes = order(outputs, lambda node: node in given or node.value is not None)
        self._slot = {node: slot for slot, node in enumerate(nodes)}
        self._inputs = [self._slot.get(node) for node in inputs]
        self._outputs = [self._slot[node] for node in outputs]
        self._blank: list[Array | None] = [
            None if node in given else node.value for node in self._slot
        ]
        computed = [node for node in nodes if node not in given and node.value is None]
        self.nodes = tuple(computed)
        literal = _literal(computed)
        for node, value in literal.items():
            self._blank[self._slot[node]] = value
        self._instructions = self._plan([node for node in computed if node not in literal])

    def _plan(self, computed: list[Node]) -> list[_Instruction]:
        kept = set(self._outputs)
        instructions: list[_Instruction] = []
        for node in reversed(computed):
            _check_computable(node)
            sources = tuple(self._slot[each] for each in node.inputs)
            last = tuple(set(sources) - kept)
            kept.update(sources)
            compute = partial(node.op.reference, **node.attributes)
            instructions.append(_Instruction(compute, sources, self._slot[node], last))
        return instructions[::-1]

    def __call__(self, *values: Array) -> list[Array]:
        """The outputs' values for these values of the inputs."""
        slots = self._start(values)
        with np.errstate(all="ignore"):
            for compute, sources, target, last in self._instructions:
                slots[target] = compute(*[slots[source] for source in sources])
                for slot in last:
                    slots[slot] = None
        return [np.asarray(slots[slot]) for slot in self._outputs]

    def every_value(self, *values: Array) -> dict[Node, Array]:
        """The value of every node that was computed, for whoever wants to look inside."""
        slots = self._start(values)
        with np.errstate(all="ignore"):
            for compute, sources, target, _ in self._instructions:
                slots[target] = np.asarray(compute(*[slots[source] for source in sources]))
        return {node: slots[self._slot[node]] for node in self.nodes}  # pyright: ignore

    def _start(self, values: tuple[Array, ...]) -> list[Array | None]:
        slots = self._blank.copy()
        for slot, value in zip(self._inputs, values, strict=True):
            if slot is not None:
                slots[slot] = value
        return slots


def _literal(nodes: Sequence[Node]) -> dict[Node, Array]:
    """The nodes that depend on nothing but numbers of the program, computed once and kept."""
    values: dict[Node, Array] = {}
    for node in nodes:
        if node.op is not INPUT and all(each in values for each in node.inputs):
            with np.errstate(all="ignore"):
                inputs = [values[each] for each in node.inputs]
                values[node] = np.asarray(node.op.reference(*inputs, **node.attributes))
    return values


def _check_computable(node: Node) -> None:
    if node.record is not None and node.record.released:
        raise GradientError(
            f"the value made at {node.origin} was freed by an earlier backward(); "
            "call the first backward with retain_graph=True, or compute the loss again"
        )
    if node.op is INPUT:
        raise ValueError(f"the input {node.name or node!r} has no value")


def evaluate(outputs: Sequence[Node]) -> list[Array]:
    """The values of nodes that depend on recorded values only."""
    return Program((), outputs)()
