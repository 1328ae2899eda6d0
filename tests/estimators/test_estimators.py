"""What estimators take and give back, held against the fit of a table and against each other."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn import base
from sklearn.datasets import load_diabetes, load_iris

import steepest as st
from steepest import NeuralClassifier, NeuralRegressor
from steepest.cli import main
from steepest.errors import ConfigurationError, DataError, ModelFileError

clone: Any = base.clone
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "max_epochs": 3, "random_state": 1}
IRIS: Any = load_iris(as_frame=True)
FLOWERS, KINDS = IRIS.data, IRIS.target
NUMBERS = FLOWERS.to_numpy()
MIXED = pd.DataFrame(
    {
        "size": [1.0, 2.5, np.nan, 4.0, 0.5] * 8,
        "colour": ["red", "blue", None, "red", "green"] * 8,
        "round": [True, False, True, True, False] * 8,
    }
)
SORT = np.where(MIXED["size"] > 2.0, "large", "small")


def quick(**more: Any) -> dict[str, Any]:
    return {**QUICK, **more}


def test_a_fit_is_that_of_the_table() -> None:
    table = {**{name: FLOWERS[name].tolist() for name in FLOWERS}, "y": KINDS.tolist()}
    options = {"network": {"hidden_layer_sizes": [8]}, "training": {"max_epochs": 3, "seed": 1}}
    model = st.fit_table(table, "y", options)
    ours = NeuralClassifier(**QUICK).fit(FLOWERS, KINDS)
    np.testing.assert_array_equal(ours.predict_proba(FLOWERS), model.predict_proba(table))
    assert ours.predict(FLOWERS).tolist() == [int(each) for each in model.predict(table)]
    assert ours.loss_curve_ == [row["loss"] for row in model.history]
    assert ours.validation_curve_ == [row["validation_loss"] for row in model.history]
    assert (ours.n_iter_, ours.best_epoch_) == (3, model.results.best_epoch)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize(
    "given",
    [
        FLOWERS.to_numpy(),
        FLOWERS.to_numpy().tolist(),
        np.asfortranarray(NUMBERS),
        NUMBERS.astype(object),
        csr_array(NUMBERS),
        pd.DataFrame(NUMBERS),
    ],
    ids=lambda given: type(given).__name__,
)
def test_numbers_without_names_may_come_in_anything(given: Any) -> None:
    first = NeuralClassifier(**QUICK).fit(NUMBERS, KINDS)
    other = NeuralClassifier(**QUICK).fit(given, KINDS.tolist())
    np.testing.assert_array_equal(first.predict_proba(NUMBERS), other.predict_proba(given))
    assert not hasattr(other, "feature_names_in_")
    assert [each.shape for each in other.coefs_] == [(4, 8), (8, 3)]
    assert [each.shape for each in other.intercepts_] == [(8,), (3,)]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("frame", [pl.from_pandas(MIXED), pa.Table.from_pandas(MIXED)])
def test_frames_of_any_library_are_alike(frame: Any) -> None:
    ours = NeuralClassifier(**QUICK).fit(MIXED, SORT)
    other = NeuralClassifier(**QUICK).fit(frame, SORT)
    np.testing.assert_array_equal(ours.predict_proba(MIXED), other.predict_proba(frame))
    assert other.feature_names_in_.tolist() == ["size", "colour", "round"]
    assert other.n_features_in_ == 3


CLASSES: dict[str, list[Any]] = {
    "whole": [2, -1, 10],
    "true and false": [True, False],
    "text": ["b", "a", "c"],
    "text of numbers": ["10", "9", "8"],
    "text that may stand for nothing": ["NA", "", "?"],
    "numbers": [1.0, -2.0, 10.0],
}


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("objects", [False, True], ids=["plain", "objects"])
def test_classes_come_back_as_they_were(name: str, objects: bool, tmp_path: Path) -> None:
    classes = np.array(CLASSES[name], dtype=object if objects else None)
    y = classes[KINDS % len(classes)]
    ours = NeuralClassifier(**quick(max_epochs=15, learning_rate=0.05)).fit(NUMBERS, y)
    np.testing.assert_array_equal(ours.classes_, np.unique(y))
    assert ours.classes_.dtype == y.dtype
    assert ours.predict(NUMBERS).dtype == y.dtype
    # The columns of the probabilities are in the order of the classes.
    likeliest = ours.classes_[ours.predict_proba(NUMBERS).argmax(axis=1)]
    np.testing.assert_array_equal(likeliest, ours.predict(NUMBERS))
    assert np.mean(likeliest == y) > 0.75
    ours.save(tmp_path / "model.safetensors")
    loaded = NeuralClassifier.load(tmp_path / "model.safetensors")
    assert loaded.predict(NUMBERS).tolist() == ours.predict(NUMBERS).tolist()
    assert (
        pickle.loads(pickle.dumps(ours)).predict(NUMBERS).tolist()
        == loaded.predict(NUMBERS).tolist()
    )


def test_files_are_those_of_the_command(tmp_path: Path) -> None:
    table, file = tmp_path / "iris.csv", tmp_path / "iris.safetensors"
    FLOWERS.assign(nothing=1, kind=IRIS.target_names[KINDS]).to_csv(table, index=False)
    fit = ["fit", str(table), "--target", "kind", "--max-epochs", "2", "--quiet"]
    assert main([*fit, "--hidden-layer-sizes", "8", "--dropout", "0.1", "--out", str(file)]) == 0
    loaded = NeuralClassifier.load(file)
    frame = pd.read_csv(table).drop(columns="kind")
    assert loaded.predict(frame).tolist() == st.load(file).predict(table).tolist()
    # A frame is read by its names: other columns and another order do not matter.
    assert loaded.predict(frame[frame.columns[::-1]]).tolist() == loaded.predict(frame).tolist()
    assert loaded.hidden_layer_sizes == (8,)
    assert (loaded.dropout, loaded.max_epochs) == (0.1, 2)
    ours = NeuralRegressor(**QUICK, options={"optimizer.schedule": "constant"}).fit(FLOWERS, KINDS)
    ours.save(file)
    again = NeuralRegressor.load(file)
    np.testing.assert_array_equal(again.predict(FLOWERS), st.load(file).predict(FLOWERS))
    assert clone(again).get_params() == ours.get_params()
    with pytest.raises(ModelFileError, match=r"NeuralRegressor\.load"):
        NeuralClassifier.load(file)


@pytest.mark.usefixtures("interpreted")
def test_weights() -> None:
    weights = np.where(KINDS == 2, 0.0, 2.0)
    plain = quick(early_stopping=False)
    ours = NeuralClassifier(**plain).fit(NUMBERS, KINDS, sample_weight=weights)
    without = NeuralClassifier(**plain).fit(NUMBERS[KINDS < 2], KINDS[KINDS < 2])
    assert ours.classes_.tolist() == [0, 1, 2]
    assert without.classes_.tolist() == [0, 1]
    heavy = np.where(KINDS == 1, 3.0, 1.0)
    by_row = NeuralClassifier(**plain).fit(NUMBERS, KINDS, sample_weight=heavy)
    by_class = NeuralClassifier(**plain, class_weight={1: 3.0}).fit(NUMBERS, KINDS)
    assert by_class.loss_curve_ != without.loss_curve_
    np.testing.assert_allclose(by_row.loss_curve_[0], by_class.loss_curve_[0], rtol=0.2)
    with pytest.raises(ConfigurationError, match="7 is not a class of y"):
        NeuralClassifier(**plain, class_weight={7: 3.0}).fit(NUMBERS, KINDS)


@pytest.mark.usefixtures("interpreted")
def test_rows_to_watch() -> None:
    ours = NeuralClassifier(**QUICK)
    ours.fit(NUMBERS[:-20], KINDS[:-20], X_val=NUMBERS[-20:], y_val=KINDS[-20:])
    results = ours.model_.results
    assert (results.training_rows, results.validation_rows) == (130, 20)
    with pytest.raises(ConfigurationError, match="together"):
        ours.fit(NUMBERS, KINDS, X_val=NUMBERS)
    with pytest.raises(DataError, match="'7' is not among the classes"):
        ours.fit(NUMBERS, KINDS, X_val=NUMBERS, y_val=KINDS + 7)


CONSTANT = {"optimizer.schedule": "constant", "optimizer.warm_up": 0.0}


@pytest.mark.parametrize("optimizer", ["adamw", "nesterov"])
def test_passes_one_by_one_are_a_fit(optimizer: str) -> None:
    words = quick(optimizer=optimizer, options=CONSTANT)
    whole = NeuralClassifier(**dict(words, early_stopping=False)).fit(NUMBERS, KINDS)
    parts = NeuralClassifier(**words)
    for _ in range(3):
        parts.partial_fit(NUMBERS, KINDS, classes=[0, 1, 2])
    for ours, theirs in zip(parts.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 3


def test_a_warm_start_keeps_weights_and_the_optimiser() -> None:
    words = quick(early_stopping=False, options=CONSTANT)
    long = NeuralRegressor(**dict(words, max_epochs=6)).fit(NUMBERS, KINDS)
    warm = NeuralRegressor(**words, warm_start=True).fit(NUMBERS, KINDS)
    warm = pickle.loads(pickle.dumps(warm)).fit(NUMBERS, KINDS)
    np.testing.assert_array_equal(warm.coefs_[0], long.coefs_[0])
    assert warm.loss_curve_ == long.loss_curve_
    assert warm.n_iter_ == 3
    # The schedule begins anew, and another optimiser begins with the weights.
    cosine = NeuralRegressor(**quick(warm_start=True)).fit(NUMBERS, KINDS)
    cosine.fit(NUMBERS, KINDS)
    rates = [row["learning_rate"] for row in cosine.history_]
    assert rates[0] > rates[2]
    assert rates[3] == pytest.approx(rates[0])
    before = cosine.loss_curve_[-1]
    cosine.set_params(optimizer="sgd", learning_rate=1e-6).fit(NUMBERS, KINDS)
    assert cosine.loss_curve_[-1] == pytest.approx(before, rel=0.2)
    with pytest.raises(ValueError, match="features"):
        cosine.fit(NUMBERS[:, :2], KINDS)


@pytest.mark.usefixtures("interpreted")
def test_what_a_file_holds_can_learn_more(tmp_path: Path) -> None:
    NeuralClassifier(**QUICK).fit(NUMBERS, KINDS).save(tmp_path / "m.safetensors")
    loaded = NeuralClassifier.load(tmp_path / "m.safetensors")
    before = loaded.loss_curve_[-1]
    for _ in range(3):
        loaded.partial_fit(NUMBERS, KINDS)
    assert loaded.loss_curve_[-1] < before
    assert loaded.n_iter_ == 6


@pytest.mark.usefixtures("interpreted")
def test_several_targets(tmp_path: Path) -> None:
    numbers = pd.DataFrame({"u": FLOWERS.iloc[:, 0], "v": 2.0 * FLOWERS.iloc[:, 1]})
    longer = quick(max_epochs=20, learning_rate=0.05)
    two = NeuralRegressor(**longer).fit(FLOWERS, numbers)
    assert two.predict(FLOWERS).shape == (150, 2)
    assert two.model_.schema.target_names == ("u", "v")
    assert two.score(FLOWERS, numbers) > 0.5
    labels = np.c_[KINDS == 0, KINDS == 2, np.zeros(150)].astype(int)
    several = NeuralClassifier(**longer).fit(FLOWERS, labels)
    several.save(tmp_path / "m.safetensors")
    loaded = NeuralClassifier.load(tmp_path / "m.safetensors")
    for ours in (several, loaded):
        assert ours.predict(FLOWERS).tolist() == (ours.predict_proba(FLOWERS) > 0.5).tolist()
        assert ours.score(FLOWERS, labels) > 0.6
        assert ours.classes_.tolist() == [0, 1, 2]


@pytest.mark.usefixtures("interpreted")
def test_deviations_of_drawn_dropout() -> None:
    x, y = load_diabetes(return_X_y=True)
    mean, deviation = NeuralRegressor(**QUICK).fit(x, y).predict(x[:5], return_std=True)
    assert mean.shape == deviation.shape == (5,)
    assert (deviation > 0).all()
    classes, spread = NeuralClassifier(**QUICK).fit(NUMBERS, KINDS).predict(NUMBERS, True)
    assert set(classes) <= {0, 1, 2}
    assert spread.shape == (150,)


def test_quiet_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    NeuralClassifier(**QUICK).fit(NUMBERS, KINDS)
    assert capsys.readouterr() == ("", "")
    NeuralClassifier(**QUICK, verbose=1).fit(NUMBERS, KINDS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("epoch 1/3  loss ")
    assert re.fullmatch(
        r"3 epochs, finished; kept .*  validation accuracy [\d.]+  baseline [\d.]+", lines[-1]
    )
    NeuralRegressor(**quick(early_stopping=False), verbose=1).fit(NUMBERS, NUMBERS[:, 0])
    assert re.search(r"kept the last weights  loss [\d.]+  rmse ", capsys.readouterr().out)


@pytest.mark.parametrize("kind", ["Int64", "boolean", "int8[pyarrow]", "bool[pyarrow]"])
def test_classes_of_nullable_types_are_theirs_in_the_file(kind: Any) -> None:
    y = pd.Series(KINDS % 2 == 0).astype(kind)
    ours = NeuralClassifier(**QUICK).fit(NUMBERS, y)
    plain = np.unique(KINDS % 2 == 0).astype(bool if "bool" in kind else int)
    assert ours.classes_.tolist() == plain.tolist()
    assert ours.model_.classes == tuple(map(str, plain.tolist()))
    assert ours.score(NUMBERS, y) == ours.score(NUMBERS, y.to_numpy(plain.dtype))
    with pytest.raises(ValueError, match="NaN"):
        ours.fit(NUMBERS, y.where(y.index > 0))


def test_callbacks_may_end_it() -> None:
    ours = NeuralClassifier(**QUICK)
    ours.fit(NUMBERS, KINDS, callbacks=[lambda now: st.Stop() if now.epoch == 2 else None])
    assert ours.n_iter_ == 2


@pytest.mark.usefixtures("interpreted")
def test_options() -> None:
    nested = NeuralClassifier(**QUICK, options={"optimizer": {"schedule": "constant"}})
    dotted = NeuralClassifier(**QUICK).set_params(options__optimizer__schedule="constant")
    one, two = (each.fit(NUMBERS, KINDS).model_.configuration for each in (nested, dotted))
    assert one == two
    assert one.optimizer.schedule == "constant"
    assert clone(dotted).options == {"optimizer.schedule": "constant"}
    numpy = NeuralClassifier(**quick(max_epochs=np.int64(2), l2=np.float32(0.5)))
    assert numpy.fit(NUMBERS, KINDS).n_iter_ == 2
    by_group = NeuralClassifier(**QUICK, options={"data.group": "colour"})
    left = by_group.fit(MIXED.fillna({"colour": "none"}), SORT).model_.schema.left_out
    assert [each.name for each in left] == ["colour"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "activation": ({"activation": "rleu"}, "activation = \"rleu\".*did you mean 'relu'"),
    "layers": ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
    "an option": ({"options": {"optimizer.schedul": "x"}}, "did you mean 'optimizer.schedule'"),
    "a parameter": ({"options": {"training.l2": 1}}, "it is the parameter l2"),
    "the target": ({"options": {"data.target": "y"}}, "it is y"),
    "class weight": ({"class_weight": "even"}, "class_weight"),
    "state": ({"random_state": "one"}, "seed"),
    "driver": ({"optimizer": "lbfgs", "l2": 0.1, "dropout": 0.5}, "dropout"),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_told(name: str) -> None:
    words, told = WRONG[name]
    with pytest.raises(ValueError, match=told):
        NeuralClassifier(**quick(**words)).fit(NUMBERS, KINDS)


@pytest.mark.usefixtures("interpreted")
def test_data_that_cannot_be_used_is_told() -> None:
    ours = NeuralClassifier(**QUICK)
    with pytest.raises(DataError, match="one class only, 'a'"):
        ours.fit(NUMBERS, ["a"] * 150)
    with pytest.raises(DataError, match=r"validation set is too small.*early_stopping=False"):
        ours.fit(NUMBERS[:4], [0, 1, 0, 1])
    with pytest.raises(DataError, match="inconsistent numbers of samples"):
        ours.fit(NUMBERS, KINDS[:-1])
    with pytest.raises(DataError, match="several columns"):
        ours.fit(NUMBERS, np.c_[KINDS, KINDS])
    with pytest.raises(DataError, match="classes must be passed on the first call"):
        ours.partial_fit(NUMBERS, KINDS)
    with pytest.raises(MemoryError, match="TruncatedSVD"):
        ours.fit(csr_array((10**6, 10**5)), np.arange(10**6) % 2)
    assert not hasattr(NeuralClassifier(optimizer="lbfgs"), "partial_fit")


@pytest.mark.usefixtures("interpreted")
def test_small_tables_are_taken_as_they_are() -> None:
    plain = quick(early_stopping=False)
    assert NeuralRegressor(**plain).fit([[2.0]], [4.0]).predict([[2.0]]).tolist() == [4.0]
    one_row = NeuralClassifier(**plain).partial_fit([[3, 2]], [0], classes=[0, 1])
    assert one_row.partial_fit([[1, 2]], [1]).n_iter_ == 2
    rare = np.r_[np.zeros(29), 1].astype(int)
    ours = NeuralClassifier(**QUICK).fit(NUMBERS[:30], rare)
    assert ours.predict_proba(NUMBERS).shape == (150, 2)


@pytest.mark.usefixtures("interpreted")
def test_what_is_equal_in_a_first_batch_may_differ_later() -> None:
    constant = np.c_[NUMBERS, np.ones(150)]
    assert NeuralClassifier(**QUICK).fit(constant, KINDS).coefs_[0].shape == (4, 8)
    batches = NeuralClassifier(**QUICK).partial_fit(constant, KINDS, classes=[0, 1, 2])
    assert batches.coefs_[0].shape == (5, 8)
    # Where nothing else is left it stays too, instead of an error in a fold.
    assert NeuralRegressor(**QUICK).fit(np.ones((20, 1)), np.arange(20)).coefs_[0].shape == (1, 8)


def test_a_notebook_shows_the_parameters_that_differ() -> None:
    given: Any = NeuralClassifier(activation="tanh")
    shown = given._repr_html_()
    assert "NeuralClassifier" in shown
    assert "tanh" in shown


@pytest.mark.usefixtures("interpreted")
def test_the_names_of_targets_do_not_clash() -> None:
    frame = FLOWERS.rename(columns={FLOWERS.columns[0]: "y", FLOWERS.columns[1]: "sample_weight"})
    ours = NeuralClassifier(**QUICK)
    ours.fit(frame, KINDS.rename("y"), sample_weight=np.arange(150) % 3)
    schema = ours.model_.schema
    assert schema.target.name == "y_"
    assert [each.name for each in schema.features] == frame.columns.tolist()


@pytest.mark.usefixtures("interpreted")
def test_an_ensemble() -> None:
    ours = NeuralClassifier(**QUICK, ensemble_size=2, warm_start=True).fit(NUMBERS, KINDS)
    assert len(ours.loss_curve_) == 3
    assert ours.fit(NUMBERS, KINDS).model_.results.networks == 2
    assert len(ours.loss_curve_) == 6
