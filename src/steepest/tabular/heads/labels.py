"""A logit for each of several labels of two classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Cells, Target
from steepest.losses import Loss
from steepest.tabular.decision import PLAIN, Decision
from steepest.tabular.evaluate import Evaluation
from steepest.tabular.evaluate_several import evaluate_labels
from steepest.tabular.heads.head import Floats, Head, Place
from steepest.train.averaging import sigmoid
from steepest.train.metrics import Metric


@final
@dataclass(frozen=True)
class LabelHead(Head):
    """Several labels: the sigmoid of an output is the probability of its label's second class.

    Args:
        loss: of (batch, labels).
        targets: the labels' columns, in the order of the outputs.
        decision: what outputs are divided by.
    """

    loss: Loss
    targets: tuple[Target, ...]
    decision: Decision = PLAIN

    @property
    def outputs(self) -> int:
        """A logit for each label."""
        return len(self.targets)

    @property
    def described(self) -> str:
        """The labels' number."""
        return f"{len(self.targets)} labels"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The share of labels that are right."""
        return {"accuracy": label_accuracy}

    @property
    def has_probabilities(self) -> bool:
        """Always."""
        return True

    def encode(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """1 for the second class, else 0."""
        return actual

    def meaning(self, outputs: NDArray[Any]) -> Floats:
        """The probability of each label's second class, (n, labels)."""
        return sigmoid(self.decision.tempered(outputs))

    def choose(self, meant: Floats) -> NDArray[Any]:
        """The likelier class of each label, (n, labels)."""
        columns = [
            np.array(each.classes)[(meant[:, place] > 0.5).astype(np.intp)]
            for place, each in enumerate(self.targets)
        ]
        return np.stack(columns, axis=1)

    def deviation(self, meant: Floats, deviations: Floats) -> Floats:
        """That of each label's probability, which is that of the other class's too."""
        return deviations

    def cells(
        self, meant: Floats, deviations: Floats | None, *, probabilities: bool
    ) -> dict[str, Cells]:
        """`prediction_<label>`, `deviation_<label>` and `probability_<label>` of each."""
        names = [each.name for each in self.targets]
        written: dict[str, Cells] = {
            f"prediction_{each.name}": [each.classes[likely] for likely in column.tolist()]
            for each, column in zip(self.targets, meant.T > 0.5, strict=True)
        }
        if deviations is not None:
            for place, name in enumerate(names):
                written[f"deviation_{name}"] = deviations[:, place].astype("float32")
        if probabilities:
            for place, name in enumerate(names):
                written[f"probability_{name}"] = meant[:, place].astype("float32")
        return written

    def baseline(self, actual: NDArray[Any]) -> tuple[float, ...]:
        """The share of each label's second class."""
        return tuple(actual.mean(axis=0).tolist())

    def evaluate(
        self, actual: NDArray[Any], meant: Floats, baseline: Sequence[float]
    ) -> Evaluation:
        """Scores of all labels and of each."""
        return evaluate_labels(
            actual.astype(np.int64),
            meant,
            np.array(baseline),
            [each.name for each in self.targets],
        )

    def check_probabilities(self) -> None:
        """There are some."""


def label_accuracy(prediction: NDArray[Any], target: NDArray[Any], /) -> float:
    """The share of labels, (n, labels), whose logit has the sign of the class, 0 or 1.

    >>> label_accuracy(np.array([[2.0, -1.0]]), np.array([[1, 1]]))
    0.5
    """
    return float(np.mean((prediction > 0) == (target > 0)))
