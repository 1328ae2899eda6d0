"""Normalisation inside of a network: over the batch, over an example's features."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias, final

import numpy as np

from steepest.errors import ConfigurationError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import uint32
from steepest.methods import implements
from steepest.nn.mode import is_training
from steepest.nn.module import Module
from steepest.nn.sizes import size
from steepest.ops.elementwise import maximum, sqrt, square
from steepest.ops.reduce import mean
from steepest.ops.rows import converted
from steepest.tensor.creation import full
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor


@implements("N2", "N3", option="--batch-norm before")
@final
class BatchNorm(Module):
    """Batch normalisation: γ (x − μ)/√(σ² + ε) + β, each feature by its mean and variance.

    In training μ and σ² = (1/B) Σ (x − μ)² are those of the batch, and gradients go through them.
    In use they are running averages of what the batches had, or what
    :func:`recompute_statistics` gathered: a prediction never depends on the rows beside it.

    Running averages change by m ← m + sₜ (μ − m) with sₜ = max(share, 1/t) at the t-th batch: the
    plain mean of all batches at first, so that nothing is left of a start. The running variance is
    that of unbiased estimates, B/(B − 1) σ². γ starts at 1 and β at 0; no penalty counts them. The
    bias of a linear layer right before it has no effect: leave it out, as ``MLP`` does.

    Differs from PyTorch, whose averages start at 0 and 1 with sₜ = ``momentum`` from the first
    batch, which is far off after a short training. Keras' ``momentum`` is 1 − share.

    Source: Ioffe, Szegedy 2015. L3 writes the variance as σ and leaves out the root and ε.

    Args:
        features: extent of the last axis; statistics are over all other axes.
        epsilon: ε, which keeps a constant feature finite.
        share: of a new batch in the running averages.

    Shapes: (…, features) to the same.

    Raises:
        ConfigurationError: an impossible option; in training a batch of a single row, which has no
            variance.
        ShapeError: x has another number of features.

    >>> import steepest as st
    >>> layer, x = st.nn.BatchNorm(1), st.tensor([[1.0], [3.0]])
    >>> with st.nn.training():
    ...     st.round(layer(x).detach()).tolist()
    [[-1.0], [1.0]]
    >>> layer.mean.value.tolist(), layer.variance.value.tolist()
    ([2.0], [2.0])
    """

    def __init__(self, features: int, *, epsilon: float = 1e-5, share: float = 0.1) -> None:
        self.features = size(features, "BatchNorm: features")
        self.epsilon = _epsilon(epsilon, "BatchNorm")
        if isinstance(share, bool) or not 0.0 < share <= 1.0:
            raise ConfigurationError(
                f"BatchNorm: share is that of a new batch in the running averages, above 0 and at "
                f"most 1, not {share!r}; PyTorch's momentum is the same, Keras' is 1 − share"
            )
        self.share = float(share)
        self.scale = State(full((features,), 1.0))
        self.shift = State(full((features,), 0.0))
        self.mean = State(full((features,), 0.0), trainable=False)
        self.variance = State(full((features,), 1.0), trainable=False)
        self.batches = State(np.zeros((), uint32), trainable=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each feature."""
        _check_features(self, x, self.features)
        noted = _inputs.get()
        if noted is not None:
            noted.append((self, x))
        if not is_training():
            centred, variance = x - self.mean.value, self.variance.value
        else:
            batch = mean(x, axis=tuple(range(x.ndim - 1)))
            centred = x - batch
            variance = mean(square(centred), axis=tuple(range(x.ndim - 1)))
            self._average(batch.detach(), variance.detach(), x.size // self.features)
        return centred * (self.scale.value / sqrt(variance + self.epsilon)) + self.shift.value

    def _average(self, batch: Tensor, variance: Tensor, rows: int) -> None:
        """Move the running averages towards a batch's statistics."""
        if rows < 2:
            raise ConfigurationError(
                f"{self!r}: a batch of a single row has no variance; train with a batch_size of 2 "
                "or more"
            )
        count = self.batches.value + np.asarray(1, uint32)
        share = maximum(1.0 / converted(count, batch.dtype), self.share)
        running, spread = self.mean.value, self.variance.value
        self.mean.assign(running + share * (batch - running))
        self.variance.assign(spread + share * (variance * (rows / (rows - 1)) - spread))
        self.batches.assign(count)


@implements("N2")
@final
class LayerNorm(Module):
    """Layer normalisation: γ (x − μ)/√(σ² + ε) + β with each example's own mean and variance.

    Over the last axis; the same in training and in use. γ starts at 1 and β at 0; no penalty counts
    them.

    Source: Ba, Kiros, Hinton 2016.

    Args:
        features: extent of the last axis.
        epsilon: ε, which keeps an example of equal features finite.

    Shapes: (…, features) to the same.

    >>> import steepest as st
    >>> st.round(st.nn.LayerNorm(2)(st.tensor([[1.0, 3.0]])).detach()).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(self, features: int, *, epsilon: float = 1e-5) -> None:
        self.features = size(features, "LayerNorm: features")
        self.epsilon = _epsilon(epsilon, "LayerNorm")
        self.scale = State(full((features,), 1.0))
        self.shift = State(full((features,), 0.0))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each example."""
        _check_features(self, x, self.features)
        centred = x - mean(x, axis=-1, keepdims=True)
        variance = mean(square(centred), axis=-1, keepdims=True)
        return centred / sqrt(variance + self.epsilon) * self.scale.value + self.shift.value


def _epsilon(value: float, layer: str) -> float:
    if isinstance(value, bool) or not 0.0 < value < np.inf:
        raise ConfigurationError(f"{layer}: epsilon is a number above 0, not {value!r}")
    return float(value)


def _check_features(layer: Module, x: Tensor, features: int) -> None:
    if x.ndim < 2 or x.shape[-1] != features:
        what = f"it takes (batch, …, {features}), features on the last axis"
        raise explain(ShapeError(what), repr(layer), (x,))


Inputs: TypeAlias = list[tuple[BatchNorm, Tensor]]
_inputs: ContextVar[Inputs | None] = ContextVar("inputs", default=None)


@contextmanager
def noting_inputs() -> Generator[Inputs]:
    """Within this block every call of a BatchNorm is noted with what came in."""
    noted: Inputs = []
    token = _inputs.set(noted)
    try:
        yield noted
    finally:
        _inputs.reset(token)
