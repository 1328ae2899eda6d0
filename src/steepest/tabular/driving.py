"""What a table's options mean for a driver such as L-BFGS, and which of them it has no use for."""

from __future__ import annotations

from steepest.errors import ConfigurationError
from steepest.optim import DRIVERS, Driver
from steepest.tabular.chosen import Choice
from steepest.tabular.configuration import Configuration

_NO_NOISE = "its line search needs the same objective again and again: leave it at its default"
_NO_RATE = "it finds the length of each step by itself"
_NO_RULE = "that is for rules such as adamw"


def is_driven(configuration: Configuration) -> bool:
    """Whether the optimizer is a driver.

    >>> is_driven(Configuration())
    False
    """
    return configuration.optimizer.name in DRIVERS


def make_driver(configuration: Configuration) -> Driver:
    """Make the driver that a configuration names.

    Raises:
        ConfigurationError: an option that does not go with it, and why.
    """
    optimizer, name = configuration.optimizer, configuration.optimizer.name
    for option, (value, why) in _given(configuration).items():
        raise ConfigurationError(f"{option} = {value!r} does not go with {name}: {why}")
    choice = Choice("optimizer.options", name, DRIVERS[name], {}, {})
    return choice.made(optimizer.options)


def _given(configuration: Configuration) -> dict[str, tuple[object, str]]:
    """What was given that a driver has no use for."""
    network, optimizer = configuration.network, configuration.optimizer
    training = configuration.training
    values: dict[str, tuple[object, tuple[object, ...], str]] = {
        "network.dropout": (network.dropout, ("auto", 0), _NO_NOISE),
        "network.embedding_dropout": (network.embedding_dropout, (0,), _NO_NOISE),
        "images.augment": (configuration.images.augment, ((), "none", None), _NO_NOISE),
        "training.sampler": (training.sampler, ("disjoint", "in_order"), _NO_NOISE),
        "optimizer.learning_rate": (optimizer.learning_rate, ("recipe",), _NO_RATE),
        "optimizer.schedule": (optimizer.schedule, ("cosine", "constant"), _NO_RATE),
        "optimizer.schedule_options": (optimizer.schedule_options, ({},), _NO_RATE),
        "optimizer.weight_decay": (optimizer.weight_decay, ("auto", 0), "give training.l2"),
        "optimizer.l1": (optimizer.l1, (0,), _NO_RULE),
        "optimizer.clip_norm": (optimizer.clip_norm, (0,), _NO_RULE),
        "optimizer.clip_value": (optimizer.clip_value, (0,), _NO_RULE),
        "training.average_weights": (training.average_weights, (0,), _NO_RULE),
    }
    return {
        option: (value, why)
        for option, (value, defaults, why) in values.items()
        if value not in defaults
    }
