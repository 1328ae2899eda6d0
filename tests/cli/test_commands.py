"""The main job, from a table to predictions, in this process."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

import steepest as st
from steepest.cli import main
from steepest.cli.progress import progress_line
from steepest.tabular import load

FAST = ("--max-epochs", "3", "--hidden-layer-sizes", "8")


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_fit_says_what_it_does_and_names_the_next_command(
    command: Command, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = command("fit", table, "--target", "label", "--test", "0.2", *FAST)
    assert ran.code == 0
    assert ran.out == ""
    for words in (
        "classification",
        "identifier",
        "1 missing",
        "rows to train on",
        "epoch 3/3",
        "validation accuracy",
        "test       accuracy",
        "baseline",
        "saved table.safetensors",
        "next: steepest predict table.safetensors",
    ):
        assert words in ran.err, words
    assert [path.name for path in tmp_path.iterdir()] == ["table.safetensors"]


def test_a_dash_sends_the_model_to_stdout(
    table: Path,
    model: Path,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fit", str(table), "-t", "label", *FAST, "--out", "-"]) == 0
    captured = capfdbinary.readouterr()
    assert captured.out == model.read_bytes()
    assert b"saved to the standard output" in captured.err
    assert not list(tmp_path.iterdir())


def test_a_replaced_model_file_is_said(command: Command, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    arguments = ["fit", table, "-t", "label", *FAST, "--out", out]
    assert f"saved {out}" in command(*arguments).err
    assert f"replaced {out}" in command(*arguments).err


def test_quiet_fit_writes_nothing(command: Command, table: Path, tmp_path: Path) -> None:
    ran = command("fit", table, "-t", "label", *FAST, "-q", "--out", tmp_path / "m")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_json_of_a_fit_is_on_stdout(command: Command, table: Path, tmp_path: Path) -> None:
    ran = command("fit", table, "-t", "label", *FAST, "-q", "--json", "--out", tmp_path / "m")
    result = json.loads(ran.out)
    assert result["epochs"] == 3
    assert 0 <= result["validation"]["scores"][0]["value"] <= 1


def test_predict_gives_one_row_for_each_in_the_same_order(
    command: Command, table: Path, model: Path
) -> None:
    ran = command("predict", model, table, "--probabilities", "--keep", "id")
    rows = rows_of(ran.out)
    assert [row["id"] for row in rows] == [row["id"] for row in rows_of(table.read_text())]
    assert list(rows[0]) == ["id", "prediction", "probability_large one", "probability_small"]
    for row in rows:
        chances = {name: float(row[f"probability_{name}"]) for name in ("large one", "small")}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
        assert row["prediction"] == max(chances, key=lambda name: chances[name])


def test_predictions_do_not_depend_on_their_neighbours(
    command: Command, table: Path, model: Path, tmp_path: Path
) -> None:
    lines = table.read_text().splitlines()
    whole = rows_of(command("predict", model, table, "--probabilities").out)
    for row in (0, 5, 9, 30):
        alone = tmp_path / "alone.csv"
        alone.write_text("\n".join([lines[0], lines[row + 1]]) + "\n")
        assert rows_of(command("predict", model, alone, "--probabilities").out) == [whole[row]]


def test_append_brings_every_field_back_as_it_was(
    command: Command, table: Path, model: Path
) -> None:
    rows = rows_of(command("predict", model, table, "--append").out)
    originals = rows_of(table.read_text())
    assert [{k: v for k, v in row.items() if k != "prediction"} for row in rows] == originals


def test_blocks_join_to_the_whole(
    command: Command, table: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = command("predict", model, table, "--append").out
    monkeypatch.setattr("steepest.cli.predict._ROWS", 7)
    assert command("predict", model, table, "--append").out == whole
    out = tmp_path / "p.csv"
    assert command("predict", model, table, "--append", "--out", out).out == ""
    assert out.read_text() == whole


def test_extra_columns_are_ignored_and_told_missing_target_is_fine(
    command: Command, table: Path, model: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.csv"
    new.write_text("colour,sort,size\nred,a,1\nblue,z,2\n")
    ran = command("predict", model, new)
    assert ran.code == 0
    assert len(rows_of(ran.out)) == 2
    assert "'colour'" in ran.err
    assert command("predict", model, new, "--quiet").err == ""


def test_stdin_is_a_table(
    command: Command, table: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Piped:
        buffer = io.BytesIO(table.read_bytes())

        def isatty(self) -> bool:
            return False

    from_file = command("predict", model, table).out
    monkeypatch.setattr(sys, "stdin", Piped())
    assert command("predict", model, "-").out == from_file


def test_evaluate_agrees_with_predict(command: Command, table: Path, model: Path) -> None:
    predictions = [row["prediction"] for row in rows_of(command("predict", model, table).out)]
    actual = [row["label"] for row in rows_of(table.read_text())]
    accuracy = np.mean(np.array(predictions) == np.array(actual))
    lines = command("evaluate", model, table).out.splitlines()
    name, value, word, baseline = lines[0].split()
    assert (name, word) == ("accuracy", "baseline")
    assert float(value) == pytest.approx(accuracy, abs=1e-6)
    assert float(baseline) == pytest.approx(0.5, abs=0.1)
    scores = json.loads(command("evaluate", model, table, "--json").out)
    assert scores["rows"] == len(actual)
    assert scores["scores"][0]["value"] == pytest.approx(accuracy)


def test_evaluate_leaves_out_and_counts_rows_without_an_answer(
    command: Command, table: Path, model: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.csv"
    new.write_text(table.read_text() + "row x,1,a,\n")
    ran = command("evaluate", model, new, "--json")
    assert json.loads(ran.out)["rows"] == 60
    assert "1 row left out" in ran.err


def test_inspect_shows_layers_schema_options_results_and_no_data(
    command: Command, table: Path, model: Path
) -> None:
    text = command("inspect", model).out
    for words in ("label", "layers", "schema", "identifier", "[network]", "dropout", "baseline"):
        assert words in text
    described = json.loads(command("inspect", model, "--json").out)
    assert described["configuration"]["training"]["max_epochs"] == 3
    assert "row 17" not in text
    assert b"row 17" not in model.read_bytes()


def test_equal_fits_give_equal_bytes_and_another_seed_does_not(
    command: Command, table: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        command("fit", table, "-t", "label", *FAST, "-q", "--seed", str(seed), "--out", path)
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_a_printed_configuration_replays_the_fit(
    command: Command, table: Path, tmp_path: Path
) -> None:
    options = ["-t", "label", *FAST, "--dropout", "0.25", "--set", "optimizer.warm_up=0.5"]
    printed = command("fit", table, *options, "--print-config").out
    config = tmp_path / "options.toml"
    config.write_text(printed)
    first, second = tmp_path / "a", tmp_path / "b"
    command("fit", table, *options, "--out", first)
    command("fit", table, "--config", config, "--out", second)
    assert first.read_bytes() == second.read_bytes()


def test_files_left_out_of_a_printed_configuration_are_said(command: Command, table: Path) -> None:
    ran = command("fit", table, "-t", "label", "--test", "t.csv", "--print-config")
    assert "--test t.csv" in ran.err
    assert "[data]" in ran.out
    assert command("fit", table, "-t", "label", "--test", "0.2", "--print-config").err == ""


def test_a_wide_table_is_listed_briefly_and_inspected_whole(
    command: Command, tmp_path: Path
) -> None:
    table, model = tmp_path / "wide.csv", tmp_path / "m"
    names = [f"x{number}" for number in range(40)]
    lines = [",".join([*names, "same", "alike", "label"])]
    for row in range(40):
        numbers = [str((row * 7 + number) % 11 + 0.5) for number in range(40)]
        lines.append(",".join([*numbers, "1", "2", "ab"[row % 2]]))
    table.write_text("\n".join(lines) + "\n")
    ran = command("fit", table, "-t", "label", *FAST, "--out", model)
    shown = ran.err.splitlines()
    assert any(line.startswith("x19 ") for line in shown)
    assert not any(line.startswith("x20 ") for line in shown)
    assert any("20 more" in line and "steepest inspect" in line for line in shown)
    assert "left out, the same value in every row: same, alike" in ran.err
    assert any(line.split()[:2] == ["label", "target"] for line in shown)
    assert "x39 " in command("inspect", model).out


def test_later_options_win(command: Command, table: Path, tmp_path: Path) -> None:
    config = tmp_path / "options.toml"
    config.write_text("[network]\ndropout = 0.1\nactivation = 'tanh'\n[training]\nseed = 1\n")
    options = ["--config", config, "--dropout", "0.2", "--seed", "2", "--set", "training.seed=3"]
    text = command("fit", table, *options, "--print-config").out
    assert "dropout = 0.2" in text
    assert 'activation = "tanh"' in text
    assert "seed = 3" in text


def test_history_and_plot(command: Command, table: Path, tmp_path: Path) -> None:
    history, plot = tmp_path / "h.jsonl", tmp_path / "c.png"
    options = ["--history", history, "--plot", plot, "--out", tmp_path / "m"]
    command("fit", table, "-t", "label", *FAST, *options)
    rows = [json.loads(line) for line in history.read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert {"loss", "validation_loss", "validation_accuracy"} <= set(rows[0])
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_regression_comes_back_in_its_units(command: Command, tmp_path: Path) -> None:
    table, model = tmp_path / "t.csv", tmp_path / "m"
    x = np.linspace(-1, 1, 200)
    table.write_text("x,y\n" + "".join(f"{a},{1e6 + 5e4 * a}\n" for a in x))
    ran = command("fit", table, "-t", "y", "--max-epochs", "30", "--out", model)
    assert "regression" in ran.err
    predicted = [float(row["prediction"]) for row in rows_of(command("predict", model, table).out)]
    assert np.abs(np.array(predicted) - (1e6 + 5e4 * x)).max() < 2e4
    lines = [line.split() for line in command("evaluate", model, table).out.splitlines()]
    assert [line[0] for line in lines] == ["rmse", "mae", "r2"]
    rmse = np.sqrt(np.mean((np.array(predicted) - (1e6 + 5e4 * x)) ** 2))
    assert float(lines[0][1]) == pytest.approx(rmse, rel=1e-3)


def test_validation_and_test_tables(command: Command, table: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_bytes(table.read_bytes())
    options = ["--validation", more, "--test", more, "--json", "--out", tmp_path / "m"]
    result = json.loads(command("fit", table, "-t", "label", *FAST, *options).out)
    counts = [result[f"{part}_rows"] for part in ("training", "validation", "test")]
    assert counts == [60, 60, 60]
    assert result["validation"]["scores"] == result["test"]["scores"]


@pytest.mark.parametrize("width", [30, 50, 60, 70, 100])
def test_the_progress_line_fits_and_keeps_epoch_and_validation_loss(width: int) -> None:
    metrics = {"loss": 1.23456, "validation_loss": 2345.6789, "validation_accuracy": 0.75}
    text = progress_line(width, done=12.5, epochs=50, metrics=metrics, left="0:12 left")
    assert len(text) <= width
    assert text.startswith("12/50 ")
    assert "validation 2346" in text
    assert ("━" in text) == (width >= 80)
    assert ("accuracy 0.75000" in text) == (width >= 60)


def test_weights_of_zero_take_rows_out(command: Command, tmp_path: Path) -> None:
    """Contradicting rows of weight 0 must not change what is learnt."""
    lines = ["x,w,label"]
    for row in range(80):
        right = "ab"[row % 2]
        lines.append(f"{row % 2},1,{right}")
        lines += [f"{row % 2},0,{'ab'[1 - row % 2]}"] * 2
    table, model = tmp_path / "t.csv", tmp_path / "m"
    table.write_text("\n".join(lines) + "\n")
    ran = command(
        "fit", table, "-t", "label", "--sample-weight", "w", "--max-epochs", "20", "--out", model
    )
    assert "sample weights" in ran.err
    rows = rows_of(command("predict", model, table, "--keep", "x").out)
    assert all(row["prediction"] == "ab"[int(row["x"])] for row in rows)


def test_balanced_classes_find_the_rare_one(command: Command, tmp_path: Path) -> None:
    """Where a rare class never has the majority, equal weights never predict it."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=600)
    rare = (x > 0.5) & (generator.random(600) < 0.3)
    table = tmp_path / "t.csv"
    table.write_text(
        "x,label\n"
        + "".join(f"{a},{'rare' if r else 'usual'}\n" for a, r in zip(x, rare, strict=True))
    )
    found: dict[str, int] = {}
    for weight in ("none", "balanced"):
        model = tmp_path / weight
        command(
            "fit",
            table,
            "-t",
            "label",
            "--class-weight",
            weight,
            "--max-epochs",
            "20",
            "--out",
            model,
        )
        found[weight] = command("predict", model, table).out.count("rare")
    assert found["balanced"] > found["none"] + 50


