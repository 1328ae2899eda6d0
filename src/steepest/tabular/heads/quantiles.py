"""Quantiles of one number: an output each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Cells
from steepest.losses import Loss
from steepest.tabular.evaluate import Evaluation, evaluate_values, with_quantiles
from steepest.tabular.heads.head import Floats, Head, Place
from steepest.tabular.heads.numbers import (
    number_cells,
    refuse_probabilities,
    root_mean_square,
)
from steepest.tabular.heads.units import Units
from steepest.train.metrics import Metric


@final
@dataclass(frozen=True)
class QuantileHead(Head):
    """Quantiles of one target in its units, in order in each row; the middle one is the prediction.

    Args:
        loss: of quantiles.
        levels: which quantiles: what share of the targets is below each column.
        name: of the target.
        units: what outputs say of it; they must rise with them.

    >>> from steepest.data import TargetScale
    >>> from steepest.losses import Quantile
    >>> from steepest.tabular.heads.units import Standardised
    >>> units = Standardised((TargetScale(centre=10.0, scale=2.0),))
    >>> head = QuantileHead(Quantile((0.1, 0.9)), (0.1, 0.9), "y", units)
    >>> head.meaning(np.array([[1.0, -1.0]]))
    array([[ 8., 12.]])
    """

    loss: Loss
    levels: tuple[float, ...]
    name: str
    units: Units

    @property
    def outputs(self) -> int:
        """One for each quantile."""
        return len(self.quantiles)

    @property
    def described(self) -> str:
        """The quantiles' number."""
        return f"{len(self.quantiles)} quantiles" if len(self.quantiles) > 1 else "1 quantile"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The root mean squared error of the middle quantile, in the target's units."""
        return {"rmse": self._rmse}

    def _rmse(self, outputs: NDArray[Any], targets: NDArray[Any], /) -> float:
        actual = self.units.actual(targets).reshape(len(targets))
        return root_mean_square(self.choose(self.meaning(outputs)) - actual)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """What share of the targets is below each column."""
        return self.levels

    @property
    def middle(self) -> int:
        """The column nearest to the median."""
        return int(np.argmin(np.abs(np.array(self.quantiles) - 0.5)))

    def encode(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """As the units are learnt.

        Raises:
            DataError: a number that cannot be.
        """
        return self.units.learnt(actual, place)

    def meaning(self, outputs: NDArray[Any]) -> Floats:
        """The quantiles, sorted where the network let them cross."""
        return self.units.expected(np.sort(outputs, axis=1))

    def choose(self, meant: Floats) -> NDArray[Any]:
        """The middle quantile."""
        return meant[:, self.middle]

    def deviation(self, meant: Floats, deviations: Floats) -> Floats:
        """That of the middle quantile."""
        return deviations[:, self.middle]

    def cells(
        self, meant: Floats, deviations: Floats | None, *, probabilities: bool
    ) -> dict[str, Cells]:
        """`prediction`, `deviation`, and a column for each quantile."""
        only = slice(self.middle, self.middle + 1)
        apart = None if deviations is None else deviations[:, only]
        written = number_cells([self.name], meant[:, only], apart)
        for place, name in enumerate(quantile_columns(self.name, self.quantiles)):
            written[name] = meant[:, place]
        return written

    def baseline(self, actual: NDArray[Any]) -> tuple[float, ...]:
        """The target's mean."""
        return (float(actual.mean()),)

    def evaluate(
        self, actual: NDArray[Any], meant: Floats, baseline: Sequence[float]
    ) -> Evaluation:
        """Scores of the middle quantile, and those of all."""
        found = evaluate_values(actual, self.choose(meant), baseline[0])
        return with_quantiles(found, actual, meant, self.quantiles)

    def check_probabilities(self) -> None:
        """Numbers have none."""
        refuse_probabilities([self.name])


def quantile_columns(target: str, quantiles: tuple[float, ...]) -> tuple[str, ...]:
    """Names for columns of quantiles: in per cent.

    >>> quantile_columns("income", (0.025, 0.5))
    ('income_q2.5', 'income_q50')
    """
    return tuple(f"{target}_q{100 * each:.10g}" for each in quantiles)
