"""Numbers as waves: what lets a network see fine steps in a column."""

from __future__ import annotations

import math
from typing import final

from steepest.errors import ConfigurationError, ShapeError
from steepest.ir.op import explain
from steepest.nn.module import Module
from steepest.nn.sizes import size
from steepest.ops.contract import contract
from steepest.ops.elementwise import cos
from steepest.ops.movement import expand_dims, reshape
from steepest.tensor import random
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor


@final
class PeriodicEmbedding(Module):
    """Numbers as learned vectors, with waves of their own in each column: W cos(ω x + φ) + b.

    Rectifiers bend a function rarely, and learn steep or jagged dependence on one number slowly;
    waves have it from the start. What comes out belongs beside x, not in its place. Columns should
    be scaled; frequencies, phases, W and b are learned and different in each column.

    Args:
        columns: numbers of a row.
        frequencies: waves of each column.
        width: numbers that a column becomes.
        deviation: frequencies start as N(0, (2π · deviation)²): 0.1 is about one wave in ten.
        speed: cells hold what is learned divided by this, so that rules whose steps have a size of
            their own, such as Adam's, change it so many times as fast as other layers' weights.

    W and b start as U(−1/√frequencies, 1/√frequencies), φ as U(−π, π).

    Shapes: (n, columns) to (n, columns · width), the numbers of a column side by side.

    Source: PBLD of Holzmüller et al. 2024, RealMLP (arXiv 2407.04491), after Gorishniy et al. 2022
    (arXiv 2203.05556). There x itself is the first of the numbers, 2π is outside the learned
    frequencies, and a learning rate that is far higher all over is lowered here.

    Raises:
        ConfigurationError: a size below 1, a deviation or a speed that is not above 0.
        ShapeError: x has another number of columns.

    >>> import steepest as st
    >>> with st.random.stream(0):
    ...     layer = st.nn.PeriodicEmbedding(3, width=2)
    >>> layer(st.zeros((5, 3))).shape
    (5, 6)
    """

    def __init__(
        self,
        columns: int,
        *,
        frequencies: int = 16,
        width: int = 3,
        deviation: float = 0.1,
        speed: float = 1.0,
    ) -> None:
        self.columns = size(columns, "PeriodicEmbedding: columns")
        self.width = size(width, "PeriodicEmbedding: width")
        waves = size(frequencies, "PeriodicEmbedding: frequencies")
        for name, value in (("deviation", deviation), ("speed", speed)):
            if not 0 < value < math.inf:
                raise ConfigurationError(
                    f"PeriodicEmbedding: {name} is a number above 0, not {value}"
                )
        self.speed = float(speed)
        bound, turn = waves**-0.5 / self.speed, math.pi / self.speed
        spread = 2 * math.pi * deviation / self.speed
        self.frequency = State(random.normal((columns, waves), deviation=spread))
        self.phase = State(random.uniform((columns, waves), low=-turn, high=turn))
        self.weight = State(random.uniform((columns, width, waves), low=-bound, high=bound))
        self.bias = State(random.uniform((columns, width), low=-bound, high=bound))

    def forward(self, x: Tensor) -> Tensor:
        """Embed each number of each row."""
        if x.ndim != 2 or x.shape[1] != self.columns:
            what = f"x should be (n, {self.columns}), the layer's number of columns"
            raise explain(ShapeError(what), repr(self), (x,))
        angles = expand_dims(x, axis=-1) * self.frequency.value + self.phase.value
        mixed: Tensor = contract(
            cos(angles * self.speed),
            self.weight.value,
            left=(0, 1, 2),
            right=(1, 3, 2),
            result=(0, 1, 3),
        )
        found = (mixed + self.bias.value) * self.speed
        return reshape(found, (x.shape[0], self.columns * self.width))
