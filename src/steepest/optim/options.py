"""Options of optimisers: values that are refused, names that are explained."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar

from steepest.errors import ConfigurationError, nearest
from steepest.optim.schedules import Plateau, Schedule


def check_rate(rule: str, rate: Any) -> None:
    """A learning rate is positive, or a schedule."""
    if isinstance(rate, Schedule):
        return
    if not isinstance(rate, int | float) or not 0 < rate < math.inf:
        raise ConfigurationError(
            f"{rule}: learning_rate is a number above 0 or a schedule, not {rate!r}"
        )


def check_fraction(rule: str, name: str, value: Any) -> None:
    """A momentum or a β is in [0, 1), or a schedule."""
    if isinstance(value, Plateau):
        raise ConfigurationError(f"{rule}: a Plateau lowers the learning rate, not the {name}")
    if isinstance(value, Schedule):
        return
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise ConfigurationError(f"{rule}: {name} is a number from 0 to below 1, not {value!r}")


def check_from_zero(rule: str, name: str, value: Any) -> None:
    """An ε or a decay is not negative."""
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{rule}: {name} is a number from 0 on, not {value!r}")


def check_above_zero(rule: str, name: str, value: Any) -> None:
    """A limit is positive."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(f"{rule}: {name} is a number above 0, not {value!r}")


# Other libraries' names for the same.
_SYNONYMS = {
    "lr": "learning_rate",
    "eta": "learning_rate",
    "rate": "learning_rate",
    "step_size": "learning_rate",
    "mu": "momentum",
    "eps": "epsilon",
}
R = TypeVar("R")


def names_its_options(rule: type[R]) -> type[R]:
    """Have a class of :mod:`steepest.optim` answer an unknown keyword with the names it knows."""
    make: Callable[..., None] = rule.__init__
    known = [name for name in inspect.signature(make).parameters if name != "self"]

    @functools.wraps(make)
    def checked(self: R, *values: Any, **named: Any) -> None:
        for name in named:
            if name not in known:
                meant = _SYNONYMS.get(name, "")
                hint = f"write {meant}" if meant in known else nearest(name, known)
                raise ConfigurationError(f"{rule.__name__} has no option {name!r}; {hint}")
        make(self, *values, **named)

    type.__setattr__(rule, "__init__", checked)
    return rule
