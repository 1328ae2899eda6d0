"""What classifier and regressor do alike: X to a table, words to options, a fit, its attributes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from msgspec import structs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]  (as third parties are told to)
    check_is_fitted,
    validate_data,
)

from steepest.data import Table
from steepest.data.table import Column, number_column
from steepest.errors import ConfigurationError, DataError
from steepest.estimators.features import (
    dense,
    generic_names,
    is_frame,
    table_of_array,
    table_of_frame,
)
from steepest.estimators.layers import coefficients, intercepts
from steepest.estimators.progress import EpochLine
from steepest.estimators.words import configuration_of, words_of
from steepest.tabular.configuration import Configuration
from steepest.tabular.fit import fit_parts
from steepest.tabular.model import TableModel, load
from steepest.tabular.parts import prepare
from steepest.tabular.resolved import Task
from steepest.tabular.summary import ending
from steepest.train.callbacks import Callback

if TYPE_CHECKING:
    from sklearn.utils import Tags

_WEIGHTS = "sample_weight"


class NeuralEstimator(BaseEstimator, ABC):
    """A network for a table behind scikit-learn's interface."""

    # The parameters, which each constructor states.
    hidden_layer_sizes: Any
    activation: str
    optimizer: str
    learning_rate: float | str
    batch_size: int | str
    max_epochs: int
    l2: float
    weight_decay: float | str
    dropout: float | str
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    loss: str
    ensemble_size: int
    warm_start: bool
    random_state: Any
    verbose: int
    options: Mapping[str, Any] | None

    # What a fit leaves.
    model_: TableModel
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    loss_curve_: list[float]
    validation_curve_: list[float] | None
    n_iter_: int
    best_epoch_: int | None
    history_: list[dict[str, Any]]
    coefs_: list[NDArray[Any]]
    intercepts_: list[NDArray[Any]]

    @abstractmethod
    def _task(self) -> Task:
        """What the target is."""

    @abstractmethod
    def _learn_target(self, y: Any) -> Column:  # noqa: ANN401 - array-like
        """The targets of a fit as a column; sets what is known about them."""

    @abstractmethod
    def _target(self, y: Any) -> Column:  # noqa: ANN401 - array-like
        """Targets like those, to validate on."""

    @abstractmethod
    def _weighted(self, y: Column) -> NDArray[np.float64] | None:
        """What the estimator itself weighs rows by, if it does."""

    @abstractmethod
    def _take_over(self, model: TableModel) -> None:
        """Set what is known about the targets from a model file."""

    # ------------------------------------------------------------------------------- fitting

    def fit(
        self,
        X: Any,  # noqa: ANN401 - frame, array, sparse matrix or list
        y: Any,  # noqa: ANN401 - array-like
        sample_weight: Any = None,  # noqa: ANN401
        X_val: Any = None,  # noqa: ANN401
        y_val: Any = None,  # noqa: ANN401
        callbacks: Sequence[Callback] | None = None,
    ) -> Self:
        """Train on a table.

        Args:
            X: a pandas, polars or Arrow frame, an array, a sparse matrix or a list, (n, features).
                Columns may be numbers, text, booleans and categories, with missing values.
            y: the targets, (n,).
            sample_weight: how much each row counts, (n,); a row of weight 0 is left out.
            X_val: rows to watch instead of a share of X.
            y_val: their targets.
            callbacks: functions of a ``steepest.train`` Snapshot, called each epoch; one that
                returns ``st.Stop`` ends training.

        Raises:
            DataError: X or y cannot be used (a ValueError).
            ConfigurationError: a parameter that is not possible (a ValueError).
        """
        features = self._features(X, reset=True)
        target = self._learn_target(y)
        if len(target) != len(features):
            raise DataError(
                f"X has {len(features):,} rows (samples) and y {len(target):,}: there should be "
                "one target for each"
            )
        if len(features) == 1:
            raise DataError(f"{type(self).__name__}: there is 1 sample only, too few to learn from")
        name = _free_name(getattr(y, "name", None), features.names)
        columns: dict[str, Column] = {**features.columns, name: target}
        weights = self._weights(sample_weight, X, target)
        weights_name = ""
        if weights is not None:
            weights_name = _free_name(_WEIGHTS, tuple(columns))
            columns[weights_name] = number_column(weights)
        table = Table.from_columns(columns)
        if weights is not None:
            table = table.take(np.flatnonzero(weights))
        validation = self._validation(X_val, y_val, name, weights_name)
        configuration = self._configuration(name, weights_name, features.names)
        parts = prepare(table, configuration, validation=validation)
        size = configuration.training.batch_size
        if size != "auto" and size > len(parts.training):  # a fold may have fewer rows than that
            training = structs.replace(configuration.training, batch_size=len(parts.training))
            configuration = structs.replace(configuration, training=training)
            parts = structs.replace(parts, configuration=configuration)
        line = EpochLine() if self.verbose else None
        called = [*(callbacks or ()), *([line] if line else [])]
        model = fit_parts(parts, callbacks=called)
        if line:
            line.finish(ending(model.results))
        self._describe(model)
        return self

    def _features(self, x: Any, *, reset: bool) -> Table:  # noqa: ANN401
        if is_frame(x):
            if not reset and getattr(self, "_by_name", False):
                return self.model_.read(x)
            validate_data(self, x, reset=reset, skip_check_array=True)
            return table_of_frame(x, self._names())
        text = isinstance(x, list | tuple) or getattr(x, "dtype", np.dtype(float)).kind in "USO"
        kind: Any = None if text else "numeric"
        given = np.asarray(x, dtype=object) if isinstance(x, list | tuple) else x
        array: Any = validate_data(
            self,
            given,
            reset=reset,
            dtype=kind,
            accept_sparse="csr",
            ensure_all_finite="allow-nan",
        )
        if hasattr(array, "toarray"):
            array = dense(array)
        return table_of_array(array, self._names())

    def _names(self) -> Sequence[str]:
        names = getattr(self, "feature_names_in_", None)
        return generic_names(self.n_features_in_) if names is None else names.tolist()

    def _weights(self, sample_weight: Any, x: Any, target: Column) -> NDArray[np.float64] | None:  # noqa: ANN401
        own = self._weighted(target)
        if sample_weight is None:
            return own
        given: NDArray[np.float64] = _check_sample_weight(
            sample_weight, x, dtype=np.float64, ensure_non_negative=True
        )
        return given if own is None else given * own

    def _validation(self, x: Any, y: Any, target: str, weights: str) -> Table | None:  # noqa: ANN401
        if x is None and y is None:
            return None
        if x is None or y is None:
            raise ConfigurationError("X_val and y_val are given together, or neither")
        features, column = self._features(x, reset=False), self._target(y)
        if len(features) != len(column):
            raise DataError(f"X_val has {len(features):,} rows and y_val {len(column):,}")
        columns: dict[str, Column] = {**features.columns, target: column}
        if weights:
            columns[weights] = number_column(np.ones(len(column)))
        return Table.from_columns(columns)

    def _configuration(self, target: str, weights: str, names: Sequence[str]) -> Configuration:
        return configuration_of(
            self.get_params(deep=False),
            self.options,
            early_stopping=self.early_stopping,
            fixed={
                "data.target": target,
                "data.task": self._task(),
                "data.sample_weight": weights,
                "data.features": list(names),
                "training.seed": self._seed(),
            },
        )

    def _seed(self) -> int:
        given = self.random_state
        if isinstance(given, int | np.integer) and not isinstance(given, bool):
            return int(given)
        return int(check_random_state(given).randint(2**31 - 1))

    def _describe(self, model: TableModel) -> None:
        """Set what scikit-learn's users look for after a fit."""
        self.model_ = model
        self.history_ = [dict(row) for row in model.history]
        self.loss_curve_ = _curve(self.history_, "loss") or []
        self.validation_curve_ = _curve(self.history_, "validation_loss")
        self.n_iter_ = model.results.epochs
        self.best_epoch_ = model.results.best_epoch
        self.coefs_ = coefficients(model.network)
        self.intercepts_ = intercepts(model.network)

    # ----------------------------------------------------------------------------- predicting

    def _read(self, x: Any) -> Table:  # noqa: ANN401
        check_is_fitted(self, "model_")
        return self._features(x, reset=False)

    def _predict(self, x: Any, *, return_std: bool, samples: int, seed: int) -> Any:  # noqa: ANN401
        table = self._read(x)
        if return_std:
            return self.model_.predict(table, return_std=True, samples=samples, seed=seed)
        return self.model_.predict(table)

    # ---------------------------------------------------------------------------------- files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file, as ``steepest fit`` does: the command and ``st.load`` read it."""
        check_is_fitted(self, "model_")
        self.model_.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A fitted estimator of a model file, written by :meth:`save` or by the command.

        Its parameters are the options that the model was fitted with, so that a clone is fitted
        alike. Frames are read by the names of their columns.

        Raises:
            ModelFileError: missing, damaged, of a newer format, or of the other task.
        """
        model = load(Path(path))
        made = cls(**cls._parameters(model))
        made._take_over(model)
        names = model.configuration.data.features or tuple(
            each.name for each in model.schema.features
        )
        made.n_features_in_ = len(names)
        if list(names) != generic_names(len(names)):
            made.feature_names_in_ = np.array(names, dtype=object)
            made._by_name = True
        made._describe(model)
        return made

    @classmethod
    def _parameters(cls, model: TableModel) -> dict[str, Any]:
        return words_of(model.configuration)

    # ------------------------------------------------------------------- scikit-learn's questions

    def set_params(self, **params: Any) -> Self:  # noqa: ANN401
        """Set parameters; ``options__optimizer__schedule`` is one of those in ``options``.

        So a grid can hold ``{"options__preprocessing__numeric": ["robust", "standard"]}``.
        """
        inside = {name: params.pop(name) for name in [*params] if name.startswith("options__")}
        super().set_params(**params)
        if inside:
            given = {
                name.removeprefix("options__").replace("__", "."): each
                for name, each in inside.items()
            }
            self.options = {**(self.options or {}), **given}
        return self

    def __sklearn_tags__(self) -> Tags:
        """What it takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags


def require_target(y: object, name: str) -> None:
    """Refuse to learn from nothing, in the words that scikit-learn looks for."""
    if y is None:
        raise DataError(f"{name} requires y to be passed, but the target y is None")


def _free_name(wanted: object, taken: Sequence[str]) -> str:
    """A name for a column that no other has."""
    names = [wanted] if isinstance(wanted, str) and wanted else []
    for name in [*names, "y", "target"]:
        if name not in taken:
            return name
    return next(name for place in range(len(taken) + 1) if (name := f"y{place}") not in taken)


def _curve(history: Sequence[Mapping[str, Any]], name: str) -> list[float] | None:
    """A column of the history by epoch; of an ensemble the mean of the members still training."""
    values: dict[int, list[float]] = {}
    for row in history:
        if name in row:
            values.setdefault(row["epoch"], []).append(cast("float", row[name]))
    return [float(np.mean(each)) for _, each in sorted(values.items())] or None
