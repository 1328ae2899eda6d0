"""A function of arrays that is asked again and again, for little work each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, final

from steepest.ir.interpret import Program
from steepest.ir.types import Array, TensorType, type_of
from steepest.tensor.modes import no_grad
from steepest.tensor.tensor import Tensor
from steepest.transform.trace import record

Values: TypeAlias = Callable[..., Array]


@final
class Recorded:
    """A function of Tensors, traced for the types of its arrays and then interpreted.

    It computes the same ops on the same values as the function itself, so the bits are the same,
    without the work that goes into each call of an op, which for some rows is nearly all.

    Args:
        function: of Tensors to one Tensor; what draws numbers or reads cells is called as it is.

    >>> import numpy as np, steepest as st
    >>> float(Recorded(lambda x: st.sum(x * 2.0))(np.ones(3, np.float32)))
    6.0
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self._function = function
        self._made: dict[tuple[TensorType, ...], Values] = {}

    def __call__(self, *arrays: Array) -> Array:
        """The function's value for these arrays."""
        types = tuple(type_of(each) for each in arrays)
        if types not in self._made:
            self._made[types] = self._record(arrays)
        return self._made[types](*arrays)

    def _record(self, arrays: tuple[Array, ...]) -> Values:
        with no_grad():
            trace = record(self._function, *(Tensor(each, None) for each in arrays))
        graph = trace.graph
        if trace.cells or trace.captured or graph.updates:
            return self._eager
        program = Program(graph.inputs, graph.outputs)
        return lambda *values: program(*values)[0]

    def _eager(self, *arrays: Array) -> Array:
        with no_grad():
            return self._function(*(Tensor(each, None) for each in arrays)).data
