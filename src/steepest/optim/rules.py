"""The update rules, each by its formula: gradient descent, momentum, Nesterov, Adam, AdamW.

g is the gradient ∇f at the current parameters, η the learning rate, t counts steps from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.errors import ConfigurationError
from steepest.methods import Registry, implements
from steepest.ops.elementwise import sqrt, square
from steepest.optim.rule import (
    AVERAGE,
    LooksAhead,
    Parameter,
    Rule,
    Scalars,
    Slots,
    Start,
    Time,
    check_fraction,
    check_from_zero,
    check_rate,
    names_its_options,
)
from steepest.optim.schedules import Rate
from steepest.tensor.tensor import Tensor

RULES = Registry[type[Rule]]("optimizer", option="--optimizer NAME")
Updated = tuple[Tensor, dict[str, Tensor]]


@RULES.register("sgd", "P1", "P2")
@final
@names_its_options
@dataclass(frozen=True)
class SGD(Rule):
    """Gradient descent, w ← w − η g; stochastic when g comes from a mini-batch.

    Args:
        learning_rate: η, a number or a schedule.

    Source: Robbins, Monro 1951; Cauchy 1847 for the full batch.

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
        return {"rate": -time.value(self.learning_rate)}

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

    Source: Polyak 1964.

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
        return {"rate": time.value(self.learning_rate), "momentum": time.value(self.momentum)}

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
            "rate": time.value(self.learning_rate),
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
        return {"rate": time.value(self.learning_rate), "momentum": time.value(self.momentum)}

    def point(self, value: Tensor, slots: Slots, scalars: Scalars) -> Tensor:
        """θ + μ v."""
        return value + scalars["momentum"] * slots["velocity"]

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """The next velocity is the change."""
        velocity = _velocity(parameter, slots, scalars)
        return velocity, {"velocity": velocity}


def _velocity(parameter: Parameter, slots: Slots, scalars: Scalars) -> Tensor:
    return scalars["momentum"] * slots["velocity"] - scalars["rate"] * parameter.gradient


@RULES.register("adam", "P7")
@final
@names_its_options
@dataclass(frozen=True)
class Adam(Rule):
    """Adaptive moments: each element's own rate, from running means of g and g².

    m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; with t = 1, 2, …,
    w ← w − η m̂ / (√v̂ + ε), where m̂ = m / (1 − β₁^t) and v̂ = v / (1 − β₂^t).

    ε stands outside of the root and after the bias correction, as in the paper's algorithm and
    PyTorch; scikit-learn and ONNX add it before the correction. One lecture counts t from 0 in 1 −
    β^t, which would divide by 0.

    Args:
        learning_rate: η, a number or a schedule.
        beta1: β₁ in [0, 1), the memory of the mean gradient.
        beta2: β₂ in [0, 1), the memory of the mean squared gradient.
        epsilon: ε, keeps the quotient finite.

    Errors:
        ConfigurationError: a value out of its range.

    Source: Kingma, Ba: "Adam: a method for stochastic optimization" (2015), algorithm 1.

    >>> import steepest as st
    >>> st.optim.Adam(0.01)
    Adam(learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-08)
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_rate("Adam", self.learning_rate)
        check_fraction("Adam", "beta1", self.beta1)
        check_fraction("Adam", "beta2", self.beta2)
        check_from_zero("Adam", "epsilon", self.epsilon)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """Running means of g and g²."""
        return {"mean": "zeros", "mean_square": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """η / (1 − β₁^t) and 1 / (1 − β₂^t)."""
        t = time.step + 1.0
        return {
            "rate": time.value(self.learning_rate) / (1.0 - self.beta1**t),
            "correction": 1.0 / (1.0 - self.beta2**t),
        }

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η m̂ / (√v̂ + ε)."""
        gradient = parameter.gradient
        first = self.beta1 * slots["mean"] + (1.0 - self.beta1) * gradient
        second = self.beta2 * slots["mean_square"] + (1.0 - self.beta2) * square(gradient)
        root = sqrt(scalars["correction"] * second) + self.epsilon
        return -(scalars["rate"] * first) / root, {"mean": first, "mean_square": second}