def test_time_limit_stops_and_saves(command: Command, table: Path, tmp_path: Path) -> None:
    options = ["--max-epochs", "1000000", "--set", "training.patience=0", "--time-limit", "0.5"]
    ran = command(
        "fit", table, "-t", "label", "--hidden-layer-sizes", "4", *options, "--out", tmp_path / "m"
    )
    assert ran.code == 0
    assert "time limit" in ran.err
    assert load(tmp_path / "m").results.stopped == "time limit"


def test_no_validation_keeps_the_last_weights(
    command: Command, table: Path, tmp_path: Path
) -> None:
    ran = command("fit", table, "-t", "label", *FAST, "--validation", "0", "--out", tmp_path / "m")
    assert ran.code == 0
    assert load(tmp_path / "m").results.validation is None


def test_without_header(command: Command, table: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    bare.write_text("\n".join(table.read_text().splitlines()[1:]) + "\n")
    model = tmp_path / "m"
    ran = command("fit", bare, "--no-header", "-t", "column_4", *FAST, "--out", model)
    assert ran.code == 0
    assert len(rows_of(command("predict", model, bare).out)) == 60


def test_dataset_writes_a_table_with_its_target_last(command: Command, tmp_path: Path) -> None:
    assert command("dataset", "iris").out.splitlines()[0].endswith(",target")
    out = tmp_path / "wine.csv"
    ran = command("dataset", "wine", "--out", out)
    assert f"steepest fit {out} --target target" in ran.err
    assert len(rows_of(out.read_text())) == 178


def test_python_door_gives_the_same_model(
    command: Command, table: Path, model: Path, tmp_path: Path
) -> None:
    fitted = st.load(model)
    assert isinstance(fitted, st.TableModel)
    by_command = [row["prediction"] for row in rows_of(command("predict", model, table).out)]
    columns = {name: [row[name] for row in rows_of(table.read_text())] for name in ("size", "sort")}
    assert fitted.predict(table).tolist() == by_command
    assert fitted.predict(columns).tolist() == by_command
    again = tmp_path / "again.safetensors"
    fitted.save(again)
    assert again.read_bytes() == model.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        ["-h"],
        ["--version"],
        *[[name, "-h"] for name in ("fit", "predict", "evaluate", "inspect", "dataset")],
    ],
)
def test_help_is_on_stdout_with_examples(command: Command, arguments: list[str]) -> None:
    ran = command(*arguments)
    assert (ran.code, ran.err) == (0, "")
    assert "\\b" not in ran.out
    assert "\b" not in ran.out
    if "-h" in arguments:
        assert sum(line.startswith("    steepest ") for line in ran.out.splitlines()) >= 2


