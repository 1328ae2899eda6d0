"""A part of a prediction as a graph that holds for any number of rows.

>>> import steepest as st
>>> stage = staged(lambda x: {"y": 2.0 * x["a"]}, {"a": Rows(np.dtype("float32"), (3,))})
>>> [stage.extents[node] for node in stage.nodes if node.inputs]
[(None, 3), (None, 3)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, cast, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.graph import Graph
from steepest.ir.node import Node
from steepest.ir.types import Array, DType
from steepest.rewrite.build import is_pointwise
from steepest.tensor.tensor import Tensor
from steepest.transform.trace import Trace, record

Extents: TypeAlias = tuple[int | None, ...]
"""The extent of each axis; None: as many as there are rows."""

Tensors: TypeAlias = Mapping[str, Tensor]

_FEW, _MORE = 1009, 1013  # rows of two traces: what differs between them is the number of rows


@final
@dataclass(frozen=True)
class Rows:
    """An array that a stage takes: a row for each row of the table.

    Args:
        dtype: of its elements.
        rest: extents of the axes after the rows.
    """

    dtype: DType
    rest: tuple[int, ...]


@final
@dataclass(frozen=True, eq=False)
class Stage:
    """A pure function of rows, and of parameters that are the same for all rows.

    Args:
        inputs: what has rows, by name.
        parameters: what has not: weights and the like, by name.
        values: of the parameters, by name.
        outputs: by name.
        nodes: all of them, inputs before consumers.
        extents: of each node.
    """

    inputs: Mapping[str, Node]
    parameters: Mapping[str, Node]
    values: Mapping[str, Array]
    outputs: Mapping[str, Node]
    nodes: tuple[Node, ...]
    extents: Mapping[Node, Extents]

    @cached_property
    def carried(self) -> Mapping[Node, Extents]:
        """What each node's value has where stretching is left to who needs it.

        ONNX and NumPy stretch the inputs of what they compute element by element, so a broadcast
        is written only before what asks where elements are.
        """
        found: dict[Node, Extents] = {
            node: self.values[name].shape for name, node in self.parameters.items()
        }
        for node in self.nodes:
            if node in found:
                continue
            inputs = [found[each] for each in node.inputs]
            if node.op.name == "broadcast_to":
                found[node] = inputs[0]
            elif is_pointwise(node):
                found[node] = together(inputs)
            else:
                found[node] = self.extents[node]
        return found

    def wanted(self, node: Node) -> tuple[Extents, ...]:
        """The extents that each input must have where the node is computed."""
        which = self.carried if is_pointwise(node) else self.extents
        return tuple(which[each] for each in node.inputs)


def together(shapes: Iterable[Extents]) -> Extents:
    """The extents that arrays have together, as NumPy and ONNX stretch them.

    >>> together([(None, 1), (3,), ()])
    (None, 3)
    """
    given = list(shapes)
    rank = max(len(each) for each in given)
    aligned = [(1,) * (rank - len(each)) + each for each in given]
    return tuple(
        next((extent for extent in extents if extent != 1), 1)
        for extents in zip(*aligned, strict=True)
    )


def staged(function: Callable[[Tensors], Tensors], inputs: Mapping[str, Rows]) -> Stage:
    """Trace a function of rows, for any number of them.

    It is traced for two numbers of rows: an extent that differs between the two graphs is that of
    the rows, whatever else has the same extent by chance.

    Args:
        function: of a mapping of Tensors to one, written in ops.
        inputs: what it takes.

    Raises:
        ConfigurationError: rows are mixed, so that no graph holds for any number of them.
    """
    few, more = (_traced(function, inputs, rows) for rows in (_FEW, _MORE))
    extents: dict[Node, Extents] = {}
    for node, other in zip(few.graph.nodes, more.graph.nodes, strict=True):
        if node.op is not other.op:
            raise ConfigurationError(f"{node.op.name} and {other.op.name}: rows decide the graph")
        pairs = zip(node.shape, other.shape, strict=True)
        extents[node] = tuple(_extent(*pair) for pair in pairs)
    leaves, rest = few.graph.inputs[: len(inputs)], few.graph.inputs[len(inputs) :]
    arrays = [*(np.asarray(cell.value.data) for cell in few.cells), *few.captured]
    parameters: dict[str, Node] = {}
    for node in rest:
        others = sum(1 for each in parameters if each.rpartition("_")[0] == node.name)
        parameters[f"{node.name}_{others + 2}" if node.name in parameters else node.name] = node
    names = list(cast("Mapping[str, Any]", few.result.call(few.graph.outputs)))
    return Stage(
        inputs=dict(zip(sorted(inputs), leaves, strict=True)),
        parameters=parameters,
        values={
            name: _once(array, extents[node])
            for (name, node), array in zip(parameters.items(), arrays, strict=True)
        },
        outputs=dict(zip(names, few.graph.outputs, strict=True)),
        nodes=few.graph.nodes,
        extents=extents,
    )


def fixed(graph: Graph) -> Stage:
    """A graph as it is, whose extents are all known."""
    return Stage(
        inputs={node.name: node for node in graph.inputs},
        parameters={},
        values={},
        outputs={f"output{place}": node for place, node in enumerate(graph.outputs)},
        nodes=graph.nodes,
        extents={node: node.shape for node in graph.nodes},
    )


def _traced(function: Callable[[Tensors], Tensors], inputs: Mapping[str, Rows], rows: int) -> Trace:
    blank = {
        name: Tensor(np.zeros((rows, *inputs[name].rest), inputs[name].dtype), None)
        for name in sorted(inputs)
    }
    return record(function, blank)


def _once(array: Array, extents: Extents) -> Array:
    """An array that was stretched over rows while tracing, for one row."""
    axes = [axis for axis, extent in enumerate(extents) if extent is None]
    first = array[tuple(slice(1) if axis in axes else slice(None) for axis in range(array.ndim))]
    if axes and not np.array_equal(np.broadcast_to(first, array.shape), array):
        raise ConfigurationError("a constant differs from row to row")
    return first


def _extent(few: int, more: int) -> int | None:
    if few == more:
        return few
    if (few, more) != (_FEW, _MORE):
        raise ConfigurationError(f"an axis of {few} for {_FEW} rows: rows are mixed with others")
    return None
