"""Callbacks: functions that training calls once an epoch or every n steps; they may stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast, final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.train.watched import Watched


@final
@dataclass(frozen=True)
class Snapshot:
    """What a callback sees: the state of training at one moment. Nothing in it changes.

    Attributes:
        epoch: The current epoch, from 1.
        epochs: The last epoch that is planned.
        step: Steps taken in all.
        steps_per_epoch: Steps of an epoch.
        seconds: Since ``fit`` began.
        learning_rate: Of the step just taken.
        metrics: At the end of an epoch its row of the history; after a step ``loss`` and
            ``penalty`` of its batch.
        values: The model's arrays by name, not to be written to; :meth:`weights` gives copies.
        member: Which member of an ensemble it is.
        watched: What ``fit(…, watch=n)`` has watched so far.
    """

    epoch: int
    epochs: int
    step: int
    steps_per_epoch: int
    seconds: float
    learning_rate: float
    metrics: Mapping[str, float]
    values: Mapping[str, Array]
    member: int = 0
    watched: Watched = field(default_factory=Watched)

    def weights(self) -> dict[str, Array]:
        """Copies of the model's arrays by name."""
        return {name: np.array(value) for name, value in self.values.items()}


@final
@dataclass(frozen=True)
class Stop:
    """What a callback returns to stop training, with its reason."""

    reason: str = ""


Function: TypeAlias = Callable[[Snapshot], "Stop | None"]


@final
@dataclass(frozen=True)
class EveryEpoch:
    """Call ``function`` at the end of each epoch; a plain function among the callbacks is taken so.

    >>> import steepest as st
    >>> callback = st.EveryEpoch(lambda now: st.Stop("far enough") if now.epoch == 3 else None)
    """

    function: Function


@final
@dataclass(frozen=True)
class EverySteps:
    """Call ``function`` after every n-th step.

    Raises:
        ConfigurationError: n below 1.

    >>> import steepest as st
    >>> seen = []
    >>> callback = st.EverySteps(100, lambda now: seen.append(now.metrics["loss"]))
    """

    n: int
    function: Function

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ConfigurationError(f"EverySteps: n is a whole number from 1 on, not {self.n}")


Callback: TypeAlias = EveryEpoch | EverySteps | Function


def callbacks_of(given: object) -> tuple[Callback, ...]:
    """The callbacks that ``fit`` was given.

    Raises:
        ConfigurationError: not a list of them, or something in it that cannot be called.
    """
    if not isinstance(given, Iterable):
        raise ConfigurationError(f"callbacks is a list of functions: callbacks=[{_name(given)}]")
    callbacks = tuple(cast("Iterable[Any]", given))
    for each in callbacks:
        if isinstance(each, type):
            raise ConfigurationError(
                f"callbacks: {each.__name__} is a class; give it your function: "
                f"st.{each.__name__}({'n, ' if each is EverySteps else ''}function)"
            )
        if not callable(each.function if isinstance(each, EveryEpoch | EverySteps) else each):
            raise ConfigurationError(
                "a callback is a function of a snapshot, st.EveryEpoch or st.EverySteps, "
                f"not {_name(each)}"
            )
    return callbacks


def stop_asked(answer: object, function: object) -> Stop | None:
    """What a callback has answered.

    Raises:
        ConfigurationError: True, or something else that may be meant to stop training.
    """
    if isinstance(answer, bool | str) or answer is Stop:
        shown = "Stop, the class" if answer is Stop else repr(answer)
        raise ConfigurationError(
            f"the callback {_name(function)} returned {shown}; to stop training return "
            "st.Stop(reason), to go on return nothing"
        )
    return answer if isinstance(answer, Stop) else None


def _name(function: object) -> str:
    return getattr(function, "__name__", None) or repr(function)
