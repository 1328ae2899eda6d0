"""Gradient descent and momentum: SGD, Momentum, and Nesterov's in both forms.

g is the gradient ∇f at the current parameters, η the learning rate, t counts steps from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.optim.options import check_fraction, check_rate, names_its_options
from steepest.optim.rule import (
    Parameter,
    Rule,
    Scalars,
    Slots,
    Start,
    Updated,
)
from steepest.optim.rules import RULES
from steepest.optim.schedules import Rate, Time
from steepest.tensor.tensor import Tensor

__all__ = ["SGD", "Momentum", "Nesterov", "NesterovLookAhead"]


@RULES.register("sgd", "P1", "P2")
@final
@names_its_options
@dataclass(frozen=True)
class SGD(Rule):
    """Gradient descent, w ← w − η g; stochastic when g comes from a mini-batch.

    Args:
        learning_rate: η, a number or a schedule.

    Source: Robbins, Monro: "A stochastic approximation method" (1951); Cauchy 1847 for the full
        batch.

    >>> import steepest as st
    >>> net = st.nn.Linear(2, 1)
    >>> trainer = st.Trainer(net, st.losses.HalfSquaredError(), st.optim.SGD(0.1))
    """

    learning_rate: Rate = 0.01

    def __post_init__(self) -> None:
        check_rate("SGD", self.learning_rate)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """Nothing is kept."""
        return {}

    def scalars(self, time: Time) -> Scalars:
        """−η."""
        return {"rate": -time.rate(self.learning_rate)}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η g."""
        return scalars["rate"] * parameter.gradient, {}


@RULES.register("momentum", "P3")
@final
@names_its_options
@dataclass(frozen=True)
class Momentum(Rule):
    """Gradient descent with momentum: v ← μ v − η g; w ← w + v.

    The rate is inside v, as in the lectures and scikit-learn. PyTorch keeps it outside (v ← μ v +
    g; w ← w − η v), which is the same while η is constant and differs when it changes.

    Args:
        learning_rate: η, a number or a schedule.
        momentum: μ in [0, 1), a number or a schedule (annealed from 0.5 to 0.99, say).

    Source: Polyak: "Some methods of speeding up the convergence of iteration methods" (1964).

    >>> import steepest as st
    >>> annealed = st.optim.schedules.LinearAnnealing(0.5, 0.99, steps=1000)
    >>> st.optim.Momentum(0.1, momentum=annealed).slots()
    {'velocity': 'zeros'}
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9

    def __post_init__(self) -> None:
        check_rate("Momentum", self.learning_rate)
        check_fraction("Momentum", "momentum", self.momentum)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """The velocity v."""
        return {"velocity": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """η and μ."""
        return {"rate": time.rate(self.learning_rate), "momentum": time.value(self.momentum)}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """The next velocity is the change."""
        velocity = _velocity(parameter, slots, scalars)
        return velocity, {"velocity": velocity}


@RULES.register("nesterov", "P4")
@final
@names_its_options
@dataclass(frozen=True)
class Nesterov(Rule):
    """Nesterov's momentum, rearranged: v ← μ_t v − η g; w ← w − μ_t v_before + (1 + μ_{t+1}) v.

    Here w is φ_t = θ_t + μ_{t+1} v_t, the point that :class:`NesterovLookAhead` looks ahead to from
    its own θ_t; both take the same path. So g is the gradient at the parameters themselves, and a
    loop written by hand can use it. With a constant μ it is scikit-learn's.

    Args:
        learning_rate: η, a number or a schedule.
        momentum: μ in [0, 1), a number or a schedule.

    Source: Nesterov 1983; Sutskever et al. 2013; this form by Bengio et al. 2013.

    >>> import steepest as st
    >>> st.optim.Nesterov(0.1, momentum=0.9)
    Nesterov(learning_rate=0.1, momentum=0.9)
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9

    def __post_init__(self) -> None:
        check_rate("Nesterov", self.learning_rate)
        check_fraction("Nesterov", "momentum", self.momentum)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """The velocity v."""
        return {"velocity": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """η, μ_t and 1 + μ_{t+1}."""
        return {
            "rate": time.rate(self.learning_rate),
            "momentum": time.value(self.momentum),
            "ahead": 1.0 + time.next_value(self.momentum),
        }

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−μ_t v_before + (1 + μ_{t+1}) v."""
        back = scalars["momentum"] * slots["velocity"]
        velocity = back - scalars["rate"] * parameter.gradient
        return scalars["ahead"] * velocity - back, {"velocity": velocity}


@RULES.register("nesterov_look_ahead", "P4")
@final
@names_its_options
@dataclass(frozen=True)
class NesterovLookAhead(Rule):
    """Nesterov's momentum as it is usually told: v ← μ v − η ∇f(θ + μ v); θ ← θ + v.

    The gradient is taken at the point θ + μ v ahead. Takes the same path as :class:`Nesterov`, seen
    from θ. For the Trainer; a loop written by hand has its gradients elsewhere.

    Args:
        learning_rate: η, a number or a schedule.
        momentum: μ in [0, 1), a number or a schedule.

    Source: Sutskever et al. 2013.

    >>> import steepest as st
    >>> st.optim.NesterovLookAhead(0.1).momentum
    0.9
    """

    learning_rate: Rate = 0.01
    momentum: Rate = 0.9

    def __post_init__(self) -> None:
        check_rate("NesterovLookAhead", self.learning_rate)
        check_fraction("NesterovLookAhead", "momentum", self.momentum)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """The velocity v."""
        return {"velocity": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """η and μ."""
        return {"rate": time.rate(self.learning_rate), "momentum": time.value(self.momentum)}

    def point(self, value: Tensor, slots: Slots, scalars: Scalars) -> Tensor:
        """θ + μ v."""
        return value + scalars["momentum"] * slots["velocity"]

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """The next velocity is the change."""
        velocity = _velocity(parameter, slots, scalars)
        return velocity, {"velocity": velocity}


def _velocity(parameter: Parameter, slots: Slots, scalars: Scalars) -> Tensor:
    return scalars["momentum"] * slots["velocity"] - scalars["rate"] * parameter.gradient