@final
@names_its_options
@dataclass(frozen=True)
class WeightDecay(Rule):
    """Another rule with decoupled decay: w ← (1 − η_t λ) w + (the rule's change).

    Decays what an L2 penalty would count: weights, not biases. Unlike the penalty it does not pass
    through the rule's own scaling, and it shrinks by the current rate. (PyTorch's SGD and Adam call
    a penalty ``weight_decay``; only its AdamW means this.)

    Args:
        rule: the rule that is composed with the decay.
        weight_decay: λ.

    Errors:
        ConfigurationError: a negative decay; a rule that looks ahead.

    Source: Loshchilov, Hutter: "Decoupled weight decay regularization" (2019).

    >>> import steepest as st
    >>> st.optim.WeightDecay(st.optim.Momentum(0.1), 1e-4).slots()
    {'velocity': 'zeros'}
    """

    rule: Rule
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check_from_zero("WeightDecay", "weight_decay", self.weight_decay)
        if isinstance(self.rule, LooksAhead):
            raise ConfigurationError(
                "WeightDecay: compose it with Nesterov, which takes NesterovLookAhead's path"
            )

    @property
    def rate(self) -> Rate:
        """η of the rule."""
        return self.rule.rate

    def slots(self) -> Mapping[str, Start]:
        """Those of the rule."""
        return self.rule.slots()

    def scalars(self, time: Time) -> Scalars:
        """Those of the rule, and −η_t λ."""
        return {
            **self.rule.scalars(time),
            "shrinkage": -self.weight_decay * time.value(self.rule.rate),
        }

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η_t λ w + (the rule's change)."""
        change, following = self.rule.update(parameter, slots, scalars)
        if not parameter.penalised:
            return change, following
        return scalars["shrinkage"] * parameter.value + change, following


@implements("E3")
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

    Errors:
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
        check_fraction("AveragedParameters", "decay", self.decay)
        if isinstance(self.rule, LooksAhead):
            raise ConfigurationError(
                "AveragedParameters: compose it with Nesterov, which takes NesterovLookAhead's path"
            )
        if AVERAGE in self.rule.slots():
            raise ConfigurationError("AveragedParameters: the rule inside keeps averages already")

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


@RULES.register("adamw", "P7", "O7")
@final
@names_its_options
@dataclass(frozen=True)
class AdamW(Rule):
    """Adam with decoupled decay: w ← (1 − η_t λ) w − η_t m̂ / (√v̂ + ε); biases do not decay.

    Composed of :class:`Adam` and :class:`WeightDecay`. PyTorch's AdamW decays biases as well.

    Args:
        learning_rate: η, a number or a schedule.
        weight_decay: λ.
        beta1: β₁ in [0, 1).
        beta2: β₂ in [0, 1).
        epsilon: ε.

    Source: Loshchilov, Hutter: "Decoupled weight decay regularization" (2019).

    >>> import steepest as st
    >>> st.optim.AdamW(0.002, weight_decay=0.01).composed
    WeightDecay(rule=Adam(learning_rate=0.002, ...), weight_decay=0.01)
    """

    learning_rate: Rate = 0.001
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_rate("AdamW", self.learning_rate)
        check_fraction("AdamW", "beta1", self.beta1)
        check_fraction("AdamW", "beta2", self.beta2)
        check_from_zero("AdamW", "epsilon", self.epsilon)
        check_from_zero("AdamW", "weight_decay", self.weight_decay)

    @property
    def composed(self) -> WeightDecay:
        """What it is made of."""
        adam = Adam(self.learning_rate, self.beta1, self.beta2, self.epsilon)
        return WeightDecay(adam, self.weight_decay)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """Those of Adam."""
        return self.composed.slots()

    def scalars(self, time: Time) -> Scalars:
        """Those of Adam, and −η_t λ."""
        return self.composed.scalars(time)

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η_t λ w − η_t m̂ / (√v̂ + ε)."""
        return self.composed.update(parameter, slots, scalars)


def rule(which: str) -> type[Rule]:
    """The rule of this name, to be called with its options.

    Errors:
        ConfigurationError: there is none; the nearest names are given.

    >>> import steepest as st
    >>> st.optim.rule("sgd")(learning_rate=0.1)
    SGD(learning_rate=0.1)
    """
    return RULES.find(which)
