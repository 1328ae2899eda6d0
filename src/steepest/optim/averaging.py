"""The running average of the parameters, around any rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.methods import implements
from steepest.optim.options import check_fraction, names_its_options
from steepest.optim.rule import (
    AVERAGE,
    Parameter,
    Rule,
    Scalars,
    Slots,
    Start,
    Updated,
    check_around,
)
from steepest.optim.schedules import Rate, Time

__all__ = ["AveragedParameters"]


@implements("E3", option="--average-weights SHARE")
@final
@names_its_options
@dataclass(frozen=True)
class AveragedParameters(Rule):
    """Another rule with a running average of the parameters: w̄ ← β w̄ + (1 − β) w, w̄₀ = w₀.

    The rule moves w as it would alone; w̄ is kept beside it, for validation and predictions: the
    Trainer uses it so, and goes on training from w. In a loop written by hand the averages are
    ``optimizer.averages()``.

    Args:
        rule: the rule that moves the parameters.
        decay: β in [0, 1), how much of the average is kept: about 1/(1 − β) steps are averaged.

    Raises:
        ConfigurationError: a decay out of its range; a rule that looks ahead or averages itself.

    Source: Polyak, Juditsky: "Acceleration of stochastic approximation by averaging" (1992), with
        weights that fall exponentially, as lecture L2 has it.

    >>> import steepest as st
    >>> st.optim.AveragedParameters(st.optim.Momentum(0.1), decay=0.995).slots()
    {'velocity': 'zeros', 'average': 'parameter'}
    """

    rule: Rule
    decay: float = 0.995

    def __post_init__(self) -> None:
        check_around("AveragedParameters", self.rule)
        check_fraction("AveragedParameters", "decay", self.decay)

    @property
    def rate(self) -> Rate:
        """η of the rule."""
        return self.rule.rate

    def slots(self) -> Mapping[str, Start]:
        """Those of the rule, and the average, which starts as the parameter."""
        return {**self.rule.slots(), AVERAGE: "parameter"}

    def scalars(self, time: Time) -> Scalars:
        """Those of the rule."""
        return self.rule.scalars(time)

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """The rule's change, and the average of what comes of it."""
        change, following = self.rule.update(parameter, slots, scalars)
        new = parameter.value + change
        average = self.decay * slots[AVERAGE] + (1.0 - self.decay) * new
        return change, {**following, AVERAGE: average}
