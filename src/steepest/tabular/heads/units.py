"""What an output says of a number: how targets are learnt, and how outputs are read back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import TargetScale
from steepest.data.target_scale import scaled
from steepest.data.targets import no_logarithm
from steepest.errors import DataError
from steepest.tabular.heads.head import Floats, Place


class Units(ABC):
    """Between numbers in the targets' own units and what the network learns, a column for each.

    Attributes:
        noun: what one number is called.
    """

    noun: ClassVar[str]

    @abstractmethod
    def learnt(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """Actual values, (n,) or (n, targets), as the loss takes them.

        Raises:
            DataError: a value that cannot be learnt.
        """

    @abstractmethod
    def actual(self, learnt: NDArray[Any]) -> Floats:
        """Back from what the loss takes, (n, targets)."""

    @abstractmethod
    def expected(self, outputs: NDArray[Any]) -> Floats:
        """The numbers that outputs (n, targets) stand for, float64."""


@final
@dataclass(frozen=True)
class Standardised(Units):
    """A standardised number, or its logarithm: the output in the target's own units.

    Args:
        scales: of each target.

    >>> units = Standardised((TargetScale(centre=10.0, scale=2.0),))
    >>> units.expected(np.array([[1.0], [-1.0]])).ravel()
    array([12.,  8.])
    """

    noun = "number"
    scales: tuple[TargetScale, ...]

    def learnt(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """Each target by its own scale.

        Raises:
            DataError: a number without the logarithm that is learnt.
        """
        encoded = scaled(self.scales, TargetScale.standardised, actual)
        wrong = np.argwhere(~np.isfinite(encoded.reshape(len(encoded), -1)))
        if len(wrong):
            row, column = (int(each) for each in wrong[0])
            value = float(actual.reshape(len(actual), -1)[row, column])
            if self.scales[column].transform == "log":
                raise DataError(no_logarithm(place(row, column), value))
            raise DataError(
                f"{place(row, column)}: the numbers in this column are too large to be averaged; "
                "divide them all by a power of ten"
            )
        return encoded

    def actual(self, learnt: NDArray[Any]) -> Floats:
        """Each target by its own scale."""
        return scaled(self.scales, TargetScale.original, learnt)

    def expected(self, outputs: NDArray[Any]) -> Floats:
        """As `actual`: outputs are what the loss takes."""
        return self.actual(outputs)


@final
@dataclass(frozen=True)
class Counted(Units):
    """An expected count, mean · exp(output), so that none is negative.

    Args:
        means: of the training rows' targets.

    >>> Counted((10.0,)).expected(np.zeros((1, 1)))
    array([[10.]])
    """

    noun = "count"
    means: tuple[float, ...]

    def learnt(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
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

    def actual(self, learnt: NDArray[Any]) -> Floats:
        """By the mean."""
        return np.array(self.means) * learnt.astype(np.float64)

    def expected(self, outputs: NDArray[Any]) -> Floats:
        """The outputs are logarithms of what the loss takes."""
        return np.array(self.means) * np.exp(outputs.astype(np.float64))
