"""Models of every kind, small and quickly fitted, and rows for them that are hard to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import steepest as st
from steepest.tabular import TableModel

Cells: TypeAlias = dict[str, list[Any]]
SMALL = {"hidden_layer_sizes": [6, 5], "embedding_size": 3}
SECONDS = np.datetime64(0, "us")


@dataclass(frozen=True)
class Rows:
    """Rows as a user writes them, and as ONNX takes them: numbers, seconds, text."""

    cells: Cells
    bound: Mapping[str, NDArray[Any]]


def rows(count: int, seed: int, *, odd: bool = False, huge: float = 1e300) -> Rows:
    """Draw rows; odd ones have what training had not: levels, huge numbers, no value at all."""
    random = np.random.default_rng(seed)
    numbers = {
        "size": random.normal(size=count),
        'say "hi",\n{name}': 1e9 + random.normal(size=count) * 1e3,
        "whole": random.integers(-5, 6, count).astype(float),
        "money": np.round(random.normal(size=count) * 3000, 2),
    }
    numbers["size"][random.random(count) < 0.2] = np.nan
    if odd:  # the largest are clipped by robust scaling only
        numbers["size"][:6] = [huge, -huge, 1e-300, 0.0, np.nan, 12345678.9]
        numbers["whole"][:2] = np.nan
    many = [f"Nº{code}" for code in range(12)]
    texts = {
        "farbe": random.choice(["grün", "日本", "", "it's", "🙂"], count),
        "many": random.choice([*many, "new", ""] if odd else many, count),
        "digits": random.choice(["01", "2", "2.0", "x"] if odd else ["01", "2", "x"], count),
        "grade": random.choice(["S", "M", "L", "XXL"] if odd else ["S", "M", "L"], count),
        "word": random.choice(["yes", "no", "", "perhaps"] if odd else ["Yes", "no", ""], count),
        "truth": random.choice(["true", "false"], count),
    }
    moments = np.datetime64("1999-01-01T00:00", "m") + random.integers(0, 10**7, count)
    gone = random.random(count) < 0.1
    days = [
        "" if absent else str(moment).replace("T", " ")
        for moment, absent in zip(moments, gone, strict=True)
    ]
    plain = {
        name: [None if np.isnan(value) else float(value) for value in values]
        for name, values in numbers.items()
    }
    cells: Cells = {
        **plain,
        "money": ["" if v is None else f"${v:,.2f}" for v in plain["money"]],
        **{name: values.tolist() for name, values in texts.items()},
        "moment": days,
    }
    seconds = (moments - SECONDS) / np.timedelta64(1, "s")
    bound = {
        **numbers,
        **{name: values.astype(object) for name, values in texts.items()},
        "moment": np.where(gone, np.nan, seconds),
    }
    return Rows(cells, {name: values.reshape(-1, 1) for name, values in bound.items()})


def targets(count: int, seed: int) -> Cells:
    """Draw what may be predicted, of every task."""
    random = np.random.default_rng([seed, 1])
    return {
        "class": random.choice(["über", "b, c", 'd"'], count).tolist(),
        "binary": random.choice(["no", "yes"], count, p=[0.7, 0.3]).tolist(),
        "other": random.choice(["left", "right"], count).tolist(),
        "number": (1e6 + 1e3 * random.normal(size=count)).tolist(),
        "skewed": np.exp(random.normal(size=count)).tolist(),
        "count": random.poisson(3.0, count).tolist(),
    }


Options: TypeAlias = dict[str, dict[str, Any]]
MODELS: Mapping[str, tuple[str | tuple[str, ...], Options]] = {
    "classes": ("class", {}),
    "two classes": ("binary", {"network": {"activation": "gelu", "batch_norm": "before"}}),
    "ensemble of classes": ("class", {"training": {"ensemble_size": 3}}),
    "margins": ("class", {"training": {"loss": "hinge"}}),
    "temperature": ("class", {"decision": {"calibration": "temperature"}}),
    "threshold": ("binary", {"decision": {"threshold": 0.3}}),
    "costs": ("binary", {"decision": {"costs": {"fp": 1.0, "fn": 5.0}}}),
    "labels": (("binary", "other"), {"decision": {"calibration": "temperature"}}),
    "ensemble of labels": (("binary", "other"), {"training": {"ensemble_size": 2}}),
    "number": ("number", {"network": {"activation": "silu", "batch_norm": "after"}}),
    "number in float64": ("number", {"training": {"dtype": "float64"}}),
    "ensemble of numbers": ("number", {"training": {"ensemble_size": 2}}),
    "logarithm": ("skewed", {"preprocessing": {"target": "log"}}),
    "several numbers": (("number", "skewed"), {}),
    "several logarithms": (("count", "skewed"), {"training": {"loss": "poisson"}}),
    "quantiles": (
        "number",
        {"training": {"loss": "quantile", "loss_options": {"quantiles": [0.1, 0.5, 0.9]}}},
    ),
    "quantiles of a logarithm": (
        "skewed",
        {
            "training": {"loss": "quantile", "loss_options": {"quantiles": [0.1, 0.5, 0.9]}},
            "preprocessing": {"target": "log"},
        },
    ),
    "counts": ("count", {"training": {"loss": "poisson", "ensemble_size": 2}}),
    "waves": ("number", {"network": {"numeric_embedding": "periodic"}}),
    "standardised": ("class", {"preprocessing": {"numeric": "standard"}}),
    "plain numbers": ("class", {"preprocessing": {"numeric": "minmax"}}),
    "one-hot": ("class", {"preprocessing": {"one_hot_levels": 100}}),
    "linear": ("class", {"network": {"hidden_layer_sizes": []}}),
    "text only": ("class", {"data": {"features": ["many"]}}),
    "one number": ("binary", {"data": {"features": ["size"]}}),
}

UNCLIPPED = ("standardised", "plain numbers")  # by scalings that leave large numbers large


@cache
def fitted(name: str) -> TableModel:
    """Fit a model of the list."""
    return fit(*MODELS[name])


def fit(target: str | tuple[str, ...], options: Options) -> TableModel:
    """Fit a small network for two epochs."""
    table = {**rows(200, 0).cells}
    every = targets(200, 0)
    names = [target] if isinstance(target, str) else [*target]
    table |= {each: every[each] for each in names}
    return fit_table({**table}, target, options)


@cache
def with_activation(name: str) -> TableModel:
    """Fit one with this activation."""
    network = {"activation": name, "hidden_layer_sizes": [5]}
    return fit("class", {"network": network, "training": {"max_epochs": 1}})


@cache
def of_free_text() -> TableModel:
    """Fit one with two columns of free text."""
    table = {**texts(200, 0), "class": targets(200, 0)["class"]}
    types = {"types": {"story": "text", "Ende": "text"}}
    return fit_table(table, "class", {"data": types, "network": {"text_size": 3}})


def texts(count: int, seed: int) -> Cells:
    """Draw two columns of free text, one with missing ones, and a column of numbers."""
    random = np.random.default_rng([seed, 2])
    words = ["Über", "the", "quick", "brown", "fox", "日本語", "don't", "x_1", "42", "—", "!"]
    story = [" ".join(random.choice(words, random.integers(1, 30))) for _ in range(count)]
    ends = [random.choice(["", "!!!", text[:20]]) for text in reversed(story)]
    return {"story": story, "age": random.normal(size=count).tolist(), "Ende": ends}


def fit_table(table: Cells, target: str | tuple[str, ...], options: Options) -> TableModel:
    """Fit a small network for two epochs to a table."""
    names = [target] if isinstance(target, str) else [*target]
    given = {each: {**values} for each, values in options.items()}
    given["training"] = {"max_epochs": 2, **given.get("training", {})}
    given["network"] = {**SMALL, **given.get("network", {})}
    types = {"grade": "ordinal:S<M<L", "digits": "categorical"}
    data = {"types": {name: kind for name, kind in types.items() if name in table}}
    given["data"] = {**data, **given.get("data", {})}
    if names[0] in ("count",):
        given["data"]["task"] = "regression"
    # Interpreted: nothing is compiled for two epochs.
    return st.fit_table(table, target, given, backend="reference")
