"""From options to a loss, an optimiser and its learning rate over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from steepest import optim
from steepest.data import Target
from steepest.errors import ConfigurationError
from steepest.losses import LOSSES, Head, Loss
from steepest.optim import schedules
from steepest.tabular.chosen import Choice
from steepest.tabular.configuration import Configuration
from steepest.tabular.driving import is_driven, make_driver
from steepest.tabular.resolved import Resolved

Purpose: TypeAlias = Literal[
    "classification",
    "regression",
    "multi-label classification",
    "multi-output regression",
]
# What a table's network may give, by what is predicted.
HEADS: Mapping[Purpose, tuple[Head, ...]] = {
    "classification": ("probabilities", "scores"),
    "regression": ("value", "log", "quantiles"),
    "multi-label classification": ("labels",),
    "multi-output regression": ("value", "log"),
}
_USUAL: Mapping[Purpose, str] = {
    "classification": "cross_entropy",
    "regression": "half_squared_error",
    "multi-label classification": "multilabel_logistic",
    "multi-output regression": "half_squared_error",
}


def purpose_of(targets: Sequence[Target]) -> Purpose:
    """What is predicted, by the targets of a table."""
    if targets[0].task == "classification":
        return "classification" if len(targets) == 1 else "multi-label classification"
    return "regression" if len(targets) == 1 else "multi-output regression"


def make_rate(
    configuration: Configuration, resolved: Resolved, steps: int, begin: int = 0
) -> schedules.Rate:
    """Compose warm-up and the schedule over `steps` steps in all, after `begin` steps before.

    The schedule's first parameter is the highest rate. What counts time among its options counts
    epochs; what is not given is made to end with the training. A schedule that rises by itself has
    no warm-up before it.

    >>> from steepest.tabular.resolved import resolve
    >>> default = Configuration()
    >>> rate = make_rate(default, resolve(default, "regression", 1_000), 200)
    >>> rate(10), rate(200)
    (0.002, 0.0)
    """
    optimizer = configuration.optimizer
    rising = round(optimizer.warm_up * steps)
    make = schedules.SCHEDULES.find(optimizer.schedule)
    highest = _first_parameter(make)
    choice = Choice(
        option="optimizer.schedule_options",
        name=optimizer.schedule,
        make=make,
        elsewhere={highest: "optimizer.learning_rate"},
        filled={highest: resolved.learning_rate},
    )

    def made(steps_left: int) -> schedules.Schedule:
        per_epoch = steps / resolved.max_epochs
        given = optimizer.schedule_options
        in_steps = schedules.of_training(make, given, steps=steps_left, steps_per_epoch=per_epoch)
        try:
            return choice.made(in_steps)
        except ConfigurationError:
            choice.made({**in_steps, **given})  # is refused with the times that were given
            raise

    rate = made(max(1, steps - rising))
    if not rising or rate(0) < 0.9 * resolved.learning_rate:
        whole: schedules.Schedule = made(steps)
    elif isinstance(rate, schedules.Plateau):  # goes around all others
        whole = replace(rate, rate=schedules.WarmUp(rate.rate, steps=rising))
    else:
        whole = schedules.WarmUp(_plain(rate), steps=rising)
    if not begin:
        return _plain(whole)
    if isinstance(whole, schedules.Plateau):
        return replace(whole, rate=_after(begin, whole.rate))
    return _after(begin, _plain(whole))


def make_optimizer(
    configuration: Configuration, resolved: Resolved, steps: int, begin: int = 0
) -> optim.Rule | optim.Driver:
    """Make the update rule of a fit of `steps` steps, `begin` of others before, or the driver."""
    if is_driven(configuration):
        return make_driver(configuration)
    optimizer = configuration.optimizer
    make = optim.RULES.find(optimizer.name)
    momentum, epochs = optimizer.momentum, resolved.max_epochs
    choice = Choice(
        option="optimizer.options",
        name=optimizer.name,
        make=make,
        elsewhere={
            name: f"optimizer.{name}" for name in ("learning_rate", "weight_decay", "momentum")
        },
        filled={
            "learning_rate": make_rate(configuration, resolved, steps, begin),
            "weight_decay": resolved.weight_decay,
            "momentum": _annealed(momentum, "optimizer.momentum", steps, epochs)
            if isinstance(momentum, dict)
            else momentum,
        },
    )
    own = {
        name: _annealed(value, f"optimizer.options.{name}", steps, epochs)
        if isinstance(value, dict)
        else value
        for name, value in optimizer.options.items()
    }
    rule: optim.Rule = choice.made(own)
    if resolved.weight_decay and "weight_decay" not in choice.parameters:
        rule = optim.WeightDecay(rule, resolved.weight_decay)
    if optimizer.l1:
        rule = optim.L1Decay(rule, optimizer.l1)
    if optimizer.clip_value:
        rule = optim.ClipByValue(rule, optimizer.clip_value)
    if optimizer.clip_norm:
        rule = optim.ClipByNorm(rule, optimizer.clip_norm)
    averaging = configuration.training.average_weights
    return optim.AveragedParameters(rule, averaging) if averaging else rule


def make_loss(configuration: Configuration, purpose: Purpose) -> Loss:
    """Make what is made small; by default cross entropy, or half the squared error.

    Raises:
        ConfigurationError: a loss for another purpose.

    >>> make_loss(Configuration(), "classification")
    CrossEntropy()
    """
    training = configuration.training
    name = _USUAL[purpose] if training.loss == "auto" else training.loss
    make = LOSSES.find(name)
    if make.head not in HEADS[purpose]:
        if make.head == "quantiles" and purpose == "multi-output regression":
            raise ConfigurationError(
                "quantiles are of one number, and there are several targets: fit them one by one, "
                "or leave the quantiles out"
            )
        if make.head == "quantiles":
            raise ConfigurationError(
                "quantiles are of a number, and the target is a class: leave them out, or say "
                "--task regression where its classes are numbers"
            )
        fitting = ", ".join(repr(each) for each in LOSSES if LOSSES[each].head in HEADS[purpose])
        raise ConfigurationError(
            f"training.loss = {name!r} is not for the {purpose} of a table; valid: {fitting}"
        )
    return Choice("training.loss_options", name, make, {}, {}).made(training.loss_options)


def check_methods(configuration: Configuration) -> None:
    """Refuse own options of methods that these do not have, or values that they refuse.

    Raises:
        ConfigurationError: names the option.
    """
    given = configuration.training.max_epochs
    epochs = 50 if given == "auto" else given
    some = Resolved(
        batch_size=1, dropout=0.0, learning_rate=0.001, weight_decay=0.0, max_epochs=epochs
    )
    make_optimizer(configuration, some, 100 * epochs)
    training = configuration.training
    if training.loss != "auto":
        make = LOSSES.find(training.loss)
        Choice("training.loss_options", training.loss, make, {}, {}).made(training.loss_options)
    elif training.loss_options:
        raise ConfigurationError(
            "training.loss_options are a loss's own: name it with training.loss"
        )


def _after(begin: int, rate: schedules.Rate) -> schedules.Rate:
    """The rate with its steps counted from a later one."""
    if not isinstance(rate, schedules.Schedule):
        return rate
    return schedules.Concatenated([0.0, rate], boundaries=[begin])


def _plain(rate: schedules.Schedule) -> schedules.Rate:
    """A number, where it is one, which the compiled step need not compute."""
    return rate.value if isinstance(rate, schedules.Constant) else rate


def _annealed(
    options: Mapping[str, Any], option: str, steps: int, epochs: int
) -> schedules.Schedule:
    """A schedule written as a table: {schedule = "linear", first = 0.5, last = 0.99}."""
    inside = dict(options)
    name = inside.pop("schedule", None)
    if name is None:
        raise ConfigurationError(
            f"{option}: a table holds a schedule and its options, such as "
            '{schedule = "linear", first = 0.5, last = 0.99}'
        )
    try:
        make = schedules.SCHEDULES.find(str(name))
    except ConfigurationError as error:
        raise ConfigurationError(f"{option}: {error}") from None
    return Choice(option, str(name), make, {}, {}).made(
        schedules.of_training(make, inside, steps=steps, steps_per_epoch=steps / epochs)
    )


def _first_parameter(make: Any) -> str:  # noqa: ANN401 - a class or function with parameters
    return next(iter(Choice("", "", make, {}, {}).parameters))
