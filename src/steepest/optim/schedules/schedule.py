"""What a schedule is: a rate as a function of time, for numbers and in graphs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias, cast, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.methods import Registry
from steepest.ops.elementwise import maximum
from steepest.optim.keywords import names_its_options
from steepest.tensor.tensor import Tensor

__all__ = ["SCHEDULES", "Constant", "Rate", "Schedule", "Time", "of_training"]


class Schedule(ABC):
    """A rate that changes: a function of the time t, the number of steps taken before.

    One of your own is a subclass with :meth:`at`, written in ops.

    >>> import steepest as st
    >>> class Root(st.optim.schedules.Schedule):
    ...     def at(self, time: st.optim.Time) -> st.Tensor:
    ...         return 0.1 / st.sqrt(1.0 + time.step)
    >>> Root()(3)
    0.05
    >>> trainer = st.Trainer(st.nn.Linear(2, 1), "half_squared_error", st.optim.SGD(Root()))
    """

    @abstractmethod
    def at(self, time: Time) -> Tensor:
        """The rate at a time; also of a traced one, and of an array of times."""

    def __call__(self, t: float, *, epoch: float | None = None, lowered: float = 1.0) -> float:
        """The rate after t steps, as a number.

        Args:
            t: steps finished.
            epoch: epochs finished, for what counts epochs; by default t as well.
            lowered: what a :class:`Plateau` has multiplied the rate by.
        """
        step, epochs, factor = (
            Tensor(np.asarray(each, np.float64), None)
            for each in (t, t if epoch is None else epoch, lowered)
        )
        return float(self.at(Time(step, epochs, factor)))

    def curve(self, steps: int, *, steps_per_epoch: float | None = None) -> Array:
        """The rate of each of so many steps, before any training.

        Args:
            steps: how many.
            steps_per_epoch: batches in an epoch, for what counts epochs; by default an epoch is a
                step.

        Returns:
            float64 (steps,).

        >>> import steepest as st
        >>> st.optim.schedules.HalveEachEpoch(0.8).curve(6, steps_per_epoch=2)
        array([0.8, 0.8, 0.4, 0.4, 0.2, 0.2])
        """
        check_steps("curve: steps", steps)
        times = np.arange(steps, dtype=np.float64)
        epochs = np.floor(times / (steps_per_epoch or 1.0))
        rates = self.at(Time(Tensor(times, None), Tensor(epochs, None))).numpy()
        return np.array(np.broadcast_to(rates, times.shape))


Rate: TypeAlias = float | Schedule
# Chosen by name. The first parameter is the highest rate.
SCHEDULES = Registry[type[Schedule]]("schedule", option="--schedule NAME")


@final
@dataclass(frozen=True)
class Time:
    """When a step is taken.

    Args:
        step: t, how many steps were finished before; a float64 scalar, as all of these.
        epoch: how many epochs were.
        lowered: what a plateau has multiplied the rate by until now.
        scale: times the learning rate of the parameters that are looked at.
    """

    step: Tensor
    epoch: Tensor
    lowered: Tensor | float = 1.0
    scale: float = 1.0

    def value(self, number: Rate) -> Tensor | float:
        """A momentum, say, now."""
        return number.at(self) if isinstance(number, Schedule) else number

    def rate(self, rate: Rate) -> Tensor | float:
        """A learning rate now."""
        value = self.value(rate)
        return value if self.scale == 1.0 else self.scale * value

    def next_value(self, number: Rate) -> Tensor | float:
        """A momentum at the step after this one."""
        return replace(self, step=self.step + 1.0).value(number)

    def in_epochs(self) -> Time:
        """The same time with epochs counted as steps."""
        return replace(self, step=self.epoch)

    def since(self, steps: float) -> Time:
        """The time with its steps counted from a later one; before that it is 0."""
        return replace(self, step=maximum(self.step - float(steps), 0.0))


@SCHEDULES.register("constant", "S9")
@final
@names_its_options
@dataclass(frozen=True)
class Constant(Schedule):
    """Always the same: η_t = η.

    >>> import steepest as st
    >>> st.optim.schedules.Constant(0.1)(1000)
    0.1
    """

    value: float

    def __post_init__(self) -> None:
        check_from_zero("Constant: value", self.value)

    def at(self, time: Time) -> Tensor:
        """η."""
        return 0.0 * time.step + self.value


# ------------------------------------------------------------------------- options that count time

_OF_TRAINING, _IN_STEPS = "of training", "in steps"


def timed(of_training: Callable[[int], Any], *, power: int = 1) -> Mapping[str, Any]:
    """What a schedule's field is for a training of so many steps, as metadata of the field.

    Args:
        of_training: from the number of steps to the value, where it is not given.
        power: how the value grows with the unit of time: 1 for a number of steps, −1 for something
            per step, 0 for what has no unit.
    """
    return MappingProxyType({_OF_TRAINING: of_training, _IN_STEPS: power})


def of_training(
    schedule: type[Schedule], given: Mapping[str, Any], *, steps: int, steps_per_epoch: float = 1.0
) -> dict[str, Any]:
    """The options of a schedule that lasts for a training of so many steps.

    Args:
        schedule: one of :data:`SCHEDULES`.
        given: options; what counts time among them counts epochs.
        steps: of the whole training.
        steps_per_epoch: batches in an epoch.

    >>> import steepest as st
    >>> schedules = st.optim.schedules
    >>> schedules.of_training(schedules.StepDecay, {}, steps=1000)
    {'milestones': (500, 750)}
    >>> given = {"milestones": (5, 8), "factor": 0.5}
    >>> schedules.of_training(schedules.StepDecay, given, steps=1000, steps_per_epoch=100)
    {'milestones': (500, 800), 'factor': 0.5}
    """
    options: dict[str, Any] = {}
    for field in fields(schedule) if is_dataclass(schedule) else ():
        name, known = field.name, field.metadata
        if known and name in given:
            power = known[_IN_STEPS]
            options[name] = _in_steps(given[name], steps_per_epoch**power, whole=power == 1)
        elif known:
            options[name] = known[_OF_TRAINING](steps)
    return options | {name: value for name, value in given.items() if name not in options}


def _in_steps(value: Any, factor: float, *, whole: bool) -> Any:
    """A time with its unit changed; what is no number is left for the schedule to refuse."""
    if isinstance(value, list | tuple):
        times = cast("list[Any]", value)
        return tuple(_in_steps(each, factor, whole=whole) for each in times)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return value
    return round(value * factor) if whole else value * factor


# --------------------------------------------------------------------- impossible values, refused


def check_from_zero(what: str, value: Any) -> None:
    """A rate, or a part of one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{what} is a number from 0 on, not {value!r}")


def check_share(what: str, value: Any) -> None:
    """A part of a whole."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigurationError(f"{what} is a number from 0 to 1, not {value!r}")


def check_steps(what: str, value: Any) -> None:
    """A length of time."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"{what} is a whole number from 1 on, not {cast('object', value)!r}"
        )


def check_rising(what: str, values: Any) -> None:
    """Points in time."""
    times = cast("tuple[Any, ...]", values)
    for value in times:
        check_steps(f"each of {what}", value)
    if list(times) != sorted(set(times)):
        raise ConfigurationError(f"{what} rise, one after the other; these do not: {list(times)}")
