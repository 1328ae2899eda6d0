"""From options to an optimiser and its learning rate over time."""

from __future__ import annotations

from steepest import optim
from steepest.optim import schedules
from steepest.tabular.configuration import Configuration, Resolved


def make_rate(configuration: Configuration, resolved: Resolved, steps: int) -> schedules.Rate:
    """Compose warm-up and cosine annealing over `steps` steps in all.

    >>> from steepest.tabular.configuration import resolve
    >>> default = Configuration()
    >>> rate = make_rate(default, resolve(default, "regression", 1_000), 200)
    >>> rate(10), rate(200)
    (0.002, 0.0)
    """
    rate: schedules.Rate = resolved.learning_rate
    rising = round(configuration.optimizer.warm_up * steps)
    if configuration.optimizer.schedule == "cosine":
        rate = schedules.CosineAnnealing(rate, steps=max(1, steps - rising))
    return schedules.WarmUp(rate, steps=rising) if rising else rate


def make_optimizer(configuration: Configuration, resolved: Resolved, steps: int) -> optim.Rule:
    """Make the update rule of a fit of `steps` steps."""
    rate = make_rate(configuration, resolved, steps)
    momentum = configuration.optimizer.momentum
    rules: dict[str, optim.Rule] = {
        "sgd": optim.SGD(rate),
        "momentum": optim.Momentum(rate, momentum=momentum),
        "nesterov": optim.Nesterov(rate, momentum=momentum),
        "adam": optim.Adam(rate),
        "adamw": optim.Adam(rate),
    }
    rule = rules[configuration.optimizer.name]
    return optim.WeightDecay(rule, resolved.weight_decay) if resolved.weight_decay else rule
