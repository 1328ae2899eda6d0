"""What an ONNX graph is built of: nodes and constants, with names that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np

from steepest.errors import extra
from steepest.ir.types import Array, DType

if TYPE_CHECKING:
    import onnx

Attribute: TypeAlias = int | float | str | Sequence[int] | Sequence[str]

OPSET = 17
"""Of the standard operators; read by ONNX Runtime 1.12 (2022) and later."""

OPSET_OF_TABLES = 3
"""Of the domain ai.onnx.ml, which has the operator that looks up a text."""

TABLES = "ai.onnx.ml"


@final
class GraphBuilder:
    """Collects nodes and constants; equal calls in equal order give equal graphs."""

    def __init__(self) -> None:
        with extra("onnx"):
            from onnx import helper, numpy_helper
        self._make_node = helper.make_node
        self._make_attribute = helper.make_attribute
        self._make_tensor = numpy_helper.from_array
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._taken: set[str] = set()

    def call(self, operator: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """Add a node; the name of its only result."""
        (result,) = self.call_for(1, operator, *inputs, domain=domain, **attributes)
        return result

    def call_for(
        self, results: int, operator: str, *inputs: str, domain: str = "", **attributes: Attribute
    ) -> Sequence[str]:
        """Add a node; the names of its results."""
        names = [self.name(operator.lower()) for _ in range(results)]
        node = self._make_node(operator, list(inputs), names, domain=domain)
        node.attribute.extend(self._make_attribute(*each) for each in sorted(attributes.items()))
        self.nodes.append(node)
        return names

    def give(self, value: str, name: str) -> None:
        """Give a value a name that `name` has found, for the outside."""
        self.nodes.append(self._make_node("Identity", [value], [name]))

    def constant(self, array: Array, name: str = "constant") -> str:
        """Add a constant, each value of a type and shape once; its name.

        Args:
            array: numbers, or text as objects.
            name: what it is called, if nothing else is.
        """
        content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
        key = (str(array.dtype), array.shape, content)
        if key not in self._known:
            self._known[key] = self.name(name)
            tensor = self._make_tensor(np.array(array, order="C"), self._known[key])
            self.constants.append(tensor)
        return self._known[key]

    def number(self, value: float, dtype: DType) -> str:
        """Add a number."""
        return self.constant(np.asarray(value, dtype))

    def integers(self, values: Sequence[int]) -> str:
        """Add a list of whole numbers, as shapes and axes are given."""
        return self.constant(np.asarray(values, np.int64))

    def name(self, wanted: str) -> str:
        """Find a name that nothing has yet."""
        found, count = wanted, 1
        while found in self._taken:
            count += 1
            found = f"{wanted}_{count}"
        self._taken.add(found)
        return found
