"""Tables in float64: columns, weights, training, predictions and the file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.data import Preprocessor, infer_schema, read_table
from steepest.errors import ConfigurationError
from steepest.tabular import TableModel, fit_table
from steepest.tabular.options import from_plain

N = 200


def columns() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=N)
    return {
        "x": x,
        "often": rng.choice(list("abc"), N),
        "seldom": rng.choice(list("abcdefghijklm"), N),
        "value": 100 * x + rng.normal(size=N),
        "label": np.where(x > 0, "yes", "no"),
    }


def fitted(dtype: str, target: str = "value", **training: Any) -> TableModel:  # noqa: ANN401
    options = {
        "data": {"features": ["x", "often", "seldom"]},
        "network": {"hidden_layer_sizes": [8], "batch_norm": "before"},
        "training": {"max_epochs": 2, "dtype": dtype, **training},
    }
    return fit_table(columns(), target, options, backend="reference")


@pytest.mark.parametrize("ensemble", [1, 2])
@pytest.mark.parametrize("target", ["value", "label"])
def test_float64_all_the_way(target: str, ensemble: int, tmp_path: Path) -> None:
    model = fitted("float64", target, ensemble_size=ensemble)
    states = model.network.states().values()
    assert {cell.dtype for cell in states if cell.dtype.kind == "f"} == {np.dtype("float64")}
    assert model.outputs(model.read(columns())).dtype == np.float64
    path = tmp_path / "m.safetensors"
    model.save(path)
    loaded = st.load(path)
    assert isinstance(loaded, TableModel)
    loaded.trained.backend = "reference"
    np.testing.assert_array_equal(
        loaded.outputs(loaded.read(columns())), model.outputs(model.read(columns()))
    )
    assert loaded.evaluate(columns()) == model.evaluate(columns())
    # the same draws and the same steps: what is left is the rounding of float32
    single = fitted("float32", target, ensemble_size=ensemble)
    assert single.outputs(single.read(columns())).dtype == np.float32
    np.testing.assert_allclose(
        single.outputs(single.read(columns())),
        model.outputs(model.read(columns())),
        atol=2e-4,
    )


def test_columns_are_not_rounded_on_the_way() -> None:
    table = read_table(columns())
    schema = infer_schema(table, "label", features=["x", "often"])
    preprocessor = Preprocessor.fit(table, schema, scaling="standard")
    double = preprocessor.transform(table, np.float64)["numeric"]
    x = columns()["x"]
    np.testing.assert_allclose(double[:, 0], (x - x.mean()) / x.std(), rtol=1e-13, atol=1e-15)
    single = preprocessor.transform(table)["numeric"]
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_native_steps_in_float64_are_the_references() -> None:
    outputs = [
        fit_table(
            columns(),
            "value",
            {"training": {"max_epochs": 1, "dtype": "float64"}, "network": {"dropout": 0.0}},
            backend=backend,
        ).predict(columns())
        for backend in ("native", "reference")
    ]
    np.testing.assert_allclose(*outputs, rtol=1e-9)


def test_other_element_types_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"training\.dtype = .*'float32', 'float64'"):
        from_plain({"training": {"dtype": "float16"}})
