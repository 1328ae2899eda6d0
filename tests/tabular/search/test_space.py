"""Spaces: what is drawn from them, their grids, how they are written, what is refused."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from steepest.cli.search_report import space_toml
from steepest.errors import ConfigurationError
from steepest.tabular.options import from_plain
from steepest.tabular.search import (
    DEFAULT_SPACE,
    LAYOUTS,
    Choice,
    RandomLayout,
    Range,
    Space,
    space_from_plain,
)

pytestmark = pytest.mark.row("E4")

RATE = Range(1e-4, 1e-1, log=True)
DROPOUT = Range(0.0, 0.5)
TWO = Space({"optimizer.learning_rate": RATE, "network.dropout": DROPOUT}, {})


def drawn(space: Space, trials: int = 2000, seed: int = 0) -> dict[str, list[Any]]:
    layout = RandomLayout(space, seed, trials)
    every = [layout.drawn(place) for place in range(trials)]
    return {name: [each[name] for each in every] for name in space.dimensions}


@pytest.mark.parametrize("seed", range(3))
def test_rates_are_log_uniform_and_dropout_is_uniform(seed: int) -> None:
    values = drawn(TWO, seed=seed)
    law = stats.loguniform(1e-4, 1e-1)
    assert stats.kstest(values["optimizer.learning_rate"], law.cdf).pvalue > 1e-3
    assert stats.kstest(values["network.dropout"], stats.uniform(0, 0.5).cdf).pvalue > 1e-3
    uniform = stats.uniform(1e-4, 0.1).cdf
    assert stats.kstest(values["optimizer.learning_rate"], uniform).pvalue < 1e-9


def test_options_are_drawn_independently_and_all_values_differ() -> None:
    values = drawn(TWO)
    rate, dropout = np.log(values["optimizer.learning_rate"]), values["network.dropout"]
    assert abs(np.corrcoef(rate, dropout)[0, 1]) < 4 / math.sqrt(2000)
    assert len(set(values["network.dropout"])) == 2000
    other = drawn(TWO, seed=1)
    assert not set(other["network.dropout"]) & set(dropout)


def test_each_whole_number_and_each_choice_is_as_probable() -> None:
    space = Space({"network.layers": Range(1, 4, whole=True), "x": Choice(("a", "b", "c"))}, {})
    values = drawn(space, 6000)
    for name, each in (("network.layers", range(1, 5)), ("x", "abc")):
        counts = Counter(values[name])
        assert set(counts) == set(each)
        assert stats.chisquare([*counts.values()]).pvalue > 1e-3


def test_a_logarithmic_whole_number_has_probabilities_of_its_cell() -> None:
    widths = drawn(Space({"w": Range(1, 8, log=True, whole=True)}, {}), 8000)["w"]
    counts = Counter(widths)
    cells = [math.log((k + 0.5) / (k - 0.5)) for k in range(1, 9)]
    expected = [8000 * cell / sum(cells) for cell in cells]
    assert stats.chisquare([counts[k] for k in range(1, 9)], expected).pvalue > 1e-3


def test_more_trials_begin_with_the_same_ones() -> None:
    few, many = RandomLayout(TWO, 3, 5), RandomLayout(TWO, 3, 50)
    assert [few.drawn(place) for place in range(5)] == [many.drawn(place) for place in range(5)]


def test_the_grid_covers_its_points_each_once() -> None:
    space = Space(
        {"a": Range(1e-4, 1e-1, log=True, count=4), "b": Choice(("x", "y")), "c": Range(0, 1)}, {}
    )
    layout = LAYOUTS["grid"](space, 0, None)
    assert layout.trials == 24
    found = [layout.drawn(place) for place in range(24)]
    points: set[tuple[Any, ...]] = {tuple(each.values()) for each in found if each is not None}
    assert len(points) == 24
    assert {c for _, _, c in points} == {0, 0.5, 1}
    rates = {a for a, _, _ in points}
    assert sorted(rates) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert found != space.grid()  # in an order that does not walk along one option
    with pytest.raises(ConfigurationError, match=r"24 points, not 20.*--trials 24"):
        LAYOUTS["grid"](space, 0, 20)
    with pytest.raises(ConfigurationError, match="points"):
        LAYOUTS["grid"](DEFAULT_SPACE, 0, None)


def test_where_one_option_matters_a_random_layout_comes_nearer_than_a_grid() -> None:
    # L1: f(x, y) = g(x) + h(y), where g varies and h hardly does; the best x may be anywhere.
    space = Space({"x": Range(0.0, 1.0, count=4), "y": Range(0.0, 1.0, count=4)}, {})
    best = (np.arange(200) * 0.6180339887) % 1
    missed: dict[str, float] = {}
    for name, different in (("grid", 4), ("random", 16)):
        layouts = [LAYOUTS[name](space, seed, 16) for seed in range(200)]
        tried = np.array([[(each.drawn(i) or {})["x"] for i in range(16)] for each in layouts])
        assert {len(set(row)) for row in tried.tolist()} == {different}
        missed[name] = float(np.abs(tried - best[:, None]).min(axis=1).mean())
    assert missed["random"] < 0.6 * missed["grid"]


def test_the_default_space_is_possible_everywhere() -> None:
    for place in range(100):
        layout = RandomLayout(DEFAULT_SPACE, 0, 100)
        configuration = from_plain(DEFAULT_SPACE.applied({}, layout.drawn(place)))
        sizes = configuration.network.hidden_layer_sizes
        assert not isinstance(sizes, str)
        assert 1 <= len(sizes) <= 4
        assert 32 <= sizes[0] <= 512
        assert len(set(sizes)) in (1, len(sizes))


def test_a_space_is_written_and_read_back() -> None:
    assert space_from_plain(tomllib.loads(space_toml(DEFAULT_SPACE))) == DEFAULT_SPACE


def test_own_options_of_methods_and_fixed_values_are_applied() -> None:
    space = space_from_plain(
        {
            "optimizer": {"options": {"beta2": {"low": 0.9, "high": 0.999}}, "name": "adam"},
            "network.hidden_layer_sizes": [[8], [16, 4]],
        }
    )
    assert space.fixed == {"optimizer.name": "adam"}
    values: dict[str, Any] = {
        "optimizer.options.beta2": 0.95,
        "network.hidden_layer_sizes": [16, 4],
    }
    configuration = from_plain(space.applied({"optimizer": {"options": {"beta1": 0.5}}}, values))
    assert configuration.optimizer.options == {"beta1": 0.5, "beta2": 0.95}
    assert configuration.network.hidden_layer_sizes == (16, 4)


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({}, "nothing to search"),
        ({"optimizer": {"name": "adam"}}, "nothing to search"),
        ({"network": {"widht": [1]}}, r"'network\.widht'; did you mean 'network\.width'"),
        ({"network": {"droput": [1]}}, r"did you mean 'network\.dropout'"),
        ({"netwrk": {"dropout": [0.1]}}, r"did you mean 'network\.dropout'"),
        ({"network": 3}, "section of options"),
        ({"network": {"dropout": []}}, "choices of network.dropout is empty"),
        ({"network": {"dropout": [0.1, 0.1]}}, "lists 0.1 twice"),
        ({"network": {"dropout": {"low": 0.5, "high": 0.1}}}, "low = 0.5 should be less"),
        ({"network": {"dropout": {"low": 0.5}}}, "needs a number for 'high'"),
        ({"network": {"dropout": {"low": 0, "high": 0.5, "log": True}}}, "low is above 0, not 0"),
        ({"network": {"dropout": {"low": 0, "hihg": 0.5}}}, "'hihg'; did you mean 'high'"),
        ({"network": {"dropout": {"low": 0, "high": 0.5, "points": 1}}}, "points is a number from"),
        ({"network": {"dropout": {"low": 0, "high": 0.5, "log": "yes"}}}, "log is true or false"),
        ({"network": {"layers": {"low": 1.5, "high": 4}}}, "takes whole numbers"),
        ({"network": {"embedding_size": {"low": 1.5, "high": 4}}}, "takes whole numbers"),
        ({"network": {"layers": {"low": -1, "high": 4}}}, "layers is a whole number from 0 on"),
        ({"network": {"layers": [True, False]}}, "layers is a whole number from 0 on, not true"),
        ({"network": {"width": [0, 8]}}, "width is a whole number from 1 on, not 0"),
        ({"network": {"layers": [1, 2], "width": "x"}}, "width is a whole number from 1 on"),
        ({"network": {"narrowing": [0.5, -1]}}, "narrowing is a share up to 1, not -1"),
        ({"network": {"dropout": {"low": 0, "high": 0.5, "points": 10**9}}}, "2 to 100,000"),
        ({"images": {"augment": [["flip"], ["shift"]]}}, "which is for images, not tables"),
        ({"data": {"validation": [0.1, 0.2]}}, "the same in all trials"),
        ({"training": {"seed": [1, 2]}}, "the same in all trials"),
        (
            {"network": {"layers": [1, 2], "hidden_layer_sizes": [[1], [2]]}},
            "both network.hidden_layer_sizes and network.layers",
        ),
    ],
)
def test_impossible_spaces_are_told(space: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as error:
        space_from_plain(space)
    assert len(str(error.value).splitlines()) == 1
