"""Losses and layers of tables: quantiles as intervals, counts, margins, spreads by dropout."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics

import steepest as st
from steepest.cli import main
from steepest.errors import ConfigurationError, DataError
from steepest.losses import LOSSES
from steepest.tabular import TableModel, fit_table, load
from steepest.tabular.recipe import HEADS

Columns = dict[str, Any]
N = 600


@pytest.fixture(scope="module")
def columns() -> Columns:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, N)
    return {
        "x": x,
        "kind": rng.choice(["a", "b", "c"], N),
        "value": 1000 + 500 * x + 100 * (1.2 + x) * rng.normal(size=N),
        "count": rng.poisson(np.exp(1 + x)).astype(float),
        "label": np.where(x + 0.3 * rng.normal(size=N) > 0, "yes", "no"),
    }


def fitted(columns: Columns, target: str, **training: Any) -> TableModel:  # noqa: ANN401
    network, backend = training.pop("network", {}), training.pop("backend", "reference")
    options: Mapping[str, Any] = {
        "data": {"features": ["x", "kind"], "task": training.pop("task", "auto")},
        "network": {"hidden_layer_sizes": [16], **network},
        "optimizer": training.pop("optimizer", {}),
        "training": {"max_epochs": 8, **training},
        "decision": {"calibration": "none"},
    }
    return fit_table(columns, target, options, backend=backend)


def inputs(model: TableModel, columns: Columns) -> dict[str, Any]:
    return {"numeric": model.preprocessor.transform(model.read(columns))["numeric"]}


@pytest.mark.row("O5")
def test_every_loss_of_a_task_trains_a_table(columns: Columns) -> None:
    for task, target in (("classification", "label"), ("regression", "value")):
        for name in [name for name in LOSSES if LOSSES[name].head in HEADS[task]]:  # type: ignore[index]
            wanted = "count" if name == "poisson" else target
            given = "regression" if name == "poisson" else "auto"
            quick = {"batch_size": 90, "optimizer": {"learning_rate": 0.02}}
            model = fitted(columns, wanted, loss=name, task=given, **quick)
            score = model.evaluate(columns).first
            assert score.value is not None
            assert score.baseline is not None
            rising = task == "classification"
            assert (score.value > score.baseline) == rising, (name, score)


@pytest.mark.row("O5")
def test_quantiles_are_intervals_in_the_targets_units(columns: Columns, tmp_path: Path) -> None:
    model = fitted(
        columns,
        "value",
        loss="quantile",
        loss_options={"quantiles": [0.1, 0.5, 0.9]},
        max_epochs=60,
        patience=0,
        network={"dropout": 0.0},
        backend="native",
    )
    found = model.predict_quantiles(columns)
    assert model.quantiles == (0.1, 0.5, 0.9)
    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_array_equal(model.predict(columns), found[:, 1])
    np.testing.assert_allclose(
        (columns["value"][:, None] <= found).mean(axis=0), [0.1, 0.5, 0.9], atol=0.05
    )
    width = 2 * scipy.stats.norm.ppf(0.9) * 100 * (1.2 + columns["x"])
    assert np.corrcoef(found[:, 2] - found[:, 0], width)[0, 1] > 0.8
    evaluation = model.evaluate(columns)
    pinball = [
        sklearn.metrics.mean_pinball_loss(columns["value"], found[:, i], alpha=q)
        for i, q in enumerate(model.quantiles)
    ]
    assert evaluation["pinball"] == pytest.approx(np.mean(pinball))
    inside = (found[:, 0] <= columns["value"]) & (columns["value"] <= found[:, 2])
    assert evaluation["coverage"] == pytest.approx(inside.mean())
    path = tmp_path / "model.safetensors"
    model.save(path)
    np.testing.assert_array_equal(load(path).predict_quantiles(columns), found)


@pytest.mark.row("O5")
def test_crossing_quantiles_are_sorted() -> None:
    from steepest.data import TargetScale
    from steepest.tabular.heads import QuantileHead, Standardised

    levels, units = (0.1, 0.5, 0.9), Standardised((TargetScale(centre=5.0, scale=2.0),))
    head = QuantileHead(st.losses.Quantile(levels), levels, "y", units)
    outputs = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(head.meaning(outputs), [[3.0, 5.0, 7.0], [5.0, 7.0, 9.0]])
    np.testing.assert_array_equal(head.choose(head.meaning(outputs)), [5.0, 7.0])


@pytest.mark.row("O5")
def test_counts_have_a_log_link_and_no_negative_predictions(columns: Columns) -> None:
    poisson: dict[str, Any] = {"loss": "poisson", "task": "regression"}
    model = fitted(columns, "count", **poisson, max_epochs=40, backend="native")
    found = model.predict(columns)
    assert (found > 0).all()
    assert found.mean() == pytest.approx(columns["count"].mean(), rel=0.1)
    assert np.corrcoef(np.log(found), columns["x"])[0, 1] > 0.95
    negative = {**columns, "count": np.where(np.arange(N) == 7, -1.0, columns["count"])}
    with pytest.raises(DataError, match=r"row 8.*-1 is negative, and the loss 'poisson'"):
        fitted(negative, "count", **poisson)


@pytest.mark.row("O5")
def test_margins_have_no_probabilities(columns: Columns) -> None:
    model = fitted(columns, "label", loss="hinge")
    assert set(model.predict(columns)) == {"yes", "no"}
    with pytest.raises(DataError, match="fit with the loss 'cross_entropy'"):
        model.predict_proba(columns)
    evaluation = model.evaluate(columns)
    assert evaluation["log_loss"] is None
    assert evaluation["roc_auc"] is not None


def test_what_does_not_fit_is_refused(columns: Columns) -> None:
    with pytest.raises(ConfigurationError, match="quantiles are of a number"):
        fitted(columns, "label", loss="quantile")
    with pytest.raises(ConfigurationError, match="rising order"):
        fitted(columns, "value", loss="quantile", loss_options={"quantiles": [0.9, 0.1]})
    with pytest.raises(DataError, match="not trained for quantiles"):
        fitted(columns, "value", max_epochs=1).predict_quantiles(columns)


@pytest.mark.row("N2", "N3")
@pytest.mark.parametrize("place", ["before", "after"])
def test_batch_norm_is_an_option_and_predictions_do_not_depend_on_rows_beside(
    columns: Columns, place: str, tmp_path: Path
) -> None:
    model = fitted(columns, "label", network={"batch_norm": place, "initialiser": "orthogonal"})
    found = model.predict_proba(columns)
    few = {name: values[5:8] for name, values in columns.items()}
    np.testing.assert_array_equal(model.predict_proba(few), found[5:8])
    path = tmp_path / "model.safetensors"
    model.save(path)
    np.testing.assert_array_equal(load(path).predict_proba(columns), found)
    with pytest.raises(ConfigurationError, match="a batch of a single row has no variance"):
        fitted(columns, "label", network={"batch_norm": place}, batch_size=1)


@pytest.mark.row("N5")
def test_spread_by_dropout_of_numbers_and_of_probabilities(columns: Columns) -> None:
    model = fitted(columns, "value", network={"dropout": 0.3})
    mean, deviation = model.predict(columns, return_std=True, samples=60, seed=3)
    sampled: dict[str, Any] = {"samples": 60, "backend": "reference"}
    draws = st.sample_predictions(model.network, inputs(model, columns), seed=3, **sampled)
    draws = draws[..., 0]
    (scale,) = model.preprocessor.target_scales
    expected = scale.centre + scale.scale * draws.astype(float)
    np.testing.assert_allclose(mean, expected.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(deviation, expected.std(axis=0), rtol=1e-6)

    model = fitted(columns, "label", network={"dropout": 0.3})
    labels, deviation = model.predict(columns, return_std=True, samples=60)
    draws = st.sample_predictions(model.network, inputs(model, columns), **sampled)
    soft = scipy.special.softmax(draws.astype(float), axis=-1)
    codes = soft.mean(axis=0).argmax(axis=1)
    np.testing.assert_array_equal(labels, np.array(model.classes)[codes])
    np.testing.assert_allclose(deviation, soft.std(axis=0)[np.arange(N), codes], rtol=1e-5)
    plain = fitted(columns, "value", network={"dropout": 0.0}, max_epochs=1)
    with pytest.raises(ConfigurationError, match="draws nothing at random"):
        plain.predict(columns, return_std=True)


@pytest.mark.row("N5", "O5")
def test_the_command_writes_quantiles_and_spreads(
    columns: Columns, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, model = tmp_path / "t.csv", tmp_path / "m.safetensors"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "kind", "value"])
        writer.writerows(zip(columns["x"], columns["kind"], columns["value"], strict=True))

    fit = ("fit", str(table), "--target", "value", "--max-epochs", "3", "-q", "-o", str(model))
    assert main([*fit, "--quantiles", "0.1,0.5,0.9", "--batch-norm", "before"]) == 0
    assert main(["predict", str(model), str(table), "--dropout-samples", "20"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == ["prediction", "deviation", "value_q10", "value_q50", "value_q90"]
    assert len(rows) == N
    assert all(float(row["deviation"]) > 0 for row in rows)
    assert all(float(row["value_q10"]) <= float(row["value_q90"]) for row in rows)
    for words, text in [
        (("predict", str(model), str(table), "--dropout-samples", "1"), "from 2 on"),
        ((*fit, "--quantiles", "10,90"), "between 0 and 1"),
        ((*fit, "--quantiles", "low"), "write numbers between 0 and 1"),
        ((*fit, "--quantiles", "0.5", "--loss", "huber"), "leave --loss huber out"),
        ((*fit, "--loss", "hubber"), "did you mean 'huber'"),
        ((*fit, "--batch-norm", "befor"), "network.batch_norm"),
    ]:
        assert main(list(words)) == 2, words
        said = capsys.readouterr().err
        assert text in said
        assert len(said.strip().splitlines()) <= 2
