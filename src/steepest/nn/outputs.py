"""Outputs of a network that are kept to a range: between bounds, or probabilities."""

from __future__ import annotations

from typing import final

import numpy as np

from steepest.errors import ConfigurationError
from steepest.methods import implements
from steepest.nn.module import Module
from steepest.ops import composite
from steepest.ops.elementwise import sigmoid
from steepest.tensor.tensor import Tensor


@implements("M2")
@final
class Bounded(Module):
    """Outputs between two bounds: low + (high − low) sigmoid(x).

    Bounded(−1, 1) is tanh(x/2), Bounded(0, 1) the sigmoid. The bounds themselves are reached in the
    limit only: targets at them push scores to infinity, so choose bounds a little wider.

    Source: L1 (ŷ = σ(v·σ(W x))).

    Args:
        low: the lower bound.
        high: the upper bound.

    Raises:
        ConfigurationError: bounds that are not finite, or in the wrong order.

    >>> import steepest as st
    >>> st.nn.Bounded(0.0, 10.0)(st.tensor([-200.0, 0.0, 200.0]))
    tensor([ 0.,  5., 10.])
    >>> net = st.nn.MLP(3, [8], 1, output_activation=st.nn.Bounded(0.0, 10.0))
    """

    def __init__(self, low: float, high: float) -> None:
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ConfigurationError(
                f"Bounded: low and high are two finite numbers, the lower one first, not {low!r} "
                f"and {high!r}"
            )
        self.low = float(low)
        self.high = float(high)

    def forward(self, x: Tensor) -> Tensor:
        """Bring each number between the bounds."""
        return self.low + (self.high - self.low) * sigmoid(x)


@implements("M4")
@final
class Softmax(Module):
    """Probabilities of K classes: exp(xₖ) / Σⱼ exp(xⱼ) over the last axis, safe for any scores.

    For a network that shall give probabilities itself. The losses of classes want scores and hold
    the softmax: train without this layer, or with a loss of your own.

    Shapes: (…, K) to the same.

    Source: L1.

    >>> import steepest as st
    >>> st.nn.Softmax()(st.tensor([[1e4, 1e4]]))
    tensor([[0.5, 0.5]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Make scores probabilities."""
        return composite.softmax(x, axis=-1)
