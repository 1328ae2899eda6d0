"""NeuralClassifier: classes from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from steepest.data.table import Column, TextColumn
from steepest.errors import ConfigurationError, DataError, ModelFileError
from steepest.estimators.estimator import NeuralEstimator, require_target
from steepest.estimators.labels import class_codes, label_column, label_text, labels_of_texts
from steepest.tabular.model import TableModel
from steepest.tabular.resolved import Task
from steepest.train.predict import SAMPLES


@final
class NeuralClassifier(ClassifierMixin, NeuralEstimator):
    """A network for classes behind scikit-learn's interface; the recipe is the command's.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> classifier = NeuralClassifier(max_epochs=20, random_state=0).fit(X, y)
    >>> classifier.score(X, y) > 0.9
    True
    """

    classes_: NDArray[Any]

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (256, 128),
        activation: str = "relu",
        *,
        optimizer: str = "adamw",
        learning_rate: float | str = "recipe",
        batch_size: int | str = "auto",
        max_epochs: int = 50,
        l2: float = 0.0,
        weight_decay: float | str = "auto",
        dropout: float | str = "auto",
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 12,
        class_weight: Mapping[Any, float] | str | None = None,
        loss: str = "auto",
        ensemble_size: int = 1,
        warm_start: bool = False,
        random_state: Any = None,  # noqa: ANN401 - as scikit-learn takes it
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
        self.class_weight = class_weight
        self.loss = loss
        self.ensemble_size = ensemble_size
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.options = options

    def predict(
        self,
        X: Any,  # noqa: ANN401 - as in fit
        return_std: bool = False,
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> Any:  # noqa: ANN401 - one array, or two
        """Predict each row's likeliest class.

        Args:
            X: as in :meth:`fit`.
            return_std: predict by the mean over draws with dropout, and give the standard
                deviation of the predicted class's probability as well.
            samples: how many draws.
            seed: of the draws.

        Returns:
            (n,), of the classes as `fit` had them; or two arrays.
        """
        found = self._predict(X, return_std=return_std, samples=samples, seed=seed)
        if return_std:
            return self._labels(found[0]), found[1]
        return self._labels(found)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401 - as in fit
        """Predict each class's probability, float64 (n, classes), in the order of ``classes_``.

        Raises:
            DataError: the loss knows no probabilities.
        """
        table = self._read(X)
        return self.model_.predict_proba(table)[:, np.argsort(self._places())]

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401 - as in fit
        """The natural logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):  # a probability may be rounded to 0
            return np.log(self.predict_proba(X))

    def _labels(self, texts: NDArray[Any]) -> NDArray[Any]:
        """The classes behind the model file's texts."""
        place = {text: place for place, text in enumerate(map(label_text, self.classes_))}
        return self.classes_[[place[text] for text in texts.tolist()]]

    def _places(self) -> NDArray[np.intp]:
        """Of each class of the model its place in ``classes_``."""
        texts = [label_text(each) for each in self.classes_]
        return np.array([texts.index(each) for each in self.model_.classes])

    def _task(self) -> Task:
        return "classification"

    def _learn_target(self, y: Any) -> Column:  # noqa: ANN401
        labels = _labels_of(y, type(self).__name__)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise DataError(
                f"{type(self).__name__} needs two classes or more; y has one class only, "
                f"{label_text(self.classes_[0])!r}"
            )
        return label_column(class_codes(labels, self.classes_), self.classes_)

    def _target(self, y: Any) -> Column:  # noqa: ANN401
        labels = _labels_of(y, type(self).__name__)
        return label_column(class_codes(labels, self.classes_), self.classes_)

    def _weighted(self, y: Column) -> NDArray[np.float64] | None:
        given = self.class_weight
        if given is None or isinstance(given, str):
            if given not in (None, "balanced"):
                raise ConfigurationError(
                    f"class_weight is 'balanced', a dictionary or None, not {given!r}"
                )
            return None
        known = {label_text(each): place for place, each in enumerate(self.classes_)}
        weights = np.ones(len(self.classes_))
        for label, weight in given.items():
            if label_text(label) not in known:
                raise ConfigurationError(f"class_weight: {label!r} is not a class of y")
            weights[known[label_text(label)]] = weight
        return weights[cast("TextColumn", y).codes]

    def _take_over(self, model: TableModel) -> None:
        if model.schema.target.task != "classification":
            raise ModelFileError("this model predicts numbers: NeuralRegressor.load reads it")
        self.classes_ = labels_of_texts(model.classes)


def _labels_of(y: Any, name: str) -> NDArray[Any]:  # noqa: ANN401
    """Labels (n,), none missing."""
    require_target(y, name)
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    if labels.dtype.kind in "Of":
        assert_all_finite(labels, input_name="y")
    if type_of_target(labels) != "unknown":  # objects, which are compared as they are
        check_classification_targets(labels)
    elif any(each is None for each in labels.tolist()):
        raise DataError("Input y contains NaN: None is no class")
    return labels
