"""`steepest fit` with drivers, and with the learning rate of a range test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from steepest.optim import DRIVERS


class Ran(Protocol):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]
SMALL = ("--hidden-layer-sizes", "4", "--set", "training.l2=0.01", "--max-epochs", "30")


@pytest.mark.row("P8", "P9", "P10")
@pytest.mark.parametrize("name", DRIVERS)
def test_fit_with_a_driver(command: Command, table: Path, tmp_path: Path, name: str) -> None:
    model = tmp_path / "m.safetensors"
    options = ("--target", "label", "--optimizer", name, *SMALL, "--json", "--out", model)
    ran = command("fit", table, *options)
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    resolved = told["resolved"]
    assert (resolved["batch_size"], resolved["dropout"]) == (told["training_rows"], 0.0)
    assert told["stopped"] in ("converged", "early stopping", "finished")
    first = model.read_bytes()
    assert command("fit", table, *options).code == 0
    assert model.read_bytes() == first
    assert f"{name}, all rows at each step" in command("inspect", model).out


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--dropout", "0.2"), "network.dropout = 0.2 does not go with lbfgs"),
        (("--batch-size", "8"), "training.batch_size = 8 does not go with lbfgs"),
        (("--learning-rate", "0.1"), "finds the length of each step by itself"),
        (("--schedule", "step_decay"), "optimizer.schedule = 'step_decay' does not go with lbfgs"),
        (("--learning-rate", "auto"), "finds the length of each step by itself"),
        (("--weight-decay", "0.1"), "give training.l2"),
        (("--set", "optimizer.clip_norm=1"), "for rules such as adamw"),
        (("--set", "training.sampler=with_replacement"), "the same objective"),
        (("--set", "optimizer.options.memory=0"), "memory is a whole number"),
        (("--set", "optimizer.options.beta1=0.9"), "has no option 'beta1'"),
        (("--optimizer", "lbgfs"), "did you mean 'lbfgs'"),
        (("--optimizer", "newton", "--hidden-layer-sizes", "500"), "up to 3,000 parameters"),
    ],
)
def test_what_does_not_go_with_a_driver_is_refused(
    command: Command, table: Path, tmp_path: Path, options: tuple[str, ...], text: str
) -> None:
    model = tmp_path / "m.safetensors"
    ran = command(
        "fit", table, "--target", "label", "--optimizer", "lbfgs", *options, "--quiet",
        "--out", model,
    )  # fmt: skip
    assert ran.code == 2
    assert text in ran.err
    assert len(ran.err.splitlines()) <= 2
    assert not model.exists()


@pytest.mark.row("S10")
def test_the_rate_of_a_range_test(command: Command, table: Path, tmp_path: Path) -> None:
    def fit(rate: str, name: str) -> tuple[float, bytes, str]:
        model = tmp_path / name
        ran = command(
            "fit", table, "--target", "label", "--learning-rate", rate, "--dropout", "0",
            "--max-epochs", "4", "--hidden-layer-sizes", "8", "--json", "--out", model,
        )  # fmt: skip
        assert ran.code == 0, ran.err
        return json.loads(ran.out)["resolved"]["learning_rate"], model.read_bytes(), ran.err

    found, first, told = fit("auto", "auto.safetensors")
    assert 1e-4 < found < 0.3
    assert f"learning rate {found:.2g}, proposed by a range test" in told
    assert fit("auto", "again.safetensors")[1] == first
    assert fit("recipe", "recipe.safetensors")[0] == 0.002
