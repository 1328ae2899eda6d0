"""Several networks as one: it gives the mean of what they give."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast, final

from steepest.errors import ConfigurationError
from steepest.nn.module import Module
from steepest.ops.composite import log_softmax, logsumexp, softplus
from steepest.ops.joins import stack
from steepest.ops.reduce import mean
from steepest.tensor.tensor import Tensor

__all__ = [
    "Ensemble",
    "mean_of_exponentials",
    "mean_of_outputs",
    "mean_of_sigmoids",
    "mean_of_softmaxes",
]

# From the outputs of k networks, stacked along the first axis, to one output.
Mean: TypeAlias = Callable[[Tensor], Tensor]


def mean_of_outputs(outputs: Tensor) -> Tensor:
    """The mean of the outputs themselves: (1/k) Σᵢ fᵢ."""
    return mean(outputs, axis=0)


def mean_of_softmaxes(outputs: Tensor) -> Tensor:
    """Scores whose softmax is the mean of the probabilities: log (1/k) Σᵢ softmax(fᵢ)."""
    return mean_of_exponentials(log_softmax(outputs))


def mean_of_sigmoids(outputs: Tensor) -> Tensor:
    """Scores whose sigmoid is the mean of the probabilities: log p̄ − log(1 − p̄)."""
    positive, negative = -softplus(-outputs), -softplus(outputs)
    return logsumexp(positive, axis=0) - logsumexp(negative, axis=0)


def mean_of_exponentials(outputs: Tensor) -> Tensor:
    """The logarithm of the mean of what the outputs are logarithms of: log (1/k) Σᵢ exp fᵢ."""
    return logsumexp(outputs, axis=0) - math.log(outputs.shape[0])


@final
class Ensemble(Module):
    """Several networks with one output, their mean: f̄(x) = (1/k) Σᵢ fᵢ(x).

    For classes it is the probabilities that are averaged: with :func:`mean_of_softmaxes` the output
    are scores again, whose softmax is that mean. So it takes the place of one network in
    predictions and losses.

    Args:
        members: networks with outputs of one shape.
        mean: how outputs stacked along the first axis become one: :func:`mean_of_outputs`,
            :func:`mean_of_softmaxes`, :func:`mean_of_sigmoids` or :func:`mean_of_exponentials`.

    Raises:
        ConfigurationError: no members, or some that are no modules.

    Source: L2, "Model ensembles".

    >>> import steepest as st
    >>> both = st.nn.Ensemble([st.nn.Linear(2, 3), st.nn.Linear(2, 3)], st.nn.mean_of_softmaxes)
    >>> both(st.ones((5, 2))).shape
    (5, 3)
    """

    def __init__(self, members: Sequence[Module], mean: Mean = mean_of_outputs) -> None:
        if not _are_modules(members):
            raise ConfigurationError(
                f"nn.Ensemble: the members are a list of modules, not {reprlib.repr(members)}"
            )
        if not members:
            raise ConfigurationError("nn.Ensemble: there are no members")
        self.members = list(members)
        self.mean = mean

    def forward(self, x: Any) -> Tensor:
        """The mean of the members' outputs."""
        return self.mean(stack([member(x) for member in self.members]))


def _are_modules(members: object) -> bool:
    several = cast("Sequence[object]", members) if isinstance(members, Sequence) else [None]
    return all(isinstance(one, Module) for one in several)
