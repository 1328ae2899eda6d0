"""Augmentations by name, as the command takes them: "shift=2", "flip"."""

from __future__ import annotations

from typing import Any

from steepest.errors import ConfigurationError
from steepest.methods import Registry
from steepest.nn.module import Module

AUGMENTATIONS: Registry[type[Module]] = Registry("augmentation", option="--augment NAME=VALUE")


def augmentation(text: str) -> Module:
    """Make an augmentation from its name and, after "=", the number it takes; each has a default.

    Raises:
        ConfigurationError: there is none of this name (the nearest are told), or its number is
            impossible.

    >>> import steepest as st
    >>> st.nn.augment.augmentation("shift=2")
    Shift(amount=2, outside='zero')
    """
    name, equals, value = text.partition("=")
    kind: Any = AUGMENTATIONS.find(name.strip())
    if not equals:
        return kind()
    number = _number(value.strip())
    if number is None:
        raise ConfigurationError(
            f"the augmentation {text!r}: after = stands a number, as in {name}=0.1"
        )
    return kind(number)


def _number(text: str) -> float | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None
