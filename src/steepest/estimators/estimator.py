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

from steepest.data import ReadOptions, Table
from steepest.errors import ConfigurationError, DataError
from steepest.estimators.answers import Answers
from steepest.estimators.attempt import attempt
from steepest.estimators.checks import check_is_fitted, check_sample_weight, validate_data
from steepest.estimators.features import (
    dense,
    generic_names,
    is_frame,
    table_of_array,
    table_of_frame,
)
from steepest.estimators.given import Given
from steepest.estimators.layers import coefficients, intercepts
from steepest.estimators.progress import EpochLine
from steepest.estimators.schema import schema_of
from steepest.estimators.words import configuration_of, reading_of, words_of
from steepest.optim import DRIVERS
from steepest.tabular.configuration import Configuration
from steepest.tabular.continued import continued, fine_tuning, without_rows
from steepest.tabular.fit import fit_prepared
from steepest.tabular.model import TableModel, load
from steepest.tabular.options import Plain
from steepest.tabular.parts import Parts, options_of_new_table
from steepest.tabular.prepare import prepare
from steepest.tabular.prepared import PreparedTable, prepare_table
from steepest.tabular.resolved import Task
from steepest.tabular.summary import ending, first_scores
from steepest.train.callbacks import Callback

if TYPE_CHECKING:
    from sklearn.utils import Tags


