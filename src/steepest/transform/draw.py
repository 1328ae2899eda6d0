"""A computation drawn: each node with its value in green and its derivative in red."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, final

import numpy as np

from steepest.autodiff import gradients
from steepest.errors import ConfigurationError, GradientError
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.ir.node import CONSTANT, Node, constant
from steepest.ir.picture import picture
from steepest.ir.types import Array, is_floating
from steepest.methods import implements
from steepest.transform.trace import Trace, record

__all__ = ["Picture", "draw", "draw_backward"]


@final
@dataclass(frozen=True)
class Picture:
    """An SVG picture, shown by notebooks.

    Args:
        svg: its text.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<picture: {len(self.svg)} characters of SVG; save(path) writes it to a file>"

    def save(self, path: str | PathLike[str]) -> None:
        """Write the picture to a file, as SVG; a browser opens it.

        Raises:
            ConfigurationError: a name that promises another format, such as ``.png``.
        """
        if not str(path).endswith(".svg"):
            raise ConfigurationError(f"save(): a drawn graph is SVG; name it .svg, not {path}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg)


@implements("W3")
def draw(function: Callable[..., Any], *arguments: Any) -> Picture:
    """Draw what a function computes: every node with its value, and the result's derivative by it.

    Values are green, derivatives ∂result/∂node red, as in the lectures.

    Args:
        function: returns a single number (else the derivatives are left out).
        arguments: its arguments, with the values to show.

    >>> import steepest as st
    >>> picture = st.draw(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0)
    >>> "−12" in picture.svg, "−4" in picture.svg
    (True, True)
    """
    trace = record(function, *map(_as_number, arguments))
    graph = trace.graph
    nodes = graph.nodes
    values = _values(trace, nodes)
    derivatives: dict[Node, str] = {}
    if len(graph.outputs) == 1 and graph.outputs[0].type.size == 1:
        derivatives = _derivatives(trace, nodes)
    return Picture(
        picture(
            nodes,
            graph.outputs,
            values={n: v for n, v in values.items() if n.op is not CONSTANT},
            derivatives=derivatives,
        )
    )


@implements("D3", "W3")
def draw_backward(function: Callable[..., Any], *arguments: Any) -> Picture:
    """Draw the backward computation, which is a graph too: forward values and the gradients' nodes.

    Raises:
        GradientError: the function does not return a single number.

    >>> import steepest as st
    >>> "multiply" in st.draw_backward(lambda x: x * x, 3.0).svg
    True
    """
    trace = record(function, *map(_as_number, arguments))
    outputs = trace.graph.outputs
    if len(outputs) != 1 or outputs[0].type.size != 1:
        raise GradientError("draw_backward(): only a function of a single number has a gradient")
    wrt = [node for node in trace.graph.inputs if is_floating(node.dtype)]
    seed = constant(np.ones(outputs[0].shape, outputs[0].dtype))
    found = [g for g in gradients(outputs, [seed], wrt) if g is not None]
    backward = Graph(trace.graph.inputs, (*outputs, *found))
    nodes = backward.nodes
    return Picture(picture(nodes, backward.outputs, values=_values(trace, nodes)))


def _as_number(argument: Any) -> Any:
    """A whole number stands for a real one here: its derivative is wanted."""
    return float(argument) if type(argument) is int else argument


def _bound(trace: Trace) -> list[Array]:
    """The values of the graph's inputs."""
    own = [
        leaf.data
        for leaf, cell in zip(trace.arguments.leaves, trace.arguments.cells, strict=True)
        if cell is None
    ]
    return [*own, *(cell.value.data for cell in trace.cells), *trace.captured]


def _values(trace: Trace, nodes: Sequence[Node]) -> dict[Node, str]:
    program = Program(trace.graph.inputs, nodes)
    return {n: _short(v) for n, v in zip(nodes, program(*_bound(trace)), strict=True)}


def _derivatives(trace: Trace, nodes: Sequence[Node]) -> dict[Node, str]:
    output = trace.graph.outputs[0]
    given = {node for node in nodes if node in trace.graph.inputs}
    for node in nodes:  # what is written in the program, such as an exponent, does not vary
        if not given.isdisjoint(node.inputs):
            given.add(node)
    wrt = [node for node in nodes if node in given and is_floating(node.dtype)]
    seed = constant(np.ones(output.shape, output.dtype))
    pairs = [(n, g) for n, g in zip(wrt, gradients([output], [seed], wrt), strict=True) if g]
    program = Program(trace.graph.inputs, [g for _, g in pairs])
    results = program(*_bound(trace))
    return {node: _short(value) for (node, _), value in zip(pairs, results, strict=True)}


def _short(value: Array) -> str:
    """A number, or the first few of an array's, in the width of a box."""
    flat = value.reshape(-1)
    if value.ndim == 0:
        return _number(flat[0])
    shown = " ".join(_number(each, 2) for each in flat[:2])
    return f"[{shown}{' …' if flat.size > 2 else ''}]"


def _number(value: Any, digits: int = 4) -> str:
    return f"{value:.{digits}g}".replace("-", "−") if is_floating(value.dtype) else str(value)
