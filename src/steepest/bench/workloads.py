"""What is timed: small and large perceptrons, and one with all that regularises training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, final

import numpy as np

from steepest.ir.types import Array, float32, uint32


@final
@dataclass(frozen=True)
class Workload:
    """A network and how it is trained.

    Args:
        name: for people.
        sizes: features, units of each hidden layer, outputs; one output is a logistic regression of
            two classes, more are a softmax.
        batch: rows in a mini-batch.
        optimizer: momentum (0.9) or Adam.
        batches: in an epoch.
        is_regular: with batch normalisation and ReLU, dropout of 0.3 after each hidden layer, L2 of
            1e-4 on weight matrices, clipping of the gradient's norm at 1, and a cosine schedule.
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    optimizer: Literal["momentum", "adam"]
    batches: int
    is_regular: bool = False

    @property
    def rows(self) -> int:
        """In an epoch."""
        return self.batch * self.batches

    @property
    def operations(self) -> int:
        """Of the matrix products of a step: three per layer, one less in the first.

        What is pointwise, the optimiser's update too, is not counted.
        """
        products = sum(a * b for a, b in pairwise(self.sizes))
        return 6 * self.batch * products - 2 * self.batch * self.sizes[0] * self.sizes[1]

    def data(self) -> tuple[Array, Array, Array]:
        """Noise: features, classes, and the rows of each mini-batch in shuffled order."""
        generator = np.random.default_rng(0)
        x = generator.standard_normal((self.rows, self.sizes[0]), dtype=float32)
        y = generator.integers(0, max(self.sizes[-1], 2), self.rows)
        rows = generator.permutation(self.rows).astype(uint32)
        return x, y, rows.reshape(self.batches, self.batch)

    def document(self) -> dict[str, Any]:
        """For another interpreter."""
        return asdict(self)


_ALL = (
    Workload("tiny", (2, 50, 1), 32, "momentum", 64),
    Workload("digits", (64, 100, 10), 64, "adam", 64),
    Workload("mlp", (784, 256, 128, 10), 128, "adam", 32),
    Workload("wide", (1024,) * 8, 256, "adam", 4),
    Workload("regular", (784, 512, 512, 10), 128, "momentum", 32, is_regular=True),
)
WORKLOADS: Mapping[str, Workload] = {each.name: each for each in _ALL}
