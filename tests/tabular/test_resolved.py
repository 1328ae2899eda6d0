"""What "auto" comes to, at the sizes where it changes, and the network that follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs

import steepest as st
from steepest.tabular.network import TableNetwork
from steepest.tabular.options import from_plain, parse_value
from steepest.tabular.resolved import Task, automatic_epochs, explicit, resolve
from steepest.tabular.sections.network import Network

GENERATOR = np.random.default_rng(5)
PERIODIC = {"network": {"numeric_embedding": "periodic"}}


@pytest.mark.parametrize(
    ("task", "rows", "epochs"),
    [
        ("classification", 32, 50),
        ("classification", 224, 23),
        ("regression", 257, 20),
        ("regression", 1024, 20),
        ("regression", 1025, 30),
        ("classification", 2048, 30),
        ("classification", 2049, 50),
        ("classification", 16_384, 50),
        ("classification", 16_385, 16),
        ("regression", 16_384, 50),
        ("regression", 16_385, 24),
    ],
)
def test_small_and_large_tables_take_fewer_epochs(task: Task, rows: int, epochs: int) -> None:
    assert automatic_epochs(task, rows) == epochs
    assert resolve(from_plain({}), task, rows, continuous=3).max_epochs == epochs
    assert resolve(from_plain({}), task, rows).max_epochs == 50  # images
    given = from_plain({"training": {"max_epochs": 7}})
    assert resolve(given, task, rows, continuous=3).max_epochs == 7


@pytest.mark.parametrize(
    ("options", "rows", "columns", "embedding"),
    [
        ({}, 2049, 1, "periodic"),
        ({}, 2048, 1, "none"),
        ({}, 2049, 0, "none"),
        ({}, 2049, 64, "periodic"),
        ({}, 2049, 65, "none"),
        ({}, 2049, None, "none"),
        ({"network": {"hidden_layer_sizes": []}}, 2049, 3, "none"),
        ({"preprocessing": {"numeric": "none"}}, 2049, 3, "none"),
        ({"optimizer": {"name": "lbfgs"}}, 2049, 3, "none"),
        ({"optimizer": {"name": "lbfgs"}, **PERIODIC}, 2049, 3, "periodic"),
        (PERIODIC, 10, 3, "periodic"),
        ({"network": {"numeric_embedding": "none"}}, 2049, 3, "none"),
    ],
)
def test_waves_want_rows_and_scaled_numbers(
    options: dict[str, Any], rows: int, columns: int | None, embedding: str
) -> None:
    found = resolve(from_plain(options), "regression", rows, columns)
    assert found.numeric_embedding == embedding


@pytest.mark.parametrize(
    ("given", "rows", "columns", "sizes"),
    [
        ("auto", 1024, 3, (128, 64)),
        ("auto", 1024, 0, (128, 64)),
        ("auto", 1025, 3, (256, 128)),
        ("auto", 2049, 3, (256, 128)),
        ("auto", 100, None, (256, 128)),  # images
        ([7], 100, 3, (7,)),
        ([], 100, 3, ()),
    ],
)
@pytest.mark.parametrize("optimizer", ["adamw", "lbfgs"])
def test_small_tables_have_smaller_layers(
    optimizer: str, given: str | list[int], rows: int, columns: int | None, sizes: tuple[int, ...]
) -> None:
    plain: dict[str, Any] = {
        "network": {"hidden_layer_sizes": given},
        "optimizer": {"name": optimizer},
    }
    options = from_plain(plain)
    found = resolve(options, "classification", rows, columns)
    assert found.hidden_layer_sizes == sizes
    assert explicit(options.network, found).hidden_layer_sizes == sizes
    old = structs.replace(found, hidden_layer_sizes=(256, 128))  # of a file that lacks the field
    if given != "auto":
        assert explicit(options.network, old).hidden_layer_sizes == sizes


@pytest.mark.parametrize(
    ("text", "value"), [("auto", "auto"), ("64", [64]), ("64,32", [64, 32]), ("", [])]
)
def test_layers_are_written_as_before_or_auto(text: str, value: object) -> None:
    assert parse_value("network.hidden_layer_sizes", text) == value


def test_waves_stand_beside_all_numbers_and_come_from_the_columns_that_have_them() -> None:
    network = TableNetwork(
        numeric=5, waving=(0, 1, 3), levels=[], outputs=2, network=Network(), dropout=0.0
    )
    rows = GENERATOR.normal(size=(6, 5)).astype(np.float32)
    assert network.waves is not None
    waves = network.waves(st.tensor(rows[:, [0, 1, 3]])).detach().numpy()
    expected = network.perceptron(st.tensor(np.hstack([rows, waves]))).detach().numpy()
    np.testing.assert_allclose(st.predict(network, {"numeric": rows}), expected, rtol=1e-5)


def test_a_model_with_waves_is_the_same_from_its_file(tmp_path: Any) -> None:  # noqa: ANN401
    x = GENERATOR.normal(size=90)
    sort = [["a", "b", None][row % 3] for row in range(90)]
    columns: Any = {"sort": sort, "x": x, "y": np.sin(5 * x)}
    options = {**PERIODIC, "training": {"max_epochs": 2}}
    model = st.fit_table(columns, "y", options, backend="reference")
    assert model.results.resolved.numeric_embedding == "periodic"
    model.save(tmp_path / "model.safetensors")
    again = st.load(tmp_path / "model.safetensors")
    again.trained.backend = "reference"
    np.testing.assert_array_equal(again.predict(columns), model.predict(columns))
    assert "waves.frequency" in dict(model.network.states())
