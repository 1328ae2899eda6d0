"""Tables that are trained on block by block: each row once, checked before, and within bounds."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies

import steepest as st
from steepest.data import read_table
from steepest.data.drawn_rows import DrawnRows, draws
from steepest.data.options import ReadOptions
from steepest.data.streams import TableStream
from steepest.errors import CheckpointError, ConfigurationError, DataError
from steepest.tabular import TableModel
from steepest.tabular.options import from_plain
from steepest.tabular.parts import Parts
from steepest.tabular.prepare import prepare
from steepest.tabular.prepared import prepare_table
from steepest.tabular.streaming.memory import parse_memory
from steepest.tabular.weights import row_weights
from steepest.train.blocks import Blocks
from steepest.train.samplers import Draw

ROWS = 12_000
Anything = Any


def frame(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    kind = rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1])
    score = a * b + (kind == "red") + 0.1 * rng.normal(size=rows)
    return pd.DataFrame(
        {
            "number": np.arange(rows),
            "a": np.where(rng.random(rows) < 0.05, np.nan, a),
            "b": b,
            "kind": kind,
            "weight": rng.uniform(0.5, 3.0, rows).round(3),
            "amount": (10 * score + 3).round(4),
            "label": np.where(score > 0.5, "yes", "no"),
        }
    )


FRAME = frame()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    write(FRAME, folder / "table.parquet")
    FRAME.to_csv(folder / "table.csv", index=False)
    return folder


def write(written: pd.DataFrame, path: Path, group: int = 2048) -> Path:
    """A Parquet file with row groups of this size, the smallest that DuckDB makes."""
    with duckdb.connect() as connection:
        connection.register("written", written)
        connection.execute(
            f"COPY (FROM written) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {group})"
        )
    return path


def configured(target: str = "label", memory: str = "1MB", **options: Anything) -> Anything:
    plain: dict[str, dict[str, Any]] = {
        "data": {"target": target, "memory": memory},
        "training": {"max_epochs": 2, "seed": 3},
        "network": {"hidden_layer_sizes": [8], "numeric_embedding": "none"},
    }
    for name, value in options.items():
        section, _, leaf = name.partition("__")
        plain.setdefault(section, {})[leaf] = value
    return plain


def interpreted(path: Path, options: Anything, **arguments: Anything) -> TableModel:
    """A fit whose claim is about rows and files."""
    return st.fit_table(str(path), None, options, backend="reference", **arguments)


def prepared(path: Path, **options: Anything) -> Parts:
    return prepare(str(path), from_plain(configured(**options)))


def blocks_of(parts: Parts) -> Blocks:
    blocks = prepare_table(parts).learner.blocks
    assert blocks is not None
    return blocks


# ------------------------------------------------------------------------------------ drawn rows


@given(
    rows=strategies.integers(1, 300),
    share=strategies.floats(0, 1),
    most=strategies.integers(1, 100),
    cuts=strategies.lists(strategies.integers(1, 50), min_size=1, max_size=3),
    seed=strategies.integers(0, 9),
)
def test_rows_are_those_with_the_smallest_draws_however_the_table_is_cut(
    rows: int, share: float, most: int, cuts: list[int], seed: int
) -> None:
    table = read_table({"x": np.arange(rows), "t": [str(i % 7) for i in range(rows)]})
    drawn = DrawnRows(share, most, seed=seed, stream=1)
    first, turn = 0, 0
    while first < rows:
        part = table.take(slice(first, first + cuts[turn % len(cuts)]))
        drawn.add(part, np.arange(first, first + len(part)), first, len(part))
        first, turn = first + len(part), turn + 1
    numbers = draws(0, rows, seed=seed, stream=1)
    ranked = sorted(i for i in np.argsort(numbers)[:most].tolist() if numbers[i] < share * 2.0**64)
    assert drawn.places.tolist() == ranked
    found = drawn.table()
    assert (found is None) == (not ranked)
    if found is not None:
        assert [int(each) for each in found.column("x").texts()] == ranked
        assert found.column("t").texts() == [str(i % 7) for i in ranked]
        assert found.numbers.tolist() == [i + 1 for i in ranked]


def test_draws_are_uniform_and_independent() -> None:
    numbers = draws(2**32 - 5000, 10_000, seed=1, stream=0) / 2.0**64
    others = draws(2**32 - 5000, 10_000, seed=1, stream=1) / 2.0**64
    for each in (numbers, others):
        counts = np.histogram(each, bins=20, range=(0, 1))[0]
        assert ((counts - 500) ** 2 / 500).sum() < 45  # chi-squared, 19 degrees: 1 in 1000
    assert abs(np.corrcoef(numbers, others)[0, 1]) < 0.05


# --------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_a_stream_gives_every_row_with_its_place(folder: Path, name: str) -> None:
    stream = TableStream(folder / name, ReadOptions(), 2_000_000)
    whole = read_table(folder / name)
    for order in (None, range(len(stream.pieces) - 1, -1, -1)):
        parts = sorted(
            stream.tables([], order if stream.pieces else None), key=lambda each: each[0]
        )
        assert [first for first, _ in parts] == np.cumsum([0, *(len(t) for _, t in parts)])[
            :-1
        ].tolist()
        for column in whole.names:
            texts = [text for _, table in parts for text in table.column(column).texts()]
            assert texts == whole.column(column).texts()
        assert np.array_equal(np.concatenate([t.numbers for _, t in parts]), whole.numbers)


def test_large_row_groups_are_cut_into_pieces(tmp_path: Path) -> None:
    path = write(FRAME, tmp_path / "one.parquet", group=100_000)
    row = 5 * 32 + 2 * 128  # numbers and texts
    stream = TableStream(path, ReadOptions(), 2500 * row)
    assert [piece.rows for piece in stream.pieces] == [2400] * 5


# ------------------------------------------------------------------------------------ what is read


@pytest.mark.parametrize("share", [0.1, 0.0008])  # many of each piece, or one of some
@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_each_row_is_trained_on_once_an_epoch_or_held_out(
    folder: Path, name: str, share: float
) -> None:
    parts = prepared(
        folder / name,
        target="amount",
        data__types={"number": "numeric"},
        data__test=share,
        data__validation=share,
        preprocessing__numeric="none",
    )
    assert parts.validation is not None
    assert parts.test is not None
    blocks = blocks_of(parts)
    assert blocks.rows == parts.rows_to_train_on
    assert 2 < blocks.rows / blocks.block_rows < 20
    orders = []
    for epoch in (0, 1):
        chunks = list(blocks.read(Draw(3, 0, epoch)))
        orders.append(np.concatenate([chunk[0]["numeric"][:, 0] for chunk in chunks]).astype(int))
    held_out = [
        int(text)
        for each in (parts.validation, parts.test)
        for text in each.column("number").texts()
    ]
    for order in orders:
        assert sorted([*order.tolist(), *held_out]) == list(range(ROWS))
    assert np.array_equal(*orders) == (name == "table.csv")  # in the order of the file, or drawn
    assert set(parts.training.column("number").texts()).isdisjoint(map(str, held_out))
    again = np.concatenate([chunk[0]["numeric"][:, 0] for chunk in blocks.read(Draw(3, 0, 1))])
    assert np.array_equal(orders[1], again)


def test_shares_are_those_asked_for_where_memory_holds_them(folder: Path) -> None:
    parts = prepared(folder / "table.parquet", memory="100MB", data__test=0.2)
    for table, share in ((parts.validation, 0.1), (parts.test, 0.2)):
        assert table is not None
        deviation = (ROWS * share * (1 - share)) ** 0.5
        assert abs(len(table) - share * ROWS) < 4 * deviation
    other = prepared(folder / "table.parquet", memory="100MB", data__test=0.2, data__validation=0.3)
    assert parts.test is not None
    assert other.test is not None
    assert np.array_equal(parts.test.numbers, other.test.numbers)
    assert not any("as many as --memory" in note for note in parts.notes)


def test_what_memory_does_not_hold_of_validation_is_trained_on_and_said(folder: Path) -> None:
    parts = prepared(folder / "table.parquet", data__validation=0.5)
    assert parts.validation is not None
    assert len(parts.validation) < 1000
    assert len(parts.validation) + parts.rows_to_train_on == ROWS
    (note,) = (note for note in parts.notes if note.startswith("validation"))
    assert f"{len(parts.validation):,} rows, as many as --memory leaves room for" in note


def test_classes_and_missing_targets_are_counted_in_all_rows(tmp_path: Path) -> None:
    table = FRAME.copy()
    table.loc[::10, "label"] = None
    table.loc[[7, ROWS - 1], "label"] = "seldom"  # the second in the last row
    parts = prepared(write(table, tmp_path / "rare.parquet"))
    counts = Counter(table["label"].dropna())
    target = parts.schema.target
    assert dict(zip(target.classes, target.counts, strict=True)) == dict(counts)
    assert target.missing == table["label"].isna().sum()
    assert "1,200 rows of the table left out: no value in the target 'label'" in parts.notes
    held_out = 0 if parts.validation is None else len(parts.validation)
    assert parts.rows_to_train_on + held_out == ROWS - 1200


def test_numbers_in_one_block_and_text_in_another_are_text_as_written(tmp_path: Path) -> None:
    table = FRAME.assign(zip=["0123"] * (ROWS - 6000) + ["A1", "B2"] * 3000)
    table.to_csv(tmp_path / "zip.csv", index=False)
    parts = prepared(tmp_path / "zip.csv")
    (feature,) = (each for each in parts.schema.features if each.name == "zip")
    assert feature.kind == "categorical"
    assert "0123" in feature.detail
    assert blocks_of(parts).rows == parts.rows_to_train_on


@pytest.mark.parametrize(
    "options",
    [
        {"data__sample_weight": "weight"},
        {"training__class_weight": "balanced"},
        {"training__class_weight": {"yes": 3.0}, "data__sample_weight": "weight"},
    ],
)
def test_weights_are_those_of_a_table_in_memory(folder: Path, options: dict[str, Any]) -> None:
    parts = prepared(folder / "table.parquet", data__validation=0.0, **options)
    chunks = blocks_of(parts).read(Draw(0, 0, 0))
    found = np.sort(np.concatenate([chunk[2] for chunk in chunks]))
    whole = read_table(folder / "table.parquet")
    codes = (FRAME["label"] == "yes").to_numpy().astype(np.int32)
    weights = row_weights(whole, parts.configuration, parts.schema, codes)
    assert weights is not None
    assert np.allclose(found, np.sort(weights / weights.mean()))


# ----------------------------------------------------------------------------------------- fitting


@pytest.mark.parametrize("target", ["label", "amount"])
def test_a_fit_is_as_good_as_in_memory_and_the_same_each_time(folder: Path, target: str) -> None:
    options = configured(target, memory="1MB", training__max_epochs=3)
    models = [st.fit_table(str(folder / "table.parquet"), None, options) for _ in range(2)]
    assert models[0].to_bytes() == models[1].to_bytes()
    options["data"]["memory"] = ""
    resident = st.fit_table(str(folder / "table.parquet"), None, options)
    fresh = frame(3000, seed=1)
    first = "accuracy" if target == "label" else "rmse"
    values = [model.evaluate(fresh)[first] for model in (models[0], resident)]
    assert values[0] == pytest.approx(values[1], rel=0.15)
    assert models[0].results.training_rows > 10_000
    assert not any(each.name == "steepest reads ahead" for each in threading.enumerate())


def test_a_table_that_one_block_holds_is_read_once(folder: Path) -> None:
    parts = prepared(folder / "table.parquet", memory="100MB")
    blocks = blocks_of(parts)
    assert blocks.block_rows == blocks.rows
    model = interpreted(folder / "table.parquet", configured(memory="100MB"))
    assert model.results.training_rows == parts.rows_to_train_on


def test_a_fit_goes_on_from_a_checkpoint_and_not_with_other_rows(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.safetensors"
    path = str(folder / "table.parquet")
    whole = st.fit_table(path, None, configured(training__max_epochs=3))
    kept = st.Checkpoint(file, 10, "steps")
    stop = [lambda now: st.Stop("enough") if now.epoch == 2 else None]
    st.fit_table(path, None, configured(training__max_epochs=3), callbacks=stop, checkpoint=kept)
    again = st.fit_table(path, None, configured(training__max_epochs=3), resume=file)
    assert again.to_bytes() == whole.to_bytes()
    changed = FRAME.copy()
    changed.loc[ROWS - 1, "b"] = 0.25
    other = str(write(changed, tmp_path / "other.parquet"))
    with pytest.raises(CheckpointError, match="other values in the rows"):
        st.fit_table(other, None, configured(training__max_epochs=3), resume=file)


def test_a_model_scores_a_file_block_by_block(folder: Path) -> None:
    model = interpreted(folder / "table.parquet", configured())
    from_file = model.evaluate(str(folder / "table.csv"))
    assert from_file == model.evaluate(read_table(folder / "table.csv"))
    assert from_file.rows == ROWS > 8192


def test_tables_of_ones_own_are_held_out(folder: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    frame(500, seed=2).to_csv(small, index=False)
    path = folder / "table.parquet"
    model = interpreted(path, configured(), validation=str(small), test=str(small))
    assert model.results.training_rows == ROWS
    assert model.results.test is not None
    assert model.results.test.rows == 500
    words = "--test .*table.csv is larger than the sixteenth of --memory"
    with pytest.raises(DataError, match=words):
        interpreted(path, configured(), test=str(folder / "table.csv"))


@pytest.mark.parametrize("memory", ["", "1MB"])
def test_a_table_of_ones_own_without_answers_is_refused(folder: Path, memory: str) -> None:
    unanswered = frame(20).assign(label=None)
    says = "the test table has no row with a value in the target 'label'; give one"
    with pytest.raises(DataError, match=says):
        prepare(folder / "table.parquet", from_plain(configured(memory=memory)), test=unanswered)


@pytest.mark.parametrize("last", [5.0, -1.0])
def test_logarithms_are_learnt_where_all_rows_have_one(
    tmp_path: Path, last: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "steepest.tabular.target_trial.GAIN", 2.0
    )  # a trial of two epochs says little
    skewed = FRAME.assign(price=np.exp(FRAME["amount"] / 20))
    skewed.loc[ROWS - 1, "price"] = last  # neither in the sample nor held out
    path = write(skewed.drop(columns=["amount", "label"]), tmp_path / "skewed.parquet")
    model = interpreted(path, configured("price"))
    said = " ".join(model.results.notes)
    assert "is skewed, its logarithm is learnt" in said
    assert ("but it is learnt as it is" in said) == (last < 0)
    assert bool((model.predict(FRAME.head(50)) > 0).all()) or last < 0


# --------------------------------------------------------------------------------------- mistakes


@dataclass(frozen=True)
class Damage:
    """One cell, which the sample does not have, and what is said of it."""

    row: int
    column: str
    value: Any
    words: str


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".csv", Damage(ROWS - 1, "b", "oops", f"line {ROWS + 1}, column 'b': 'oops' is not a n")),
        (".csv", Damage(ROWS - 2, "b", "inf", f"line {ROWS}, column 'b': the value is infinite")),
        (".parquet", Damage(ROWS - 1, "b", np.inf, f"row {ROWS}, column 'b': the value is inf")),
        (".parquet", Damage(11_000, "b", -np.inf, "row 11001, column 'b': the value is inf")),
        (
            ".parquet",
            Damage(ROWS - 1, "label", "alone", f"row {ROWS}: the class 'alone' .* one row"),
        ),
        (".csv", Damage(ROWS - 1, "amount", "much", f"line {ROWS + 1}, column 'amount': 'much'")),
    ],
)
def test_a_bad_value_anywhere_is_refused_with_its_place(
    tmp_path: Path, suffix: str, damage: Damage
) -> None:
    table = FRAME.copy()
    if suffix == ".csv":
        table[damage.column] = table[damage.column].astype(object)
    table.loc[damage.row, damage.column] = damage.value
    path = tmp_path / f"bad{suffix}"
    if suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        write(table, path)
    target = "amount" if damage.column == "amount" else "label"
    begun: list[object] = []
    with pytest.raises(DataError, match=damage.words):
        st.fit_table(str(path), None, configured(target), callbacks=[begun.append])
    assert not begun


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory": "much"}, "--memory much: write a number with a unit"),
        ({"memory": "10 parsecs"}, "--memory 10 parsecs: write a number"),
        ({"memory": "12KB"}, "at least 1MB"),
        ({"training__ensemble_size": 3}, "--memory trains one network"),
        ({"optimizer__name": "lbfgs"}, "lbfgs takes all rows at each step"),
        ({"training__sampler": "with_replacement"}, "'with_replacement' needs all at hand"),
        ({"data__group": "kind"}, "--group needs all at hand"),
        ({"training__batch_size": 9000}, "batch_size=9,000 is more than the"),
        ({"data__validation": 0.6, "data__test": 0.5}, "leave nothing for training"),
    ],
)
def test_what_does_not_go_with_it_is_refused(
    folder: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        st.fit_table(str(folder / "table.parquet"), None, configured(**options))


def test_a_frame_is_in_memory_already() -> None:
    with pytest.raises(ConfigurationError, match="is for a table in a file"):
        st.fit_table(FRAME, None, configured())


def test_a_table_of_a_few_rows_is_refused_or_fitted(tmp_path: Path) -> None:
    path = write(FRAME.head(12), tmp_path / "few.parquet")
    with pytest.raises(DataError, match=r"too few for a validation part of 0\.0001"):
        st.fit_table(str(path), None, configured(training__seed=4, data__validation=0.0001))
    model = interpreted(path, configured(data__validation=0.0))
    assert model.results.training_rows == 12


@pytest.mark.parametrize(
    ("text", "total"),
    [("1GB", 10**9), ("1.5gib", 1.5 * 2**30), ("256 MB", 256e6), ("2000000", 2e6), (".5g", 5e8)],
)
def test_amounts_of_memory(text: str, total: float) -> None:
    assert parse_memory(text).total == total


# ------------------------------------------------------------------------------------ the command


def test_the_command_says_what_it_decided_and_predicts(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from steepest.cli import main

    table, model = str(folder / "table.parquet"), str(tmp_path / "model.safetensors")
    options = ["--max-epochs", "1", "--set", "network.hidden_layer_sizes=4"]
    words = ["fit", table, "--target", "label", "--memory", "1MB", "--out", model, *options]
    assert main(words) == 0
    told = capfd.readouterr().err
    assert "rows drawn evenly of" in told
    assert "as many as --memory leaves room for" in told
    assert main(["predict", model, table, "--out", str(tmp_path / "predicted.csv")]) == 0
    assert len((tmp_path / "predicted.csv").read_text().splitlines()) == ROWS + 1
    assert main(["evaluate", model, table]) == 0
    assert "accuracy" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit", "-", "--target", "label"], "the standard input can be read once"),
        (["fit", "TABLE", "--target", "label", "--test", "0.2", "--compare"], "--compare fits the"),
        (["search", "TABLE", "--target", "label", "--set", "data.memory=1MB"], "--memory is for a"),
    ],
)
def test_commands_that_need_all_rows_refuse_it(
    folder: Path, capfd: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    from steepest.cli import main

    named = [str(folder / "table.parquet") if word == "TABLE" else word for word in words]
    memory = [] if "search" in words else ["--memory", "1MB"]
    assert main([*named, *memory]) == 2
    assert told in capfd.readouterr().err
