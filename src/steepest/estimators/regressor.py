"""NeuralRegressor: numbers from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from steepest.errors import ModelFileError
from steepest.estimators.answers import Answers, names_of, numbers
from steepest.estimators.attempt import attempt
from steepest.estimators.checks import check_array, column_or_1d
from steepest.estimators.estimator import NeuralEstimator, require_target, takes_batches
from steepest.tabular.model import TableModel
from steepest.tabular.options import Plain
from steepest.tabular.resolved import Task
from steepest.train.predict import SAMPLES


@final
class NeuralRegressor(RegressorMixin, NeuralEstimator):
    """A network for numbers behind scikit-learn's interface; the recipe is the command's.

    Args:
        hidden_layer_sizes: units of each hidden layer; "auto", a number for one layer, or () for a
            linear model.
        activation: after each hidden layer: "relu", "silu", "gelu", "tanh" …
        optimizer: "adamw", "adam", "nesterov", "sgd" …, or a driver such as "lbfgs".
        learning_rate: its highest value; "recipe", or "auto" to find it by a range test.
        batch_size: rows of a step, at most all; "auto" by the number of rows.
        max_epochs: passes over the rows at most; "auto" by the number of rows.
        l2: λ of the penalty λ/2 Σ w².
        weight_decay: decoupled, as in AdamW; "auto" by the optimiser.
        dropout: the probability of dropping a hidden unit; "auto" by the task.
        early_stopping: hold back rows, stop when they say so, and keep the best epoch's weights.
        validation_fraction: how many rows are held back.
        n_iter_no_change: epochs without a better validation loss before stopping.
        loss: by name; "auto" by the task.
        ensemble_size: networks that are trained side by side and averaged.
        warm_start: a second fit goes on with weights and optimiser; its schedule begins anew.
        dtype: "float32", or "float64".
        random_state: of all that is drawn; an integer is the command's seed.
        verbose: 1 says what was decided, and each epoch.
        options: other options of the command, by dotted name: {"optimizer.schedule": "constant"}.

    Attributes:
        n_features_in_: columns of X; `feature_names_in_` their names, if all are text.
        loss_curve_: the training loss of each epoch; `validation_curve_` of the rows held back.
        n_iter_: epochs; `best_epoch_` the one whose weights are kept; `history_` a dict for each.
        coefs_: weights of the dense layers, (inputs, outputs); `intercepts_` their biases.
        model_: the :class:`steepest.tabular.TableModel`, with schema, results and summary.

    Differs from scikit-learn's MLPRegressor: text, categories and missing values need no
    pipeline; inputs and targets are scaled inside; rows are held back for early stopping.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> regressor = NeuralRegressor(max_epochs=20, random_state=0).fit(X, y)
    >>> regressor.score(X, y) > 0.3
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | str = "auto",
        activation: str = "relu",
        *,
        optimizer: str = "adamw",
        learning_rate: float | str = "recipe",
        batch_size: int | str = "auto",
        max_epochs: int | str = "auto",
        l2: float = 0.0,
        weight_decay: float | str = "auto",
        dropout: float | str = "auto",
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 12,
        loss: str = "auto",
        ensemble_size: int = 1,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: Any = None,
        verbose: int = 0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.l2 = l2
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.loss = loss
        self.ensemble_size = ensemble_size
        self.warm_start = warm_start
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.options = options

    @available_if(takes_batches)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Take one pass over more rows.

        The first call settles what columns are and how they are scaled, so let it have many rows;
        numbers that are equal in all of them say nothing later on either. No rows are held back,
        and the learning rate stays as it is.

        Args:
            X: as in :meth:`fit`.
            y: likewise.
            sample_weight: likewise.

        Raises:
            DataError: as :meth:`fit`; also another number of features or of targets.
        """
        known = hasattr(self, "model_")
        with attempt(self):
            answers = self._same_target(y) if known else self._learn_target(y)
            self._learn_a_batch(X, answers, sample_weight)
        return self

    def predict(
        self,
        X: Any,
        return_std: bool = False,
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> Any:
        """Predict each row.

        Args:
            X: as in :meth:`fit`.
            return_std: predict by the mean over draws with dropout, and give their standard
                deviation as well.
            samples: how many draws.
            seed: of the draws.

        Returns:
            float64 (n,), or (n, targets), in the targets' units; or two of them.
        """
        return self._predict(X, return_std=return_std, samples=samples, seed=seed)

    def _task(self) -> Task:
        return "regression"

    def _learn_target(self, y: Any) -> Answers:
        return self._target(y)

    def _target(self, y: Any) -> Answers:
        require_target(y, type(self).__name__)
        values = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if values.ndim == 1 or values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
        return numbers(values, names_of(y))

    def _check_same_classes(self, y: Any) -> None:
        """Numbers have none."""

    def _class_weight(self) -> Plain:
        return "none"

    def _take_over(self, model: TableModel) -> None:
        if model.schema.task != "regression":
            raise ModelFileError("this model predicts classes: NeuralClassifier.load reads it")
