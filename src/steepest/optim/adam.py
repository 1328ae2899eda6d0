"""Adam and its variants: where ε stands, whether the means are corrected, decoupled decay.

g is the gradient ∇f at the current parameters, η the learning rate, t counts steps from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from steepest.ops.elementwise import sqrt, square
from steepest.optim.decay import WeightDecay
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
from steepest.tensor.tensor import Tensor

__all__ = ["Adam", "AdamEpsilonBefore", "AdamEpsilonInside", "AdamUncorrected", "AdamW"]


@RULES.register("adam", "P7")
@final
@names_its_options
@dataclass(frozen=True)
class Adam(Rule):
    """Adaptive moments: each element's own rate, from running means of g and g².

    m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; with t = 1, 2, …,
    w ← w − η m̂ / (√v̂ + ε), where m̂ = m / (1 − β₁^t) and v̂ = v / (1 − β₂^t).

    ε stands outside of the root and after the bias correction, as in the paper's algorithm and
    PyTorch. Lecture L3 counts t from 0 in 1 − β^t, which would divide by 0.

    Args:
        learning_rate: η, a number or a schedule.
        beta1: β₁ in [0, 1), the memory of the mean gradient.
        beta2: β₂ in [0, 1), the memory of the mean squared gradient.
        epsilon: ε, keeps the quotient finite.

    Raises:
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
        _check("Adam", self)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """Running means of g and g²."""
        return {"mean": "zeros", "mean_square": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """η / (1 − β₁^t) and 1 / (1 − β₂^t)."""
        first, second = _corrections(time, self.beta1, self.beta2)
        return {"rate": time.rate(self.learning_rate) / first, "correction": 1.0 / second}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η m̂ / (√v̂ + ε)."""
        first, second = _moments(parameter, slots, self.beta1, self.beta2)
        root = sqrt(scalars["correction"] * second) + self.epsilon
        return -(scalars["rate"] * first) / root, {"mean": first, "mean_square": second}


@RULES.register("adam_uncorrected", "P7")
@final
@names_its_options
@dataclass(frozen=True)
class AdamUncorrected(Rule):
    """Adam without bias correction: w ← w − η m / (√v + ε), with m and v of :class:`Adam`.

    Both means start at 0, so the first steps are long: (1 − β₁)/√(1 − β₂) ≈ 3.2 times η. Lecture L2
    shows this form before the corrected one.

    Args:
        learning_rate: η, a number or a schedule.
        beta1: β₁ in [0, 1), the memory of the mean gradient.
        beta2: β₂ in [0, 1), the memory of the mean squared gradient.
        epsilon: ε, keeps the quotient finite.

    Source: Kingma, Ba: "Adam: a method for stochastic optimization" (2015), without its correction.

    >>> import steepest as st
    >>> st.optim.AdamUncorrected(0.01).epsilon
    1e-08
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check("AdamUncorrected", self)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """Running means of g and g²."""
        return {"mean": "zeros", "mean_square": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """−η."""
        return {"rate": -time.rate(self.learning_rate)}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η m / (√v + ε)."""
        first, second = _moments(parameter, slots, self.beta1, self.beta2)
        change = scalars["rate"] * first / (sqrt(second) + self.epsilon)
        return change, {"mean": first, "mean_square": second}


@RULES.register("adam_epsilon_inside", "P7")
@final
@names_its_options
@dataclass(frozen=True)
class AdamEpsilonInside(Rule):
    """Adam with ε inside of the root: w ← w − η m̂ / √(v̂ + ε), with m̂ and v̂ of :class:`Adam`.

    As in lecture L3. The same ε weighs more here: √ε is compared with |g|.

    Args:
        learning_rate: η, a number or a schedule.
        beta1: β₁ in [0, 1), the memory of the mean gradient.
        beta2: β₂ in [0, 1), the memory of the mean squared gradient.
        epsilon: ε, keeps the quotient finite.

    Source: Kingma, Ba: "Adam: a method for stochastic optimization" (2015), with lecture L3's
        place of ε.

    >>> import steepest as st
    >>> st.optim.AdamEpsilonInside(0.01).epsilon
    1e-08
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check("AdamEpsilonInside", self)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """Running means of g and g²."""
        return {"mean": "zeros", "mean_square": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """−η / (1 − β₁^t) and 1 / (1 − β₂^t)."""
        first, second = _corrections(time, self.beta1, self.beta2)
        return {"rate": -time.rate(self.learning_rate) / first, "correction": 1.0 / second}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η m̂ / √(v̂ + ε)."""
        first, second = _moments(parameter, slots, self.beta1, self.beta2)
        change = scalars["rate"] * first / sqrt(scalars["correction"] * second + self.epsilon)
        return change, {"mean": first, "mean_square": second}


@RULES.register("adam_epsilon_before", "P7")
@final
@names_its_options
@dataclass(frozen=True)
class AdamEpsilonBefore(Rule):
    """Adam with ε before the correction: w ← w − η_t m / (√v + ε).

    η_t = η √(1 − β₂^t) / (1 − β₁^t), and m and v are those of :class:`Adam`.

    As in scikit-learn, Keras and ONNX. At t = 1 this ε acts about 30 times as strongly as Adam's.

    Args:
        learning_rate: η, a number or a schedule.
        beta1: β₁ in [0, 1), the memory of the mean gradient.
        beta2: β₂ in [0, 1), the memory of the mean squared gradient.
        epsilon: ε, keeps the quotient finite.

    Source: Kingma, Ba: "Adam: a method for stochastic optimization" (2015), the more
        efficient order at the end of section 2.

    >>> import steepest as st
    >>> st.optim.AdamEpsilonBefore(0.01).epsilon
    1e-08
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check("AdamEpsilonBefore", self)

    @property
    def rate(self) -> Rate:
        """η."""
        return self.learning_rate

    def slots(self) -> Mapping[str, Start]:
        """Running means of g and g²."""
        return {"mean": "zeros", "mean_square": "zeros"}

    def scalars(self, time: Time) -> Scalars:
        """−η_t."""
        first, second = _corrections(time, self.beta1, self.beta2)
        return {"rate": -time.rate(self.learning_rate) * sqrt(second) / first}

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η_t m / (√v + ε)."""
        first, second = _moments(parameter, slots, self.beta1, self.beta2)
        change = scalars["rate"] * first / (sqrt(second) + self.epsilon)
        return change, {"mean": first, "mean_square": second}


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
        _check("AdamW", self)
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


def _moments(
    parameter: Parameter, slots: Slots, beta1: float, beta2: float
) -> tuple[Tensor, Tensor]:
    """M and v, the next running means of g and g²."""
    gradient = parameter.gradient
    first = running_mean(slots["mean"], gradient, beta1)
    return first, running_mean(slots["mean_square"], square(gradient), beta2)


def _corrections(time: Time, beta1: float, beta2: float) -> tuple[Tensor, Tensor]:
    """1 − β₁^t and 1 − β₂^t: how much of the mean is not its start, 0."""
    t = time.step + 1.0
    return 1.0 - beta1**t, 1.0 - beta2**t


def _check(name: str, rule: Any) -> None:
    """The options that all of these have."""
    check_rate(name, rule.learning_rate)
    check_fraction(name, "beta1", rule.beta1)
    check_fraction(name, "beta2", rule.beta2)
    check_from_zero(name, "epsilon", rule.epsilon)
