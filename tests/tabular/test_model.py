"""The recipe and the fitted model, through the Python door."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

import steepest as st
from steepest.data import bundled_table
from steepest.errors import ConfigurationError, DataError, ModelFileError, TrainingError
from steepest.tabular import TableModel, fit_table, load
from steepest.tabular.configuration import Configuration
from steepest.tabular.network import TableNetwork
from steepest.tabular.options import from_plain
from steepest.tabular.recipe import make_optimizer, make_rate
from steepest.tabular.resolved import resolve
from steepest.tabular.sections.data import Data
from steepest.tabular.sections.network import Network
from steepest.tabular.sections.optimizer import Optimizer
from steepest.tabular.sections.training import Training

SMALL = Configuration(
    network=Network(hidden_layer_sizes=(8,)), training=Training(max_epochs=3, batch_size=16)
)

OPTIONS: dict[str, Any] = {"training": {"max_epochs": 2}}


def frame(rows: int = 120) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    x = generator.normal(size=rows)
    return pd.DataFrame(
        {
            "x": np.where(np.arange(rows) % 11 == 0, np.nan, x),
            "city": [f"city {k}" for k in generator.integers(20, size=rows)],
            "y": np.where(x > 0, "up", "down"),
        }
    )


@pytest.fixture(scope="module")
def model() -> TableModel:
    return fit_table(frame(), "y", SMALL)


def test_a_frame_a_dictionary_and_a_file_are_the_same(model: TableModel, tmp_path: Path) -> None:
    table = frame()
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    expected = model.predict_proba(table)
    np.testing.assert_array_equal(model.predict_proba(path), expected)
    np.testing.assert_array_equal(model.predict_proba(table.to_dict("list")), expected)
    assert expected.shape == (120, 2)
    np.testing.assert_allclose(expected.sum(1), 1)
    labels = np.array(model.classes)[expected.argmax(1)]
    np.testing.assert_array_equal(model.predict(table), labels)


def test_what_is_saved_predicts_the_same_bits(model: TableModel, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    again = st.load(tmp_path / "m")
    assert isinstance(again, TableModel)
    np.testing.assert_array_equal(again.predict_proba(frame()), model.predict_proba(frame()))
    assert again.schema == model.schema
    assert again.results == model.results
    assert again.configuration == model.configuration
    assert [row["loss"] for row in again.history] == [row["loss"] for row in model.history]
    assert "seconds" not in again.history[0]
    assert again.summary() == model.summary()


def test_a_model_shows_itself(model: TableModel) -> None:
    assert model.results.validation is not None
    assert repr(model).startswith("<TableModel: classification of 'y', validation accuracy ")
    assert "network   2 inputs + 1 embedding -> 8 relu -> 2 classes;" in model.summary()
    options = {**OPTIONS, "data": {"test": 0.2}}
    scored = fit_table(frame(), "x", options, backend="reference")
    assert "regression of 'x', test rmse" in repr(scored)
    shown = scored._repr_html_()  # pyright: ignore[reportPrivateUsage] - notebooks call it
    for words in ("predicts  x", "128 relu", "-&gt;", "test ", "rmse"):
        assert words in shown
    assert "[network]" not in shown
    evaluation = model.evaluate(frame())
    assert repr(evaluation) == str(evaluation) == evaluation.text()


def test_options_as_nested_dictionaries() -> None:
    as_value, as_dictionaries = (
        fit_table(frame(), "y", options, backend="reference")
        for options in (Configuration(training=Training(max_epochs=2)), OPTIONS)
    )
    assert as_value.to_bytes() == as_dictionaries.to_bytes()
    with pytest.raises(ConfigurationError, match="max_epochs"):
        fit_table(frame(), "y", {"training": {"max_epoch": 2}})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"max_epochs": 5}, r"fit_table\(table, target, \{'training': \{'max_epochs': …\}\}\)"),
        ({"seed": 1}, "training.seed is an option"),
        ({"max_epoch": 5}, "did you mean 'max_epochs'.*Configuration"),
        ({"random": 5}, "nested dictionaries"),
        ({"resum": "kept"}, "did you mean 'resume'"),
    ],
)
def test_an_option_given_as_an_argument_is_told_its_place(
    arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        fit_table(frame(), "y", **arguments)


def test_a_target_given_as_a_column_is_told_its_place() -> None:
    table: Any = frame()
    with pytest.raises(
        ConfigurationError, match="the name of the target's column, or a list of names, and Series"
    ):
        fit_table(table.drop(columns="y"), table["y"])


def test_evaluation_is_of_the_saved_rows(model: TableModel) -> None:
    evaluation = model.evaluate(frame())
    assert evaluation["accuracy"] == np.mean(model.predict(frame()) == frame()["y"])


def test_a_level_nobody_trained_contributes_exactly_zero() -> None:
    network = TableNetwork(numeric=1, levels=[3], outputs=2, network=SMALL.network, dropout=0.0)
    inputs = {
        "numeric": np.array([[0.5], [0.5]], np.float32),
        "categories": np.array([[0], [1]], np.int32),
    }
    before = st.predict(network, inputs)
    cell = network.states()["embeddings.0.weight"]
    cell.assign(np.full(cell.shape, 7.0, np.float32))
    after = st.predict(network, inputs)
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])


def test_the_network_is_the_documented_formula() -> None:
    network = TableNetwork(numeric=2, levels=[3, 4], outputs=2, network=SMALL.network, dropout=0.5)
    generator = np.random.default_rng(0)
    numeric = generator.normal(size=(6, 2)).astype(np.float32)
    codes = generator.integers(4, size=(6, 2)).astype(np.int32)
    cells = {name: cell.value.numpy() for name, cell in network.states().items()}
    vectors = [np.pad(cells[f"embeddings.{j}.weight"], [(1, 0), (0, 0)]) for j in (0, 1)]
    x = np.hstack([numeric, *(vectors[j][codes[:, j]] for j in (0, 1))])
    weights = [value for name, value in cells.items() if name.startswith("perceptron")]
    hidden = np.maximum(x @ weights[0].T + weights[1], 0)
    expected = hidden @ weights[2].T + weights[3]
    inputs = {"numeric": numeric, "categories": codes}
    np.testing.assert_allclose(st.predict(network, inputs), expected, rtol=1e-4, atol=1e-5)


def test_labels_and_levels_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    codes = ["1", "01"]  # two levels, although one number
    rows = [f"{k % 7},{codes[k % 2]},00{k % 2}" for k in range(80)]
    path.write_text("\n".join(["x,code,y", *rows]) + "\n")
    configuration = from_plain(
        {"data": {"types": {"code": "categorical"}}, "training": {"max_epochs": 20}}
    )
    fitted = fit_table(path, "y", configuration, backend="reference")
    assert fitted.classes == ("000", "001")
    assert fitted.predict(path).tolist() == [f"00{k % 2}" for k in range(80)]


def test_tables_given_apart_replace_the_shares_of_the_options() -> None:
    shares = msgspec.structs.replace(SMALL, data=Data(target="y", validation=0.25, test=0.25))
    apart: dict[str, Any] = {"validation": frame(40), "test": frame(50)}
    results = fit_table(frame(), None, shares, **apart, backend="reference").results
    counts = (results.training_rows, results.validation_rows, results.test_rows)
    assert counts == (120, 40, 50)


@pytest.mark.parametrize("change", ["missing", "left over", "shape"])
def test_weights_that_do_not_fit_the_options_are_told(
    change: str, model: TableModel, tmp_path: Path
) -> None:
    from steepest.tabular.files import model_bytes, read_model_file

    path = tmp_path / "m.safetensors"
    model.save(path)
    tensors, document = read_model_file(path)
    name = next(iter(tensors))
    if change == "missing":
        del tensors[name]
    elif change == "left over":
        tensors["more"] = tensors[name]
    else:
        tensors[name] = tensors[name][:1]
    path.write_bytes(model_bytes(tensors, document))
    with pytest.raises(ModelFileError, match=r"m\.safetensors is damaged"):
        load(path)


def test_only_categories_or_only_numbers_make_a_network() -> None:
    table = frame()
    for columns in (["city", "y"], ["x", "y"]):
        fitted = fit_table(table[columns], "y", SMALL, backend="reference")
        assert len(fitted.predict(table[columns])) == 120


@pytest.mark.parametrize("name", ["adamw", "adam", "nesterov", "momentum", "sgd"])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_rate_over_time_is_the_documented_one(name: str, schedule: str) -> None:
    configuration = from_plain({"optimizer": {"name": name, "schedule": schedule, "warm_up": 0.2}})
    resolved = resolve(configuration, "regression", 1000)
    rate = make_rate(configuration, resolved, 50)
    assert isinstance(rate, st.optim.schedules.Schedule)
    for step in range(50):
        expected = resolved.learning_rate * min(1, (step + 1) / 11)
        if schedule == "cosine":
            expected *= (1 + math.cos(math.pi * max(0, step - 10) / 40)) / 2
        assert rate(step) == pytest.approx(expected)
    rule = make_optimizer(configuration, resolved, 50)
    assert isinstance(rule, st.optim.Rule)
    assert type(rule) is st.optim.RULES[name]
    assert rule.rate == rate


@pytest.mark.parametrize("name", ["adamw", "adam", "nesterov", "momentum", "sgd"])
def test_every_optimizer_learns_iris(name: str) -> None:
    configuration = from_plain({"optimizer": {"name": name}, "training": {"max_epochs": 15}})
    iris = bundled_table("iris")
    scores = fit_table(iris, "target", configuration, backend="reference").results.validation
    assert scores is not None
    assert (scores["accuracy"] or 0) > 0.6


def test_the_kept_weights_are_those_of_the_best_epoch(model: TableModel) -> None:
    scores, best = model.results.validation, model.results.best_epoch
    assert scores is not None
    losses = [row["validation_loss"] for row in model.history]
    assert best == int(np.argmin(losses)) + 1
    assert scores["log_loss"] == pytest.approx(min(losses), rel=1e-5)


def test_patience_stops_and_zero_never_does() -> None:
    for patience, stopped in ((1, "early stopping"), (0, "finished")):
        training = Training(max_epochs=40, patience=patience, batch_size=32)
        configuration = Configuration(training=training, optimizer=Optimizer(learning_rate=0.05))
        fitted = fit_table(frame(), "y", configuration, backend="reference")
        assert fitted.results.stopped == stopped


def test_callbacks_see_epochs_and_can_stop() -> None:
    seen: list[int] = []

    def watch(now: st.Snapshot) -> st.Stop | None:
        seen.append(now.epoch)
        return st.Stop("enough") if now.epoch == 2 else None

    results = fit_table(frame(), "y", SMALL, callbacks=[watch]).results
    assert seen == [1, 2]
    assert (results.stopped, results.message, results.epochs) == ("callback", "enough", 2)


def test_impossible_options_from_python_are_refused_too() -> None:
    with pytest.raises(ConfigurationError, match=r"training\.max_epochs"):
        fit_table(frame(), "y", Configuration(training=Training(max_epochs=0)))


def test_regression_has_no_probabilities() -> None:
    table = pd.DataFrame({"x": np.arange(60.0), "y": np.arange(60.0) * 3.5})
    fitted = fit_table(table, "y", SMALL, backend="reference")
    with pytest.raises(DataError, match="number"):
        fitted.predict_proba(table)
    assert fitted.predict(table).dtype == np.float64


def test_a_loss_that_is_not_finite_is_explained_and_saves_nothing() -> None:
    configuration = from_plain({"optimizer": {"name": "sgd", "learning_rate": 1000, "warm_up": 0}})
    with pytest.raises(TrainingError, match=r"epoch 1, batch \d+.*learning rate"):
        fit_table(bundled_table("diabetes"), "target", configuration)


def test_penguins_are_told_apart_with_their_missing_values(tables: Path) -> None:
    path = tables / "penguins" / "penguins.csv"
    fitted = fit_table(path, "species")
    scores = fitted.results.validation
    assert scores is not None
    assert (scores["accuracy"] or 0) >= 0.9
    assert len(fitted.predict(path)) == 344


def test_files_of_format_one_stay_readable() -> None:
    """Written by version 0.1.0; must never be written anew."""
    fitted = load(Path(__file__).parent / "format-1.safetensors")
    table = {
        "size": [0.5, None, 2.5],
        "sort": ["a", "b", "never seen"],
        "town": ["town 3", "nowhere", "town 11"],
    }
    assert fitted.predict(table).tolist() == ["small", "large one", "large one"]
    expected = [0.48263817456615665, 0.636904945661882, 0.7231074024155856]
    np.testing.assert_allclose(fitted.predict_proba(table)[:, 0], expected, rtol=1e-4)