def test_flags_stand_under_the_sections_of_their_options(command: Command) -> None:
    parts = re.split(r"^(\w.*):$", command("fit", "-h").out, flags=re.MULTILINE)[1:]
    found = {name: set(re.findall(r"^  (?:-., )?(--[\w-]+)", text, re.MULTILINE))
             for name, text in zip(parts[::2], parts[1::2], strict=True)}  # fmt: skip
    assert [*found][:2] == ["Arguments", "Options of [data]"]
    assert {"--target", "--test"} <= found["Options of [data]"]
    assert {"--loss", "--quantiles"} <= found["Options of [training]"]
    assert {"--out", "--quiet", "--help"} <= found["Options"]
    assert sum(map(len, found.values())) == len(set().union(*found.values()))


def test_no_command_shows_the_help_as_a_mistake(command: Command) -> None:
    ran = command()
    assert ran.code == 2
    assert "Commands:" in ran.err


def test_our_own_bug_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, table: Path
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr("steepest.data.bundled_table", broken)
    ran = command("dataset", "iris")
    assert ran.code == 1
    assert "bug" in ran.err
    assert "surprise" in ran.err
    assert len(ran.err.splitlines()) == 1
    with pytest.raises(ZeroDivisionError):
        command("--traceback", "dataset", "iris")
