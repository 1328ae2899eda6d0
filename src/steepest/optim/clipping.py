"""Clipping of gradients, around any rule: by value and by the norm of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from steepest.methods import implements
from steepest.ops.composite import clip
from steepest.ops.elementwise import maximum, sqrt, square
from steepest.ops.reduce import sum
from steepest.ops.rows import converted
from steepest.optim.options import check_above_zero, names_its_options
from steepest.optim.rule import (
    Parameter,
    Rule,
    Scalars,
    Slots,
    Start,
    Updated,
    check_around,
)
from steepest.optim.schedules import Rate, Time
from steepest.tensor.tensor import Tensor

__all__ = ["ClipByNorm", "ClipByValue"]


@implements("P12", option="--set optimizer.clip_value=LIMIT")
@final
@names_its_options
@dataclass(frozen=True)
class ClipByValue(Rule):
    """Another rule with clipped gradients: g ← min(max(g, −c), c), each element by itself.

    It changes the direction of the gradient; :class:`ClipByNorm` does not.

    Args:
        rule: the rule that gets the clipped gradients.
        limit: c.

    Raises:
        ConfigurationError: a limit that is not positive.

    Source: Mikolov: "Statistical language models based on neural networks" (2012).

    >>> import steepest as st
    >>> st.optim.ClipByValue(st.optim.SGD(0.1), limit=0.5)
    ClipByValue(rule=SGD(learning_rate=0.1), limit=0.5)
    """

    rule: Rule
    limit: float = 1.0

    def __post_init__(self) -> None:
        check_around("ClipByValue", self.rule)
        check_above_zero("ClipByValue", "limit", self.limit)

    @property
    def rate(self) -> Rate:
        """η of the rule."""
        return self.rule.rate

    def slots(self) -> Mapping[str, Start]:
        """Those of the rule."""
        return self.rule.slots()

    def scalars(self, time: Time) -> Scalars:
        """Those of the rule."""
        return self.rule.scalars(time)

    def changed(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Each within the limits."""
        return [clip(each, -self.limit, self.limit) for each in gradients]

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """The rule's, of the clipped gradient."""
        return self.rule.update(parameter, slots, scalars)


@implements("P12", option="--clip-norm LIMIT")
@final
@names_its_options
@dataclass(frozen=True)
class ClipByNorm(Rule):
    """Another rule with the gradient shortened where it is too long: g ← g · c / max(‖g‖, c).

    ‖g‖ is the norm of all gradients together, so the direction stays.

    Args:
        rule: the rule that gets the clipped gradients.
        limit: c, the greatest norm.

    Raises:
        ConfigurationError: a limit that is not positive.

    Differs from PyTorch's ``clip_grad_norm_``, which divides by ‖g‖ + 1e-6.

    Source: Pascanu, Mikolov, Bengio: "On the difficulty of training recurrent neural networks"
        (2013), algorithm 1.

    >>> import steepest as st
    >>> model = st.nn.Linear(2, 1, bias=False)
    >>> model.weight.assign(np.zeros((1, 2)))
    >>> optimizer = st.optim.ClipByNorm(st.optim.SGD(1.0), limit=1.0).attach(model)
    >>> optimizer.step({"weight": st.tensor([[-3.0, -4.0]])})
    >>> model.weight.value.detach()
    tensor([[0.6, 0.8]])
    """

    rule: Rule
    limit: float = 1.0

    def __post_init__(self) -> None:
        check_around("ClipByNorm", self.rule)
        check_above_zero("ClipByNorm", "limit", self.limit)

    @property
    def rate(self) -> Rate:
        """η of the rule."""
        return self.rule.rate

    def slots(self) -> Mapping[str, Start]:
        """Those of the rule."""
        return self.rule.slots()

    def scalars(self, time: Time) -> Scalars:
        """Those of the rule."""
        return self.rule.scalars(time)

    def changed(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """All by the same factor."""
        if not gradients:
            return []
        dtype = np.result_type(*(each.dtype for each in gradients))
        total = converted(sum(square(gradients[0])), dtype)
        for each in gradients[1:]:
            total = total + converted(sum(square(each)), dtype)
        factor = self.limit / maximum(sqrt(total), self.limit)
        return [each * converted(factor, each.dtype) for each in gradients]

    def update(self, parameter: Parameter, slots: Slots, scalars: Scalars) -> Updated:
        """The rule's, of the clipped gradient."""
        return self.rule.update(parameter, slots, scalars)
