"""A score for each class of one target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data import Cells
from steepest.errors import DataError
from steepest.losses import Loss
from steepest.tabular.decision import PLAIN, Decision
from steepest.tabular.evaluate import (
    Evaluation,
    evaluate_classes,
    with_cost,
    without_probabilities,
)
from steepest.tabular.heads.head import Floats, Head, Place, loss_name
from steepest.train.averaging import softmax
from steepest.train.metrics import Metric, accuracy


@final
@dataclass(frozen=True)
class ClassHead(Head):
    """One of K classes: softmax of the outputs are probabilities, if the loss makes them so.

    Args:
        loss: of labels.
        classes: in the order of the outputs.
        decision: what outputs are divided by, and what is predicted where mistakes cost unlike.

    >>> from steepest.losses import CrossEntropy
    >>> head = ClassHead(CrossEntropy(), ("no", "yes"))
    >>> head.choose(head.meaning(np.array([[0.0, 1.0], [2.0, 0.0]]))).tolist()
    ['yes', 'no']
    """

    loss: Loss
    classes: tuple[str, ...]
    decision: Decision = PLAIN

    @property
    def outputs(self) -> int:
        """A score for each class."""
        return len(self.classes)

    @property
    def described(self) -> str:
        """The classes' number."""
        return f"{len(self.classes)} classes"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Accuracy."""
        return {"accuracy": accuracy}

    @property
    def has_probabilities(self) -> bool:
        """Not under losses of margins."""
        return self.loss.head == "probabilities"

    def encode(self, actual: NDArray[Any], place: Place) -> NDArray[Any]:
        """Codes of classes, as they are."""
        return actual

    def meaning(self, outputs: NDArray[Any]) -> Floats:
        """The softmax: probabilities, or at least in their order."""
        return softmax(self.decision.tempered(outputs))

    def choose(self, meant: Floats) -> NDArray[Any]:
        """The label of the likeliest class, or of the one of least expected cost."""
        return np.array(self.classes)[self.decision.codes(meant)]

    def deviation(self, meant: Floats, deviations: Floats) -> Floats:
        """That of the predicted class's probability."""
        return deviations[np.arange(len(meant)), self.decision.codes(meant)]

    def cells(
        self, meant: Floats, deviations: Floats | None, *, probabilities: bool
    ) -> dict[str, Cells]:
        """`prediction`, `deviation`, and a `probability_<class>` each."""
        # No array of text: each of its cells would be as long as the longest label.
        chosen = [self.classes[code] for code in self.decision.codes(meant).tolist()]
        written: dict[str, Cells] = {"prediction": chosen}
        if deviations is not None:
            written["deviation"] = self.deviation(meant, deviations).astype("float32")
        if probabilities:
            for code, label in enumerate(self.classes):
                written[f"probability_{label}"] = meant[:, code].astype("float32")
        return written

    def baseline(self, actual: NDArray[Any]) -> tuple[float, ...]:
        """Each class's share."""
        counts = np.bincount(actual, minlength=len(self.classes))
        return tuple((counts / len(actual)).tolist())

    def evaluate(
        self, actual: NDArray[Any], meant: Floats, baseline: Sequence[float]
    ) -> Evaluation:
        """Scores of classes; those of probabilities are left open where there are none."""
        codes, shares, decision = actual.astype(np.int64), np.array(baseline), self.decision
        chosen = decision.codes(meant)
        found = evaluate_classes(codes, meant, shares, self.classes, chosen)
        if decision.costs and decision.threshold is None:
            constant = int(decision.codes(shares[None])[0])
            found = with_cost(found, codes, chosen, decision.costs, constant)
        return found if self.has_probabilities else without_probabilities(found)

    def check_probabilities(self) -> None:
        """Refuse scores that are for margins."""
        if not self.has_probabilities:
            raise DataError(
                f"the loss {loss_name(self.loss)!r} makes the right class's score the largest, not "
                "scores that are probabilities; fit with the loss 'cross_entropy' for them"
            )
