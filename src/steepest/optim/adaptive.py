"""Rates that adapt to each element's past gradients: Adagrad and RMSProp, by both places of ε.

g is the gradient ∇f at the current parameters, η the learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.ops.elementwise import sqrt, square
from steepest.optim.options import (
    check_fraction,
    check_from_zero,
    check_rate,
    names_its_options,
)
from steepest.optim.rule import (
    Parameter,
    Rule,
    Scalars,
    Slots,
    Start,
    Updated,
    running_mean,
)
from steepest.optim.rules import RULES
from steepest.optim.schedules import Rate, Time

__all__ = ["Adagrad", "AdagradEpsilonInside", "RMSProp", "RMSPropEpsilonInside"]


@RULES.register("adagrad", "P5")
@final
@names_its_options
@dataclass(frozen=True)
class Adagrad(Rule):
    """Each element's own rate, from all its gradients: s ← s + g²; w ← w − η g / (√s + ε).

    The rates only ever fall. ε stands outside of the root, as in lecture L2 and PyTorch (whose ε is
    1e-10); :class:`AdagradEpsilonInside` has it inside.

    Args:
        learning_rate: η, a number or a schedule.
        epsilon: ε, keeps the quotient finite.

    Source: Duchi, Hazan, Singer: "Adaptive subgradient methods" (2011).

    >>> import steepest as st
    >>> st.optim.Adagrad(0.1)
    Adagrad(learning_rate=0.1, epsilon=1e-07)
    """

    learning_rate: Rate = 0.01
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_rate("Adagrad", self.learning_rate)
        check_from_zero("Adagrad", "epsilon", self.epsilon)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """The sum s of squared gradients."""
        return {"squares": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """−η."""
        return {"rate": -time.rate(self.learning_rate)}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η g / (√s + ε)."""
        squares = slots["squares"] + square(parameter.gradient)
        scaled = parameter.gradient / (sqrt(squares) + self.epsilon)
        return scalars["rate"] * scaled, {"squares": squares}


@RULES.register("adagrad_epsilon_inside", "P5")
@final
@names_its_options
@dataclass(frozen=True)
class AdagradEpsilonInside(Rule):
    """Adagrad with ε inside of the root: s ← s + g²; w ← w − η g / √(s + ε).

    As in lectures L1 and L3, and in Keras. The same ε weighs more here: √ε is compared with |g|.

    Args:
        learning_rate: η, a number or a schedule.
        epsilon: ε, keeps the quotient finite.

    Source: Duchi, Hazan, Singer: "Adaptive subgradient methods" (2011).

    >>> import steepest as st
    >>> st.optim.AdagradEpsilonInside(0.1)
    AdagradEpsilonInside(learning_rate=0.1, epsilon=1e-07)
    """

    learning_rate: Rate = 0.01
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_rate("AdagradEpsilonInside", self.learning_rate)
        check_from_zero("AdagradEpsilonInside", "epsilon", self.epsilon)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """The sum s of squared gradients."""
        return {"squares": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """−η."""
        return {"rate": -time.rate(self.learning_rate)}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η g / √(s + ε)."""
        squares = slots["squares"] + square(parameter.gradient)
        scaled = parameter.gradient / sqrt(squares + self.epsilon)
        return scalars["rate"] * scaled, {"squares": squares}


@RULES.register("rmsprop", "P6")
@final
@names_its_options
@dataclass(frozen=True)
class RMSProp(Rule):
    """Adagrad that forgets: s ← β s + (1 − β) g²; w ← w − η g / (√s + ε).

    ε stands outside of the root, as in lecture L2 and PyTorch; :class:`RMSPropEpsilonInside` has it
    inside.

    Args:
        learning_rate: η, a number or a schedule.
        beta: β in [0, 1), the memory of the mean squared gradient.
        epsilon: ε, keeps the quotient finite.

    Source: Tieleman, Hinton: "Neural networks for machine learning", lecture 6.5 (2012).

    >>> import steepest as st
    >>> st.optim.RMSProp(0.01)
    RMSProp(learning_rate=0.01, beta=0.99, epsilon=1e-07)
    """

    learning_rate: Rate = 0.001
    beta: float = 0.99
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_rate("RMSProp", self.learning_rate)
        check_fraction("RMSProp", "beta", self.beta)
        check_from_zero("RMSProp", "epsilon", self.epsilon)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """The running mean s of g²."""
        return {"mean_square": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """−η."""
        return {"rate": -time.rate(self.learning_rate)}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η g / (√s + ε)."""
        second = running_mean(slots["mean_square"], square(parameter.gradient), self.beta)
        scaled = parameter.gradient / (sqrt(second) + self.epsilon)
        return scalars["rate"] * scaled, {"mean_square": second}


@RULES.register("rmsprop_epsilon_inside", "P6")
@final
@names_its_options
@dataclass(frozen=True)
class RMSPropEpsilonInside(Rule):
    """RMSProp with ε inside of the root: s ← β s + (1 − β) g²; w ← w − η g / √(s + ε).

    As in lectures L1 and L3, and in Keras.

    Args:
        learning_rate: η, a number or a schedule.
        beta: β in [0, 1), the memory of the mean squared gradient.
        epsilon: ε, keeps the quotient finite.

    Source: Tieleman, Hinton: "Neural networks for machine learning", lecture 6.5 (2012).

    >>> import steepest as st
    >>> st.optim.RMSPropEpsilonInside(0.01)
    RMSPropEpsilonInside(learning_rate=0.01, beta=0.99, epsilon=1e-07)
    """

    learning_rate: Rate = 0.001
    beta: float = 0.99
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_rate("RMSPropEpsilonInside", self.learning_rate)
        check_fraction("RMSPropEpsilonInside", "beta", self.beta)
        check_from_zero("RMSPropEpsilonInside", "epsilon", self.epsilon)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """The running mean s of g²."""
        return {"mean_square": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """−η."""
        return {"rate": -time.rate(self.learning_rate)}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η g / √(s + ε)."""
        second = running_mean(slots["mean_square"], square(parameter.gradient), self.beta)
        scaled = parameter.gradient / sqrt(second + self.epsilon)
        return scalars["rate"] * scaled, {"mean_square": second}
