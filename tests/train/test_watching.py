"""Watched steps: what they tell is right, what they do is what plain steps do."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steepest as st
from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.nn.activations import ACTIVATIONS, Activation
from steepest.tensor.tensor import Tensor
from steepest.train.findings import FINDINGS, Seen, find
from steepest.transform.executable import Backend

pytestmark = pytest.mark.row("W2")

FLAT = {"sigmoid", "tanh", "lecun_tanh", "elu", "selu", "softplus"}
ROWS, FEATURES, CLASSES = 96, 6, 3
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, FEATURES)).astype(np.float32)
Y = RANDOM.integers(0, CLASSES, ROWS)


class Gated(st.nn.Module):
    """A module of a user's own: activations called by hand, one of them twice, shared weights."""

    def __init__(self) -> None:
        self.first = st.nn.Linear(FEATURES, 5)
        self.shared = st.nn.Linear(5, 5)
        self.gate = st.nn.sigmoid
        self.scales = {"out": st.State(st.ones((5,)))}
        self.last = st.nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        z = self.gate(self.first(x))
        z = self.gate(self.shared(self.shared(z))) * self.scales["out"].value
        return self.last(z)


def sequence() -> st.nn.Module:
    block = st.nn.Residual(st.nn.Sequential(st.nn.Linear(5, 5), st.tanh))
    first = st.nn.Linear(FEATURES, 5)
    return st.nn.Sequential(first, lambda x: x * 2.0, block, st.nn.relu, st.nn.Linear(5, CLASSES))


MODELS: dict[str, Callable[[], st.nn.Module]] = {
    "relu": lambda: st.nn.MLP(FEATURES, [9, 7], CLASSES),
    "tanh and dropout": lambda: st.nn.MLP(FEATURES, [33], CLASSES, activation="tanh", dropout=0.3),
    "sigmoid, deep": lambda: st.nn.MLP(FEATURES, [8] * 4, CLASSES, activation="sigmoid"),
    "batch norm": lambda: st.nn.MLP(FEATURES, [9, 7], CLASSES, batch_norm="before", dropout=0.2),
    "linear": lambda: st.nn.Linear(FEATURES, CLASSES),
    "residual and functions": sequence,
    "own": Gated,
}
RULES: dict[str, Callable[[], st.optim.Rule]] = {
    "sgd": lambda: st.optim.SGD(0.1),
    "adam": lambda: st.optim.Adam(0.01),
    "nesterov, looking ahead": lambda: st.optim.NesterovLookAhead(0.05),
    # Its norm of all gradients is a sum beside those that are watched.
    "clipped": lambda: st.optim.ClipByNorm(st.optim.SGD(0.1), 0.1),
    "averaged": lambda: st.optim.AveragedParameters(st.optim.Adam(0.01), 0.9),
}


def trainer(model: str, rule: str = "adam", *, l2: float = 0.0) -> st.Trainer:
    with st.random.stream(1):
        return st.Trainer(MODELS[model](), "cross_entropy", RULES[rule](), l2=l2)


def weights(of: st.Trainer) -> dict[str, Array]:
    return {name: cell.value.numpy() for name, cell in of.model.states().items()}


def assert_equal_bits(a: dict[str, Array], b: dict[str, Array]) -> None:
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


# ------------------------------------------------------------------------------ it changes nothing


@pytest.mark.parametrize("model", MODELS)
def test_watching_changes_no_bit(model: str) -> None:
    plain, watched = trainer(model, l2=0.01), trainer(model, l2=0.01)
    # The last batch of an epoch has 16 rows, where there is dropout: it is a program of its own.
    batch = 20 if "dropout" in model else 32
    a = plain.fit(X, Y, epochs=3, batch_size=batch, metrics=["accuracy"])
    b = watched.fit(X, Y, epochs=3, batch_size=batch, metrics=["accuracy"], watch=2)
    assert_equal_bits(weights(plain), weights(watched))
    assert [{**row, "seconds": 0} for row in a.rows] == [{**row, "seconds": 0} for row in b.rows]
    assert b.watched.steps == list(range(1, a.rows[-1]["step"] + 1, 2))
    assert not a.watched.rows


@pytest.mark.parametrize("rule", RULES)
def test_watching_changes_no_bit_under_any_rule(rule: str) -> None:
    plain, watched = trainer("relu", rule), trainer("relu", rule)
    plain.fit(X, Y, epochs=2, batch_size=32)
    watched.fit(X, Y, epochs=2, batch_size=32, watch=1)
    assert_equal_bits(weights(plain), weights(watched))


