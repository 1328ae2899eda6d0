"""Rules and drivers by name."""

from __future__ import annotations

from steepest.errors import ConfigurationError, nearest
from steepest.optim.drivers import DRIVERS, Driver
from steepest.optim.rule import Rule
from steepest.optim.rules import RULES

__all__ = ["optimizer"]


def optimizer(which: str) -> type[Rule] | type[Driver]:
    """The rule or the driver of this name, to be called with its options.

    Raises:
        ConfigurationError: there is none; the nearest names of both kinds are given.

    >>> import steepest as st
    >>> st.optim.optimizer("lbfgs")(memory=5)
    LBFGS(memory=5, gradient_tolerance=1e-05, function_tolerance=1e-09)
    """
    for registry in (RULES, DRIVERS):
        if which in registry:
            return registry[which]
    known = nearest(str(which), [*RULES, *DRIVERS])
    raise ConfigurationError(f"there is no optimizer {which!r}; {known}")