class NeuralEstimator(BaseEstimator, ABC):
    """A network for a table behind scikit-learn's interface."""

    # The parameters, which each constructor states.
    hidden_layer_sizes: Any
    activation: str
    optimizer: str
    learning_rate: float | str
    batch_size: int | str
    max_epochs: int | str
    l2: float
    weight_decay: float | str
    dropout: float | str
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    loss: str
    ensemble_size: int
    warm_start: bool
    dtype: str
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

    _prepared: PreparedTable | None
    _reading = ReadOptions()
    _reads_by_name = False

    @abstractmethod
    def _task(self) -> Task:
        """What the targets are."""

    @abstractmethod
    def _learn_target(self, y: Any) -> Answers:
        """The targets of a first fit; sets what is known about them."""

    @abstractmethod
    def _target(self, y: Any) -> Answers:
        """Targets like those."""

    @abstractmethod
    def _check_same_classes(self, y: Any) -> None:
        """Refuse to go on with other classes."""

    @abstractmethod
    def _class_weight(self) -> Plain:
        """The option of that name."""

    @abstractmethod
    def _take_over(self, model: TableModel) -> None:
        """Set what is known about the targets from a model file."""

    # ------------------------------------------------------------------------------- fitting

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> Self:
        """Train on a table.

        Args:
            X: a pandas, polars or Arrow frame, an array, a sparse matrix or a list, (n, features).
                Columns may be numbers, text, booleans and categories, with missing values.
            y: the targets, (n,), or (n, targets) of several.
            sample_weight: how much each row counts, (n,); a row of weight 0 is left out.
            X_val: rows to watch instead of a share of X.
            y_val: their targets.
            callbacks: functions of a :class:`steepest.train.callbacks.Snapshot`, called each epoch;
                one that returns ``st.Stop`` ends training.

        Raises:
            DataError: X or y cannot be used (a ValueError).
            ConfigurationError: a parameter that is not possible (a ValueError).
        """
        going_on = bool(self.warm_start) and hasattr(self, "model_")
        with attempt(self):
            features = self._features(X, reset=not going_on)
            if going_on:
                self._check_same_classes(y)
            answers = self._same_target(y) if going_on else self._learn_target(y)
            given = self._given(features, answers, sample_weight, X, going_on=going_on)
            given.check_classes()
            validation = self._validation(X_val, y_val, given)
            configuration = self._configuration(given)
            _check_size(len(given.table), configuration, has_rows_of_its_own=validation is not None)
            self._train(given, configuration, validation, callbacks or (), going_on=going_on)
        return self

    def _learn_a_batch(
        self,
        x: Any,
        answers: Answers,
        sample_weight: Any,
    ) -> None:
        """One pass over more rows, at a constant rate."""
        going_on = hasattr(self, "model_")
        features = self._features(x, reset=not going_on)
        given = self._given(features, answers, sample_weight, x, going_on=going_on)
        configuration = self._configuration(
            given,
            data__validation=0.0,
            training__patience=0,
            training__max_epochs=1,
            optimizer__schedule="constant",
            optimizer__schedule_options={},
            optimizer__warm_up=0.0,
        )
        epochs = self.n_iter_ if going_on else 0
        self._train(given, configuration, None, (), going_on=going_on, keeps_constants=True)
        self.n_iter_ += epochs

    def _given(
        self,
        features: Table,
        answers: Answers,
        sample_weight: Any,
        x: Any,
        *,
        going_on: bool,
    ) -> Given:
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(
                sample_weight, x, dtype=np.float64, ensure_non_negative=True
            )
        names = self.model_.schema.target_names if going_on else ()
        return Given.of(features, answers, weights, names)

    def _train(
        self,
        given: Given,
        configuration: Configuration,
        validation: Table | None,
        callbacks: Sequence[Callback],
        *,
        going_on: bool,
        keeps_constants: bool = False,
    ) -> None:
        schema = (
            self.model_.schema
            if going_on
            else schema_of(
                given.table, given.targets, configuration.data, keeps_constants=keeps_constants
            )
        )
        parts = prepare(given.table, configuration, validation=validation, schema=schema)
        parts = _with_batches_that_fit(parts)
        earlier: PreparedTable | None = getattr(self, "_prepared", None)
        if not going_on:
            prepared = prepare_table(parts)
        elif earlier is not None:
            prepared = continued(earlier, parts)
        else:
            prepared = fine_tuning(self.model_, parts)
        line = EpochLine() if self.verbose else None
        called = [*callbacks, *([line] if line else [])]
        if line:
            line.note(parts.notes)
        model = fit_prepared(prepared, parts, callbacks=called)
        if line:
            line.finish(ending(model.results), first_scores(model.results))
        self._prepared = without_rows(prepared) if self.warm_start or keeps_constants else None
        self._describe(model, [*self.history_] if going_on else [])

    def _features(self, x: Any, *, reset: bool) -> Table:
        if reset:
            self._reading = reading_of(self.options)
            self._reads_by_name = False
        table = self._table(x, reset=reset)
        if not len(table):
            raise DataError("X has no rows")
        return table

    def _table(self, x: Any, *, reset: bool) -> Table:
        if is_frame(x):
            if self._reads_by_name:
                return self.model_.read(x)
            validate_data(self, x, reset=reset, skip_check_array=True)
            return table_of_frame(x, self._names(), self._reading)
        is_list = isinstance(x, list | tuple)
        is_text = is_list or getattr(x, "dtype", np.dtype(float)).kind in "USO"
        kind: Any = None if is_text else "numeric"
        array: Any = validate_data(
            self,
            np.asarray(x, dtype=object) if is_list else x,
            reset=reset,
            dtype=kind,
            accept_sparse="csr",
            ensure_all_finite="allow-nan",
        )
        if hasattr(array, "toarray"):
            array = dense(array)
        return table_of_array(array, self._names(), self._reading)

    def _names(self) -> Sequence[str]:
        names = getattr(self, "feature_names_in_", None)
        return generic_names(self.n_features_in_) if names is None else names.tolist()

    def _same_target(self, y: Any) -> Answers:
        answers = self._target(y)
        if len(answers.columns) != len(self.model_.schema.targets):
            raise DataError(
                f"y has {len(answers.columns)} targets, where there were "
                f"{len(self.model_.schema.targets)} before"
            )
        return answers

    def _validation(self, x: Any, y: Any, given: Given) -> Table | None:
        if x is None and y is None:
            return None
        if x is None or y is None:
            raise ConfigurationError("X_val and y_val are given together, or neither")
        return given.others(self._features(x, reset=False), self._target(y))

    def _configuration(self, given: Given, **fixed: Plain) -> Configuration:
        names = [each.name for each in given.targets]
        own: dict[str, Plain] = {
            "data.target": names[0] if len(names) == 1 else [*names],
            "data.task": self._task(),
            "data.sample_weight": given.weights,
            "data.features": [*given.features],
            "training.class_weight": self._class_weight(),
            "training.seed": self._seed(),
        }
        return configuration_of(
            self.get_params(deep=False),
            self.options,
            early_stopping=self.early_stopping,
            fixed=own | {name.replace("__", "."): each for name, each in fixed.items()},
        )

    def _seed(self) -> int:
        given = self.random_state
        if isinstance(given, int | np.integer) and not isinstance(given, bool):
            return int(given)
        return int(check_random_state(given).randint(2**31 - 1))

    def _describe(self, model: TableModel, earlier: list[dict[str, Any]]) -> None:
        """Set what scikit-learn's users look for after a fit."""
        self.model_ = model
        self.history_ = [*earlier, *(dict(row) for row in model.history)]
        self.loss_curve_ = _curve(self.history_, "loss") or []
        self.validation_curve_ = _curve(self.history_, "validation_loss")
        self.n_iter_ = model.results.epochs
        self.best_epoch_ = model.results.best_epoch
        self.coefs_ = coefficients(model.network)
        self.intercepts_ = intercepts(model.network)

    # ----------------------------------------------------------------------------- predicting

    def _read(self, x: Any) -> Table:
        check_is_fitted(self, "model_")
        return self._features(x, reset=False)

    def _predict(self, x: Any, *, return_std: bool, samples: int, seed: int) -> Any:
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
            made._reads_by_name = True
        made._reading = options_of_new_table(model.configuration.data)
        made._describe(model, [])
        return made

    @classmethod
    def _parameters(cls, model: TableModel) -> dict[str, Any]:
        return words_of(model.configuration)

    # ------------------------------------------------------------------- scikit-learn's questions

    def set_params(self, **params: Any) -> Self:
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
        tags.target_tags.multi_output = True
        return tags


