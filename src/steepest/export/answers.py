"""From a network's outputs to predictions, written in ops: each head once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import TypeAlias, final

import numpy as np

from steepest.data.target_scale import FAR, Transform
from steepest.errors import ConfigurationError
from steepest.export.columns import named
from steepest.ir.types import float64, int64
from steepest.ops.along import argmax, argsort
from steepest.ops.composite import clip, softmax
from steepest.ops.elementwise import exp, sigmoid
from steepest.ops.index import take_along_axis
from steepest.ops.joins import concat
from steepest.ops.movement import flip
from steepest.ops.reduce import min
from steepest.ops.rows import converted
from steepest.tabular.decision import Costs
from steepest.tabular.heads import (
    ClassHead,
    Counted,
    Head,
    LabelHead,
    NumberHead,
    QuantileHead,
    Standardised,
    Units,
    quantile_columns,
)
from steepest.tensor.tensor import Tensor

Answers: TypeAlias = dict[str, Tensor]
"""Arrays with a row for each row: "prediction", and "probabilities" or "quantiles" if there are."""


@final
@dataclass(frozen=True)
class Answer:
    """What is said for each row.

    Args:
        compute: from outputs (rows, outputs) to answers.
        labels: if there are some, predictions are places in this list.
        columns: names of the columns of each answer, for a table.
    """

    compute: Callable[[Tensor], Answers]
    columns: Mapping[str, tuple[str, ...]]
    labels: tuple[str, ...] = ()


@singledispatch
def answer_of(head: Head) -> Answer:
    """What a head says of its outputs, as `Head.meaning` and `Head.choose` do.

    Raises:
        ConfigurationError: a head that cannot be exported.
    """
    raise ConfigurationError(f"what the model predicts ({head.described}) cannot be exported")


@answer_of.register
def _(head: ClassHead) -> Answer:
    def compute(outputs: Tensor) -> Answers:
        meant = softmax(converted(_tempered(outputs, head.decision.temperature), float64))
        found: Answers = {"prediction": _chosen(meant, head.decision.costs)}
        return {**found, "probabilities": meant} if head.has_probabilities else found

    columns: dict[str, tuple[str, ...]] = {"prediction": ("prediction",)}
    if head.has_probabilities:
        columns["probabilities"] = tuple(f"probability_{label}" for label in head.classes)
    return Answer(compute, columns, head.classes)


@answer_of.register
def _(head: LabelHead) -> Answer:
    firsts = 2 * np.arange(len(head.targets), dtype=np.int64)

    def compute(outputs: Tensor) -> Answers:
        meant = sigmoid(converted(_tempered(outputs, head.decision.temperature), float64))
        chosen = converted(meant > 0.5, int64) + named("first", firsts)
        return {"prediction": chosen, "probabilities": meant}

    names = [each.name for each in head.targets]
    return Answer(
        compute,
        {
            "prediction": tuple(f"prediction_{name}" for name in names),
            "probabilities": tuple(f"probability_{name}" for name in names),
        },
        tuple(label for each in head.targets for label in each.classes),
    )


@answer_of.register
def _(head: NumberHead) -> Answer:
    def compute(outputs: Tensor) -> Answers:
        meant = _numbers(head.units, converted(outputs, float64))
        return {"prediction": meant[:, 0] if len(head.names) == 1 else meant}

    return Answer(compute, {"prediction": _endings(head.names)})


@answer_of.register
def _(head: QuantileHead) -> Answer:
    def compute(outputs: Tensor) -> Answers:
        scores = converted(outputs, float64)
        order = argsort(scores, axis=1)
        ranked = concat(
            [
                take_along_axis(scores, order[:, place : place + 1], axis=1)
                for place in range(head.outputs)
            ],
            axis=1,
        )
        meant = _numbers(head.units, ranked)
        return {"prediction": meant[:, head.middle], "quantiles": meant}

    quantiles = quantile_columns(head.name, head.quantiles)
    return Answer(compute, {"prediction": ("prediction",), "quantiles": quantiles})


def _tempered(outputs: Tensor, temperature: float) -> Tensor:
    return outputs if temperature == 1 else outputs / temperature


def _chosen(meant: Tensor, costs: Costs) -> Tensor:
    """The likeliest class, or that of least expected cost, the later of two equal."""
    if not costs:
        return argmax(meant, axis=1)
    expected = meant @ named("costs", np.array(costs, np.float64))
    least = min(expected, axis=1, keepdims=True)
    good = converted(expected <= least + 1e-12, int64)
    return (len(costs) - 1) - argmax(flip(good, axis=1), axis=1)


@singledispatch
def _numbers(units: Units, outputs: Tensor) -> Tensor:
    """As `Units.expected`."""
    raise ConfigurationError(f"a {units.noun} cannot be exported")


@_numbers.register
def _(units: Counted, outputs: Tensor) -> Tensor:
    return named("mean", np.array(units.means)) * exp(outputs)


@_numbers.register
def _(units: Standardised, outputs: Tensor) -> Tensor:
    scales = units.scales
    if len({each.transform for each in scales}) > 1:
        columns = [
            _original(each.transform, each.centre, each.scale, outputs[:, place : place + 1])
            for place, each in enumerate(scales)
        ]
        return concat(columns, axis=1)
    return _original(
        scales[0].transform,
        named("target_centre", np.array([each.centre for each in scales])),
        named("target_scale", np.array([each.scale for each in scales])),
        outputs,
    )


def _original(
    transform: Transform, centre: Tensor | float, scale: Tensor | float, values: Tensor
) -> Tensor:
    """As `TargetScale.original`: a logarithm is held within 8 deviations, where exp is finite."""
    if transform == "log":
        return exp(centre + scale * clip(values, -FAR, FAR))
    return centre + scale * values


def _endings(names: tuple[str, ...]) -> tuple[str, ...]:
    return ("prediction",) if len(names) == 1 else tuple(f"prediction_{name}" for name in names)
