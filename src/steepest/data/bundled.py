"""Real data sets that scikit-learn carries in its wheel, as tables: no network needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from steepest.data.table import Column, Table, number_column, text_column
from steepest.errors import ConfigurationError, nearest

DATA_SETS = ("digits", "breast-cancer", "wine", "iris", "diabetes")
"""Names that `bundled_table` knows."""


def bundled_table(name: str) -> Table:
    """Load one of scikit-learn's data sets: features first, column "target" last.

    Classes have their names as text (digits: 0 to 9). Columns are called as in scikit-learn, in
    letters, digits and underscores. diabetes comes in its own units, where scikit-learn's
    `load_diabetes()` by default gives scaled columns; its two columns of few values stay whole.

    Args:
        name: digits, breast-cancer, wine, iris or diabetes.

    Raises:
        ConfigurationError: no data set has this name; the names are told.

    >>> table = bundled_table("iris")
    >>> table.names[0], table.names[-1], len(table), table.column("target").texts()[0]
    ('sepal_length_cm', 'target', 150, 'setosa')
    """
    if name not in DATA_SETS:
        raise ConfigurationError(f"no data set is called {name!r}; {nearest(name, DATA_SETS)}")
    load: Callable[..., Any] = getattr(
        import_module("sklearn.datasets"), "load_" + name.replace("-", "_")
    )
    loaded = load(scaled=False) if name == "diabetes" else load()
    columns: dict[str, Column] = {}
    for place, feature in enumerate(loaded.feature_names):
        columns[_plain(str(feature))] = _numbers(loaded.data[:, place])
    if name == "diabetes":
        columns["target"] = _numbers(loaded.target)
    else:
        labels = [str(label) for label in loaded.target_names]
        columns["target"] = text_column([labels[code] for code in loaded.target.tolist()])
    return Table.from_columns(columns)


def _numbers(values: ArrayLike) -> Column:
    array = np.asarray(values, dtype=np.float64)
    whole = bool(np.all(array == np.floor(array)))
    return number_column(array.astype(np.int64) if whole else array)


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")
