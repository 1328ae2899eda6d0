"""A fitted model of a table as an ONNX file: from its columns to predictions and probabilities."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from steepest import __version__
from steepest.data import whole_file
from steepest.errors import ConfigurationError
from steepest.export.columns import TEXTS, Group
from steepest.export.model import ExportedModel, exported
from steepest.export.to_onnx.graph import TABLES, GraphBuilder
from steepest.export.to_onnx.model import Port, onnx_model
from steepest.export.to_onnx.spellings import spellings
from steepest.export.to_onnx.translate import StageTranslation
from steepest.ir.types import float64
from steepest.tabular.model import TableModel

__all__ = ["export_onnx", "onnx_bytes"]

_TEXT = np.dtype(np.object_)


def export_onnx(model: TableModel, path: str | os.PathLike[str]) -> None:
    """Write a model of a table as an ONNX graph, preprocessing included.

    Its inputs are the columns, each (rows, 1): double for numbers, NaN where one is missing, for
    dates and times the seconds since 1970;
    string for categories and booleans, "" where one is missing. Its outputs are `prediction`, a
    label or a number in the target's units, and `probabilities` or `quantiles` if the model has
    them, in double. Text is compared exactly: what reading a file would strip or take for a missing
    value is not recognised, but the file's markers for missing values are. Standard operators only
    (opset 17, ai.onnx.ml 3).

    Args:
        model: that has been fitted.
        path: of the file, which is written whole or not at all.

    Raises:
        ConfigurationError: a column or op that ONNX cannot compute; the library onnx is missing
            (pip install 'steepest[onnx]').
        DataError: the file cannot be written.

    Differs from scikit-learn's skl2onnx, whose graphs take numbers as float32: a year or an
    identifier of ten digits would lose its last ones.

    >>> import onnxruntime, tempfile
    >>> import steepest as st
    >>> from steepest.data import bundled_table
    >>> model = st.fit_table(bundled_table("iris"), "target", {"training": {"max_epochs": 3}})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     st.export_onnx(model, f"{folder}/iris.onnx")
    ...     session = onnxruntime.InferenceSession(f"{folder}/iris.onnx")
    >>> [each.name for each in session.get_outputs()]
    ['prediction', 'probabilities']
    """
    content = onnx_bytes(model)
    with whole_file(path) as file:
        file.write(content)


def onnx_bytes(model: TableModel) -> bytes:
    """Build the file's content; equal models give equal bytes.

    Raises:
        ConfigurationError: as `export_onnx`.
    """
    parts = exported(model)
    texts = [each.name for group in parts.groups if group.cell == "grams" for each in group.columns]
    if texts:
        raise ConfigurationError(
            f"column {texts[0]!r} is free text, whose words are hashed, and ONNX has no operator "
            f"for that; export with --python, or fit again without it (--drop {texts[0]})"
        )
    writer = _Writer(parts)
    outputs = writer.write()
    described = f"Predicts {_listed(model.schema.target_names)}; made by steepest {__version__}."
    built = onnx_model(
        writer.build,
        writer.ports(),
        outputs,
        text=described,
        metadata={
            "steepest": __version__,
            "target": json.dumps(model.schema.target_names, ensure_ascii=False),
            "columns": json.dumps(parts.says.columns, ensure_ascii=False),
        },
    )
    return built.SerializeToString(deterministic=True)


@final
class _Writer:
    """Writes the stages of a model into one graph."""

    def __init__(self, parts: ExportedModel) -> None:
        self._parts = parts
        self.build = GraphBuilder()
        # The first names given are those that the user binds: no other may take them.
        self._inputs = {each.name: self.build.name(each.name) for each in parts.columns}
        self._results = {name: self.build.name(name) for name in parts.says.columns}

    def ports(self) -> list[Port]:
        """The columns as inputs, in the order of the table."""
        cells = {each.name: group.cell for group in self._parts.groups for each in group.columns}
        return [
            Port(name, _TEXT if cells[column] in TEXTS else float64, (None, 1))
            for column, name in self._inputs.items()
        ]

    def write(self) -> list[Port]:
        """Write all nodes; the outputs."""
        parts, build = self._parts, self.build
        first = build.call("Shape", self._inputs[parts.columns[0].name])
        rows = build.call("Slice", first, build.integers([0]), build.integers([1]))
        translate = StageTranslation(build, rows)
        columns: dict[str, str] = {}
        for group in parts.groups:
            cells = {"cells": self._cells(group)}
            columns |= translate(parts.prepare[group.name], cells)
        arrays = translate(parts.join, columns)
        outputs = [
            translate(replace(parts.network, values=weights), arrays)["outputs"]
            for weights in parts.members
        ]
        averaged = outputs[0]
        if parts.average is not None:
            members = {f"outputs_{place}": name for place, name in enumerate(outputs)}
            averaged = translate(parts.average, members)["outputs"]
        answers = translate(parts.answer, {"outputs": averaged})
        return [self._result(name, answers[name]) for name in parts.says.columns]

    def _cells(self, group: Group) -> str:
        """The cells of a group as one array (rows, columns)."""
        names = [self._inputs[each.name] for each in group.columns]
        if group.cell in TEXTS:
            names = [
                self._looked_up(self._inputs[name], spellings(codes, group.cell))
                for name, codes in group.codes.items()
            ]
        return names[0] if len(names) == 1 else self.build.call("Concat", *names, axis=1)

    def _looked_up(self, name: str, codes: Mapping[str, int]) -> str:
        missing = dict.fromkeys(sorted(self._parts.markers), codes[""])
        table = {**missing, **codes}
        return self.build.call(
            "LabelEncoder",
            name,
            domain=TABLES,
            keys_strings=list(table),
            values_int64s=list(table.values()),
            default_int64=0,
        )

    def _result(self, name: str, value: str) -> Port:
        """Give an answer its name; labels in place of their numbers."""
        node, labels = self._parts.answer.outputs[name], self._parts.says.labels
        dtype, extents = node.dtype, self._parts.answer.extents[node]
        if name == "prediction" and labels:
            dtype = _TEXT
            table = self.build.constant(np.array(labels, np.object_), "labels")
            value = self.build.call("Gather", table, value, axis=0)
        self.build.give(value, self._results[name])
        return Port(self._results[name], dtype, extents)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
