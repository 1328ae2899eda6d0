"""Decay that is decoupled from the gradient, around any rule: of squares and of magnitudes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from steepest.methods import implements
from steepest.ops.elementwise import abs, copysign, maximum
from steepest.optim.options import check_from_zero, names_its_options
from steepest.optim.rule import (
    Parameter,
    Rule,
    Scalars,
    Slots,
    Start,
    Updated,
    check_around,
    inside_of,
    nested,
)
from steepest.optim.schedules import Rate, Time
from steepest.tensor.tensor import Tensor

__all__ = ["L1Decay", "WeightDecay"]


@implements("O7", option="--weight-decay DECAY")
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

    Raises:
        ConfigurationError: a negative decay; a rule that looks ahead.

    Source: Loshchilov, Hutter: "Decoupled weight decay regularization" (2019).

    >>> import steepest as st
    >>> st.optim.WeightDecay(st.optim.Momentum(0.1), 1e-4).slots()
    {'velocity': 'zeros'}
    """

    rule: Rule
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check_around("WeightDecay", self.rule)
        check_from_zero("WeightDecay", "weight_decay", self.weight_decay)

    @property
    def rate(self) -> Rate:
        """η of the rule."""
        return self.rule.rate

    def slots(self) -> Mapping[str, Start]:
        """Those of the rule."""
        return self.rule.slots()

    def scalars(self, time: Time) -> Scalars:
        """−η_t λ, and those of the rule."""
        shrinkage = -self.weight_decay * time.rate(self.rate)
        return nested(self.rule.scalars(time), shrinkage=shrinkage)

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """−η_t λ w + (the rule's change)."""
        change, following = self.rule.update(parameter, slots, inside_of(scalars))
        if not parameter.decay:
            return change, following
        shrinkage = scaled(scalars["shrinkage"], parameter.decay)
        return shrinkage * parameter.value + change, following


@implements("O7", option="--l1 DECAY")
@final
@names_its_options
@dataclass(frozen=True)
class L1Decay(Rule):
    """Another rule with an L1 penalty, as a proximal step: w ← S(w + (the rule's change), η_t λ).

    S(z, τ) = sign(z) max(|z| − τ, 0) pulls each weight towards 0 by τ and leaves it exactly 0 when
    it gets there, which the penalty's gradient λ sign(w) does not: that jumps to and fro around 0.
    Like :class:`WeightDecay` it does not pass through the rule's own scaling, and it spares biases.
    Put it outside of a WeightDecay.

    Args:
        rule: the rule that is composed with the decay.
        l1: λ of the penalty λ Σ |w|.

    Raises:
        ConfigurationError: a negative λ; a rule that looks ahead.

    Source: Duchi, Singer: "Efficient online and batch learning using forward backward splitting"
        (2009); Daubechies, Defrise, De Mol: "An iterative thresholding algorithm" (2004).

    >>> import steepest as st
    >>> model = st.nn.Linear(1, 1, bias=False)
    >>> model.weight.assign(np.array([[0.3]]))
    >>> optimizer = st.optim.L1Decay(st.optim.SGD(0.1), l1=2.0).attach(model)
    >>> for _ in range(2):  # without a gradient: 0.3, 0.1, 0
    ...     optimizer.step({"weight": st.zeros((1, 1))})
    >>> model.weight.value.detach()
    tensor([[0.]])
    """

    rule: Rule
    l1: float = 1e-4

    def __post_init__(self) -> None:
        check_around("L1Decay", self.rule)
        check_from_zero("L1Decay", "l1", self.l1)

    @property
    def rate(self) -> Rate:
        """η of the rule."""
        return self.rule.rate

    def slots(self) -> Mapping[str, Start]:
        """Those of the rule."""
        return self.rule.slots()

    def scalars(self, time: Time) -> Scalars:
        """η_t λ, and those of the rule."""
        return nested(self.rule.scalars(time), threshold=self.l1 * time.rate(self.rate))

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """From w to S(w + (the rule's change), η_t λ)."""
        change, following = self.rule.update(parameter, slots, inside_of(scalars))
        if not parameter.decay:
            return change, following
        moved = parameter.value + change
        left = maximum(abs(moved) - scaled(scalars["threshold"], parameter.decay), 0.0)
        return copysign(left, moved) - parameter.value, following


def scaled(number: Tensor | float, factor: float) -> Tensor | float:
    """A product; nothing where the factor is 1."""
    return number if factor == 1.0 else factor * number
