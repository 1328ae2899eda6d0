"""Logarithms of targets: against a column of logarithms, and when they are chosen."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

import steepest as st
from steepest.cli import main
from steepest.data import TargetScale
from steepest.errors import ConfigurationError, DataError
from steepest.tabular import TableModel, fit_table
from steepest.tabular.target_trial import skewness

N = 300
LAYOUT = {"hidden_layer_sizes": [16], "dropout": 0.0}


def columns(noise: float = 0.1, rows: int = N) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 2))
    y = np.exp(3 + 1.5 * x[:, 0] + noise * rng.normal(size=rows))
    return {"a": x[:, 0], "b": x[:, 1], "y": y}


def fitted(
    table: dict[str, Any],
    transform: str,
    target: Any = "y",  # noqa: ANN401
    data: dict[str, Any] | None = None,
    **training: Any,  # noqa: ANN401
) -> TableModel:
    options = {
        "data": {"features": ["a", "b"], "task": "regression", **(data or {})},
        "preprocessing": {"target": transform},
        "network": LAYOUT,
        "optimizer": {"learning_rate": 0.02},
        "training": {"max_epochs": 20, "batch_size": 54, **training},
    }
    return fit_table(table, target, options, backend="reference")


def test_there_and_back() -> None:
    values = np.random.default_rng(0).lognormal(3, 2, 50)
    scale = TargetScale.fit(values, "log")
    expected = scipy.stats.zscore(np.log(values))
    np.testing.assert_allclose(scale.standardised(values), expected)
    np.testing.assert_allclose(scale.original(scale.standardised(values)), values)
    far = scale.original(np.array([-1e9, -9.0, 9.0, 1e9]))
    assert np.isfinite(far).all()
    assert (np.diff(far) >= 0).all()


@pytest.mark.parametrize("loss", ["half_squared_error", "quantile"])
def test_it_is_what_a_column_of_logarithms_gives(loss: str) -> None:
    table = columns()
    ours = fitted(table, "log", loss=loss)
    theirs = fitted({**table, "y": np.log(table["y"])}, "none", loss=loss)
    rows = ours.read(table)
    np.testing.assert_array_equal(ours.outputs(rows), theirs.outputs(rows))
    np.testing.assert_allclose(ours.predict(rows), np.exp(theirs.predict(rows)))
    if loss == "quantile":
        found = ours.predict_quantiles(rows)
        np.testing.assert_allclose(found, np.exp(theirs.predict_quantiles(rows)))
        assert (np.diff(found, axis=1) >= 0).all()
    score = ours.evaluate(table).first
    errors = ours.predict(table) - table["y"]
    assert (score.name, score.value) == ("rmse", pytest.approx(np.sqrt(np.mean(errors**2))))
    told = [row["validation_rmse"] for row in ours.history]
    assert 0 < min(told) < table["y"].std()


def test_each_of_several_targets_has_its_own_logarithm() -> None:
    table = columns()
    table["z"] = 1e6 * table["y"][::-1]
    model = fitted(table, "log", ["y", "z"])
    predicted = model.predict(table)
    assert (predicted > 0).all()
    assert [each.transform for each in model.preprocessor.target_scales] == ["log", "log"]
    assert np.corrcoef(np.log(predicted[:, 0]), np.log(table["y"]))[0, 1] > 0.9


def test_a_logarithm_that_helps_is_chosen_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = columns()
    model = fitted(table, "auto")
    (note,) = model.results.notes
    assert note.startswith(
        "'y' is skewed, its logarithm is learnt: in short trials validation rmse"
    )
    by_hand = fitted(table, "log")
    np.testing.assert_array_equal(model.predict(table), by_hand.predict(table))
    assert model.to_bytes() == fitted(table, "auto").to_bytes()
    loaded = st.load(_saved(model, tmp_path))
    assert isinstance(loaded, TableModel)
    loaded.trained.backend = "reference"
    np.testing.assert_array_equal(loaded.predict(table), model.predict(table))
    assert note in loaded.summary()

    lines = (",".join(f"{value:.9g}" for value in row) for row in zip(*table.values(), strict=True))
    file = tmp_path / "t.csv"
    file.write_text("\n".join(["a,b,y", *lines]) + "\n")
    arguments = ["--target", "y", "--max-epochs", "5", "--reference", "--json"]
    assert main(["fit", str(file), *arguments, "--out", str(tmp_path / "m.safetensors")]) == 0
    told = capsys.readouterr()
    assert "its logarithm is learnt" in told.err
    assert "its logarithm is learnt" in json.loads(told.out)["notes"][0]


def _saved(model: TableModel, folder: Path) -> Path:
    path = folder / "kept.safetensors"
    model.save(path)
    return path


def test_one_that_does_not_help_is_left_and_said() -> None:
    table = columns()
    steps = 100 * (table["a"] > 1) * table["a"]
    table["y"] = 1e5 * (1 + steps + 5 * np.random.default_rng(1).random(N))
    model = fitted(table, "auto")
    assert model.preprocessor.target_scales[0].transform == "none"
    (note,) = model.results.notes
    told = r"'y' is skewed, but learnt as it is: in short trials validation rmse was \d+, and \d+ "
    assert re.match(told, note)
    np.testing.assert_array_equal(model.predict(table), fitted(table, "none").predict(table))


UNTRIED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "little skew": ({**columns(), "y": 10 + columns()["a"]}, {}),
    "a zero": ({**columns(), "y": columns()["y"] - columns()["y"].min()}, {}),
    "no rows to judge by": (columns(), {"data": {"validation": 0.0}}),
    "counts": ({**columns(), "y": np.round(columns()["y"])}, {"loss": "poisson"}),
    "several targets": ({**columns(), "z": columns()["y"]}, {"target": ["y", "z"]}),
}


@pytest.mark.parametrize("case", UNTRIED)
def test_what_is_not_tried(case: str) -> None:
    table, options = UNTRIED[case]
    given: dict[str, Any] = {"max_epochs": 1, **options}
    model = fitted(table, "auto", **given)
    assert {each.transform for each in model.preprocessor.target_scales} == {"none"}
    assert model.results.notes == ()


def test_trials_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    from steepest.tabular import prepared, target_trial

    seen: list[tuple[int, int, int]] = []
    inner = prepared.prepared_with

    def noted(parts: Any, transform: Any, backend: Any) -> Any:  # noqa: ANN401
        found = inner(parts, transform, backend)
        epochs = found.learner.resolved.max_epochs
        seen.append((len(parts.training), epochs, len(found.learner.networks)))
        return found

    monkeypatch.setattr(prepared, "prepared_with", noted)
    monkeypatch.setattr(target_trial, "ROWS", 100)
    model = fitted(columns(), "auto", max_epochs=11, ensemble_size=2, batch_size=250)
    assert seen == [(100, 10, 1), (100, 10, 1), (model.results.training_rows, 11, 2)]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ((7, 0.0), {}, r"row 8, column 'y': 0 has no logarithm"),
        ((7, -2.5), {}, r"row 8, column 'y': -2.5 has no logarithm"),
        ((), {"loss": "poisson"}, "predicts logarithms already"),
        ((), {"data": {"task": "classification"}}, "is for numbers, and 'y' holds classes"),
    ],
)
def test_logarithms_of_what_has_none_are_refused(
    change: tuple[int, float] | tuple[()], options: dict[str, Any], message: str
) -> None:
    table = columns()
    if change:
        table["y"][change[0]] = change[1]
    if "data" in options:
        table["y"] = np.round(table["a"]).clip(-1, 1)
    with pytest.raises((DataError, ConfigurationError), match=message):
        fitted(table, "log", **options)


@pytest.mark.parametrize("seed", range(3))
def test_skewness_is_scipys(seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(seed, seed + 0.1, 100)
    assert skewness(values) == pytest.approx(scipy.stats.skew(values))
    assert skewness(np.full(5, 3.0)) == 0.0
