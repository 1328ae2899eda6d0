"""Columns of every kind through a whole fit: what is learnt from them, and model files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steepest
from steepest.errors import DataError
from steepest.tabular import TableModel

ROWS = 240
RANDOM = np.random.default_rng(5)
FILLING = "the of a with under over near house river garden morning street winter music"
WARM = RANDOM.integers(0, 2, ROWS)


def sentence(is_warm: int) -> str:
    words = list(RANDOM.choice(FILLING.split(), 9))
    words.insert(int(RANDOM.integers(0, 9)), "sunshine" if is_warm else "snowfall")
    return " ".join(words)


NOTES: list[str | None] = [sentence(each) for each in WARM]
PRICES = RANDOM.uniform(10, 5000, ROWS)
QUICK: dict[str, Any] = {
    "training": {"max_epochs": 20, "seed": 1, "batch_size": 16},
    "network": {"hidden_layer_sizes": [16], "dropout": 0.0},
    "optimizer": {"learning_rate": 0.01},
}


def fit(table: dict[str, Any], target: str) -> TableModel:
    options = {**QUICK, "data": {"test": 0.2}}
    return steepest.fit_table(table, target, options, backend="reference")


def score(fitted: TableModel, name: str) -> float:
    assert fitted.results.test is not None
    found = fitted.results.test[name]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def fitted() -> TableModel:
    table = {"note": NOTES, "noise": RANDOM.normal(size=ROWS), "warm": np.where(WARM, "yes", "no")}
    return steepest.fit_table(table, "warm", {**QUICK, "data": {"test": 0.3}})


def test_a_word_among_others_is_learnt(fitted: TableModel) -> None:
    assert score(fitted, "accuracy") > 0.95
    table = {"note": ["snowfall in the garden", "sunshine in the garden"], "noise": [0.0, 0.0]}
    assert fitted.predict(table).tolist() == ["no", "yes"]
    # An unknown word is understood by its pieces.
    table = {"note": ["much snowfalling", "Sunshines!"], "noise": [0.0, 0.0]}
    assert fitted.predict(table).tolist() == ["no", "yes"]


def test_texts_in_a_model_file(fitted: TableModel, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m.safetensors")
    again = steepest.load(tmp_path / "m.safetensors")
    assert isinstance(again, TableModel)
    table: dict[str, Any] = {"note": [*NOTES[:20], None, "1234"], "noise": [0.0] * 22}
    np.testing.assert_array_equal(again.predict_proba(table), fitted.predict_proba(table))


def test_texts_without_a_compiler() -> None:
    table = {"note": NOTES[:60], "warm": np.where(WARM[:60], "yes", "no")}
    short = {"training": {"max_epochs": 1}, "network": {"hidden_layer_sizes": [4]}}
    small = {**short, "preprocessing": {"text_buckets": 64, "text_length": 8}}
    native, reference = (
        steepest.fit_table(table, "warm", small, backend=backend).predict_proba(table)
        for backend in ("native", "reference")
    )
    np.testing.assert_allclose(native, reference, rtol=1e-4)


def test_written_prices_as_target() -> None:
    table = {"size": PRICES / 10, "price": [f"${price:,.2f}" for price in PRICES]}
    fitted = fit(table, "price")
    assert score(fitted, "r2") > 0.7
    found = fitted.evaluate({"size": [100.0, 200.0], "price": ["$1,000", "$2,000.00"]})
    assert found.rows == 2
    assert fitted.predict({"size": [300.0]}).shape == (1,)


def test_dates_that_matter() -> None:
    days = np.datetime64("2023-01-01") + np.arange(ROWS)
    is_weekend = (np.arange(ROWS) + 6) % 7 >= 5
    table = {"day": [str(day) for day in days], "open": np.where(is_weekend, "no", "yes")}
    fitted = fit(table, "open")
    assert score(fitted, "accuracy") > 0.95
    assert fitted.predict({"day": ["2023-03-04", "2023-03-06"]}).tolist() == ["no", "yes"]
    with pytest.raises(DataError, match="row 2, column 'day'"):
        fitted.predict({"day": ["2023-03-04", "4 o'clock"]})


def test_a_column_without_values_is_left_out_and_said() -> None:
    table = {"x": PRICES, "empty": [None] * ROWS, "y": np.where(PRICES > 2500, "a", "b")}
    fitted = fit(table, "y")
    assert "empty" in fitted.schema.describe()
    assert "no value in any row" in fitted.schema.describe()
