"""Watched steps: of what a step will do, a few numbers for every layer and parameter."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import cycle
from typing import Any, final

from steepest.errors import ConfigurationError
from steepest.ir.op import Op
from steepest.ir.types import Array, float64, is_floating
from steepest.nn import Module, watching
from steepest.nn.activations import ACTIVATIONS, Activation
from steepest.nn.module import listed
from steepest.ops.elementwise import abs, sqrt, square, where
from steepest.ops.reduce import max, mean, sum
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor
from steepest.train.arrays import Tables
from steepest.train.step import Step, trace_batch
from steepest.train.watched import PARAMETER, WEIGHT, WHOLE, Probe
from steepest.transform.trace import Trace

Probed = list[tuple[Probe, Tensor]]


@final
@dataclass(frozen=True)
class Watching:
    """Which steps are watched: the first, and every so many after it.

    Args:
        every: steps from one to the next; None: no step is.

    Raises:
        ConfigurationError: it is below 1.
    """

    every: int | None

    def __post_init__(self) -> None:
        every: Any = self.every
        if every is None:
            return
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ConfigurationError(
                f"watch is a number of steps from 1 on (watch=50), or None, not {every!r}"
            )

    def is_due(self, taken: int) -> bool:
        """Whether the next step is watched, after so many.

        >>> [Watching(2).is_due(taken) for taken in range(4)]
        [True, False, True, False]
        """
        return self.every is not None and taken % self.every == 0

    def steps_left(self, taken: int) -> int | None:
        """How many steps from the next one until one that is watched comes after it.

        >>> [Watching(2).steps_left(taken) for taken in range(4)]
        [2, 1, 2, 1]
        """
        return None if self.every is None else self.every - taken % self.every


def trace_probes(
    step: Step, x: Tables, y: Array, weights: Array | None, batch: int
) -> tuple[Trace, tuple[Probe, ...]]:
    """The graph of a step whose outputs are the objective and what probes tell.

    To be run on a copy of the state: in company of the probes' sums those of the step, such as the
    norm that clips, may be grouped otherwise, and the bits of what it leaves differ.
    """
    probes: list[Probe] = []

    def watched(*given: Any) -> Sequence[Tensor]:
        before = {cell: cell.value for cell in step.slots}
        with watching() as calls:
            taken = step(*given)
        model = step.objective.model
        probed = _outputs(model, calls) + _changes(model, before, taken.gradients)
        probes.extend(probe for probe, _ in probed)
        return [taken.outputs[0], *(value for _, value in probed)]

    return trace_batch(watched, x, y, weights, batch), tuple(probes)


# ------------------------------------------------------------------------------ outputs of layers


def _outputs(model: Module, calls: Iterable[tuple[object, Any]]) -> Probed:
    """Of every layer's outputs; one that hands on another's (a Sequential) is left out."""
    names = _Names(model)
    seen: set[int] = set()
    found: Probed = []
    for layer, result in calls:
        name = names.next(layer)
        if not isinstance(result, Tensor) or not is_floating(result.dtype) or not result.ndim:
            continue
        if id(result) in seen:
            continue
        seen.add(id(result))
        kind = _kind(layer)
        found += [(Probe(name, kind, what), value) for what, value in _output(layer, result)]
    return found


def _output(layer: object, z: Tensor) -> Iterator[tuple[str, Tensor]]:
    average = mean(z)
    yield "mean", average
    yield "deviation", sqrt(mean(square(z - average)))
    if isinstance(layer, Module):
        return
    low, high = _saturation(layer)
    if low > -math.inf or high < math.inf:
        yield "saturated", mean(((z < low) | (z > high)).astype(z.dtype))
    if z.ndim > 1:
        yield "dead", mean((max(abs(z), axis=0) == 0.0).astype(z.dtype))


def _saturation(layer: object) -> tuple[float, float]:
    """Where an activation is flat; an op such as ``st.tanh`` is the activation of its name."""
    known = ACTIVATIONS.get(layer.name) if isinstance(layer, Op) else layer
    return known.saturation if isinstance(known, Activation) else (-math.inf, math.inf)


@final
class _Names:
    """The name of each layer that is called: the attributes that lead to it."""

    def __init__(self, model: Module) -> None:
        self._modules = {module: name or WHOLE for name, module in model.named()}
        places: dict[int, list[str]] = {}
        for name, part in listed(model):
            if not isinstance(part, Module):
                places.setdefault(id(part), []).append(name)
        self._functions = {part: cycle(names) for part, names in places.items()}
        self._times = Counter[str]()

    def next(self, layer: object) -> str:
        """Of the next call; one function may stand in several places, which are called in order."""
        if isinstance(layer, Module):
            name = self._modules.get(layer) or _kind(layer)
        else:
            places = self._functions.get(id(layer))
            name = _kind(layer) if places is None else next(places)
        self._times[name] += 1
        return name if self._times[name] == 1 else f"{name} ({self._times[name]})"


def _kind(layer: object) -> str:
    if isinstance(layer, Module):
        return type(layer).__name__
    name = getattr(layer, "name", None) or getattr(layer, "__name__", None)
    return name if isinstance(name, str) else type(layer).__name__


# ------------------------------------------------------------------------- changes of parameters


@final
@dataclass(frozen=True)
class Squares:
    """Sums of squares: of a gradient, of parameters, and of their change in this step.

    In float64: the squares of very small gradients are 0 in float32.
    """

    gradient: Tensor
    before: Tensor
    change: Tensor

    @property
    def lengths(self) -> Iterator[tuple[str, Tensor]]:
        """What they say, by name; the ratio is not a number where all parameters are 0."""
        yield "gradient_norm", sqrt(self.gradient)
        yield "norm", sqrt(self.before)
        yield "update_norm", sqrt(self.change)
        share = self.change / where(self.before > 0.0, self.before, 1.0)
        yield "update_ratio", where(self.before > 0.0, sqrt(share), math.nan)


def _changes(
    model: Module, before: Mapping[State, Tensor], gradients: Mapping[State, Tensor]
) -> Probed:
    """Of every parameter, and of the parameters of a layer together."""
    kinds = {name: _kind(module) for name, module in model.named()}
    layers: dict[str, list[Squares]] = {}
    found: Probed = []
    for cell, gradient in gradients.items():
        own = Squares(_sum(gradient), _sum(before[cell]), _sum(cell.value - before[cell]))
        kind = WEIGHT if cell.penalised else PARAMETER
        found += [(Probe(cell.name, kind, what), value) for what, value in own.lengths]
        layers.setdefault(cell.name.rpartition(".")[0], []).append(own)
    for layer, parts in layers.items():
        together = reduce(_together, parts)
        kind = kinds.get(layer, "cells")
        found += [(Probe(layer or WHOLE, kind, what), value) for what, value in together.lengths]
    return found


def _sum(value: Tensor) -> Tensor:
    return sum(square(value.astype(float64)))


def _together(a: Squares, b: Squares) -> Squares:
    return Squares(a.gradient + b.gradient, a.before + b.before, a.change + b.change)
