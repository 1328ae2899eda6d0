"""Numbers: an output each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Cells
from steepest.errors import DataError
from steepest.losses import Loss
from steepest.tabular.evaluate import Evaluation, evaluate_values
from steepest.tabular.evaluate_several import evaluate_numbers
from steepest.tabular.heads.head import Floats, Head, Place
from steepest.tabular.heads.units import Units
from steepest.tabular.scores import magnitude
from steepest.train.metrics import Metric


@final
@dataclass(frozen=True)
class NumberHead(Head):
    """A number for each target, in the target's own units.

    Args:
        loss: of numbers.
        names: of the targets, in the order of the outputs.
        units: what outputs say of the numbers.

    >>> from steepest.losses import Poisson
    >>> from steepest.tabular.heads.units import Counted
    >>> head = NumberHead(Poisson(), ("y",), Counted((10.0,)))
    >>> head.meaning(np.zeros((1, 1)))
    array([[10.]])
    """

    loss: Loss
    names: tuple[str, ...]
    units: Units

    @property
    def outputs(self) -> int:
        """One for each target."""
        return len(self.names)

    @property
    def described(self) -> str:
        """The targets' number."""
        plural = "s" if len(self.names) > 1 else ""
        return f"{len(self.names)} {self.units.noun}{plural}"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The root mean squared error in the targets' units, averaged over them."""
        return {"rmse": self._rmse}

    def _rmse(self, outputs: NDArray[Any], targets: NDArray[Any], /) -> float:
        actual = self.units.actual(targets.reshape(len(targets), -1))
        return root_mean_square(self.meaning(outputs) - actual)

    def encode(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """As the units are learnt.

        Raises:
            DataError: a number that cannot be.
        """
        return self.units.learnt(actual, place)

    def meaning(self, outputs: NDArray[Any]) -> Floats:
        """The numbers in the targets' units, (n, targets)."""
        return self.units.expected(outputs)

    def choose(self, meant: Floats) -> NDArray[Any]:
        """The numbers, (n,) of one target."""
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


def root_mean_square(errors: Floats) -> float:
    """Of each column, averaged over columns."""
    size = magnitude(errors)
    return float((size * np.sqrt(np.mean((errors / size) ** 2, axis=0))).mean())


def number_cells(
    names: Sequence[str], meant: Floats, deviations: Floats | None
) -> dict[str, Cells]:
    """Columns of predicted numbers."""
    ends = [""] if len(names) == 1 else [f"_{name}" for name in names]
    written: dict[str, Cells] = {
        f"prediction{end}": meant[:, place] for place, end in enumerate(ends)
    }
    if deviations is not None:
        for place, end in enumerate(ends):
            written[f"deviation{end}"] = deviations[:, place].astype("float32")
    return written


def evaluate_each(
    names: Sequence[str], actual: NDArray[Any], meant: Floats, baseline: Sequence[float]
) -> Evaluation:
    """Scores of numbers, of several targets their means and each."""
    if len(names) == 1:
        return evaluate_values(actual, meant[:, 0], baseline[0])
    return evaluate_numbers(actual, meant, np.array(baseline), names)


def refuse_probabilities(names: Sequence[str]) -> None:
    """Numbers have none.

    Raises:
        DataError: always.
    """
    several = ", ".join(map(repr, names))
    is_number = "is a number: it has" if len(names) == 1 else "are numbers: they have"
    raise DataError(f"{several} {is_number} no probabilities")
