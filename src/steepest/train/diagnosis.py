"""Why a loss is not finite: the batch run again, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from steepest.ir.interpret import Program
from steepest.ir.node import Node
from steepest.ir.origin import origin
from steepest.ir.types import Array, is_floating
from steepest.nn.module import title
from steepest.tensor.state import State
from steepest.train.arrays import leaves_of
from steepest.train.step import Objective, trace_layers
from steepest.transform.memory import Memory

_LARGE_WEIGHT, _LARGE_INPUT = 1e3, 1e4
_DOMAIN = ("log", "log1p", "log2", "log10", "sqrt", "divide", "reciprocal", "pow", "acos", "asin")


@final
class Diagnosis:
    """The first values of a batch that are not finite, and what to do.

    Args:
        objective: what was computed.
        memory: the state before the step, which was not kept.
        values: the batch's x, the random key and the step.
        y: the batch's targets.
        weights: the batch's weights.
    """

    def __init__(
        self,
        objective: Objective,
        memory: Memory,
        values: Sequence[Any],
        y: Array,
        weights: Array | None,
    ) -> None:
        self._model = objective.model
        self._memory = memory
        self._x = values[0]
        trace, self._modules = trace_layers(objective, values, y, weights)
        self._outputs = trace.graph.outputs
        bound = [
            *leaves_of(values[0]),
            values[1],
            values[2],
            y,
            *([] if weights is None else [weights]),
        ]
        cells = [memory.read(cell) for cell in trace.cells]
        program = Program(trace.graph.inputs, trace.graph.results)
        self._values = program.every_value(*bound, *cells, *trace.captured)

    @property
    def loss(self) -> float:
        """The batch's loss."""
        return float(self._values[self._outputs[-1]])

    def text(self, rate: float) -> str:
        """Where it begins, the likely cause, the remedy."""
        broken = self._broken_cell()
        if broken is not None:
            return (
                f"the step before left {_word(self._memory.read(broken))} in the parameter "
                f"{broken.name}. The learning rate ({rate:g}) is too high: take a tenth of it"
            )
        node = next((n for n, value in self._values.items() if not _is_finite(value)), None)
        where = f"the first value that is not finite comes out of {self._place(node)}"
        return f"{where}. {self._cause(node, rate)}"

    def _broken_cell(self) -> State | None:
        cells = self._model.states().values()
        return next((cell for cell in cells if not _is_finite(self._memory.read(cell))), None)

    def _place(self, node: Node | None) -> str:
        op = f", in {node.op.name}{_line(node)}" if node is not None else ""
        names = {module: name for name, module in self._model.named()}
        for module, position in self._modules:
            value = self._values.get(self._outputs[position])
            if value is not None and not _is_finite(value):
                return f"{names.get(module) or 'the model'} ({title(module)}{op})"
        return f"the loss itself{op}"

    def _cause(self, node: Node | None, rate: float) -> str:
        weights = [self._memory.read(cell) for cell in self._model.states().values()]
        largest = max((_largest(value) for value in weights), default=0.0)
        inputs = max((_largest(table) for table in leaves_of(self._x)), default=0.0)
        if node is not None and node.op.name in _DOMAIN:
            return (
                f"{node.op.name} has no finite value for what it was given (0, or a number of the "
                "wrong sign): keep its argument away from there, by adding a small constant say"
            )
        if largest > _LARGE_WEIGHT:
            return (
                f"The weights have grown to {largest:.3g}: the learning rate ({rate:g}) is too "
                "high; take a tenth of it, or warm up into it"
            )
        if inputs > _LARGE_INPUT:
            return f"x holds values as large as {inputs:.3g}: standardise its columns"
        return f"Try a smaller learning rate than {rate:g}, and standardised columns"


def _line(node: Node) -> str:
    """The user's line that made a node; not that of the call of ``fit``, which says nothing."""
    return "" if node.origin is None or node.origin == origin() else f" at {node.origin}"


def _is_finite(value: Array) -> bool:
    return not is_floating(value.dtype) or bool(np.isfinite(value).all())


def _largest(value: Array) -> float:
    return float(np.max(np.abs(value), initial=0.0)) if is_floating(value.dtype) else 0.0


def _word(value: Array) -> str:
    return "NaN" if np.isnan(value).any() else "infinity"
