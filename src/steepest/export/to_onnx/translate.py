"""A stage as nodes of ONNX: op by op, what depends on no row computed beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.export.stage import Extents, Stage
from steepest.export.to_onnx.graph import OPSET, GraphBuilder
from steepest.export.to_onnx.operators import OPERATORS, Call
from steepest.ir.node import CONSTANT, INPUT, Node
from steepest.ir.types import Array


@final
@dataclass(frozen=True)
class _Value:
    """A node's value in the ONNX graph: not stretched yet, or known before anything runs.

    Args:
        name: in the graph; of a known value only once something needs it there.
        extents: fewer or smaller than the node's where a stretch is left to what comes next.
        array: the value, if it depends on no row.
    """

    name: str
    extents: Extents
    array: Array | None = None


@final
class StageTranslation:
    """Writes a stage into a graph that is being built.

    Args:
        build: takes the nodes.
        rows: the name of the number of rows, int64 of shape (1,).

    Raises:
        ConfigurationError: an op has no translation; it is named.
    """

    def __init__(self, build: GraphBuilder, rows: str) -> None:
        self._build = build
        self._rows = rows

    def __call__(self, stage: Stage, inputs: Mapping[str, str]) -> dict[str, str]:
        """Write the stage.

        Args:
            stage: what is computed.
            inputs: the stage's inputs by name → names in the graph.

        Returns:
            The stage's outputs by name → names in the graph.
        """
        values: dict[Node, _Value] = {}
        for name, node in stage.inputs.items():
            values[node] = _Value(inputs[name], stage.extents[node])
        for name, node in stage.parameters.items():
            values[node] = _known(stage.values[name], name)
        for node in stage.nodes:
            if node.op is not INPUT:
                values[node] = self._value(stage, node, [values[each] for each in node.inputs])
        return {
            name: self._full(values[node], stage.extents[node])
            for name, node in stage.outputs.items()
        }

    def _value(self, stage: Stage, node: Node, inputs: list[_Value]) -> _Value:
        if node.op is CONSTANT:
            return _known(node.attributes["value"], "number")
        if node.op.name == "broadcast_to":
            return inputs[0]
        if (folded := _folded(stage, node, inputs)) is not None:
            return _known(folded, "constant")
        translation = OPERATORS.get(node.op.name)
        if translation is None:
            raise ConfigurationError(
                f"the network computes {node.op.name!r}, which ONNX's operators of opset {OPSET} "
                "cannot do; export it with --python"
            )
        wanted, carried = stage.wanted(node), stage.carried[node]
        names = [self._full(*each) for each in zip(inputs, wanted, strict=True)]
        dtype = node.inputs[0].dtype if node.inputs else node.dtype
        call = Call(node.attributes, dtype, wanted, carried, self._shape)
        return _Value(translation(self._build, call, *names), carried)

    def _full(self, value: _Value, wanted: Extents) -> str:
        """The name of a value that has these extents."""
        name = value.name
        if value.array is not None:
            if None not in wanted:
                stretched = np.broadcast_to(value.array, [n or 0 for n in wanted])
                return self._build.constant(stretched, name)
            name = self._build.constant(value.array, name)
        if value.extents == wanted:
            return name
        return self._build.call("Expand", name, self._shape(wanted))

    def _shape(self, extents: Extents) -> str:
        """The name of a shape, int64 of shape (axes,)."""
        if None not in extents:
            return self._build.integers([n or 0 for n in extents])
        parts = [self._rows if n is None else self._build.integers([n]) for n in extents]
        return parts[0] if len(parts) == 1 else self._build.call("Concat", *parts, axis=0)


def _known(array: Array, name: str) -> _Value:
    return _Value(name, array.shape, array)


def _folded(stage: Stage, node: Node, inputs: list[_Value]) -> Array | None:
    """The value of a node that depends on no row, neither in its elements nor in its extents."""
    if None in stage.extents[node]:
        return None
    arrays: list[Array] = []
    for each, value in zip(node.inputs, inputs, strict=True):
        if value.array is None or None in stage.extents[each]:
            return None
        arrays.append(np.broadcast_to(value.array, each.shape))
    with np.errstate(all="ignore"):
        return np.asarray(node.op.reference(*arrays, **node.attributes))
