"""Preprocessing against independent computations, and what it must never do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from steepest.data import (
    Preprocessor,
    infer_schema,
    read_table,
    smooth_clip,
    standardise,
)
from steepest.data.kinds import CategoricalColumn, NumericColumn
from steepest.data.scaling import minmax, robust, standard
from steepest.errors import ConfigurationError, DataError, ModelFileError

RANDOM = np.random.default_rng(0)
REALS = RANDOM.normal(3.0, 7.0, size=60)
CYCLE = [f"level {row % 3}" for row in range(60)]
CLASSES = ["no", "yes"] * 30


def fit(
    columns: dict[str, Any], *, scaling: str = "robust", one_hot_levels: int = 8
) -> Preprocessor:
    table = read_table({**columns, "y": CLASSES[: len(next(iter(columns.values())))]})
    return Preprocessor.fit(
        table, infer_schema(table, "y"), scaling=scaling, one_hot_levels=one_hot_levels
    )


def categories(preprocessor: Preprocessor) -> CategoricalColumn:
    (column,) = preprocessor.columns
    assert isinstance(column, CategoricalColumn)
    return column


def numeric(preprocessor: Preprocessor, columns: dict[str, Any]) -> np.ndarray[Any, Any]:
    return preprocessor.transform(read_table(columns))["numeric"]


def test_robust_against_scikit_learn() -> None:
    found = numeric(fit({"x": REALS}), {"x": REALS})
    scaled = RobustScaler().fit_transform(REALS[:, None])
    expected = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("scaling", "reference"),
    [("standard", StandardScaler()), ("minmax", MinMaxScaler((-1, 1)))],
)
def test_scalings_against_scikit_learn(
    scaling: str, reference: StandardScaler | MinMaxScaler
) -> None:
    found = numeric(fit({"x": REALS}, scaling=scaling), {"x": REALS})
    np.testing.assert_allclose(found, reference.fit_transform(REALS[:, None]), rtol=1e-5, atol=1e-6)


def test_no_scaling() -> None:
    found = numeric(fit({"x": REALS}, scaling="none"), {"x": REALS})
    np.testing.assert_allclose(found[:, 0], REALS, rtol=1e-6)


def test_numbers_too_large_for_the_network_are_its_largest() -> None:
    values = [-1e200, 0.0, 1.0, 1e300]
    found = numeric(fit({"x": values}, scaling="none"), {"x": values})[:, 0]
    np.testing.assert_allclose(found, [-3e38, 0.0, 1.0, 3e38], rtol=1e-6)


def test_robust_falls_back_to_the_range_and_then_to_zero() -> None:
    mostly_zero = np.array([0.0] * 9 + [4.0])
    assert robust(mostly_zero) == (0.0, 0.5)
    assert robust(np.full(5, 7.0)) == (7.0, 0.0)


@pytest.mark.parametrize("scaling", [robust, standard, minmax])
@given(values=arrays(np.float64, st.integers(1, 9), elements=st.floats(-1e300, 1e300)))
def test_scales_are_finite_and_not_negative(
    scaling: Callable[..., tuple[float, float]], values: np.ndarray[Any, Any]
) -> None:
    centre, scale = scaling(values)
    assert np.isfinite(scale)
    assert scale >= 0
    assert values.min() <= centre <= values.max()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_smooth_clip_keeps_sign_order_and_bounds(value: float) -> None:
    clipped = float(smooth_clip(np.array([value]))[0])
    assert abs(clipped) <= min(abs(value), 3.0) * (1 + 1e-15)
    assert np.sign(clipped) == np.sign(value)
    if abs(value) < 1e-3:
        assert clipped == pytest.approx(value, rel=1e-6)


def test_missing_numbers_become_the_median_with_an_indicator() -> None:
    values = [1.0, None, 3.0, 10.0]
    preprocessor = fit({"x": values, "z": [1, 2, 3, 4]}, scaling="none")
    assert preprocessor.numeric_names == ("x", "x is missing", "z")
    found = numeric(preprocessor, {"x": values, "z": [1, 2, 3, 4]})
    assert found.tolist() == [[1, 0, 1], [3, 1, 2], [3, 0, 3], [10, 0, 4]]


def test_a_value_missing_only_at_prediction_becomes_the_median() -> None:
    preprocessor = fit({"x": [1.0, 3.0, 8.0, 9.0]}, scaling="none")
    assert numeric(preprocessor, {"x": [None, 2.0]}).tolist() == [[5.5], [2.0]]


@pytest.mark.parametrize("missing", [False, True])
def test_one_hot_against_scikit_learn(missing: bool) -> None:
    levels = [None if missing and row % 5 == 0 else text for row, text in enumerate(CYCLE)]
    preprocessor = fit({"s": levels})
    tested = {"s": [*levels, "unknown"]}
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    # scikit-learn takes an empty text for a level; ours stands last, which sorting by "~" mimics.
    encoder.fit([[text or "~"] for text in levels])
    expected = encoder.transform([[text or "~"] for text in tested["s"]])
    np.testing.assert_array_equal(numeric(preprocessor, tested), expected)
    assert preprocessor.transform(read_table(tested))["categories"].shape == (61, 0)


def test_a_level_nobody_trained_contributes_exactly_zero() -> None:
    many = [f"level {row % 12:02}" for row in range(60)]
    preprocessor = fit({"few": CYCLE, "many": many})
    inputs = preprocessor.transform(
        read_table({"few": ["new", "level 1", None], "many": ["new", "level 11", None]})
    )
    assert inputs["numeric"].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert inputs["categories"].tolist() == [[0], [12], [0]]
    assert inputs["categories"].dtype == np.int32
    assert preprocessor.unseen_levels(read_table({"few": ["new", None], "many": ["b", "a"]})) == {
        "few": ("new",),
        "many": ("b", "a"),
    }


def test_missing_counts_as_a_level_at_the_one_hot_limit() -> None:
    eight = [f"level {row % 8}" for row in range(60)]
    assert categories(fit({"s": eight})).one_hot
    with_missing = fit({"s": [None, *eight[1:]]})
    assert not categories(with_missing).one_hot
    assert categories(with_missing).size == 9
    codes = with_missing.transform(read_table({"s": [None, "level 0", "x"]}))["categories"]
    assert codes.tolist() == [[9], [1], [0]]
    assert categories(fit({"s": [None, *eight[1:]]}, one_hot_levels=9)).one_hot
    assert not categories(fit({"s": CYCLE}, one_hot_levels=0)).one_hot


def test_only_training_rows_count() -> None:
    table = read_table(
        {"x": [1.0, 3.0, 1000.0, None], "s": ["a", "b", "c", "c"], "y": [0.5, 1.5, 99.0, 98.0]}
    )
    preprocessor = Preprocessor.fit(table.take(slice(0, 2)), infer_schema(table, "y"))
    number, sort = preprocessor.columns
    assert isinstance(number, NumericColumn)
    assert number.centre == 2.0
    assert not number.indicator
    assert isinstance(sort, CategoricalColumn)
    assert sort.levels == ("a", "b")
    (scale,) = preprocessor.target_scales
    assert scale.centre == 1.0


def test_a_column_without_values_in_the_training_rows() -> None:
    table = read_table({"x": [None, None, 2.0, 3.0], "y": list("abab")})
    preprocessor = Preprocessor.fit(table.take(slice(0, 2)), infer_schema(table, "y"))
    assert preprocessor.transform(table)["numeric"].tolist() == [[0.0]] * 4


def test_numbers_as_levels() -> None:
    table = read_table({"n": [2, None, 10, 2], "y": list("abab")})
    schema = infer_schema(table, "y", types={"n": "categorical"})
    preprocessor = Preprocessor.fit(table, schema)
    assert preprocessor.numeric_names == ("n=2", "n=10", "n is missing")
    assert preprocessor.transform(table)["numeric"].argmax(axis=1).tolist() == [0, 2, 1, 0]


def test_levels_are_the_same_through_every_door() -> None:
    preprocessor = fit({"n": ["1", "2.0", "x"] * 20, "t": ["true", "false"] * 30})
    assert preprocessor.numeric_names == ("n=1", "n=2.0", "n=x", "t")
    found = numeric(preprocessor, {"n": [1.0, 2.0, 7.0], "t": [True, False, None]})
    assert found.tolist() == [[1, 0, 0, 1], [0, 1, 0, -1], [0, 0, 0, 0]]


def test_text_columns_that_hold_numbers_are_read_as_numbers() -> None:
    preprocessor = fit({"x": [1.0, 3.0, 8.0, 9.0]}, scaling="none")
    table = read_table({"x": ["2.5", "?"]})
    assert preprocessor.transform(table)["numeric"].tolist() == [[2.5], [5.5]]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"s": ["level 1"]}, "no column 'x'"),
        ({"x": ["1", "abc"], "s": ["a", "a"]}, "row 2, column 'x': 'abc' is not a number"),
        ({"x": [1, np.inf], "s": ["a", "a"]}, "row 2, column 'x': the value is infinite"),
        ({"x": [1, 2], "s": [None, 7]}, r"row 2, column 's': 7(\.0)? is a number.*was text"),
        ({"x": [1, 2], "s": ["7", "8"]}, r"row 1, column 's': 7 is a number.*was text"),
    ],
)
def test_rows_that_do_not_fit(columns: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        fit({"x": REALS, "s": CYCLE}).transform(read_table(columns))


def test_extra_columns_are_ignored() -> None:
    preprocessor = fit({"x": REALS})
    plain = numeric(preprocessor, {"x": REALS})
    np.testing.assert_array_equal(
        numeric(preprocessor, {"new": CYCLE, "x": REALS, "y": [None] * 60}), plain
    )


def test_classes_are_numbered_in_order() -> None:
    preprocessor = fit({"x": REALS})
    codes = preprocessor.transform_target(read_table({"y": ["yes", "no"]}))
    assert codes.dtype == np.int32
    assert codes.tolist() == [1, 0]
    with pytest.raises(DataError, match=r"row 2, column 'y': 'yess' is not a class .* 'yes'"):
        preprocessor.transform_target(read_table({"y": ["yes", "yess"]}))
    with pytest.raises(DataError, match="row 2, column 'y': the label is missing"):
        preprocessor.transform_target(read_table({"y": ["yes", None]}))
    with pytest.raises(DataError, match="has classes"):
        preprocessor.inverse_target(np.zeros(1))


@given(arrays(np.float64, 12, elements=st.floats(-1e6, 1e6), unique=True))
def test_regression_targets_come_back_in_their_units(values: np.ndarray[Any, Any]) -> None:
    table = read_table({"x": REALS[:12], "y": values})
    preprocessor = Preprocessor.fit(table, infer_schema(table, "y", task="regression"))
    found = preprocessor.transform_target(table)
    expected = StandardScaler().fit_transform(values[:, None])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(preprocessor.inverse_target(found), values, rtol=1e-9, atol=1e-6)


def test_a_regression_target_must_be_there() -> None:
    table = read_table({"x": REALS[:4], "y": [0.5, 1.5, None, 3.0]})
    schema = infer_schema(table, "y")
    with pytest.raises(DataError, match="row 3, column 'y': the target is missing"):
        Preprocessor.fit(table, schema)


def test_json_holds_everything() -> None:
    columns = {"x": [None, *REALS[1:]], "few": CYCLE, "many": [f"k{r % 15}" for r in range(60)]}
    preprocessor = fit(columns, scaling="standard")
    rebuilt = Preprocessor.from_json(json.loads(json.dumps(preprocessor.to_json())))
    assert rebuilt == preprocessor
    for name, array in preprocessor.transform(read_table(columns)).items():
        np.testing.assert_array_equal(rebuilt.transform(read_table(columns))[name], array)
    for key in preprocessor.to_json():
        damaged = preprocessor.to_json()
        del damaged[key]
        with pytest.raises(ModelFileError):
            Preprocessor.from_json(damaged)


@pytest.mark.parametrize(
    ("name", "value"),
    [("scaling", "robus"), ("centre", "1"), ("kind", "numbers"), ("name", "z"), ("fill", None)],
)
def test_damaged_columns(name: str, value: object) -> None:
    written = fit({"x": REALS, "s": CYCLE}).to_json()
    written["columns"][0][name] = value
    with pytest.raises(ModelFileError, match="cannot be read"):
        Preprocessor.from_json(written)


def test_impossible_options() -> None:
    with pytest.raises(ConfigurationError, match=r"'robus'; did you mean 'robust'"):
        fit({"x": REALS}, scaling="robus")
    with pytest.raises(ConfigurationError, match="one_hot_levels"):
        fit({"x": REALS}, one_hot_levels=-1)


@pytest.mark.row("N1")
def test_arrays_against_scikit_learn() -> None:
    train, other = RANDOM.normal(2, 3, (20, 4)), RANDOM.normal(0, 1, (5, 4))
    train[:, 2] = other[:3, 2] = 0.1  # constant: σ of these is rounding, not spread
    scaler = StandardScaler().fit(train)
    expected, expected_other = (np.asarray(scaler.transform(each)) for each in (train, other))
    varying = [0, 1, 3]
    found, moved = standardise(train, other)
    np.testing.assert_allclose(found[:, varying], expected[:, varying], atol=1e-12)
    np.testing.assert_allclose(moved[:, varying], expected_other[:, varying], atol=1e-12)
    assert not found[:, 2].any()
    assert not moved[:, 2].any()
    assert standardise(train.astype(np.float32))[0].dtype == np.float32
