from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from steepest.errors import ConfigurationError
from steepest.losses import LOSSES, HalfSquaredError
from steepest.nn import ACTIVATIONS
from steepest.optim import RULES, AdamW, Momentum, Rule
from steepest.optim.schedules import SCHEDULES, CosineAnnealing, LinearAnnealing, WarmUp
from steepest.tabular.configuration import Configuration
from steepest.tabular.options import (
    assign,
    from_plain,
    options,
    parse_value,
    read_toml,
    to_plain,
    to_toml,
)
from steepest.tabular.recipe import make_loss, make_optimizer
from steepest.tabular.resolved import resolve
from steepest.tabular.sections.network import Network
from steepest.tabular.sections.optimizer import Optimizer
from steepest.tabular.sections.training import Training

CHANGED = Configuration(
    network=Network(hidden_layer_sizes=(3,), activation="tanh", dropout=0.5),
    optimizer=Optimizer(name="nesterov", learning_rate=0.25),
    training=Training(seed=7, time_limit=1.5, batch_size=16),
)


@pytest.mark.parametrize("configuration", [Configuration(), CHANGED])
def test_toml_brings_every_option_back(configuration: Configuration) -> None:
    assert from_plain(tomllib.loads(to_toml(configuration))) == configuration
    assert from_plain(to_plain(configuration)) == configuration


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=3),
    types=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        st.sampled_from(["numeric", "drop"]),
        max_size=3,
    ),
)
def test_toml_brings_any_column_name_back(names: list[str], types: dict[str, str]) -> None:
    configuration = from_plain({"data": {"drop": [*names], "types": {**types}}})
    assert from_plain(tomllib.loads(to_toml(configuration))) == configuration


def test_every_option_says_what_it_does_and_takes() -> None:
    described = options()
    sections = to_plain(Configuration())
    expected = {f"{name}.{leaf}" for name, values in sections.items() for leaf in dict(values)}  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert set(described) == expected
    for option in described.values():
        assert option.description, option.name
        assert option.valid, option.name
        assert option.description in to_toml(Configuration())


@pytest.mark.parametrize(
    ("name", "refused", "accepted"),
    [
        (
            "optimizer.learning_rate",
            ["0", "-1", "nan", "inf", "x", "true", "[1]"],
            ["1e-4", "auto"],
        ),
        ("optimizer.weight_decay", ["-0.1", "x"], ["0", "auto"]),
        ("optimizer.warm_up", ["-0.1", "1"], ["0", "0.5"]),
        ("optimizer.name", ["rmspop", "1"], ["sgd"]),
        ("network.dropout", ["1", "-0.1", "x"], ["0", "0.99", "auto"]),
        ("network.hidden_layer_sizes", ["0", "5,-1", "x", "2.5"], ["", "5", "5, 6", "[7, 8]"]),
        ("network.embedding_size", ["0", "1.5"], ["4"]),
        ("training.batch_size", ["0", "-3", "2.5", "x"], ["1", "auto"]),
        ("training.max_epochs", ["0", "none"], ["1"]),
        ("training.time_limit", ["0", "-1", "x"], ["none", "1", "0.5"]),
        ("training.seed", ["-1", "4294967296", "x"], ["0"]),
        ("training.class_weight", ["equal"], ["balanced"]),
        ("data.validation", ["1", "-0.1", "x"], ["0", "0.5"]),
        ("data.header", ["x", "1"], ["true", "false"]),
        ("preprocessing.one_hot_levels", ["-1"], ["0"]),
    ],
)
def test_ranges(name: str, refused: list[str], accepted: list[str]) -> None:
    for text in refused:
        plain: dict[str, object] = {}
        assign(plain, f"{name}={text}")  # pyright: ignore[reportArgumentType]
        with pytest.raises(ConfigurationError) as error:
            from_plain(plain)  # pyright: ignore[reportArgumentType]
        assert name in str(error.value)
        assert options()[name].valid in str(error.value)
    for text in accepted:
        plain = {}
        assign(plain, f"{name}={text}")  # pyright: ignore[reportArgumentType]
        from_plain(plain)  # pyright: ignore[reportArgumentType]


def test_text_that_looks_like_a_number_stays_text() -> None:
    assert parse_value("data.target", "2020") == "2020"
    assert parse_value("data.missing", "-9,x y") == [-9, "x y"] or parse_value(
        "data.missing", "-9"
    ) == ["-9"]


def test_names_nearby_are_told() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean 'network.dropout'"):
        assign({}, "training.dropout=0.1")
    with pytest.raises(ConfigurationError, match=r"did you mean 'network'"):
        from_plain({"networks": {}})
    with pytest.raises(ConfigurationError, match=r"nested: \{'training': \{'max_epochs': …\}\}"):
        from_plain({"training.max_epochs": 2})
    with pytest.raises(ConfigurationError, match=r"training\.lr"):
        assign({}, "training.lr=0.1")


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[network]\ndropout = x")
    with pytest.raises(ConfigurationError, match=r"a\.toml.*line 2"):
        read_toml(path)


