"""What columns and targets are taken for, and the reasons given."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from steepest.data import (
    Schema,
    drop_rows_without,
    infer_schema,
    read_table,
    sample_weights,
    target_labels,
    target_numbers,
)
from steepest.errors import DataError, ModelFileError

ROWS = 24
TARGET = ["no", "yes"] * (ROWS // 2)

COLUMNS: dict[str, tuple[list[Any], str, str]] = {
    "reals": ([0.5 * row for row in range(ROWS)], "numeric", "0 to 11.5, median 5.75"),
    "few whole numbers": ([row % 3 for row in range(ROWS)], "numeric", "0 to 2"),
    "unique reals": ([row + 0.25 for row in range(ROWS)], "numeric", "0.25 to 23.25"),
    "with missing": ([None, *range(ROWS - 1)], "numeric", "0 to 22"),
    "one value and missing": ([None, *[5] * (ROWS - 1)], "numeric", "5 to 5"),
    "counting, no row number": (list(range(1900, 1900 + ROWS)), "numeric", "1900 to 1923"),
    "large": ([2.5e9 + row for row in range(ROWS)], "numeric", "2500000000 to 2500000023"),
    "text": (["a", "b", "c"] * (ROWS // 3), "categorical", "3 levels: a, b, c"),
    "truth": ([True, False] * (ROWS // 2), "boolean", "True (1) or False (-1)"),
    "text, missing": ([None, *["a"] * (ROWS - 1)], "categorical", "1 level: a"),
    "numbers and words": (["1", "two"] * (ROWS // 2), "categorical", "2 levels"),
    "numbers as text": ([f"{row}" for row in range(ROWS)], "numeric", "0 to 23"),
    "identifier": ([f"k{row}" for row in range(ROWS)], "left out", "identifier: each of 24"),
    "identifier, missing": ([None, *(f"k{row}" for row in range(ROWS - 1))], "left out", "of 23"),
    "nearly an identifier": (["k1", *(f"k{row}" for row in range(1, ROWS))], "categorical", "23"),
    "all missing": ([None] * ROWS, "left out", "no value in any row"),
    "constant": ([3] * ROWS, "left out", "the same value in every row (3)"),
    "constant text": (["a"] * ROWS, "left out", "the same value in every row (a)"),
    "Id": (list(range(1, ROWS + 1)), "left out", "only counts the rows (1 to 24)"),
    "index": ([row % 5 for row in range(ROWS)], "numeric", "0 to 4"),
}


def decided(schema: Schema) -> dict[str, tuple[str, str]]:
    features = {each.name: (each.kind, each.detail) for each in schema.features}
    return features | {each.name: ("left out", each.reason) for each in schema.left_out}


@pytest.mark.parametrize("name", COLUMNS)
def test_column(name: str) -> None:
    values, kind, told = COLUMNS[name]
    schema = infer_schema(read_table({name: values, "other": [1.5, 2.5] * 12, "y": TARGET}), "y")
    found, text = decided(schema)[name]
    assert found == kind
    assert told in text
    missing = sum(value is None for value in values)
    assert all(each.missing == missing for each in schema.features if each.name == name)


TARGETS: dict[str, tuple[list[Any], str, str, tuple[str, ...]]] = {
    "text": (["b", "a"] * 12, "classification", "text, 2 classes", ("a", "b")),
    "truth": ([True, False] * 12, "classification", "true or false", ("False", "True")),
    "few whole numbers": (
        [10, 9, 8] * 8,
        "classification",
        "whole numbers with 3 values",
        ("8", "9", "10"),
    ),
    "whole reals": ([1.0, 2.0] * 12, "classification", "whole numbers", ("1.0", "2.0")),
    "minus one and one": ([-1, 1] * 12, "classification", "whole numbers", ("-1", "1")),
    "many whole numbers": (list(range(24)), "regression", "more than 20", ()),
    "decimals": ([0.5, 1.0] * 12, "regression", "decimals", ()),
    "missing among classes": ([None, None, *["a", "b"] * 11], "classification", "2", ("a", "b")),
    "missing among numbers": ([None, *[0.5] * 11, *[1.5] * 12], "regression", "decimals", ()),
}


@pytest.mark.parametrize("name", TARGETS)
def test_task(name: str) -> None:
    values, task, told, classes = TARGETS[name]
    target = infer_schema(read_table({"x": list(range(24)), "y": values}), "y").target
    assert target.task == task
    assert told in target.reason
    assert target.classes == classes
    assert target.missing == sum(value is None for value in values)
    assert len(target.counts) == len(classes)
    assert sum(target.counts) == (24 - target.missing if classes else 0)


def test_exactly_twenty_whole_numbers_are_classes() -> None:
    for most, task in ((20, "classification"), (21, "regression")):
        y = [row % most for row in range(84)]
        assert infer_schema(read_table({"x": list(range(84)), "y": y}), "y").target.task == task


def test_who_asks_for_classes_gets_one_of_a_single_row() -> None:
    table = read_table({"x": [1, 2, 3], "y": ["a", "a", "b"]})
    with pytest.raises(DataError, match=r"one row only.*--task classification"):
        infer_schema(table, "y")
    assert infer_schema(table, "y", task="classification").target.counts == (2, 1)


def test_options_override() -> None:
    table = read_table(
        {
            "a": [row % 3 for row in range(24)],
            "key": [f"k{row}" for row in range(24)],
            "b": [0.5, 1.5] * 12,
            "w": [1, 2] * 12,
            "c": ["x", "y"] * 12,
            "y": [0, 1] * 12,
        }
    )
    schema = infer_schema(
        table,
        "y",
        types={"a": "categorical", "key": "categorical", "b": "drop"},
        drop=["c"],
        sample_weight="w",
        task="regression",
    )
    assert schema.target.task == "regression"
    assert schema.target.reason == "by option"
    told = decided(schema)
    assert told["a"][0] == told["key"][0] == "categorical"
    assert told["b"] == told["c"] == ("left out", "dropped by option")
    assert told["w"] == ("left out", "holds the sample weights")
    chosen = infer_schema(table, "y", features=["b", "c"])
    assert [each.name for each in chosen.features] == ["b", "c"]
    assert decided(chosen)["a"][1] == "not among the features asked for"


def test_rows_without_target_do_not_count() -> None:
    table = read_table({"x": [1, 1, 2], "z": [1, 2, 3], "y": [0.5, 1.5, None]})
    assert decided(infer_schema(table, "y"))["x"][0] == "left out"
    kept, dropped = drop_rows_without(table, "y")
    assert (len(kept), dropped) == (2, 1)
    assert kept.numbers.tolist() == [1, 2]


def test_schema_as_json_and_as_text() -> None:
    table = read_table({"x": [1.5, 2, 3, 4], "s": list("abab"), "k": [1] * 4, "y": list("uvuv")})
    schema = infer_schema(table, "y")
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    assert schema.describe().splitlines() == [
        "column  kind         what it holds",
        "x       numeric      1.5 to 4, median 2.5",
        "s       categorical  2 levels: a, b",
        "k       left out     the same value in every row (1)",
        "y       target       classification: it holds text, 2 classes",
    ]


@pytest.mark.parametrize("damage", ["features", "left_out", "targets"])
def test_damaged_schema(damage: str) -> None:
    table = read_table({"x": [1, 2, 3, 4], "y": list("uvuv")})
    data = infer_schema(table, "y").to_json()
    with pytest.raises(ModelFileError):
        Schema.from_json({**data, damage: [{"name": 1}]})
    del data[damage]
    with pytest.raises(ModelFileError):
        Schema.from_json(data)


def test_columns_of_another_table() -> None:
    schema = infer_schema(
        read_table({"age": [1, 2, 3, 4], "k": [1] * 4, "job": list("abab"), "y": list("uvuv")}), "y"
    )
    assert schema.check_columns(read_table({"job": ["a"], "age": [1], "new": [3]})) == ("new",)
    with pytest.raises(DataError, match=r"no column 'age', .* did you mean 'Age'"):
        schema.check_columns(read_table({"job": ["a"], "Age": [1]}))
    with pytest.raises(DataError, match="no columns 'age', 'job'"):
        schema.check_columns(read_table({"z": [1]}))


def test_target_values() -> None:
    table = read_table({"y": [1, 2, None]})
    assert target_labels(table, "y") == ["1", "2", ""]
    np.testing.assert_array_equal(target_numbers(table, "y"), [1, 2, np.nan])


def test_sample_weights() -> None:
    table = read_table({"w": [0, 2.5, 1]})
    assert sample_weights(table, "w").tolist() == [0, 2.5, 1]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, -2, 3], "row 2, column 'w': -2 is negative"),
        ([1, 2, None], "row 3, column 'w': the value is missing"),
        ([1, np.inf], "row 2, column 'w': the value is infinite"),
        ([1, "x"], "row 2, column 'w': 'x' is not a number"),
        ([0, 0], "all sample weights in column 'w' of these"),
    ],
)
def test_impossible_weights(values: list[Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        sample_weights(read_table({"w": values}), "w")