# ---------------------------------------------------------------------------------- what it tells


def recomputed(model: st.nn.MLP, rate: float) -> Iterator[tuple[str, str, float]]:
    """A step of gradient descent on all rows by NumPy in float64: a network of relu or tanh."""
    linear = [layer for layer in model.layers if isinstance(layer, st.nn.Linear)]
    sigma = model.layers[1]
    values = [(f.weight.value.numpy().astype("f8"), f.bias.value.numpy()) for f in linear if f.bias]
    a, z, inputs, outputs = X, X.astype("f8"), list[Array](), list[Array]()
    for position, (w, b) in enumerate(values):
        inputs.append(z)
        a = z @ w.T + b
        yield from spread(f"layers.{2 * position}", a)
        if position == len(values) - 1:
            break
        z = np.maximum(a, 0) if sigma is st.nn.relu else np.tanh(a)
        outputs.append(z)
        name = f"layers.{2 * position + 1}"
        yield from spread(name, z)
        yield name, "dead", float((z == 0).all(axis=0).mean())
        if sigma is st.nn.tanh:
            yield name, "saturated", float((np.abs(z) > 0.97).mean())
    shares = np.exp(a - a.max(axis=1, keepdims=True))
    delta = (shares / shares.sum(axis=1, keepdims=True) - np.eye(CLASSES)[Y]) / ROWS
    for position in reversed(range(len(values))):
        w, b = values[position]
        slopes = {"weight": delta.T @ inputs[position], "bias": delta.sum(axis=0)}
        name = f"layers.{2 * position}"
        for key, value in {"weight": w, "bias": b}.items():
            yield from lengths(f"{name}.{key}", [slopes[key]], [value], rate)
        yield from lengths(name, list(slopes.values()), [w, b], rate)
        if position:
            z = outputs[position - 1]
            delta = (delta @ w) * ((z > 0) if sigma is st.nn.relu else 1 - z**2)


def spread(name: str, values: Array) -> Iterator[tuple[str, str, float]]:
    yield name, "mean", float(values.mean())
    yield name, "deviation", float(values.std())


def lengths(
    name: str, slopes: Sequence[Array], values: Sequence[Array], rate: float
) -> Iterator[tuple[str, str, float]]:
    slope, norm = (
        math.sqrt(sum(float((each.astype("f8") ** 2).sum()) for each in arrays))
        for arrays in (slopes, values)
    )
    yield name, "gradient_norm", slope
    yield name, "norm", norm
    yield name, "update_norm", rate * slope
    yield name, "update_ratio", rate * slope / norm if norm else math.nan


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_what_is_told_is_what_numpy_finds(activation: str, backend: Backend) -> None:
    with st.random.stream(3):
        model = st.nn.MLP(FEATURES, [12, 10], CLASSES, activation=activation)
    layer: Any = model.layers[0]
    layer.weight.assign(3 * layer.weight.value)  # so that some units are dead, some saturated
    bias = np.zeros(12, np.float32)
    bias[:3] = -40.0
    layer.bias.assign(bias)
    expected = {(layer, what): value for layer, what, value in recomputed(model, 0.1)}
    trained = st.Trainer(model, "cross_entropy", st.optim.SGD(0.1), backend=backend)
    rows = trained.fit(X, Y, epochs=1, batch_size=None, watch=1).watched.rows
    found = {(row["layer"], row["what"]): row["value"] for row in rows}
    assert found.keys() == expected.keys()
    assert expected["layers.1", "dead" if activation == "relu" else "saturated"] >= 0.25
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=2e-5, abs=1e-7, nan_ok=True), key


def test_tiny_gradients_are_not_taken_for_nothing() -> None:
    with st.random.stream(0):
        model = st.nn.Linear(2, 1, bias=False)
    loss: Any = lambda f, y: 1e-28 * st.square(st.squeeze(f, axis=1) - y)  # noqa: E731
    x, y = np.ones((4, 2), np.float32), np.full(4, 3.0, np.float32)
    error = float(model(st.tensor(x[:1])).item()) - 3.0
    watched = st.Trainer(model, loss, st.optim.SGD(1.0)).fit(
        x, y, epochs=1, batch_size=None, watch=1
    )
    (norm,) = watched.watched.column("weight", "gradient_norm")
    assert norm == pytest.approx(2e-28 * abs(error) * math.sqrt(2), rel=1e-5, abs=0)


