"""Whole fits of known tables, ours and scikit-learn's, on the same rows and in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast, final

import numpy as np
from msgspec import structs

from steepest.bench.clock import Turn
from steepest.bench.known_tables import KnownTable, Rows
from steepest.bench.results import OURS
from steepest.data import Preprocessor, Table, infer_schema, read_targets
from steepest.ir.types import Array
from steepest.tabular.configuration import Configuration
from steepest.tabular.fit import fit_table
from steepest.tabular.peers import PEERS, Columns, Estimator, fitted, standardised

# A fit of training rows by a seed gives what predicts rows: probabilities (n, k) or numbers (n,).
Predict: TypeAlias = Callable[[Table], Array]
Fit: TypeAlias = Callable[[], Predict]

NETWORK, BOOSTING = "scikit-learn's MLP", "HistGradientBoosting"


@final
@dataclass(frozen=True)
class TableFits:
    """What came of fits of one table.

    Args:
        table: its name.
        training_rows: those that are held out for early stopping among them.
        test_rows: that nobody was shown.
        score: log_loss or rmse, both better where smaller.
        scores: on the test, for each seed.
        turns: how long each fit took.
        first: seconds of a fit of ours before all others, which compiles what the cache lacks.
    """

    table: str
    training_rows: int
    test_rows: int
    score: str
    scores: Mapping[str, Sequence[float]]
    turns: Mapping[str, Sequence[Turn]]
    first: float

    def mean(self, name: str) -> float:
        """Of one's scores."""
        return float(np.mean(self.scores[name]))

    def seconds(self, name: str) -> float:
        """The median of one's fits."""
        return float(np.median([each.seconds for each in self.turns[name]]))

    @property
    def is_disturbed(self) -> bool:
        """Whether others had the processor for a tenth of somebody's time."""
        lost = [
            1 - each.processor / each.seconds for turns in self.turns.values() for each in turns
        ]
        return float(np.median(lost)) > 0.1

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "table": self.table,
            "training_rows": self.training_rows,
            "test_rows": self.test_rows,
            "score": self.score,
            "first_seconds": self.first,
            "fits": {
                name: {
                    "mean": self.mean(name),
                    "scores": list(self.scores[name]),
                    "median_seconds": self.seconds(name),
                    "seconds": [each.seconds for each in self.turns[name]],
                    "processor": [each.processor for each in self.turns[name]],
                }
                for name in self.scores
            },
        }


def fit_known_table(
    name: str,
    table: KnownTable,
    folder: Path,
    seeds: int,
    configuration: Configuration,
    say: Callable[[str], None] = lambda text: None,
) -> TableFits:
    """Fit a table with each seed, everybody in turn, and score the test rows.

    Times are those of a whole fit, from a table in memory to a model that predicts: ours with
    inference and preprocessing, scikit-learn's with its pipeline, to which numbers and codes of
    categories are given in one matrix.

    Args:
        name: of the table.
        table: which.
        folder: where its file is.
        seeds: how many, from 0.
        configuration: of our fits, but for target and seed.
        say: gets a line before each round.
    """
    say(f"{name}: a first fit")
    rows = table.rows(folder, 0)
    _, first = _timed(lambda: _ours(rows, table, configuration, 0))
    scores: dict[str, list[float]] = {}
    turns: dict[str, list[Turn]] = {}
    for seed in range(seeds):
        say(f"{name}: seed {seed}")
        rows = table.rows(folder, seed)
        for who, fit in _contestants(rows, table, configuration, seed).items():
            predict, turn = _timed(fit)
            turns.setdefault(who, []).append(turn)
            scores.setdefault(who, []).append(_score(predict, rows, table))
    return TableFits(
        table=name,
        training_rows=len(rows.training),
        test_rows=len(rows.test),
        score="log_loss" if table.classes else "rmse",
        scores=scores,
        turns=turns,
        first=first.seconds,
    )


def _timed(fit: Fit) -> tuple[Predict, Turn]:
    wall, processor = time.perf_counter(), time.process_time()
    found = fit()
    return found, Turn(time.perf_counter() - wall, time.process_time() - processor)


def _contestants(
    rows: Rows, table: KnownTable, configuration: Configuration, seed: int
) -> dict[str, Fit]:
    schema = infer_schema(rows.training, table.target)
    columns = Columns.of(Preprocessor.fit(rows.training, schema), [rows.training])
    x = columns.values(rows.training)
    y = read_targets(rows.training, schema.targets)

    def theirs(make: Callable[[Columns, str, int], Estimator]) -> Predict:
        model: Any = fitted(make(columns, schema.task, seed), x, y, None)
        ask = model.predict_proba if table.classes else model.predict
        return lambda test: cast("Array", ask(columns.values(test)))

    return {
        OURS: lambda: _ours(rows, table, configuration, seed),
        NETWORK: lambda: theirs(scikit_learn_network),
        BOOSTING: lambda: theirs(PEERS.find("gradient boosting")),
    }


def _ours(rows: Rows, table: KnownTable, configuration: Configuration, seed: int) -> Predict:
    training = structs.replace(configuration.training, seed=seed)
    seeded = structs.replace(configuration, training=training)
    model = fit_table(rows.training, table.target, seeded)
    return model.predict_proba if table.classes else model.predict


def scikit_learn_network(columns: Columns, task: str, seed: int) -> Estimator:
    """MLPClassifier or MLPRegressor with early stopping, all else by default.

    A number to predict is standardised around it: with a target in dollars as it is, the network
    is still far away when its 200 epochs are over.
    """
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    model: Any
    if task == "classification":
        model = MLPClassifier(early_stopping=True, random_state=seed)
    else:
        network = MLPRegressor(early_stopping=True, random_state=seed)
        model = TransformedTargetRegressor(network, transformer=StandardScaler())
    steps: Any = [("columns", standardised(columns)), ("network", model)]
    return cast("Estimator", Pipeline(steps))


def _score(predict: Predict, rows: Rows, table: KnownTable) -> float:
    """The mean log loss, or the root mean squared error, of the rows for the test."""
    targets = infer_schema(rows.training, table.target).targets
    actual, found = read_targets(rows.test, targets), predict(rows.test).astype(np.float64)
    if not table.classes:
        return float(np.sqrt(np.mean((found - actual) ** 2)))
    likely = found[np.arange(len(actual)), actual.astype(np.intp)]
    return float(-np.mean(np.log(np.maximum(likely, np.finfo(np.float64).tiny))))
