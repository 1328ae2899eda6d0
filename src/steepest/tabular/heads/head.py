"""What the outputs of a network mean: one interface, whatever is predicted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.data import Cells
from steepest.errors import DataError
from steepest.losses import LOSSES, Loss
from steepest.tabular.evaluate import Evaluation
from steepest.train.metrics import Metric

Floats: TypeAlias = NDArray[np.float64]
# Where the value of a row and a target stands in its file, for a message.
Place: TypeAlias = Callable[[int, int], str]


class Head(ABC):
    """From what is to be predicted to targets of a loss, and from outputs to predictions.

    "Actual" values are codes of classes or numbers in their own units, (n,) of one target,
    (n, targets) of several. What outputs "mean" are probabilities or numbers in the targets' units,
    float64 with an axis of columns.

    Attributes:
        loss: what the network is trained with.
    """

    loss: Loss

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many outputs the network has."""

    @property
    @abstractmethod
    def described(self) -> str:
        """The outputs in words: "3 classes"."""

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, Metric]:
        """What a history tells beside the loss: functions of (outputs, encoded targets)."""

    @property
    def has_probabilities(self) -> bool:
        """Whether what outputs mean are probabilities."""
        return False

    @property
    def quantiles(self) -> tuple[float, ...]:
        """What share of the targets is below each column; empty where columns are no quantiles."""
        return ()

    @abstractmethod
    def encode(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """Actual values as the loss takes them.

        Raises:
            DataError: a value that the loss is not for.
        """

    @abstractmethod
    def meaning(self, outputs: NDArray[Any]) -> Floats:
        """What outputs (n, outputs) mean, float64 (n, columns)."""

    @abstractmethod
    def choose(self, meant: Floats) -> NDArray[Any]:
        """The prediction by what was meant: labels or numbers, (n,) or (n, targets)."""

    @abstractmethod
    def deviation(self, meant: Floats, deviations: Floats) -> Floats:
        """How far the prediction varies, of the shape of `choose`, by how far each column does."""

    @abstractmethod
    def cells(
        self, meant: Floats, deviations: Floats | None, *, probabilities: bool
    ) -> dict[str, Cells]:
        """The columns that are written of predictions.

        Args:
            meant: what outputs mean.
            deviations: of each column, if they are known.
            probabilities: whether each is wanted.
        """

    @abstractmethod
    def baseline(self, actual: NDArray[Any]) -> tuple[float, ...]:
        """What is predicted for every row by one who knows the training rows' targets only."""

    @abstractmethod
    def evaluate(
        self, actual: NDArray[Any], meant: Floats, baseline: Sequence[float]
    ) -> Evaluation:
        """How good predictions are, beside the baseline's."""

    @abstractmethod
    def check_probabilities(self) -> None:
        """Refuse where there are none.

        Raises:
            DataError: says why.
        """

    def check_quantiles(self) -> None:
        """Refuse where there are none.

        Raises:
            DataError: says how to get them.
        """
        if not self.quantiles:
            raise DataError(
                "the model was not trained for quantiles; fit with --quantiles 0.1,0.5,0.9, or "
                "{'training': {'loss': 'quantile'}}"
            )


def loss_name(loss: Loss) -> str:
    """What a loss is called.

    >>> from steepest.losses import Hinge
    >>> loss_name(Hinge())
    'hinge'
    """
    return next(name for name, each in LOSSES.items() if each is type(loss))
