"""Splits that do not leak, doubts that are said, and answers that are honest, by the command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pytest

from steepest.data import NumberColumn, infer_schema, read_table
from steepest.tabular import load
from steepest.tabular.doubts import doubts

FAST = ("--max-epochs", "3", "--hidden-layer-sizes", "8")
REAL = Path(__file__).parents[3] / "shared" / "data" / "penguins" / "penguins.csv"


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    x = generator.normal(size=240)
    frame = pd.DataFrame(
        {
            "patient": [f"p{each}" for each in generator.integers(0, 40, 240)],
            "seen": pd.date_range("2020-01-01", periods=240)[generator.permutation(240)],
            "x": x.round(3),
            "age": generator.integers(20, 80, 240),
            "sick": np.where(x + generator.normal(size=240) > 0.6, "sick", "well"),
        }
    )
    path = tmp_path / "patients.csv"
    frame.to_csv(path, index=False)
    return path


def test_groups_stay_together_and_their_column_is_no_feature(
    command: Command, patients: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.safetensors"
    ran = command(
        "fit", patients, "-t", "sick", "--group", "patient", "--test", "0.2", "--drop", "seen",
        "--out", out, *FAST,
    )  # fmt: skip
    assert ran.code == 0
    assert "patient  left out" in ran.err
    assert "divides the rows (--group)" in ran.err
    assert "no value of 'patient' is in two parts: " in ran.err
    assert [each.name for each in load(out).schema.features] == ["x", "age"]
    ran = command(
        "fit", patients, "-t", "sick", "--group", "patient", "--types", "patient=categorical",
        "--out", out, "--quiet", *FAST,
    )  # fmt: skip
    assert ran.code == 0
    assert "patient" in [each.name for each in load(out).schema.features]


def test_the_newest_rows_test(command: Command, patients: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    ran = command(
        "fit", patients, "-t", "sick", "--time", "seen", "--test", "0.25", "--drop", "patient",
        "--out", out, *FAST,
    )  # fmt: skip
    assert ran.code == 0
    assert (
        "divided by 'seen': train 2020-01-01 to 2020-06-04, validate 2020-06-05 to 2020-06-28, "
        "test 2020-06-29 to 2020-08-27"
    ) in ran.err
    assert load(out).results.test_rows == 60


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--group", "patint"), "group: .* has no column 'patint'; did you mean 'patient'"),
        (("--group", "sick"), "group: 'sick' is the target"),
        (("--group", "patient", "--time", "seen"), "--group and --time divide the same rows"),
        (("--time", "patient"), "'p.*' is no number, date or time; write it as 2024-03-01"),
        (("--compare",), "--compare needs rows that no model has seen: give --test 0.2"),
        (("--costs", "fn"), "--costs fn: write it as MISTAKE=COST"),
        (("--costs", "fn=-1"), "decision.costs = .* is not possible"),
        (("--threshold", "f3"), 'decision.threshold = "f3" is not possible'),
        (("--threshold", "f1", "--validation", "0"), "--threshold f1 is chosen on validation rows"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    command: Command, patients: Path, words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    out = tmp_path / "m.safetensors"
    ran = command("fit", patients, "-t", "sick", *words, "--quiet", "--out", out)
    assert ran.code == 2
    assert re.search(told, ran.err), ran.err
    assert len(ran.err.strip().splitlines()) <= 2
    assert not out.exists()


def test_doubts_are_said_before_training(command: Command, patients: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(patients)
    frame["result"] = frame["sick"].map({"sick": "positive", "well": "negative"})
    twice = pd.concat([frame, frame.head(60)])
    path, out = tmp_path / "twice.csv", tmp_path / "m.safetensors"
    twice.drop(columns=["patient", "seen"]).to_csv(path, index=False)
    ran = command("fit", path, "-t", "sick", "--test", "0.3", "--out", out, *FAST)
    before, _, after = ran.err.partition("epoch 1/3")
    assert "suspected leak: 'result' alone explains 100.0 % of 'sick'" in before
    assert "leave it out (--drop result)" in before
    assert "of 90 test rows have the same features as a row to train on" in before
    assert "test rows that training has too" in after
    results = load(out).results
    assert results.repeated_test_rows > 5
    assert results.new_test is not None
    assert results.new_test.rows == 90 - results.repeated_test_rows


@pytest.mark.parametrize(
    ("count", "told"), [(1, "1 of 4 test rows has"), (2, "2 of 4 test rows h")]
)
def test_repeated_rows_are_counted_in_words(count: int, told: str) -> None:
    training = read_table({"x": list(range(count)), "y": ["a"] * count})
    rows = read_table({"x": [0, 1, 2.5, 3], "y": ["a", "b", "a", "b"]})
    line, *_ = doubts(infer_schema(rows, "y"), training, {"test": rows})
    assert line.startswith(told)


def test_no_doubts_of_penguins(command: Command, tmp_path: Path) -> None:
    if not REAL.is_file():
        pytest.skip("penguins.csv is not here")
    out = tmp_path / "m.safetensors"
    ran = command("fit", REAL, "-t", "species", "--test", "0.2", "--out", out, *FAST)
    assert ran.code == 0
    assert "suspected" not in ran.err
    assert "the same features" not in ran.err


def test_a_comparison_is_a_table_and_json(command: Command, patients: Path, tmp_path: Path) -> None:
    ran = command(
        "fit", patients, "-t", "sick", "--test", "0.25", "--compare", "--json",
        "--drop", "patient,seen", "--out", tmp_path / "m.safetensors", *FAST,
    )  # fmt: skip
    assert ran.code == 0
    lines = ran.err.splitlines()
    place = lines.index("on 60 test rows, after 180 to learn from")
    assert lines[place + 1].split()[-1] == "seconds"
    assert [line.split()[0] for line in lines[place + 2 : place + 6]] == [
        *("steepest", "linear", "gradient", "baseline"),
    ]
    found = json.loads(ran.out)
    models = {each["name"]: each for each in found["comparison"]["models"]}
    assert [*models] == ["steepest", "linear model", "gradient boosting"]
    assert models["steepest"]["evaluation"] == found["test"]
    assert all(each["seconds"] > 0 for each in models.values())


def test_importance_is_a_table_json_and_a_picture(
    command: Command, patients: Path, tmp_path: Path
) -> None:
    model, plot = tmp_path / "m.safetensors", tmp_path / "p.png"
    fit = ("fit", patients, "-t", "sick", "--drop", "patient,seen", "--max-epochs", "15")
    assert command(*fit, "--out", model, "--quiet").code == 0
    ran = command("importance", model, patients, "--repeats", "5", "--plot", plot)
    assert ran.code == 0
    assert ran.err == ""
    first, head, x, age = ran.out.splitlines()
    assert first.startswith("log_loss ")
    assert head.split() == ["column", "mean", "low", "high"]
    assert (x.split()[0], age.split()[0]) == ("x", "age")
    assert plot.read_bytes().startswith(b"\x89PNG")
    ran = command("importance", model, patients, "--repeats", "5", "--json", "--seed", "0")
    found = json.loads(ran.out)
    assert found["columns"][0]["column"] == "x"
    assert len(found["columns"][0]["losses"]) == 5
    for words, told in (
        (("--repeats", "1"), "at least 2 repeats"),
        (("--repeats", "many"), "--repeats many: give a whole number"),
        (("--metric", "rmse"), "there is no score 'rmse' here"),
        (("--plot", "p.gif"), "name it .png, .svg or .pdf"),
        (("--plot", str(model) + ".png"), ""),
    ):
        ran = command("importance", model, patients, *words)
        assert ran.code == (2 if told else 0)
        assert told in ran.err


def test_a_threshold_is_kept_said_and_overridden(
    command: Command, patients: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.safetensors"
    ran = command(
        "fit", patients, "-t", "sick", "--drop", "patient,seen", "--validation", "0.4",
        "--threshold", "f1", "--out", model, "--max-epochs", "10",
    )  # fmt: skip
    decision = load(model).results.decision
    assert decision is not None
    assert decision.threshold is not None
    said = f"'well' is predicted from probability {decision.threshold:.4g} on, for f1 "
    assert said in ran.err
    assert "calibration error" in ran.err
    assert said in command("inspect", model).out

    def share(*words: str) -> tuple[float, float]:
        path = tmp_path / "p.csv"
        ran = command("predict", model, patients, "--probabilities", *words, "--out", path)
        assert ran.code == 0
        table = read_table(path)
        well = table.column("probability_well")
        assert isinstance(well, NumberColumn)
        chosen = np.array(table.column("prediction").texts()) == "well"
        return float(well.values[chosen].min()), float(well.values[~chosen].max(initial=0))

    least, most = share()
    assert least > decision.threshold - 1e-6 > most - 2e-6
    least, most = share("--threshold", "0.8")
    assert least >= 0.8 - 1e-6 >= most - 2e-6
    ran = command("evaluate", model, patients, "--threshold", "0.999", "--json")
    scores = {each["name"]: each["value"] for each in json.loads(ran.out)["scores"]}
    assert scores["recall:sick"] > 0.95
    ran = command("evaluate", model, patients, "--threshold", "1.5")
    assert (ran.code, "between 0 and 1" in ran.err) == (2, True)
    ran = command("predict", model, patients, "--threshold", "f1")
    assert (ran.code, "steepest fit --threshold f1" in ran.err) == (2, True)


def test_costs_decide_and_are_counted(command: Command, patients: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    ran = command(
        "fit", patients, "-t", "sick", "--drop", "patient,seen", "--test", "0.3",
        "--costs", "sick:well=20", "--out", model, *FAST,
    )  # fmt: skip
    assert ran.code == 0
    assert "the class of least expected cost is predicted" in ran.err
    assert len(re.findall(r"^ +cost [\d.]+  baseline [\d.]+$", ran.err, re.MULTILINE)) == 2
    found = load(model).results.test
    assert found is not None
    cost = next(each for each in found.scores if each.name == "cost")
    right = np.array(found.confusion)
    assert cost.value == pytest.approx((20 * right[0, 1] + right[1, 0]) / found.rows)
    assert found["recall:sick"] == right[0, 0] / right[0].sum() > 0.75
