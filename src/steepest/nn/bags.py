"""Embedding of a bag of codes, such as the words of a text."""

from __future__ import annotations

import math
from typing import final

from steepest.errors import ConfigurationError, ShapeError
from steepest.ir.op import explain
from steepest.methods import implements
from steepest.nn.layers import Embedding
from steepest.nn.module import Module
from steepest.ops.elementwise import maximum
from steepest.ops.movement import expand_dims
from steepest.ops.reduce import sum
from steepest.tensor.tensor import Tensor


@implements("M8", option="--types COL=text")
@final
class EmbeddingBag(Module):
    """The mean of learned vectors, one for each code of a row: Σ_j e[c_j] / max(1, #{j: c_j > 0}).

    Codes 1 … levels have a vector each, 0 is padding: it adds nothing and does not count, so rows
    may hold different numbers of codes. A row of padding alone gives zeros. (PyTorch's
    ``nn.EmbeddingBag(mode="mean")`` takes rows end to end with offsets, or of one length with a
    ``padding_idx`` whose vector is there all the same.)

    Args:
        levels: how many codes have a vector.
        width: numbers per code.
        deviation: the vectors start as N(0, deviation²).
        speed: cells hold what is learned divided by this, so that rules whose steps have a size of
            their own, such as Adam's, change vectors so many times as fast as other weights: of
            the many codes of a row a few matter, and a mean makes little of them.

    Shapes: codes (…, length) to (…, width).

    Source: Joulin et al. 2017, fastText (arXiv 1607.01759).

    Raises:
        ConfigurationError: a size below 1, a speed that is not above 0.
        DTypeError: codes that are no integers.
        ShapeError: a code above ``levels``; codes without an axis to go along.

    >>> import steepest as st
    >>> layer = st.nn.EmbeddingBag(3, 2)
    >>> layer.vectors.weight.assign([[1.0, 0.0], [3.0, 4.0], [0.0, 9.0]])
    >>> layer(st.tensor([[1, 2, 0], [0, 0, 0]])).detach()
    tensor([[2., 2.],
            [0., 0.]])
    """

    def __init__(
        self, levels: int, width: int, *, deviation: float = 0.1, speed: float = 1.0
    ) -> None:
        if not (math.isfinite(speed) and speed > 0):
            raise ConfigurationError(f"EmbeddingBag: speed is a number above 0, not {speed!r}")
        self.vectors = Embedding(levels, width, deviation=deviation / speed)
        self.speed = float(speed)

    def forward(self, codes: Tensor) -> Tensor:
        """Look the codes up, and take the mean over the last axis."""
        if not codes.ndim:
            raise explain(ShapeError("a bag has codes along an axis"), repr(self), (codes,))
        found = self.vectors(codes)
        count = sum((codes > 0).astype(found.dtype), axis=-1)
        total: Tensor = sum(found, axis=-2)
        return total * expand_dims(self.speed / maximum(count, 1.0), axis=-1)
