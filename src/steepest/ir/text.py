"""A graph as text: one line a node, in the order of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.types import Array


def text(
    inputs: Sequence[Node],
    nodes: Sequence[Node],
    outputs: Sequence[Node],
    updates: Sequence[tuple[Node, Node]] = (),
) -> str:
    """Print a graph.

    >>> import steepest as st
    >>> st.trace(lambda x: st.sum(x * x))(st.ones((2, 3)))
    graph(x: float32[2, 3])
      %0 = multiply(x, x)               : float32[2, 3]
      %1 = reduce_sum(%0, axes=(0, 1))  : float32[]
      return %1
    """
    names = _names(inputs, nodes)
    computed = [node for node in nodes if node.op not in (INPUT, CONSTANT)]
    calls = [f"%{index} = {_call(node, names)}" for index, node in enumerate(computed)]
    width = min(max(map(len, calls), default=0), 70)
    given = ", ".join(f"{names[node]}: {node.type}" for node in inputs)
    lines = [f"graph({given})"]
    lines += [
        f"  {call:<{width}}  : {node.type}" for call, node in zip(calls, computed, strict=True)
    ]
    lines += [f"  {names[state]} <- {names[value]}" for state, value in updates]
    lines.append("  return " + (", ".join(names[node] for node in outputs) or "nothing"))
    return "\n".join(lines)


def _names(inputs: Sequence[Node], nodes: Sequence[Node]) -> dict[Node, str]:
    names: dict[Node, str] = {}
    for index, node in enumerate(inputs):
        names[node] = node.name or f"x{index}"
    count = 0
    for node in nodes:
        if node.op is CONSTANT:
            names[node] = literal(node.attributes["value"])
        elif node not in names:
            names[node] = f"%{count}"
            count += 1
    return names


def _call(node: Node, names: dict[Node, str]) -> str:
    arguments = [names[each] for each in node.inputs]
    arguments += [f"{name}={_attribute(value)}" for name, value in node.attributes.items()]
    return f"{node.op.name}({', '.join(arguments)})"


def _attribute(value: Any) -> str:
    return str(value) if isinstance(value, np.dtype) else f"{value!r}"  # pyright: ignore[reportUnknownArgumentType]


def literal(value: Array) -> str:
    """A constant as it is written in the text: the shortest digits that give the same number."""
    if value.ndim == 0:
        return str(value[()])
    return np.array2string(value, separator=", ", threshold=8).replace("\n", "")
