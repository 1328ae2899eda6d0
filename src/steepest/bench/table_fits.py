"""Whole fits of known tables, ours and scikit-learn's, on the same rows and in turn."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from msgspec import structs

from steepest.bench.clock import Turn
from steepest.bench.known_tables import KnownTable, Rows
from steepest.bench.results import OURS
from steepest.data import Table, TextColumn, infer_schema, read_targets
from steepest.errors import ConfigurationError
from steepest.ir.types import Array
from steepest.tabular.configuration import Configuration
from steepest.tabular.fit import fit_table

# A fit gives what predicts the rows for the test: probabilities (n, k) or numbers (n,).
Predict: TypeAlias = Callable[[], Array]
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

    Times are those of a whole fit, from a data frame of pandas to a model that predicts: ours with
    the inference of its schema, scikit-learn's with its pipeline.

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
    _, first = _timed(_contestants(rows, table, configuration, 0)[OURS])
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
    training, test = frame_of(rows.training), frame_of(rows.test)
    features, targets = training.drop(columns=table.target), training[table.target]
    asked = test.drop(columns=table.target)

    def ours() -> Predict:
        seeded = structs.replace(configuration.training, seed=seed)
        model = fit_table(training, table.target, structs.replace(configuration, training=seeded))
        predict = model.predict_proba if table.classes else model.predict
        return lambda: predict(test)

    def theirs(make: Callable[[KnownTable, Any, int], Any]) -> Predict:
        model = make(table, features, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that 200 epochs were not enough
            model.fit(features, targets)
        predict = model.predict_proba if table.classes else model.predict
        return lambda: predict(asked)

    return {
        OURS: ours,
        NETWORK: lambda: theirs(scikit_learn_network),
        BOOSTING: lambda: theirs(scikit_learn_boosting),
    }


def frame_of(table: Table) -> Any:  # noqa: ANN401 - of pandas, which need not be there
    """A table as a data frame of pandas, missing values None or NaN.

    Raises:
        ConfigurationError: pandas is not there.
    """
    try:
        pandas: Any = import_module("pandas")
    except ImportError:
        raise ConfigurationError(
            "scikit-learn's pipelines take data frames here: pip install pandas"
        ) from None
    columns: dict[str, Any] = {}
    for name, column in table.columns.items():
        if isinstance(column, TextColumn):
            columns[name] = np.array([*column.levels, None], object)[column.codes]
        else:
            columns[name] = column.values
    return pandas.DataFrame(columns)


def scikit_learn_network(table: KnownTable, features: Any, seed: int) -> Any:  # noqa: ANN401
    """MLPClassifier or MLPRegressor with early stopping, all else by default.

    Numbers are filled by their mean and standardised, categories one-hot. A number to predict is
    standardised around it: with a target in dollars as it is, the network is still far away when
    its 200 epochs are over.
    """
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, categories = _kinds(features)
    steps: Any = [("fill", SimpleImputer()), ("scale", StandardScaler())]
    kinds: Any = [
        ("numbers", Pipeline(steps), numbers),
        ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
    ]
    model: Any
    if table.classes:
        model = MLPClassifier(early_stopping=True, random_state=seed)
    else:
        network = MLPRegressor(early_stopping=True, random_state=seed)
        model = TransformedTargetRegressor(network, transformer=StandardScaler())
    return Pipeline([("prepare", ColumnTransformer(kinds)), ("network", model)])


def scikit_learn_boosting(table: KnownTable, features: Any, seed: int) -> Any:  # noqa: ANN401
    """HistGradientBoosting with its defaults, which takes missing values and categories itself."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    numbers, categories = _kinds(features)
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    kinds: Any = [("categories", encode, categories), ("numbers", "passthrough", numbers)]
    make: Any = HistGradientBoostingClassifier if table.classes else HistGradientBoostingRegressor
    model = make(categorical_features=range(len(categories)), random_state=seed)
    return Pipeline([("prepare", ColumnTransformer(kinds)), ("boosting", model)])


def _kinds(features: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401
    """The columns of numbers, and the others."""
    numbers = list(features.select_dtypes("number").columns)
    return numbers, [name for name in features.columns if name not in numbers]


def _score(predict: Predict, rows: Rows, table: KnownTable) -> float:
    """The mean log loss, or the root mean squared error, of the rows for the test."""
    targets = infer_schema(rows.training, table.target).targets
    actual, found = read_targets(rows.test, targets), predict().astype(np.float64)
    if not table.classes:
        return float(np.sqrt(np.mean((found - actual) ** 2)))
    likely = found[np.arange(len(actual)), actual.astype(np.intp)]
    return float(-np.mean(np.log(np.maximum(likely, np.finfo(np.float64).tiny))))
