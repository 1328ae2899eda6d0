"""Numbers: an output each, standardised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Cells, TargetScale
from steepest.data.target_scale import scaled
from steepest.data.targets import no_logarithm
from steepest.errors import DataError
from steepest.losses import Loss
from steepest.tabular.evaluate import Evaluation, evaluate_values
from steepest.tabular.evaluate_several import evaluate_numbers
from steepest.tabular.heads.head import Floats, Head, Place
from steepest.train.metrics import Metric


@final
@dataclass(frozen=True)
class NumberHead(Head):
    """A number for each target: the output in the target's own units.

    Args:
        loss: of numbers.
        names: of the targets, in the order of the outputs.
        scales: how each is standardised.

    >>> from steepest.losses import HalfSquaredError
    >>> scale = TargetScale(centre=10.0, scale=2.0)
    >>> head = NumberHead(HalfSquaredError(), ("y",), (scale,))
    >>> head.meaning(np.array([[1.0], [-1.0]])).ravel()
    array([12.,  8.])
    """

    loss: Loss
    names: tuple[str, ...]
    scales: tuple[TargetScale, ...]

    @property
    def outputs(self) -> int:
        """One for each target."""
        return len(self.names)

    @property
    def described(self) -> str:
        """The targets' number."""
        return "1 number" if len(self.names) == 1 else f"{len(self.names)} numbers"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The root mean squared error in the targets' units, averaged over them."""
        return {"rmse": self._rmse}

    def _rmse(self, outputs: NDArray[Any], targets: NDArray[Any], /) -> float:
        actual = scaled(self.scales, TargetScale.original, targets.reshape(len(targets), -1))
        return root_mean_square(self.meaning(outputs) - actual)

    def encode(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """Standardised, each target by itself.

        Raises:
            DataError: a number without the logarithm that is learnt.
        """
        encoded = scaled(self.scales, TargetScale.standardised, actual)
        check_logarithms(encoded, actual, place)
        return encoded

    def meaning(self, outputs: NDArray[Any]) -> Floats:
        """The numbers in the targets' units, (n, targets)."""
        return scaled(self.scales, TargetScale.original, outputs)

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


def check_logarithms(encoded: NDArray[Any], actual: NDArray[Any], place: Place) -> None:
    """Refuse numbers without a logarithm, if theirs are learnt.

    Raises:
        DataError: names row and column.
    """
    wrong = np.argwhere(~np.isfinite(encoded.reshape(len(encoded), -1)))
    if len(wrong):
        row, column = (int(each) for each in wrong[0])
        value = float(actual.reshape(len(actual), -1)[row, column])
        raise DataError(no_logarithm(place(row, column), value))


def root_mean_square(errors: Floats) -> float:
    """Of each column, averaged over columns."""
    return float(np.sqrt(np.mean(errors**2, axis=0)).mean())


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
