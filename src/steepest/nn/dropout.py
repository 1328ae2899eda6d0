"""Dropout, inverted and vanilla: units left out at random."""

from __future__ import annotations

from typing import Any, final

from steepest.errors import ConfigurationError, DTypeError
from steepest.ir.op import explain
from steepest.ir.types import is_floating
from steepest.methods import implements
from steepest.nn.mode import is_dropping
from steepest.nn.module import Module
from steepest.ops.rows import converted
from steepest.tensor import random
from steepest.tensor.tensor import Tensor


@implements("N4", "N5", option="--dropout P")
@final
class Dropout(Module):
    """Inverted dropout: an element is 0 with probability ``rate``, else x / (1 − rate).

    A fresh mask for every example and every step; the expectation is x, so nothing is scaled in
    use, where it does nothing. ``rate`` is the probability of **dropping**, as in PyTorch and
    Keras; the lectures' p and h are probabilities of keeping. Drops only within
    :func:`steepest.nn.training`, which the Trainer enters by itself, and
    :func:`steepest.nn.sampling`.

    Source: Srivastava et al. 2014.

    Raises:
        ConfigurationError: a rate outside of [0, 1).

    >>> import steepest as st
    >>> x = st.ones((2, 3))
    >>> bool(st.all(st.nn.Dropout(0.5)(x) == x))
    True
    >>> with st.nn.training(), st.random.stream(0):
    ...     sorted(set(st.nn.Dropout(0.5)(st.ones((100,))).tolist()))
    [0.0, 2.0]
    """

    def __init__(self, rate: float) -> None:
        self.rate = _rate(rate, "Dropout")

    def forward(self, x: Tensor) -> Tensor:
        """Drop in training, pass on in use."""
        if not is_dropping() or self.rate == 0.0:
            return x
        return x * (_mask(self, x, self.rate) * (1.0 / (1.0 - self.rate)))


@implements("N4", "N5")
@final
class VanillaDropout(Module):
    """Vanilla dropout: x m in training, with m = 0 at probability ``rate``; x (1 − rate) in use.

    The lectures' first form: masks are not rescaled, so what is used is scaled instead and every
    unit counts as on average in training. :class:`Dropout` computes the same up to the factor
    1 − rate, and leaves a network in use as it is. ``rate`` is the probability of **dropping**.

    Source: Srivastava et al. 2014, Figure 2; L2, L3 (whose p and h are probabilities of keeping).

    Raises:
        ConfigurationError: a rate outside of [0, 1).

    >>> import steepest as st
    >>> st.nn.VanillaDropout(0.25)(st.ones((3,)))
    tensor([0.75, 0.75, 0.75])
    >>> with st.nn.training(), st.random.stream(0):
    ...     sorted(set(st.nn.VanillaDropout(0.25)(st.ones((100,))).tolist()))
    [0.0, 1.0]
    """

    def __init__(self, rate: float) -> None:
        self.rate = _rate(rate, "VanillaDropout")

    def forward(self, x: Tensor) -> Tensor:
        """Drop in training, scale in use."""
        if self.rate == 0.0:
            return x
        if not is_dropping():
            return x * (1.0 - self.rate)
        return x * _mask(self, x, self.rate)


def _rate(rate: Any, layer: str) -> float:
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.0 <= rate < 1.0:
        raise ConfigurationError(
            f"{layer}: rate is the probability of dropping, from 0 to below 1, not {rate}"
        )
    return float(rate)


def _mask(layer: Module, x: Tensor, rate: float) -> Tensor:
    """1 with probability 1 − rate, else 0; for each element of each example its own."""
    if not is_floating(x.dtype):
        raise explain(DTypeError("it takes floating-point numbers"), repr(layer), (x,))
    return converted(random.bernoulli(1.0 - rate, x.shape), x.dtype)
