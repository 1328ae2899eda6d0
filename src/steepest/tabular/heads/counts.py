"""Counts: an output each, the logarithm of what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Cells
from steepest.errors import DataError
from steepest.losses import Loss
from steepest.tabular.evaluate import Evaluation
from steepest.tabular.heads.head import Floats, Head, Place
from steepest.tabular.heads.numbers import (
    evaluate_each,
    number_cells,
    refuse_probabilities,
    root_mean_square,
)
from steepest.train.metrics import Metric


@final
@dataclass(frozen=True)
class CountHead(Head):
    """An expected count for each target: mean · exp(output), so that none is negative.

    Args:
        loss: of counts, with a log link.
        names: of the targets, in the order of the outputs.
        means: of the training rows' targets.

    >>> from steepest.losses import Poisson
    >>> head = CountHead(Poisson(), ("y",), (10.0,))
    >>> head.meaning(np.zeros((1, 1)))
    array([[10.]])
    """

    loss: Loss
    names: tuple[str, ...]
    means: tuple[float, ...]

    @property
    def outputs(self) -> int:
        """One for each target."""
        return len(self.names)

    @property
    def described(self) -> str:
        """The targets' number."""
        return "1 count" if len(self.names) == 1 else f"{len(self.names)} counts"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The root mean squared error in the targets' units, averaged over them."""
        return {"rmse": self._rmse}

    def _rmse(self, outputs: NDArray[Any], targets: NDArray[Any], /) -> float:
        actual = np.array(self.means) * targets.reshape(len(targets), -1).astype(np.float64)
        return root_mean_square(self.meaning(outputs) - actual)

    def encode(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """In units of the mean, so that outputs start near 0.

        Raises:
            DataError: a negative number.
        """
        counts = actual.reshape(len(actual), -1)
        negative = np.argwhere(counts < 0)
        if len(negative):
            row, column = (int(each) for each in negative[0])
            raise DataError(
                f"{place(row, column)}: {counts[row, column]:g} is negative, and the loss "
                "'poisson' is for counts; take another loss, 'half_squared_error' say"
            )
        return (counts / np.array(self.means)).reshape(actual.shape)

    def meaning(self, outputs: NDArray[Any]) -> Floats:
        """The expected counts, (n, targets)."""
        return np.array(self.means) * np.exp(outputs.astype(np.float64))

    def choose(self, meant: Floats) -> NDArray[Any]:
        """The expected counts, (n,) of one target."""
        return meant[:, 0] if len(self.names) == 1 else meant

    def deviation(self, meant: Floats, deviations: Floats) -> Floats:
        """In the targets' units."""
        return self.choose(deviations)

    def cells(
        self, meant: Floats, deviations: Floats | None, *, probabilities: bool
    ) -> dict[str, Cells]:
        """`prediction` and `deviation`, with the target's name behind where there are several."""
        return number_cells(self.names, meant, deviations)

    def baseline(self, actual: NDArray[Any]) -> tuple[float, ...]:
        """Each target's mean."""
        return tuple(np.atleast_1d(actual.mean(axis=0)).tolist())

    def evaluate(
        self, actual: NDArray[Any], meant: Floats, baseline: Sequence[float]
    ) -> Evaluation:
        """Scores of numbers, of several targets their means and each."""
        return evaluate_each(self.names, actual, meant, baseline)

    def check_probabilities(self) -> None:
        """Numbers have none."""
        refuse_probabilities(self.names)
