"""Tables that nobody made for this project: what is known about them is what is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from steepest.data import (
    DATA_SETS,
    NumberColumn,
    Preprocessor,
    ReadOptions,
    bundled_table,
    drop_rows_without,
    infer_schema,
    read_blocks,
    read_table,
    write_table,
)
from steepest.errors import ConfigurationError


def test_adult(tables: Path) -> None:
    path = tables / "adult" / "adult-train.csv"
    options = ReadOptions(header=False)
    table = read_table(path, options)
    assert (len(table), len(table.names)) == (32561, 15)
    known = pd.read_csv(path, header=None, skipinitialspace=True, na_values="?")
    for place, name in enumerate(table.names):
        column = table.columns[name]
        assert int(column.missing.sum()) == known[place].isna().sum()
        if isinstance(column, NumberColumn):
            np.testing.assert_array_equal(column.values, known[place])
        else:
            assert column.texts() == known[place].fillna("").tolist()
    target = infer_schema(table, "column_15").target
    assert target.classes == ("<=50K", ">50K")
    assert target.counts == (24720, 7841)
    features = infer_schema(table, "column_15").features
    assert len(features) == 14
    assert [each.kind for each in features].count("numeric") == 6


def test_adult_in_blocks_gives_the_same_inputs(tables: Path) -> None:
    path = tables / "adult" / "adult-test.csv"
    options = ReadOptions(header=False)
    table = read_table(path, options)
    schema = infer_schema(table, "column_15")
    preprocessor = Preprocessor.fit(table, schema)
    whole = preprocessor.transform(table)
    assert whole["numeric"].shape == (16281, len(preprocessor.numeric_names))
    blocks = [
        preprocessor.transform(block)
        for block in read_blocks(path, options, rows=1000, text_columns=preprocessor.text_columns)
    ]
    for name, array in whole.items():
        np.testing.assert_array_equal(np.concatenate([block[name] for block in blocks]), array)


def test_california_housing(tables: Path) -> None:
    table = read_table(tables / "california-housing" / "housing.csv")
    schema = infer_schema(table, "median_house_value")
    assert schema.target.task == "regression"
    assert {each.name: each.missing for each in schema.features if each.missing} == {
        "total_bedrooms": 207
    }
    preprocessor = Preprocessor.fit(table, schema)
    assert "total_bedrooms is missing" in preprocessor.numeric_names
    assert np.isfinite(preprocessor.transform(table)["numeric"]).all()


def test_penguins(tables: Path) -> None:
    path = tables / "penguins" / "penguins.csv"
    table = read_table(path)
    schema = infer_schema(table, "sex")
    assert schema.target.missing == table.column("sex").missing.sum() == 11
    kept, dropped = drop_rows_without(table, "sex")
    assert (len(kept), dropped) == (333, 11)
    assert sum(column.missing.sum() for column in table.columns.values()) == 19


@pytest.mark.parametrize("name", DATA_SETS)
def test_bundled(name: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_table(path, bundled_table(name))
    read = pd.read_csv(path)
    load = getattr(datasets, "load_" + name.replace("-", "_"))
    known = load(scaled=False) if name == "diabetes" else load()
    assert list(read)[-1] == "target"
    assert all(str(column).isidentifier() for column in read)
    np.testing.assert_array_equal(read.iloc[:, :-1].to_numpy(), known.data)
    target = known.target if name == "diabetes" else known.target_names[known.target]
    assert read["target"].tolist() == target.tolist()


def test_unknown_bundled_name() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'iris'"):
        bundled_table("irsi")
