"""The rules by name; each enters itself where it is defined."""

from __future__ import annotations

from steepest.methods import Registry
from steepest.optim.rule import Rule

__all__ = ["RULES", "rule"]

RULES = Registry[type[Rule]]("optimizer", option="--optimizer NAME")


def rule(which: str) -> type[Rule]:
    """The rule of this name, to be called with its options.

    Raises:
        ConfigurationError: there is none; the nearest names are given.

    >>> import steepest as st
    >>> st.optim.rule("sgd")(learning_rate=0.1)
    SGD(learning_rate=0.1)
    """
    return RULES.find(which)