def test_layers_are_told_by_the_names_that_lead_to_them() -> None:
    kinds = {
        name: trainer(name).fit(X, Y, epochs=1, batch_size=None, watch=1).watched.layers
        for name in ("residual and functions", "own", "linear")
    }
    assert kinds == {
        "residual and functions": {
            "layers.0": "Linear",
            "layers.1": "<lambda>",
            "layers.2.inner.layers.0": "Linear",
            "layers.2.inner.layers.1": "tanh",
            "layers.2": "Residual",
            "layers.3": "relu",
            "layers.4": "Linear",
        },
        "own": {
            "first": "Linear",
            "sigmoid": "sigmoid",
            "shared": "Linear",
            "shared (2)": "Linear",
            "sigmoid (2)": "sigmoid",
            "last": "Linear",
            "scales": "cells",
        },
        "linear": {"model": "Linear"},
    }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_where_an_activation_says_it_is_flat_it_is(name: str) -> None:
    sigma: Activation = ACTIVATIONS[name]
    x = np.linspace(-12, 12, 100_001)
    y = sigma(st.tensor(x)).numpy()
    slope = np.gradient(y, x)
    low, high = sigma.saturation
    flat = (y < low) | (y > high)
    assert (np.abs(slope[flat]) < np.abs(slope).max() / 8).all()
    assert flat.any() == (name in FLAT)


def test_a_function_of_ones_own_among_the_layers_is_seen() -> None:
    calls: list[tuple[object, Any]]
    with st.nn.watching() as calls:
        sequence()(st.tensor(X))
    kinds = [getattr(layer, "__name__", type(layer).__name__) for layer, _ in calls]
    assert kinds.count("<lambda>") == 1


# ------------------------------------------------------------------------------------- which steps


@pytest.mark.parametrize("every", [1, 3, 7])
def test_the_first_step_and_every_so_many_after_it(every: int) -> None:
    seen: list[int] = []
    called = st.EverySteps(2, lambda now: seen.append(now.step))
    history = trainer("linear").fit(X, Y, epochs=4, batch_size=20, watch=every, callbacks=[called])
    assert history.watched.steps == list(range(1, 21, every))
    assert seen == list(range(2, 21, 2))


def test_a_second_fit_goes_on_counting() -> None:
    trained = trainer("linear")
    trained.fit(X, Y, epochs=1, batch_size=20, watch=4)
    again = trained.fit(X, Y, epochs=1, batch_size=20, watch=4)
    assert again.watched.steps == [9]


@pytest.mark.parametrize("step", [1, 2, 7, 13])
def test_a_fit_that_goes_on_from_a_checkpoint_goes_on_watching(step: int, tmp_path: Path) -> None:
    def fit(of: st.Trainer, **more: Any) -> st.History:  # noqa: ANN401
        return of.fit(X, Y, epochs=3, batch_size=20, watch=3, **more)

    whole, broken, resumed = (trainer("tanh and dropout") for _ in range(3))
    expected = fit(whole).watched
    file = tmp_path / "fit.checkpoint.safetensors"
    stop = st.EverySteps(1, lambda now: st.Stop("enough") if now.step == step else None)
    fit(broken, checkpoint=st.Checkpoint(file), callbacks=[stop])
    found = fit(resumed, resume=file).watched
    assert_equal_bits(weights(resumed), weights(whole))
    np.testing.assert_equal(found.rows, expected.rows)


@pytest.mark.parametrize("every", [0, -1, 2.5, True, "often"])
def test_an_impossible_interval_is_refused(every: int) -> None:
    with pytest.raises(ConfigurationError, match="watch is a number of steps"):
        trainer("linear").fit(X, Y, epochs=1, batch_size=20, watch=every)


def test_the_program_of_a_watched_step_is_native() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer("own").fit(X, Y, epochs=1, batch_size=20, watch=1)


# ------------------------------------------------------------------------------------ the record


def test_the_rows_can_be_kept_and_taken_up() -> None:
    watched = trainer("relu").fit(X, Y, epochs=2, batch_size=32, watch=2).watched
    again = st.Watched()
    again.restore(watched.state())
    np.testing.assert_equal(again.rows, watched.rows)
    assert str(again) == str(watched)
    empty = st.Watched()
    empty.restore(st.Watched().state())
    assert empty.rows == []


def test_rows_as_json_and_as_a_table() -> None:
    watched = trainer("relu").fit(X, Y, epochs=1, batch_size=None, watch=1).watched
    lines = [json.loads(line) for line in watched.to_json_lines().splitlines()]
    assert len(lines) == len(watched.rows)
    ratios = [
        line["value"]
        for line in lines
        if line["layer"] == "layers.0.bias" and line["what"] == "update_ratio"
    ]
    assert ratios == [None]  # it starts with 0
    text = str(watched)
    assert text.splitlines()[0] == "step 1"
    assert "layers.1  relu" in text
    assert "saturated" not in text  # relu has no flat end but 0, which is told as dead
    assert "<td>layers.1</td>" in watched._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert repr(watched) == "<watched: 1 step of 5 layers>"


