"""Every flag of an option reaches that option and no other."""

from __future__ import annotations

import inspect
import tomllib
from typing import Any

import pytest
import typer

from steepest.cli import main
from steepest.cli.option_flags import Given, option_tables, with_options
from steepest.tabular.configuration import Configuration
from steepest.tabular.options import options, to_plain

# By option: what is written, and what the configuration then holds.
WRITTEN: dict[str, tuple[list[str], Any]] = {
    "data.target": (["-t", "y"], "y"),
    "data.task": (["--task", "regression"], "regression"),
    "data.types": (
        ["--types", "zip=categorical,a=b=numeric", "--types", "c=drop"],
        {"zip": "categorical", "a=b": "numeric", "c": "drop"},
    ),
    "data.drop": (["--drop", "1,a", "--drop", "b"], ["1", "a", "b"]),
    "data.features": (["--features", "a, b"], ["a", "b"]),
    "data.missing": (["--missing", "NA,?"], ["NA", "?"]),
    "data.separator": (["--separator", "tab"], "tab"),
    "data.quote": (["--quote", ""], ""),
    "data.decimal": (["--decimal", ","], ","),
    "data.encoding": (["--encoding", "cp1252"], "cp1252"),
    "data.comment": (["--comment", "#"], "#"),
    "data.sheet": (["--sheet", "2024, May"], "2024, May"),
    "data.query": (["--query", "SELECT a, b FROM data"], "SELECT a, b FROM data"),
    "data.memory": (["--memory", "1GB"], "1GB"),
    "data.header": (["--no-header"], False),
    "data.sample_weight": (["--sample-weight", "w"], "w"),
    "data.group": (["--group", "patient"], "patient"),
    "data.time": (["--time", "day"], "day"),
    "data.validation": (["--validation", ".25"], 0.25),
    "data.test": (["--test", "0.2"], 0.2),
    "images.augment": (["--augment", "shift=2,flip"], ["shift=2", "flip"]),
    "images.size": (["--image-size", "32x32"], "32x32"),
    "network.hidden_layer_sizes": (["--hidden-layer-sizes", "64,32"], [64, 32]),
    "network.activation": (["--activation", "tanh"], "tanh"),
    "network.dropout": (["--dropout", "0.25"], 0.25),
    "network.numeric_embedding": (["--numeric-embedding", "periodic"], "periodic"),
    "network.batch_norm": (["--batch-norm", "after"], "after"),
    "optimizer.name": (["--optimizer", "nesterov"], "nesterov"),
    "optimizer.learning_rate": (["--learning-rate", "auto"], "auto"),
    "optimizer.schedule": (["--schedule", "constant"], "constant"),
    "optimizer.weight_decay": (["--weight-decay", "0.5"], 0.5),
    "optimizer.l1": (["--l1", "0.001"], 0.001),
    "optimizer.clip_norm": (["--clip-norm", "2"], 2.0),
    "training.loss": (["--loss", "huber"], "huber"),
    "training.batch_size": (["--batch-size", "48"], 48),
    "training.sampler": (["--sampler", "in_order"], "in_order"),
    "training.max_epochs": (["--max-epochs", "7"], 7),
    "training.class_weight": (["--class-weight", "balanced"], "balanced"),
    "training.average_weights": (["--average-weights", ".995"], 0.995),
    "training.ensemble_size": (["--ensemble-size", "8"], 8),
    "training.time_limit": (["--time-limit", "60"], 60.0),
    "training.seed": (["--seed", "3"], 3),
    "decision.calibration": (["--calibration", "temperature"], "temperature"),
    "decision.threshold": (["--threshold", "0.3"], 0.3),
    "decision.costs": (["--costs", "fp=1.5,no:yes=3"], {"fp": 1.5, "no:yes": 3.0}),
}


def test_every_option_with_a_flag_is_tried_here() -> None:
    assert set(WRITTEN) == {name for name, option in options().items() if option.flag}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_flag_sets_its_option_and_no_other(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, value = WRITTEN[name]
    assert main(["fit", *words, "--print-config"]) == 0
    found = tomllib.loads(capsys.readouterr().out)
    section, _, leaf = name.partition(".")
    expected: Any = to_plain(Configuration())
    expected[section][leaf] = value
    if value != 60.0:
        del expected["training"]["time_limit"]  # TOML has no word for no limit
    assert found == expected


def test_a_file_in_place_of_a_share_is_no_option() -> None:
    assert set(option_tables({"test": "rows.csv", "validation": None})) == {"test"}
    assert option_tables({"test": "0.2", "target": "rows.csv"}) == {}


def test_a_command_names_options_that_have_a_flag() -> None:
    with pytest.raises(ValueError, match=r"no flag belongs to network.dropuot.*'network.dropout'"):
        with_options("network.dropuot")


def test_flags_stand_behind_the_table() -> None:
    @with_options("data.header", "data.drop")
    def command(context: typer.Context, table: str = "", quiet: bool = False, **_: Given) -> None:
        """Nothing."""

    assert [*inspect.signature(command).parameters] == [
        *("context", "table", "drop", "no_header", "quiet"),
    ]
