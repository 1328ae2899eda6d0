"""From a network's outputs to numbers in the target's units, as the loss says what they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Preprocessor, Table
from steepest.data.preprocess import TargetScale
from steepest.data.target import target_numbers
from steepest.errors import DataError
from steepest.losses import Loss, Quantile
from steepest.tabular.configuration import Configuration
from steepest.tabular.recipe import make_loss

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True)
class NumberHead:
    """Numbers are centre + scale · link(outputs); targets are trained as (y - centre) / scale.

    Args:
        centre: in the target's units.
        scale: likewise.
        link: from outputs (n, columns) to the same shape: themselves, exp, sorted in each row.
        quantiles: what share of the targets is below each column; empty for one plain number.
        counts: targets must not be negative.
    """

    centre: float
    scale: float
    link: Callable[[Floats], Floats]
    quantiles: tuple[float, ...] = ()
    counts: bool = False

    @property
    def columns(self) -> int:
        """How many outputs the network has."""
        return len(self.quantiles) or 1

    @property
    def middle(self) -> int:
        """The column that is the prediction: of quantiles the one nearest to the median."""
        if not self.quantiles:
            return 0
        return int(np.argmin(np.abs(np.array(self.quantiles) - 0.5)))

    def values(self, outputs: NDArray[Any]) -> Floats:
        """All columns in the target's units, float64 (n, columns)."""
        return self.centre + self.scale * self.link(outputs.astype(np.float64))

    def point(self, outputs: NDArray[Any]) -> Floats:
        """The prediction in the target's units, float64 (n,)."""
        return self.values(outputs)[:, self.middle]

    def rmse(self, outputs: NDArray[Any], targets: NDArray[Any]) -> float:
        """The root mean squared error of predictions, in the target's units.

        Args:
            outputs: of the network, (n, columns).
            targets: as they are trained, (n,).
        """
        actual = self.centre + self.scale * targets.astype(np.float64)
        return float(np.sqrt(np.mean((self.point(outputs) - actual) ** 2)))

    def targets(self, preprocessor: Preprocessor, table: Table) -> Floats:
        """The targets of a table as they are trained, float64 (n,).

        Raises:
            DataError: A value that the loss is not for; names row and column.
        """
        standardised = preprocessor.transform_target(table)  # which finds missing ones
        if not self.counts:
            return standardised
        name = preprocessor.schema.target.name
        values = target_numbers(table, name)
        negative = np.flatnonzero(values < 0)
        if len(negative):
            row = int(negative[0])
            raise DataError(
                f"{table.place(row, name)}: {values[row]:g} is negative, and the loss 'poisson' is "
                "for counts; take another loss, 'half_squared_error' say"
            )
        return values / self.scale


def number_head(loss: Loss, scale: TargetScale) -> NumberHead:
    """What the outputs of a network for numbers mean.

    Args:
        loss: what it is trained with.
        scale: mean and deviation of the training rows' targets.

    >>> from steepest.losses import Poisson, Quantile
    >>> scale = TargetScale(centre=10.0, scale=2.0)
    >>> number_head(Quantile((0.1, 0.9)), scale).values(np.array([[1.0, -1.0]]))
    array([[ 8., 12.]])
    >>> number_head(Poisson(), scale).point(np.zeros((1, 1)))
    array([10.])
    """
    if isinstance(loss, Quantile):
        return NumberHead(scale.centre, scale.scale, _sorted, loss.quantiles)
    if loss.head == "log":
        return NumberHead(0.0, scale.centre, np.exp, counts=True)
    return NumberHead(scale.centre, scale.scale, lambda outputs: outputs)


def head_of(preprocessor: Preprocessor, configuration: Configuration) -> NumberHead | None:
    """What the outputs of a table's network mean; None for scores of classes."""
    if preprocessor.target_scale is None:
        return None
    return number_head(make_loss(configuration, "regression"), preprocessor.target_scale)


def quantile_columns(target: str, quantiles: tuple[float, ...]) -> tuple[str, ...]:
    """Names for columns of quantiles: in per cent.

    >>> quantile_columns("income", (0.025, 0.5))
    ('income_q2.5', 'income_q50')
    """
    return tuple(f"{target}_q{100 * each:.10g}" for each in quantiles)


def _sorted(outputs: Floats) -> Floats:
    """Quantiles of one row in order, where the network let them cross."""
    return np.sort(outputs, axis=1)