def test_a_column_that_is_not_there_is_told() -> None:
    watched = trainer("relu").fit(X, Y, epochs=1, batch_size=None, watch=1).watched
    with pytest.raises(ConfigurationError, match=r"did you mean 'layers\.0'"):
        watched.column("layer.0", "mean")
    with pytest.raises(ConfigurationError, match=r"layers\.0 has no 'dead'"):
        watched.column("layers.0", "dead")


# -------------------------------------------------------------------------------------- findings


def seen(
    name: str, *, weighted: bool = False, kind: str = "Linear", **columns: list[float]
) -> Seen:
    return Seen(name, kind, weighted, columns)


SICK: dict[str, tuple[list[Seen], str]] = {
    "vanishing gradients": (
        [
            seen("first", weighted=True, gradient_norm=[1e-7]),
            seen("last", weighted=True, gradient_norm=[1.0]),
        ],
        "first",
    ),
    "exploding gradients": (
        [
            seen("first", weighted=True, gradient_norm=[2e4]),
            seen("last", weighted=True, gradient_norm=[1.0]),
        ],
        "first",
    ),
    "dead units": ([seen("relu", kind="relu", dead=[0.0, 0.9])], "relu"),
    "saturated units": ([seen("tanh", kind="tanh", saturated=[0.2, 0.6])], "tanh"),
    "small updates": ([seen("first", update_ratio=[1e-5])], "first"),
    "large updates": ([seen("first", update_ratio=[0.3])], "first"),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_each_finding_finds_its_own_and_names_a_remedy(name: str) -> None:
    layers, place = SICK[name]
    (found,) = find(layers)
    assert (found.name, found.layers) == (name, (place,))
    assert found.remedy
    assert str(found).startswith(f"{name} in {place}: ")


def test_layers_with_one_finding_are_told_together_the_worst_first() -> None:
    layers = [seen(f"layers.{i}", update_ratio=[10.0**-i]) for i in range(8)]
    large, small = sorted(find(layers), key=lambda each: each.name)
    assert large.layers == ("layers.0",)
    assert small.layers == ("layers.7", "layers.6", "layers.5")
    assert str(small).startswith("small updates in layers.7 and 2 other layers: a step is 1e-07 ")


def test_nothing_is_found_in_what_is_well() -> None:
    layers = [
        seen(name, weighted=True, gradient_norm=[1.0], update_ratio=[1e-3])
        for name in ("first", "last")
    ]
    layers.append(seen("relu", kind="relu", dead=[0.5], saturated=[0.5], mean=[0.0]))
    assert find(layers) == []
    assert find([]) == []


def test_the_later_half_of_the_watched_steps_counts() -> None:
    assert find([seen("first", update_ratio=[0.5, 0.5, 1e-3, 1e-3])]) == []
    assert len(find([seen("first", update_ratio=[1e-3, 1e-3, 0.5, 0.5])])) == 1
    assert find([seen("first", update_ratio=[math.nan, math.nan])]) == []


def findings_of(activation: str, hidden: int, deviation: float | None = None) -> list[str]:
    """The findings in a deep network trained for a while, its weights drawn from N(0, σ²)."""
    y = (X[:, 0] > 0).astype(int)
    with st.random.stream(0):
        model = st.nn.MLP(FEATURES, [32] * hidden, 2, activation=activation)
    draw = np.random.default_rng(1)
    for cell in model.parameters().values():
        if cell.penalised and deviation is not None:
            cell.assign(draw.normal(scale=deviation, size=cell.shape).astype(np.float32))
    trained = st.Trainer(model, "cross_entropy", st.optim.Adam(1e-3))
    watched = trained.fit(X, y, epochs=10, batch_size=32, watch=1).watched
    return sorted({each.name for each in watched.findings})


def test_a_sick_network_is_found_sick_and_a_healthy_one_healthy() -> None:
    assert findings_of("relu", hidden=2) == []
    assert findings_of("tanh", hidden=5) == []
    assert findings_of("sigmoid", hidden=8, deviation=0.01) == [
        "small updates",
        "vanishing gradients",
    ]
    assert findings_of("tanh", hidden=3, deviation=2.0) == ["saturated units"]
