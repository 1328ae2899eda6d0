"""How much each row counts: sample weights times class weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data import Schema, Table, sample_weights
from steepest.errors import ConfigurationError, nearest
from steepest.tabular.configuration import Configuration

Weights = NDArray[np.float64]
_MOST = 8  # times the rows that there are


def as_weighted(table: Table, configuration: Configuration) -> Table:
    """The table with each row as often as its weight says: what scales and levels are fitted to.

    So a row of weight 2 is as good as two rows, and one of weight 0 as none. Weights that are no
    whole numbers count in units of the smallest; what would make more than eight times as many rows
    is rounded, and keeps each row that has a weight.

    Args:
        table: the rows for training.
        configuration: `data.sample_weight`.
    """
    if not configuration.data.sample_weight:
        return table
    counts = repetitions(sample_weights(table, configuration.data.sample_weight))
    rows = np.arange(len(table))
    return table if (counts == 1).all() else table.take(np.repeat(rows, counts))


def repetitions(weights: Weights) -> NDArray[np.intp]:
    """How often a row stands for its weight.

    >>> repetitions(np.array([2.0, 0.0, 1.0])), repetitions(np.array([0.2, 0.1, 0.1]))
    (array([2, 0, 1]), array([2, 1, 1]))
    """
    present = weights > 0
    is_whole = bool((weights == np.floor(weights)).all())
    largest, most = weights.max(), _MOST * len(weights)
    shares = weights / largest  # sums of weights themselves may be infinite
    unit = 1.0 / largest if is_whole else shares[present].min()
    counts = shares * (most / shares.sum()) if shares.sum() > most * unit else shares / unit
    return np.where(present, np.maximum(np.rint(counts), 1), 0).astype(np.intp)


def row_weights(
    table: Table, configuration: Configuration, schema: Schema, actual: NDArray[Any]
) -> Weights | None:
    """Multiply sample weights and class weights; None where all rows count alike.

    Args:
        table: the rows.
        configuration: `data.sample_weight` and `training.class_weight`.
        schema: says what the targets are.
        actual: codes of classes, (n,), or what else the targets hold.

    Raises:
        DataError: a weight that is none.
        ConfigurationError: class weights where there is no one target of classes.
    """
    weights = None
    if configuration.data.sample_weight:
        weights = sample_weights(table, configuration.data.sample_weight)
    check_class_weight(configuration, schema)
    if schema.task == "regression" or len(schema.targets) > 1:
        return weights
    found = class_weights(configuration.training.class_weight, actual, schema.target.classes)
    if weights is None or found is None:
        return found if weights is None else weights
    return weights * found


def check_class_weight(configuration: Configuration, schema: Schema) -> None:
    """Refuse class weights that cannot be meant.

    Raises:
        ConfigurationError: several targets, a number, or a class that there is not.
    """
    option = configuration.training.class_weight
    if option == "none":
        return
    if len(schema.targets) > 1:
        raise ConfigurationError(
            "training.class_weight is for one target of classes, and there are "
            f"{len(schema.targets)} targets: fit them one by one, or leave it out"
        )
    if isinstance(option, str):
        return
    if schema.task == "regression":
        raise ConfigurationError(
            f"training.class_weight is for classes, and the target {schema.target.name!r} is a "
            "number: leave it out, or say --task classification"
        )
    check_weighed_classes(option, schema.target.classes)


def check_weighed_classes(option: Mapping[str, float], classes: Sequence[str]) -> None:
    """Refuse weights of classes that there are not, or that leave nothing.

    Raises:
        ConfigurationError: names the class, and the nearest.
    """
    for name in option:
        if name not in classes:
            raise ConfigurationError(
                f"training.class_weight: there is no class {name!r}; {nearest(name, classes)}"
            )
    if all(option.get(name, 1.0) == 0 for name in classes):
        raise ConfigurationError("training.class_weight: the weights of all classes are 0")


def class_weights(
    option: str | Mapping[str, float], codes: NDArray[Any], classes: Sequence[str]
) -> Weights | None:
    """The weight of each row's class; None where all count alike.

    Args:
        option: "none", "balanced", or weights by class, 1 where none is given.
        codes: of the rows' classes, (n,).
        classes: their labels.

    >>> class_weights({"yes": 3.0}, np.array([0, 1]), ("no", "yes"))
    array([1., 3.])
    """
    if option == "none":
        return None
    if isinstance(option, str):
        return balanced_weights(codes)
    return np.array([float(option.get(name, 1.0)) for name in classes])[codes]


def balanced_weights(codes: NDArray[Any]) -> Weights:
    """Weigh rows by n / (k n_class), so that every class has the same sum.

    >>> balanced_weights(np.array([0, 1, 1, 1]))
    array([2.        , 0.66666667, 0.66666667, 0.66666667])
    """
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return (len(codes) / (len(counts) * counts))[inverse]
