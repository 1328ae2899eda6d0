"""From a Python function to its graph: run it once on Tensors without values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from steepest.ir.collecting import not_collecting
from steepest.ir.graph import Graph, order, substitute
from steepest.ir.node import Node, placeholder
from steepest.ir.origin import way_out_is_known
from steepest.ir.types import Array
from steepest.methods import implements
from steepest.tensor.state import State, Traced, scope
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import Flat, HoldsStates, flatten

__all__ = [
    "trace",
]


@final
@dataclass(frozen=True)
class Trace:
    """A function's graph, and what its inputs are.

    The graph's inputs are, in this order: the arguments' leaves, the cells that were read, and the
    values that the function captured from outside.

    Args:
        graph: the pure computation.
        arguments: how the arguments were taken apart.
        result: how the results were.
        cells: the cells that the graph's inputs after the arguments stand for.
        captured: the values of the inputs after those.
    """

    graph: Graph
    arguments: Flat
    result: Flat
    cells: tuple[State, ...]
    captured: tuple[Array, ...]


def record(function: Callable[..., Any], *arguments: Any) -> Trace:
    """Run ``function`` on traced Tensors of the arguments' types, and keep what it did."""
    with not_collecting(), way_out_is_known():
        return _recorded(function, arguments)


def _recorded(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Trace:
    called: object = function
    if isinstance(called, HoldsStates):
        called.states()  # names the cells of a module by the attributes that hold them
    flat = flatten(list(arguments))
    cells = Traced()
    with scope(cells):
        inputs = [
            _traced(leaf, name) if cell is None else cells.read(cell)
            for leaf, name, cell in zip(
                flat.leaves, _argument_names(function, flat), flat.cells, strict=True
            )
        ]
        result = flatten(function(*flat.call(inputs)), what="the result")
    updated = cells.updates()
    roots = [leaf.node for leaf in (*result.leaves, *updated.values())]
    captured = _captured(roots)
    replaced = substitute(roots, captured)
    outputs, nexts = replaced[: len(result.leaves)], replaced[len(result.leaves) :]
    own = [leaf for leaf, cell in zip(inputs, flat.cells, strict=True) if cell is None]
    graph = Graph(
        inputs=(
            *(leaf.node for leaf in own),
            *(leaf.node for leaf in cells.inputs.values()),
            *captured.values(),
        ),
        outputs=tuple(outputs),
        updates=tuple(
            (cells.inputs[cell].node, node) for cell, node in zip(updated, nexts, strict=True)
        ),
    )
    values = tuple(node.value for node in captured if node.value is not None)
    return Trace(graph, flat, result, tuple(cells.inputs), values)


def _traced(leaf: Tensor, name: str) -> Tensor:
    return Tensor(None, placeholder(leaf.type, name))


def _captured(roots: list[Node]) -> dict[Node, Node]:
    """Nodes that eager execution has already computed become inputs."""
    frontier = [node for node in order(roots, _has_value) if _has_value(node)]
    return {
        node: placeholder(node.type, node.name or f"captured{index}")
        for index, node in enumerate(frontier)
    }


def _has_value(node: Node) -> bool:
    return node.value is not None


def _argument_names(function: Callable[..., Any], flat: Flat) -> list[str]:
    """Leaves named as the function's own parameters: x, or parameters.weight."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have none
        parameters = ()
    own = [each.name for each in parameters if each.kind is not inspect.Parameter.VAR_POSITIONAL]
    names: list[str] = []
    for name in flat.names:
        position, _, rest = name.partition(".")
        first = own[int(position)] if int(position) < len(own) else f"x{position}"
        names.append(f"{first}.{rest}" if rest else first)
    return names


@implements("D1")
def trace(function: Callable[..., Any]) -> Callable[..., Graph]:
    """The graph of a Python function: what it computes, as a value to print, draw or transform.

    The function runs once, on Tensors that have a type but no value. Values it captures, and cells
    of modules, become inputs; assigned cells become updates.

    Args:
        function: of Tensors, or nested dicts and lists of them, or modules.

    Returns:
        A function of the same arguments (only their shapes and element types matter) to its Graph.

    Raises:
        TraceError: where the function needs a value: ``if x > 0``, ``float(x)``, ``x.numpy()``.

    >>> import steepest as st
    >>> st.trace(lambda x, y: x * y + 1.0)(st.ones((3,)), st.ones((3,)))
    graph(x: float32[3], y: float32[3])
      %0 = multiply(x, y)                 : float32[3]
      %1 = broadcast_to(1.0, shape=(3,))  : float32[3]
      %2 = add(%0, %1)                    : float32[3]
      return %2
    """

    def traced(*arguments: Any) -> Graph:
        return record(function, *arguments).graph

    return traced
