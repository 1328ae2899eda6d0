"""Sizes that layers are made with, checked."""

from __future__ import annotations

from typing import Any

from steepest.errors import ConfigurationError


def size(value: Any, what: str) -> int:
    """A number of units, from 1 on.

    Raises:
        ConfigurationError: anything else; ``what`` says whose size it is.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{what} is a whole number from 1 on, not {value!r}")
    return value
