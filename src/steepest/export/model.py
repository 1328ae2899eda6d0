"""A fitted model taken apart for export: from cells to the network's arrays, outputs, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from steepest.data.kinds import ARRAYS, FittedColumn
from steepest.export.answers import Answer, answer_of
from steepest.export.columns import Group, Place, groups_of, joined, prepared
from steepest.export.stage import Rows, Stage, Tensors, staged
from steepest.ir.types import Array, DType, is_floating
from steepest.nn import Ensemble, Module, evaluating
from steepest.ops.joins import stack
from steepest.ops.rows import converted
from steepest.tabular.model import TableModel
from steepest.tabular.network import network_weights
from steepest.tabular.parts import read_options
from steepest.tensor.tensor import Tensor


@final
@dataclass(frozen=True, eq=False)
class ExportedModel:
    """The stages of a prediction, one after the other.

    Args:
        columns: the features, in the order of the table.
        groups: the same, by how they are computed.
        markers: texts that stand for a missing value, "" among them.
        prepare: of each group by its name: from "cells" to columns of the network's arrays.
        join: from those to the arrays.
        network: from those to outputs.
        members: of an ensemble, the weights of each by name; of one network, its own.
        average: of an ensemble: from the members' outputs (members, rows, outputs) to outputs.
        answer: from outputs to answers.
        says: what the answers are.
    """

    columns: tuple[FittedColumn, ...]
    groups: tuple[Group, ...]
    markers: frozenset[str]
    prepare: Mapping[str, Stage]
    join: Stage
    network: Stage
    members: tuple[Mapping[str, Array], ...]
    average: Stage | None
    answer: Stage
    says: Answer


def exported(model: TableModel) -> ExportedModel:
    """Take a model apart.

    Raises:
        ConfigurationError: it holds something that cannot be exported; says what, and the remedy.
    """
    columns = model.preprocessor.columns
    groups = groups_of(columns)
    markers = read_options(model.configuration.data)
    whole = model.network
    prepare = {each.name: _prepare(each) for each in groups}
    join = _join(groups, prepare, columns, whole.dtype)
    networks = whole.members if isinstance(whole, Ensemble) else [whole]
    network = staged(lambda arrays: _outputs(networks[0], arrays), _rows(join))
    outputs = _rows(network)["outputs"]
    says = answer_of(model.head)
    return ExportedModel(
        columns=columns,
        groups=groups,
        markers=markers.markers,
        prepare=prepare,
        join=join,
        network=network,
        members=tuple(network_weights(each) for each in networks),
        average=_average(whole, outputs) if isinstance(whole, Ensemble) else None,
        answer=staged(lambda arrays: says.compute(arrays["outputs"]), {"outputs": outputs}),
        says=says,
    )


def _prepare(group: Group) -> Stage:
    """From cells to columns of each array, by the names that the next stage has for them."""

    def prepare(arrays: Tensors) -> dict[str, Tensor]:
        found = prepared(group, arrays["cells"])
        return {_joins(group, name, len(found)): values for name, (values, _) in found.items()}

    return staged(prepare, {"cells": group.rows})


def _joins(group: Group, array: str, arrays: int) -> str:
    return group.name if arrays == 1 else f"{group.name}_{array}"


def _join(
    groups: Sequence[Group],
    prepare: Mapping[str, Stage],
    columns: Sequence[FittedColumn],
    dtype: DType,
) -> Stage:
    """The network's arrays, floating-point numbers in its own element type."""
    found: dict[str, list[tuple[str, list[Place]]]] = {}
    for group in groups:
        blank = Tensor(np.zeros((1, *group.rows.rest), group.rows.dtype), None)
        parts = prepared(group, blank)
        for name, (_, places) in parts.items():
            found.setdefault(name, []).append((_joins(group, name, len(parts)), places))

    def join(arrays: Tensors) -> dict[str, Tensor]:
        return {
            name: converted(
                joined(
                    [arrays[part] for part, _ in parts],
                    [place for _, places in parts for place in places],
                    columns,
                ),
                dtype if is_floating(np.dtype(ARRAYS[name])) else np.dtype(ARRAYS[name]),
            )
            for name, parts in sorted(found.items())
        }

    rows = {name: each for stage in prepare.values() for name, each in _rows(stage).items()}
    return staged(join, rows)


def _outputs(network: Module, arrays: Tensors) -> dict[str, Tensor]:
    network.states()  # names the cells as in this network, be it part of a larger one or not
    with evaluating():
        return {"outputs": network(arrays)}


def _rows(stage: Stage) -> dict[str, Rows]:
    """What a stage gives, for the next one to take."""
    found: dict[str, Rows] = {}
    for name, node in stage.outputs.items():
        rest = [extent for extent in stage.extents[node][1:] if extent is not None]
        found[name] = Rows(node.dtype, tuple(rest))
    return found


def _average(ensemble: Ensemble, outputs: Rows) -> Stage:
    """The mean of the members' outputs, each an input of its own."""
    names = [f"outputs_{place}" for place in range(len(ensemble.members))]

    def average(arrays: Tensors) -> dict[str, Tensor]:
        return {"outputs": ensemble.mean(stack([arrays[name] for name in names]))}

    return staged(average, dict.fromkeys(names, outputs))