def test_automatic_values_follow_the_documented_rules() -> None:
    default, task = Configuration(), "classification"
    sizes = {n: resolve(default, task, n).batch_size for n in (10, 2048, 2049, 8193, 10**6)}
    assert sizes == {10: 10, 2048: 32, 2049: 64, 8193: 128, 10**6: 256}
    assert resolve(default, "classification", 9).dropout == 0.3
    assert resolve(default, "regression", 9).dropout == 0.05
    nesterov = msgspec.structs.replace(default, optimizer=Optimizer(name="nesterov"))
    assert resolve(nesterov, task, 100).weight_decay == 0
    assert resolve(nesterov, task, 100).learning_rate == 0.05
    changed = resolve(CHANGED, task, 1000)
    assert (changed.batch_size, changed.dropout, changed.learning_rate) == (16, 0.5, 0.25)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_batch_larger_than_the_data_is_refused(optimizer: str) -> None:
    asked = Configuration(training=Training(batch_size=101), optimizer=Optimizer(name=optimizer))
    assert resolve(asked, "classification", 101).batch_size == 101
    with pytest.raises(ConfigurationError, match="batch_size = 101 is more than the 100 rows"):
        resolve(asked, "classification", 100)


def from_assignments(*assignments: str) -> Configuration:
    plain: dict[str, Any] = {}
    for each in assignments:
        assign(plain, each)
    return from_plain(plain)


def made(*assignments: str, steps: int = 100) -> Rule:
    configuration = from_assignments(*assignments)
    rule = make_optimizer(configuration, resolve(configuration, "regression", 1000), steps)
    assert isinstance(rule, Rule)
    return rule


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("optimizer.name", RULES),
        ("optimizer.schedule", SCHEDULES),
        ("network.activation", ACTIVATIONS),
        ("training.loss", LOSSES),
    ],
)
def test_names_are_those_of_the_registries(name: str, registry: Mapping[str, object]) -> None:
    assert set(registry) <= set(options()[name].names)
    for method in registry:
        assert repr(method) in options()[name].valid


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_made_by_its_name_alone(name: str) -> None:
    assert type(made(f"optimizer.name={name}", "optimizer.weight_decay=0")) is RULES[name]


def test_own_options_of_methods_arrive() -> None:
    rule = made("optimizer.options.beta2=0.99", "optimizer.schedule_options.low=1e-5")
    assert isinstance(rule, AdamW)
    assert (rule.beta2, rule.weight_decay) == (0.99, 0.01)
    assert rule.rate == WarmUp(CosineAnnealing(0.002, steps=95, low=1e-5), steps=5)
    shorter = made("optimizer.schedule_options={steps = 7}", "optimizer.warm_up=0")
    assert shorter.rate == CosineAnnealing(0.002, steps=14)  # 7 epochs of 2 steps
    constant = made("optimizer.schedule=constant", "optimizer.warm_up=0")
    assert constant.rate == 0.002


def test_a_momentum_may_have_a_schedule() -> None:
    annealed = 'optimizer.momentum={schedule = "linear", first = 0.5, last = 0.99}'
    rule = made("optimizer.name=momentum", annealed)
    assert isinstance(rule, Momentum)
    assert rule.momentum == LinearAnnealing(0.5, 0.99, steps=100)


def test_own_options_survive_toml_and_json() -> None:
    configuration = from_assignments(
        "optimizer.name=momentum",
        'optimizer.momentum={schedule = "linear", first = 0.5, last = 0.99, steps = 3}',
        "optimizer.schedule_options.low=0.5",
    )
    assert from_plain(tomllib.loads(to_toml(configuration))) == configuration
    assert from_plain(to_plain(configuration)) == configuration


@pytest.mark.parametrize(
    ("assignments", "says"),
    [
        (["optimizer.options.beta3=0.9"], "optimizer.options: 'adamw' has no option 'beta3'; did"),
        (["optimizer.options.beta2=1.5"], "optimizer.options: Adam.*beta2.*1.5"),
        (["optimizer.options.beta2=nan"], "optimizer.options = NaN is not possible"),
        (["optimizer.options.learning_rate=1"], "not given here, but as optimizer.learning_rate"),
        (["data.types.a=" + 5000 * "x"], "there is no kind 'x{59}…'; valid: 'ordinal', "),
        (["data.types.a=[" + 5000 * "x" + "]", "data.types.b=3"], r"types = \{.{100,200}… is not"),
        (["optimizer.options=3"], "optimizer.options = 3 is not possible; valid: a table of what"),
        (["optimizer.optons.beta2=3"], "there is no option 'optimizer.optons.beta2'; did you mean"),
        (["optimizer.schedule_options.hi=3"], "optimizer.schedule_options: 'cosine' has no option"),
        (
            ["optimizer.schedule=step_decay", "optimizer.schedule_options.milestones=[9, 3]"],
            "optimizer.schedule_options: StepDecay: milestones rise",
        ),
        (["optimizer.schedule=cosin"], "did you mean 'cosine'"),
        (["optimizer.name=adamx"], "did you mean 'adam"),
        (["training.loss=cros_entropy"], "did you mean 'cross_entropy'"),
        (["training.loss_options.delta=2"], "name it with training.loss"),
        (
            ["training.loss=squared_error", "training.loss_options.delta=2"],
            "training.loss_options: 'squared_error' has no option 'delta'; it has none",
        ),
        (["optimizer.momentum.first=0.5"], "optimizer.momentum: a table holds a schedule"),
        (
            ["optimizer.name=momentum", "optimizer.momentum={schedule = 'linaer'}"],
            "optimizer.momentum: there is no schedule 'linaer'; did you mean 'linear'",
        ),
    ],
)
def test_wrong_own_options_are_told(assignments: list[str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as error:
        from_assignments(*assignments)
    assert len(str(error.value).splitlines()) <= 2


def test_a_loss_for_the_other_task_is_refused() -> None:
    configuration = from_assignments("training.loss=half_squared_error")
    assert make_loss(configuration, "regression") == HalfSquaredError()
    with pytest.raises(ConfigurationError, match=r"'half_squared_error'.*valid: 'cross_entropy'"):
        make_loss(configuration, "classification")
