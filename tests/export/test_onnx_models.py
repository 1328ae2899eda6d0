"""Exported ONNX graphs of every kind of model predict what the models do, in ONNX Runtime."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from export.fitted import MODELS, UNCLIPPED, Rows, fitted, of_free_text, rows, with_activation
from steepest.errors import ConfigurationError
from steepest.export import onnx_bytes
from steepest.nn.activations import ACTIVATIONS
from steepest.tabular import TableModel


def run(content: bytes, bound: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options)
    given = {each.name: bound[each.name] for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, map(np.asarray, session.run(None, given)), strict=True))


def check(model: TableModel, given: Rows) -> None:
    """The same labels; numbers within 1e-5, of their deviation if they have units."""
    found = run(onnx_bytes(model), given.bound)
    wanted = model.predict(given.cells)
    assert found["prediction"].shape == wanted.shape
    if wanted.dtype.kind in "OU":
        assert found["prediction"].tolist() == wanted.tolist()
    else:
        scale = float(np.std(wanted)) + 1e-3
        np.testing.assert_allclose(found["prediction"], wanted, rtol=1e-6, atol=1e-5 * scale)
    assert ("probabilities" in found) == model.has_probabilities
    if "probabilities" in found:
        np.testing.assert_allclose(
            found["probabilities"], model.predict_proba(given.cells), rtol=0, atol=1e-5
        )
    if "quantiles" in found:
        quantiles = model.predict_quantiles(given.cells)
        np.testing.assert_allclose(found["quantiles"], quantiles, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_graph_predicts_what_the_model_does(name: str) -> None:
    huge = 1e6 if name in UNCLIPPED else 1e300
    check(fitted(name), rows(300, 1, odd=True, huge=huge))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_in_a_graph(activation: str) -> None:
    check(with_activation(activation), rows(50, 2, odd=True))


def test_a_graph_takes_any_number_of_rows() -> None:
    content = onnx_bytes(fitted("ensemble of classes"))
    whole = rows(40, 3)
    probabilities = run(content, whole.bound)["probabilities"]
    one = run(content, {name: values[:1] for name, values in whole.bound.items()})
    none = run(content, {name: values[:0] for name, values in whole.bound.items()})
    np.testing.assert_allclose(one["probabilities"], probabilities[:1], atol=1e-7)
    assert none["probabilities"].shape == (0, 3)
    assert none["prediction"].shape == (0,)


def test_equal_models_give_equal_bytes_that_the_checker_accepts() -> None:
    content = onnx_bytes(fitted("classes"))
    assert content == onnx_bytes(fitted("classes"))
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert {each.domain: each.version for each in model.opset_import} == {"": 17, "ai.onnx.ml": 3}
    kinds = {each.name: each.type.tensor_type.elem_type for each in model.graph.input}
    assert kinds["farbe"] == onnx.TensorProto.STRING
    assert kinds["moment"] == kinds["size"] == onnx.TensorProto.DOUBLE
    assert [each.name for each in model.graph.input][:2] == ["size", 'say "hi",\n{name}']


def test_free_text_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"'story' is free text.*--python.*--drop story"):
        onnx_bytes(of_free_text())
