"""From probabilities to a class: temperature, threshold and costs, chosen on validation rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import Schema
from steepest.errors import ConfigurationError, nearest
from steepest.tabular.sections.decision import Decision as Options

__all__ = [
    "PLAIN",
    "Costs",
    "Decision",
    "check_decision",
    "cost_matrix",
    "threshold_costs",
]

_ROUNDING = 1e-12  # of an expected cost

Costs: TypeAlias = tuple[tuple[float, ...], ...]


@final
class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What validation rows or options said of how classes are decided; saved with the model.

    Attributes:
        temperature: outputs are divided by it before the softmax.
        costs: of predicting a class (column) where another is right (row); the least expected cost
            decides. Empty: the likeliest class.
        threshold: the same in one number, where it was asked for: of the second class.
        second: what that class is called.
        chosen_for: the score that the threshold was chosen for.
        score: its value on the validation rows; `score_at_half` that of the likelier class.
        score_at_half: likewise.
        rows: validation rows that had a say.
        error_before: expected calibration error on them at temperature 1.
        error_after: and at `temperature`.
    """

    temperature: float = 1.0
    costs: Costs = ()
    threshold: float | None = None
    second: str = ""
    chosen_for: str = ""
    score: float | None = None
    score_at_half: float | None = None
    rows: int = 0
    error_before: float | None = None
    error_after: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no fit gives."""
        if (
            not 0 < self.temperature < float("inf")
            or len({len(self.costs), *map(len, self.costs)}) > 1
        ):
            raise ValueError("a temperature or a matrix of costs that makes no sense")

    def tempered(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Outputs divided by the temperature, as float64 if it is not 1."""
        if self.temperature == 1:
            return outputs
        return outputs.astype(np.float64) / self.temperature

    def codes(self, meant: NDArray[np.float64]) -> NDArray[np.intp]:
        """The class of each row: the likeliest, or that of least expected cost.

        Of two classes that cost the same it is the later one: "from this probability on".

        Args:
            meant: probabilities, (n, classes).

        >>> Decision(costs=threshold_costs(0.3)).codes(np.array([[0.8, 0.2], [0.7, 0.3]]))
        array([0, 1])
        """
        if not self.costs:
            return meant.argmax(axis=1)
        expected = meant @ np.array(self.costs)
        least = expected.min(axis=1, keepdims=True) + _ROUNDING
        return expected.shape[1] - 1 - (expected <= least)[:, ::-1].argmax(axis=1)

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        if self.error_before is not None and self.error_after is not None:
            rows = f"on {self.rows:,} validation rows"
            if self.temperature == 1.0:
                yield (
                    f"calibration error {self.error_before:.4f} {rows}; no temperature is better "
                    "beyond chance"
                )
            else:
                yield (
                    f"temperature {self.temperature:.3g}: calibration error "
                    f"{self.error_before:.4f} -> {self.error_after:.4f} {rows}"
                )
        if self.threshold is not None:
            why = ""
            if self.chosen_for and self.score is not None and self.score_at_half is not None:
                why = (
                    f", for {self.chosen_for} {self.score:.4f} on {self.rows:,} validation rows "
                    f"({self.score_at_half:.4f} at 0.5)"
                )
            yield f"{self.second!r} is predicted from probability {self.threshold:.4g} on{why}"
        elif self.costs:
            yield "the class of least expected cost is predicted"


PLAIN = Decision()
"""The likeliest class, by probabilities as the network gives them."""


def threshold_costs(threshold: float) -> Costs:
    """The costs for which the second of two classes is best from a probability on.

    Of predicting it wrongly t, of missing it 1 - t: it is expected to be the cheaper from p = t on.

    >>> threshold_costs(0.25)
    ((0.0, 0.25), (0.75, 0.0))
    """
    return ((0.0, threshold), (1.0 - threshold, 0.0))


def cost_matrix(costs: Mapping[str, float], classes: Sequence[str]) -> Costs:
    """The costs of mistakes as a matrix: a row for each class that is right.

    Args:
        costs: by "fp" and "fn" of two classes (the second is the positive one), or by
            "actual:predicted"; 1 for mistakes that are not named.
        classes: in their order.

    Raises:
        ConfigurationError: a mistake that there is not; all mistakes are free.

    >>> cost_matrix({"fn": 5}, ["no", "yes"])
    ((0.0, 1.0), (5.0, 0.0))
    """
    found = [[0.0 if a == b else 1.0 for b in classes] for a in classes]
    places = {
        f"{a}:{b}": (row, column)
        for row, a in enumerate(classes)
        for column, b in enumerate(classes)
        if row != column
    }
    if len(classes) == 2:
        places |= {"fp": (0, 1), "fn": (1, 0)}
    for name, cost in costs.items():
        if name not in places:
            remedy = "" if len(classes) == 2 else " (fp and fn are for two classes)"
            raise ConfigurationError(
                f"decision.costs: there is no mistake {name!r}{remedy}; {nearest(name, places)}"
            )
        row, column = places[name]
        found[row][column] = float(cost)
    if not any(map(any, found)):
        raise ConfigurationError("decision.costs: all mistakes are free; one has to cost something")
    return tuple(map(tuple, found))


def check_decision(
    options: Options, schema: Schema, *, has_probabilities: bool, validation: bool
) -> None:
    """Refuse, before training, what cannot be decided.

    Args:
        options: those of the decision.
        schema: says what the targets are.
        has_probabilities: whether the loss makes them.
        validation: whether there are rows to choose on.

    Raises:
        ConfigurationError: names the option.
    """
    asked = {
        "--threshold": options.threshold != "none",
        "--costs": bool(options.costs),
        "--calibration temperature": options.calibration == "temperature",
    }
    for flag in (name for name, given in asked.items() if given):
        if schema.task == "regression":
            raise ConfigurationError(
                f"{flag} is for classes, and {schema.target_names[0]!r} is a number: leave it out, "
                "or say --task classification"
            )
        if not has_probabilities:
            raise ConfigurationError(
                f"{flag} needs probabilities, and this loss makes none: take cross_entropy"
            )
        if len(schema.targets) > 1 and flag != "--calibration temperature":
            raise ConfigurationError(
                f"{flag} is for one target, and there are {len(schema.targets)}: fit them one by "
                "one, or leave it out"
            )
    if asked["--threshold"] and options.costs:
        raise ConfigurationError(
            "--threshold and --costs both say what is predicted: give one of them"
        )
    if asked["--threshold"] and len(schema.target.classes) != 2:
        raise ConfigurationError(
            f"--threshold is for two classes, and {schema.target.name!r} has "
            f"{len(schema.target.classes)}: say what mistakes cost, as in --costs "
            f"{schema.target.classes[0]}:{schema.target.classes[1]}=5"
        )
    chosen = isinstance(options.threshold, str) and asked["--threshold"]
    for flag, wants in (
        (f"--threshold {options.threshold}", chosen),
        ("--calibration temperature", asked["--calibration temperature"]),
    ):
        if wants and not validation:
            raise ConfigurationError(
                f"{flag} is chosen on validation rows, and there are none: give --validation 0.1"
            )
    if options.costs:
        cost_matrix(options.costs, schema.target.classes)
