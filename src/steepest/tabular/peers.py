"""What scikit-learn's models make of the same rows, prepared as its users would."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import Preprocessor, Table
from steepest.data.kinds.numeric import feature_numbers
from steepest.methods import Registry

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits

__all__ = ["PEERS", "Columns", "Estimator", "fitted", "standardised", "suitable_threads"]

Floats: TypeAlias = NDArray[np.float64]

_ROWS_FOR_THREADS = 10_000
_MOST_LEVELS = 254  # that histogram gradient boosting takes as categories, and one for missing


class Estimator(Protocol):
    """What is used of a model of scikit-learn."""

    def fit(self, x: Floats, y: NDArray[Any], **options: object) -> object:
        """Learn rows."""
        ...

    def predict(self, x: Floats) -> NDArray[Any]:
        """Predict rows."""
        ...


Transformer: TypeAlias = Any
"""One of scikit-learn's."""


@final
class Columns(Struct, frozen=True, kw_only=True):
    """A table's features as scikit-learn's models take them: numbers, and codes of categories.

    Numbers are as in the table, missing ones NaN; so are missing categories. What is neither, such
    as dates, is what our own preprocessing makes of it; text has no columns here.

    Attributes:
        preprocessor: of our model.
        levels: of each category, those of the rows to train on.
    """

    preprocessor: Preprocessor
    levels: dict[str, dict[str, int]]

    @classmethod
    def of(cls, preprocessor: Preprocessor, tables: Sequence[Table]) -> Columns:
        """Number the levels that occur in some rows."""
        levels: dict[str, dict[str, int]] = {}
        for feature in preprocessor.schema.features:
            if feature.kind == "categorical":
                found = {text for table in tables for text in _levels(table, feature.name)}
                levels[feature.name] = {text: code for code, text in enumerate(sorted(found))}
        return cls(preprocessor=preprocessor, levels=levels)

    def values(self, table: Table) -> Floats:
        """The rows, float64 (rows, columns): a level that is not known is -1."""
        parts: list[Floats] = []
        for column in self.preprocessor.columns:
            kind = cast("Any", column).__struct_config__.tag
            if kind == "numeric":
                parts.append(feature_numbers(table, column.name)[:, None])
            elif kind == "categorical":
                parts.append(_codes(table, column.name, self.levels[column.name])[:, None])
            elif column.layout.numeric:
                parts.append(column.transform(table)["numeric"].astype(np.float64))
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(table), 1))

    @property
    def categories(self) -> tuple[int, ...]:
        """The places of categories among the columns."""
        places, place = list[int](), 0
        for column in self.preprocessor.columns:
            if column.name in self.levels:
                places.append(place)
            place += 1 if column.name in self.levels else self._width(column)
        return tuple(places)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many levels each category has."""
        return tuple(map(len, self.levels.values()))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Features that have no columns here."""
        return tuple(
            each.name
            for each in self.preprocessor.columns
            if each.name not in self.levels and not self._width(each)
        )

    @staticmethod
    def _width(column: Any) -> int:  # noqa: ANN401 - a fitted column
        is_number = column.__struct_config__.tag == "numeric"
        return 1 if is_number else len(column.layout.numeric)


# (columns, task, seed) to an estimator that is not fitted yet.
PEERS = Registry[Callable[[Columns, str, int], Estimator]]("peer of --compare", in_textbook=False)


def standardised(columns: Columns) -> Transformer:
    """Median-filled standardised numbers and one-hot categories, as most models want them."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers: Any = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), list(columns.categories)), remainder=numbers
    )


@PEERS.register("linear model")
def _linear(columns: Columns, task: str, seed: int) -> Estimator:
    """LogisticRegression or Ridge, with their defaults but 1,000 iterations."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    model = LogisticRegression(max_iter=1000) if task == "classification" else Ridge()
    return cast("Estimator", make_pipeline(standardised(columns), model))


@PEERS.register("gradient boosting")
def _boosting(columns: Columns, task: str, seed: int) -> Estimator:
    """HistGradientBoosting with its defaults, which takes missing values and categories itself."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    small = [
        place
        for place, size in zip(columns.categories, columns.sizes, strict=True)
        if size <= _MOST_LEVELS
    ]
    make: Any = (
        HistGradientBoostingClassifier
        if task == "classification"
        else HistGradientBoostingRegressor
    )
    return cast("Estimator", make(categorical_features=small or None, random_state=seed))


def suitable_threads(rows: int) -> threadpool_limits:
    """Within this block few rows take one thread, whatever scikit-learn would take.

    OpenMP's threads spin while they wait for each other: boosting 180 rows on two busy cores took
    14 s with two threads, and 0.2 s with one.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1 if rows < _ROWS_FOR_THREADS else None)


def fitted(estimator: Estimator, x: Floats, y: NDArray[Any], weights: Floats | None) -> Estimator:
    """Fit it; that it did not converge is no matter here."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import Pipeline

    last = estimator.steps[-1][0] if isinstance(estimator, Pipeline) else ""
    name = f"{last}__sample_weight" if last else "sample_weight"
    with warnings.catch_warnings(), suitable_threads(len(x)):
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(x, y, **({} if weights is None else {name: weights}))
    return estimator


def _levels(table: Table, name: str) -> set[str]:
    column = table.column(name).as_text()
    return {column.levels[code] for code in np.flatnonzero(column.counts())}


def _codes(table: Table, name: str, levels: dict[str, int]) -> Floats:
    column = table.column(name).as_text()
    known = np.array([*(levels.get(level, -1) for level in column.levels), np.nan])
    return known[column.codes]
