"""Our scores beside those of scikit-learn's models on exactly the same rows."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import Preprocessor, Schema, read_targets
from steepest.errors import ConfigurationError
from steepest.tabular.configuration import Configuration
from steepest.tabular.evaluate import Evaluation, evaluate_classes
from steepest.tabular.evaluate_several import evaluate_labels
from steepest.tabular.heads.numbers import evaluate_each
from steepest.tabular.parts import Parts
from steepest.tabular.peers import PEERS, Columns, Estimator, fitted, suitable_threads
from steepest.tabular.results import Results
from steepest.tabular.weights import row_weights

__all__ = ["Compared", "Comparison", "check_comparable", "compare"]

_SHOWN = 5  # scores, the first ones


class Evaluated(Protocol):
    """What is asked of our model, which is a `TableModel`."""

    @property
    def preprocessor(self) -> Preprocessor: ...
    @property
    def results(self) -> Results: ...
    def evaluate(self, source: object) -> Evaluation: ...


@final
class Compared(Struct, frozen=True, kw_only=True):
    """One model's scores on the test rows, and the seconds that it was fitted in."""

    name: str
    seconds: float
    evaluation: Evaluation


@final
class Comparison(Struct, frozen=True, kw_only=True):
    """Models that saw the same rows, ours first.

    Attributes:
        training_rows: those for training and for validation, which each model uses in its way.
        test_rows: which no model has seen.
        models: ours, and :data:`steepest.tabular.peers.PEERS`.
        left_out: text columns, which the peers were not given.
    """

    training_rows: int
    test_rows: int
    models: tuple[Compared, ...]
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show the table."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Write a row for each model and the baseline, a column for each of the first scores."""
        from steepest.tabular.summary import plain

        first = self.models[0].evaluation
        shown = [each.name for each in first.scores if ":" not in each.name][:_SHOWN]
        rows = [["", *(name.replace("_", " ") for name in shown), "seconds"]]
        for each in self.models:
            values = [plain(each.evaluation[name]) for name in shown]
            rows.append([each.name, *values, f"{each.seconds:.2f}"])
        constant = {score.name: score.baseline for score in first.scores}
        rows.append(["baseline", *(plain(constant[name]) for name in shown), ""])
        told = [f"on {self.test_rows:,} test rows, after {self.training_rows:,} to learn from"]
        told += _aligned(rows)
        if self.left_out:
            names = ", ".join(map(repr, self.left_out))
            told.append(f"scikit-learn's models did not get the text of {names}")
        return told


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        padded = (f"{cell:>{width}}" for cell, width in zip(cells, others, strict=True))
        yield "  ".join([f"{name:<{first}}", *padded]).rstrip()


def check_comparable(configuration: Configuration, *, test: bool) -> None:
    """Refuse a comparison for which no rows are kept.

    Args:
        configuration: of the fit.
        test: whether a table of its own is given for test.

    Raises:
        ConfigurationError: there are no test rows.
    """
    if not test and not configuration.data.test:
        raise ConfigurationError(
            "--compare needs rows that no model has seen: give --test 0.2, or a table"
        )
    if configuration.data.memory:
        raise ConfigurationError(
            "--compare fits the others to all rows at once, and --memory is for a table that is "
            "too large for that: leave one of them out, or compare on a part of the table"
        )


def compare(model: Evaluated, parts: Parts, seconds: float) -> Comparison:
    """Fit each peer to the rows that a model was fitted to, and score all on the test rows.

    A peer gets the rows for training and those for validation: ours saw both, the latter to stop
    on, and each model makes of them what it does by default. Columns are prepared as a user of
    scikit-learn would: medians, standardised numbers and one-hot categories for the linear model,
    missing values and categories as they are for gradient boosting.

    Args:
        model: ours.
        parts: of its table, with test rows.
        seconds: that fitting it took.

    Raises:
        ConfigurationError: there are no test rows.
    """
    if parts.test is None:
        check_comparable(parts.configuration, test=False)
    assert parts.test is not None
    schema, configuration = parts.schema, parts.configuration
    tables = [parts.training, *([] if parts.validation is None else [parts.validation])]
    columns = Columns.of(model.preprocessor, tables)
    x = np.concatenate([columns.values(table) for table in tables])
    actual = [read_targets(table, schema.targets) for table in tables]
    weights = [
        row_weights(table, configuration, schema, y)
        for table, y in zip(tables, actual, strict=True)
    ]
    known = [each for each in weights if each is not None]
    learnt, unseen = np.concatenate(actual), read_targets(parts.test, schema.targets)
    found = [Compared(name="steepest", seconds=seconds, evaluation=model.evaluate(parts.test))]
    for name in PEERS:
        predicted, taken = _predicted(
            name,
            columns,
            schema,
            (x, learnt, np.concatenate(known) if known else None),
            columns.values(parts.test),
            configuration.training.seed,
        )
        evaluation = _evaluated(schema, unseen, predicted, model.results.baseline)
        found.append(Compared(name=name, seconds=taken, evaluation=evaluation))
    return Comparison(
        training_rows=len(x),
        test_rows=len(parts.test),
        models=tuple(found),
        left_out=columns.left_out,
    )


def _predicted(
    name: str,
    columns: Columns,
    schema: Schema,
    rows: tuple[NDArray[np.float64], NDArray[Any], NDArray[np.float64] | None],
    unseen: NDArray[np.float64],
    seed: int,
) -> tuple[NDArray[np.float64], float]:
    """What a peer predicts, each target by itself, and when it was fitted."""
    x, y, weights = rows
    several = y.reshape(len(y), -1).T
    made = [PEERS[name](columns, schema.task, seed) for _ in several]  # imports scikit-learn
    start = time.perf_counter()
    for each, column in zip(made, several, strict=True):
        fitted(each, x, column, weights)
    seconds = time.perf_counter() - start
    with suitable_threads(len(x)):
        return _joined(made, schema, unseen), seconds


def _joined(
    made: Sequence[Estimator], schema: Schema, unseen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What estimators predict, one for each target, as one array of ours."""
    if schema.task == "regression":
        return np.stack([each.predict(unseen) for each in made], axis=1)
    found: list[NDArray[np.float64]] = []
    for each, target in zip(made, schema.targets, strict=True):
        peer: Any = each
        probabilities = np.zeros((len(unseen), len(target.classes)))
        probabilities[:, peer.classes_.astype(np.intp)] = peer.predict_proba(unseen)
        found.append(probabilities)
    return _one_array(found)


def _one_array(probabilities: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Of one target all classes', of several labels their second class's."""
    if len(probabilities) == 1:
        return probabilities[0]
    return np.stack([each[:, 1] for each in probabilities], axis=1)


def _evaluated(
    schema: Schema, actual: NDArray[Any], predicted: NDArray[np.float64], baseline: Iterable[float]
) -> Evaluation:
    """Scores as ours are scored."""
    constant = tuple(baseline)
    if schema.task == "regression":
        return evaluate_each(schema.target_names, actual, predicted, constant)
    codes = actual.astype(np.int64)
    if len(schema.targets) > 1:
        return evaluate_labels(codes, predicted, np.array(constant), list(schema.target_names))
    return evaluate_classes(codes, predicted, np.array(constant), schema.target.classes)
