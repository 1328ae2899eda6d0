"""A constructor's words, as scikit-learn's users know them, to options of a fit and back."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from steepest.data import ReadOptions
from steepest.errors import ConfigurationError, clipped
from steepest.tabular.configuration import Configuration
from steepest.tabular.options import Plain, from_plain, require_option, set_option, to_plain
from steepest.tabular.parts import read_options

# A parameter of the estimators, and the option of the command that it is.
OPTION_OF = MappingProxyType(
    {
        "hidden_layer_sizes": "network.hidden_layer_sizes",
        "activation": "network.activation",
        "dropout": "network.dropout",
        "optimizer": "optimizer.name",
        "learning_rate": "optimizer.learning_rate",
        "weight_decay": "optimizer.weight_decay",
        "loss": "training.loss",
        "batch_size": "training.batch_size",
        "max_epochs": "training.max_epochs",
        "l2": "training.l2",
        "ensemble_size": "training.ensemble_size",
        "dtype": "training.dtype",
        "validation_fraction": "data.validation",
        "n_iter_no_change": "training.patience",
    }
)
# Said in another way here.
_OTHERWISE = MappingProxyType(
    {
        "data.target": "it is y",
        "data.task": "it is the estimator's",
        "data.sample_weight": "it is sample_weight of fit",
        "data.test": "the rows are yours to hold back: train_test_split, and score",
        "training.class_weight": "it is the parameter class_weight",
        "training.seed": "it is the parameter random_state",
        "data.features": "X has them: leave columns out of it, or name those in data.drop",
        **{option: f"it is the parameter {word}" for word, option in OPTION_OF.items()},
    }
)
# Parameters that are an option in another form.
_ALSO = MappingProxyType({"class_weight": "training.class_weight", "random_state": "training.seed"})


def configuration_of(
    words: Mapping[str, Any],
    options: Mapping[str, Any] | None,
    *,
    early_stopping: bool,
    fixed: Mapping[str, Plain],
) -> Configuration:
    """The options that an estimator's parameters stand for.

    Args:
        words: parameters by name; those of `OPTION_OF` are looked at.
        options: others, by dotted name or nested.
        early_stopping: without it no rows are held back, and nothing stops training early.
        fixed: what the estimator itself knows, by dotted name.

    Raises:
        ConfigurationError: a value that is not possible, an option that has a parameter.
    """
    plain: dict[str, Plain] = {}
    for word, option in OPTION_OF.items():
        set_option(plain, option, _plain(words[word]))
    sizes = words["hidden_layer_sizes"]
    if isinstance(sizes, int | np.integer):  # one layer, as scikit-learn takes it
        set_option(plain, OPTION_OF["hidden_layer_sizes"], [int(sizes)])
    for name, value in _dotted(options or {}):
        if name in _OTHERWISE:
            raise ConfigurationError(f"options: {name!r} is not given there; {_OTHERWISE[name]}")
        set_option(plain, name, _plain(value))
    if not early_stopping:
        set_option(plain, "data.validation", 0.0)
        set_option(plain, "training.patience", 0)
    for name, value in fixed.items():
        set_option(plain, name, value)
    return from_plain(plain)


def reading_of(options: Mapping[str, Any] | None) -> ReadOptions:
    """What means a missing value, by the parameter `options`.

    Raises:
        ConfigurationError: it is not a dictionary, or nothing that can mean that.

    >>> reading_of({"data.missing": ["-999"]}).marker_numbers
    (-999.0,)
    """
    plain: dict[str, Plain] = {}
    for name, value in _dotted(options or {}):
        if name == "data.missing":
            set_option(plain, name, _plain(value))
    return read_options(from_plain(plain).data)


def in_words(text: str) -> str:
    """A message about options, about parameters.

    >>> in_words("network.dropout = 2 is not possible")
    'dropout = 2 is not possible'
    """
    for word, option in [*OPTION_OF.items(), *_ALSO.items()]:
        text = text.replace(option, word)
    return text


def words_of(configuration: Configuration) -> dict[str, Any]:
    """The parameters of an estimator that would fit so; the rest as its parameter `options`."""
    default, given = to_plain(Configuration()), to_plain(configuration)
    words: dict[str, Any] = {
        word: _frozen(_at(given, option)) for word, option in OPTION_OF.items()
    }
    words["early_stopping"] = bool(_at(given, "data.validation"))
    words["random_state"] = _at(given, "training.seed")
    others: dict[str, Any] = {}
    for section, values in given.items():
        for leaf, value in cast("dict[str, Plain]", values).items():
            name = f"{section}.{leaf}"
            if name == "data.types":  # of y it is the estimator's
                value = _without(cast("dict[str, str]", value), given)
            if name not in _OTHERWISE and value != _at(default, name):
                others[name] = value
    words["options"] = others or None
    return words


def _dotted(options: Any) -> list[tuple[str, Any]]:
    """Each option by its dotted name, also of nested dictionaries.

    >>> _dotted({"optimizer": {"schedule": "constant"}, "preprocessing.numeric": "standard"})
    [('optimizer.schedule', 'constant'), ('preprocessing.numeric', 'standard')]
    """
    found: list[tuple[str, Any]] = []
    if not isinstance(options, Mapping) or not all(isinstance(each, str) for each in options):
        raise ConfigurationError(
            "options is a dictionary of the command's options by their names, "
            f'{{"optimizer.schedule": "constant"}} say, not {clipped(repr(options))}'
        )
    for name, value in cast("Mapping[str, Any]", options).items():
        if "." not in name and isinstance(value, Mapping):
            inside = cast("Mapping[str, Any]", value)
            found += [(f"{name}.{leaf}", each) for leaf, each in inside.items()]
        else:
            found.append((require_option(name.replace("__", ".")).name, value))
    return found


def _without(types: Mapping[str, str], plain: Mapping[str, Plain]) -> Plain:
    target = _at(plain, "data.target")
    targets = [target] if isinstance(target, str) else target
    return {name: kind for name, kind in types.items() if name not in targets}


def _at(plain: Mapping[str, Plain], name: str) -> Any:
    section, _, leaf = name.partition(".")
    return cast("dict[str, Plain]", plain[section])[leaf]


def _plain(value: Any) -> Any:
    """Numbers of NumPy as Python's, arrays and tuples as lists."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        given = cast("Mapping[str, Any]", value)
        return {name: _plain(each) for name, each in given.items()}
    return value


def _frozen(value: Any) -> Any:
    return tuple(cast("list[Any]", value)) if isinstance(value, list) else value
