"""Keywords that a class does not know are answered with those it knows."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from steepest.errors import ConfigurationError, nearest

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
