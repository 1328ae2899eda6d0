"""Every op that has a translation to ONNX, held against its own reference in ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest

from kit.draw import generator, inputs
from steepest.errors import ConfigurationError
from steepest.export.stage import fixed
from steepest.export.to_onnx.graph import GraphBuilder
from steepest.export.to_onnx.model import Port, onnx_model
from steepest.export.to_onnx.operators import OPERATORS, onnx_type
from steepest.export.to_onnx.translate import StageTranslation
from steepest.ir.graph import Graph
from steepest.ir.node import Node, placeholder
from steepest.ir.op import OPS, Case, Op
from steepest.ir.types import DTYPES, Array, DType, float32, float64, type_of

# What no network of a table computes, and ONNX has no operator for.
LEFT_OUT = {
    *("copysign", "hypot", "atan2", "nextafter", "signbit", "place", "scatter_add"),
    *("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert", "bitwise_left_shift"),
    *("bitwise_right_shift", "random_bits"),
}
TRANSLATED = {*OPERATORS, "broadcast_to", "iota"}


def computed(op: Op, case: Case, arrays: list[Array]) -> Array:
    nodes = [placeholder(type_of(array), f"x{at}") for at, array in enumerate(arrays)]
    result = op(*nodes, **case.attributes) if nodes else nodeless(op, case)
    build = GraphBuilder()
    names = {node.name: build.name(node.name) for node in nodes}
    translate = StageTranslation(build, build.integers([1]))
    found = translate(fixed(Graph(tuple(nodes), (result,))), names)["output0"]
    build.call("Identity", found)
    model = onnx_model(
        build,
        [Port(node.name, node.dtype, node.shape) for node in nodes],
        [Port("identity", result.dtype, result.shape)],
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    given = {node.name: array for node, array in zip(nodes, arrays, strict=True)}
    return np.asarray(session.run(None, given)[0])


def nodeless(op: Op, case: Case) -> Node:
    return Node(op, (), dict(case.attributes), op.infer(**case.attributes))


def test_every_op_is_translated_or_left_out_on_purpose() -> None:
    assert set(OPS) == TRANSLATED | LEFT_OUT
    assert not TRANSLATED & LEFT_OUT


@pytest.mark.parametrize("dtype", [float32, float64], ids=str)
@pytest.mark.parametrize("name", sorted(TRANSLATED))
def test_a_translation_computes_what_the_op_means(name: str, dtype: DType) -> None:
    op = OPS[name]
    for case in op.cases:
        arrays = inputs(case, generator(), dtype)
        arrays = [each.astype(np.int64) if each.dtype.kind in "iu" else each for each in arrays]
        expected = op.reference(*arrays, **case.attributes)
        found = computed(op, case, arrays)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6)


def test_an_op_without_a_translation_is_named() -> None:
    op = OPS["hypot"]
    with pytest.raises(ConfigurationError, match=r"'hypot'.*--python"):
        computed(op, op.cases[0], inputs(op.cases[0], generator(), float32))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_element_types_have_the_numbers_that_onnx_gives_them(dtype: DType) -> None:
    assert onnx_type(dtype) == onnx.helper.np_dtype_to_tensor_dtype(dtype)
