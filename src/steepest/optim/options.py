"""Options of optimisers: impossible values are refused."""

from __future__ import annotations

import math
from typing import Any

from steepest.errors import ConfigurationError
from steepest.optim.keywords import names_its_options as names_its_options
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
