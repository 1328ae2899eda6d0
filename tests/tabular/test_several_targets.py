"""Several targets: labels and numbers, against scikit-learn and against one target at a time."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.special
from sklearn import metrics

import steepest as st
from steepest.cli import main
from steepest.data import infer_schema, named_targets, read_table
from steepest.errors import ConfigurationError, DataError
from steepest.tabular import TableModel, fit_table, search_table
from steepest.tabular.evaluate_several import (
    evaluate_labels,
    evaluate_numbers,
    several_score_names,
)
from steepest.tabular.scores import rises

N = 240
FEATURES = ["a", "b", "c"]
Columns = dict[str, Any]


@pytest.fixture(scope="module")
def columns() -> Columns:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 3))
    return {
        **dict(zip(FEATURES, x.T, strict=True)),
        "wet": np.where(x[:, 0] + 0.3 * rng.normal(size=N) > 0, "yes", "no"),
        "cold": x[:, 1] > 0.5,
        "steps": 1000 + 5000 * x[:, 0] + 50 * rng.normal(size=N),
        "share": 0.01 * x[:, 1] + 0.001 * rng.normal(size=N),
        "visits": rng.poisson(np.exp(0.5 * x[:, 2] + 3)).astype(float),
        "kind": rng.choice(["u", "v", "w"], N),
    }


def fitted(columns: Columns, targets: list[str] | str, **training: Any) -> TableModel:  # noqa: ANN401
    options = {
        "data": {"features": FEATURES, "test": 0.25},
        "network": {"hidden_layer_sizes": [16], "dropout": 0.01},
        "optimizer": {"learning_rate": 0.01},
        "training": {"max_epochs": 30, "patience": 0, **training},
        "decision": {"calibration": "none"},
    }
    return fit_table(columns, targets, options, backend="reference")


@pytest.fixture(scope="module")
def labels(columns: Columns) -> TableModel:
    return fitted(columns, ["wet", "cold"])


@pytest.fixture(scope="module")
def numbers(columns: Columns) -> TableModel:
    return fitted(columns, ["steps", "share"])


def test_scores_of_labels_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    actual, probability = rng.integers(0, 2, (50, 3)), rng.random((50, 3))
    shares = np.array([0.2, 0.5, 0.9])
    found = evaluate_labels(actual, probability, shares, ["u", "v", "a b"])
    chosen = probability > 0.5
    expected = {
        "accuracy": 1 - metrics.hamming_loss(actual, chosen),
        "subset_accuracy": metrics.accuracy_score(actual, chosen),
        "log_loss": np.mean(
            [metrics.log_loss(actual[:, j], probability[:, j], labels=[0, 1]) for j in range(3)]
        ),
        "roc_auc": metrics.roc_auc_score(actual, probability, average="macro"),
        "average_precision": metrics.average_precision_score(actual, probability, average="macro"),
        "brier": np.mean((actual - probability) ** 2),
        "f1": metrics.f1_score(actual, chosen, average="macro"),
        'roc_auc:"a b"': metrics.roc_auc_score(actual[:, 2], probability[:, 2]),
        "f1:u": metrics.f1_score(actual[:, 0], chosen[:, 0]),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name
    assert [each.name for each in found.scores] == several_score_names(
        "classification", ["u", "v", "a b"]
    )
    baseline = {each.name: each.baseline for each in found.scores}
    assert baseline["accuracy:u"] == pytest.approx(np.mean(actual[:, 0] == 0))
    constant = np.broadcast_to(shares, actual.shape)
    assert baseline["log_loss:v"] == pytest.approx(metrics.log_loss(actual[:, 1], constant[:, 1]))
    assert baseline["subset_accuracy"] == pytest.approx(np.mean((actual == (0, 0, 1)).all(axis=1)))
    assert rises("subset_accuracy")


def test_a_score_of_one_class_is_left_out_of_the_mean() -> None:
    actual = np.array([[1, 0], [1, 1], [1, 0]])
    probability = np.array([[0.5, 0.2], [0.4, 0.9], [0.1, 0.1]])
    found = evaluate_labels(actual, probability, np.array([0.5, 0.5]), ["u", "v"])
    assert found["roc_auc:u"] is None
    assert found["roc_auc"] == found["roc_auc:v"] == 1.0


def test_scores_of_numbers_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    actual, predicted = rng.normal(size=(2, 40, 3)) * np.array([1.0, 100.0, 0.01])
    found = evaluate_numbers(actual, predicted, actual.mean(axis=0), list("uvw"))
    expected = {
        "rmse": metrics.root_mean_squared_error(actual, predicted),
        "mae": metrics.mean_absolute_error(actual, predicted),
        "r2": metrics.r2_score(actual, predicted),
        "r2:w": metrics.r2_score(actual[:, 2], predicted[:, 2]),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name
    assert [each.name for each in found.scores] == several_score_names("regression", list("uvw"))


def test_labels_are_predicted_with_their_probabilities(
    labels: TableModel, columns: Columns, tmp_path: Path
) -> None:
    assert labels.schema.target_names == ("wet", "cold")
    assert labels.results.test is not None
    accuracy = labels.results.test.first
    assert (accuracy.value or 0) > 0.85 > (accuracy.baseline or 1)
    outputs = labels.outputs(labels.read(columns))
    probabilities = labels.predict_proba(columns)
    np.testing.assert_allclose(probabilities, scipy.special.expit(outputs.astype(float)))
    predicted = labels.predict(columns)
    assert predicted.shape == (N, 2)
    np.testing.assert_array_equal(predicted[:, 0], np.where(probabilities[:, 0] > 0.5, "yes", "no"))
    np.testing.assert_array_equal(predicted[:, 1] == "True", probabilities[:, 1] > 0.5)
    path = tmp_path / "labels.safetensors"
    labels.save(path)
    again = st.load(path)
    assert isinstance(again, TableModel)
    again.trained.backend = "reference"
    np.testing.assert_array_equal(again.predict_proba(columns), probabilities)
    assert again.evaluate(columns) == labels.evaluate(columns)
    assert "labels" in again.summary()
    mean, deviation = labels.predict(columns, return_std=True, samples=5)
    assert mean.shape == deviation.shape == (N, 2)
    with pytest.raises(DataError, match=r"row 3, column 'cold': 'maybe' is not a class"):
        labels.evaluate({**columns, "cold": ["True", "False", "maybe", *["True"] * (N - 3)]})


def test_each_number_is_in_its_own_units(numbers: TableModel, columns: Columns) -> None:
    predicted = numbers.predict(columns)
    assert predicted.shape == (N, 2)
    outputs = numbers.outputs(numbers.read(columns)).astype(float)
    rows = numbers.results.training_rows
    for place, name in enumerate(("steps", "share")):
        r2 = metrics.r2_score(columns[name], predicted[:, place])
        assert r2 > 0.85, name
        slope, start = np.polyfit(outputs[:, place], predicted[:, place], 1)
        assert slope == pytest.approx(columns[name].std(), rel=3 / np.sqrt(rows))
        assert start == pytest.approx(numbers.results.baseline[place], rel=1e-6)
    with pytest.raises(DataError, match=r"'steps', 'share' are numbers: they have no prob"):
        numbers.predict_proba(columns)
    last = [row for row in numbers.history if "validation_rmse" in row][-1]
    assert 0 < last["validation_rmse"] < columns["steps"].std()


def test_ensembles_average_probabilities_of_labels(columns: Columns, tmp_path: Path) -> None:
    model = fitted(columns, ["wet", "cold"], ensemble_size=3, max_epochs=2)
    table = model.inputs(model.read(columns))
    each = [st.predict(member, table) for member in model.network.members]  # type: ignore[attr-defined]
    mean = np.mean([scipy.special.expit(one.astype(float)) for one in each], axis=0)
    np.testing.assert_allclose(model.predict_proba(columns), mean, rtol=1e-5)
    model.save(tmp_path / "m.safetensors")
    loaded = st.load(tmp_path / "m.safetensors")
    loaded.trained.backend = "reference"  # type: ignore[union-attr]
    np.testing.assert_array_equal(loaded.predict_proba(columns), model.predict_proba(columns))  # type: ignore[union-attr]


def test_counts_of_several_targets(columns: Columns) -> None:
    columns = {**columns, "others": columns["visits"][::-1].copy()}
    model = fitted(columns, ["visits", "others"], loss="poisson")
    predicted = model.predict(columns)
    assert (predicted > 0).all()
    assert predicted.mean(axis=0) == pytest.approx([columns["visits"].mean()] * 2, rel=0.2)
    bad = {**columns, "others": np.where(np.arange(N) == 4, -1.0, columns["others"])}
    with pytest.raises(DataError, match=r"row 5, column 'others': -1 is negative"):
        fitted(bad, ["visits", "others"], loss="poisson")


def test_rows_that_miss_a_target_are_left_out_and_counted(columns: Columns) -> None:
    table = pd.DataFrame(columns)
    table.loc[[0, 3], "steps"] = np.nan
    table.loc[[3, 7], "share"] = np.nan
    model = fitted(dict(table), ["steps", "share"], max_epochs=1)
    assert [each.missing for each in model.schema.targets] == [2, 2]
    results = model.results
    assert results.training_rows + results.validation_rows + results.test_rows == N - 3
    assert model.evaluate(table).rows == N - 3


REFUSED: list[tuple[str, list[str], dict[str, Any], str]] = [
    ("mixed", ["wet", "steps"], {}, "'wet' is for classification .* 'steps' for regression"),
    ("three classes", ["wet", "kind"], {}, "'kind' has 3 .*; fit it alone"),
    ("unknown", ["wet", "cald"], {}, "has no column 'cald'; did you mean 'cold'"),
    ("quantiles", ["steps", "share"], {"loss": "quantile"}, "quantiles are of one number"),
    ("one label's loss", ["wet", "cold"], {"loss": "cross_entropy"}, "valid: 'multilabel_log"),
    ("several labels' loss", ["wet"], {"loss": "multilabel_logistic"}, "valid: .*cross_entropy"),
    ("class weights", ["wet", "cold"], {"class_weight": "balanced"}, "there are 2 targets"),
]


@pytest.mark.parametrize(("targets", "training", "message"), [each[1:] for each in REFUSED])
def test_what_cannot_be_meant_is_refused(
    columns: Columns, targets: list[str], training: dict[str, Any], message: str
) -> None:
    with pytest.raises((DataError, ConfigurationError), match=message):
        fitted(columns, targets, **training)


def test_no_row_with_all_targets_is_refused() -> None:
    table = {"x": [1, 2, 3, 4], "u": [1.5, None, 2.5, None], "v": [None, 1.5, None, 2.5]}
    with pytest.raises(DataError, match="no row has a value in all 2 targets"):
        infer_schema(read_table(table), ["u", "v"])


def test_a_name_with_a_comma_may_be_a_column() -> None:
    assert named_targets("u,v", ["u", "v", "u,v"]) == ("u,v",)
    assert named_targets("u, v", ["u", "v"]) == ("u", "v")
    assert named_targets("u,w", ["u", "v"]) == ("u", "w")
    assert named_targets(["v", "v"], ["u", "v"]) == ("v",)
    assert named_targets("x,y", ["u"]) == ("x,y",)


@pytest.fixture(scope="module")
def file(columns: Columns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("several") / "table.csv"
    table = pd.DataFrame(columns).rename(columns={"share": "share, of all"})
    table.to_csv(path, index=False)
    return path


QUICK = ["--features", "a,b,c", "--max-epochs", "2", "--hidden-layer-sizes", "8", "--quiet"]
WAYS = [
    ["--target", "wet,cold"],
    ["--target", "wet", "--target", "cold"],
    ["--set", 'data.target=["wet", "cold"]'],
]


def test_every_way_to_name_several_targets_gives_one_model(file: Path, tmp_path: Path) -> None:
    written: list[bytes] = []
    options = tmp_path / "options.toml"
    options.write_text('[data]\ntarget = ["wet", "cold"]\n')
    for number, way in enumerate([*WAYS, ["--config", str(options)]]):
        out = tmp_path / f"{number}.safetensors"
        assert main(["fit", str(file), *way, *QUICK, "--reference", "--out", str(out)]) == 0
        written.append(out.read_bytes())
    # the option is kept as it was written; all else is the same
    assert len(set(written[1:])) == 1
    models = [st.load(tmp_path / f"{number}.safetensors") for number in (0, 1)]
    first, second = (model.predict_proba(str(file)) for model in models)
    np.testing.assert_array_equal(first, second)


def test_predict_writes_a_column_for_each_target(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "m.safetensors")
    assert main(["fit", str(file), "--target", "wet,cold", *QUICK, "--out", out]) == 0
    wanted = ["--probabilities", "--dropout-samples", "3", "--append"]
    assert main(["predict", out, str(file), *wanted]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    ours = [name for name in rows[0] if re.match("(prediction|deviation|probability)_", name)]
    assert ours == [
        f"{what}_{name}"
        for what in ("prediction", "deviation", "probability")
        for name in ("wet", "cold")
    ]
    assert {row["prediction_wet"] for row in rows} <= {"yes", "no"}
    for row in rows:
        assert (row["prediction_wet"] == "yes") == (float(row["probability_wet"]) > 0.5)

    arguments = ["--target", "steps", "--target", "share, of all", *QUICK, "--out", out]
    assert main(["fit", str(file), *arguments]) == 0
    assert main(["predict", out, str(file)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == ["prediction_steps", "prediction_share, of all"]
    assert main(["evaluate", out, str(file), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert {"rmse", "rmse:steps", 'rmse:"share, of all"'} <= {each["name"] for each in scores}


def test_a_search_judges_several_targets(columns: Columns) -> None:
    found = search_table(
        columns,
        ["wet", "cold"],
        {"data": {"features": FEATURES}, "training": {"max_epochs": 1}},
        space={"network": {"embedding_size": [4, 8]}},
        trials=2,
        metric="roc_auc:cold",
        backend="reference",
    )
    assert found.model.schema.target_names == ("wet", "cold")
