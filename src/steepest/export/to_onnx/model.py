"""A graph that has been built as an ONNX model: typed inputs and outputs, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from steepest.errors import extra
from steepest.export.stage import Extents
from steepest.export.to_onnx.graph import OPSET, OPSET_OF_TABLES, TABLES, GraphBuilder
from steepest.export.to_onnx.operators import onnx_type
from steepest.ir.types import DType

if TYPE_CHECKING:
    import onnx

_FORMAT = 8  # of the file: the oldest that has this opset


@final
@dataclass(frozen=True)
class Port:
    """An input or output of the model.

    Args:
        name: as it is bound.
        dtype: of its elements; objects are text.
        extents: of its axes.
        text: what it is, for a person.
    """

    name: str
    dtype: DType
    extents: Extents
    text: str = ""


def onnx_model(
    build: GraphBuilder,
    inputs: list[Port],
    outputs: list[Port],
    *,
    text: str = "",
    metadata: Mapping[str, str] | None = None,
) -> onnx.ModelProto:
    """Put the model together, and have ONNX check it.

    Args:
        build: its nodes and constants.
        inputs: in the order they are shown.
        outputs: likewise; nodes give them by these names.
        text: what the model is, for a person.
        metadata: what programs may want to know of it.
    """
    with extra("onnx"):
        from onnx import checker, helper
    graph = helper.make_graph(
        build.nodes,
        "steepest",
        [_described(each) for each in inputs],
        [_described(each) for each in outputs],
        initializer=build.constants,
    )
    model = helper.make_model(
        graph,
        producer_name="steepest",
        ir_version=_FORMAT,
        opset_imports=[
            helper.make_opsetid("", OPSET),
            helper.make_opsetid(TABLES, OPSET_OF_TABLES),
        ],
        doc_string=text,
    )
    helper.set_model_props(model, dict(metadata or {}))
    checker.check_model(model, full_check=True)
    return model


def _described(port: Port) -> onnx.ValueInfoProto:
    with extra("onnx"):
        from onnx import helper
    extents = ["rows" if each is None else each for each in port.extents]
    return helper.make_tensor_value_info(
        port.name, onnx_type(port.dtype), extents, doc_string=port.text
    )