def takes_batches(estimator: NeuralEstimator) -> bool:
    """Whether it has ``partial_fit``: a driver, such as L-BFGS, needs all rows at each step."""
    return estimator.optimizer not in DRIVERS


def require_target(y: object, name: str) -> None:
    """Refuse to learn from nothing, in the words that scikit-learn looks for."""
    if y is None:
        raise DataError(f"{name} requires y to be passed, but the target y is None")


def _check_size(rows: int, configuration: Configuration, *, has_rows_of_its_own: bool) -> None:
    """Refuse to hold back a share of too few rows, in the estimators' own words."""
    share = configuration.data.validation
    if share and not has_rows_of_its_own and not round(share * rows):
        raise DataError(
            f"The validation set is too small: validation_fraction={share:g} of n_samples={rows} "
            "is none. Give more rows, a larger share, X_val and y_val, or early_stopping=False"
        )


def _with_batches_that_fit(parts: Parts) -> Parts:
    """A batch of more rows than there are, as of a fold, takes all."""
    training, rows = parts.configuration.training, len(parts.training)
    if training.batch_size == "auto" or training.batch_size <= rows:
        return parts
    training = structs.replace(training, batch_size=rows)
    configuration = structs.replace(parts.configuration, training=training)
    return structs.replace(parts, configuration=configuration)


def _curve(history: Sequence[Mapping[str, Any]], name: str) -> list[float] | None:
    """A column of the history by epoch; of an ensemble the mean of the members still training."""
    values: dict[int, list[float]] = {}
    for row in history:
        if name in row:
            values.setdefault(row["epoch"], []).append(cast("float", row[name]))
    return [float(np.mean(each)) for _, each in sorted(values.items())] or None
