"""NeuralClassifier: classes from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from steepest.errors import ConfigurationError, DataError, ModelFileError
from steepest.estimators.answers import Answers, classes_of, labels_of, names_of
from steepest.estimators.attempt import attempt
from steepest.estimators.checks import check_array, column_or_1d
from steepest.estimators.estimator import NeuralEstimator, require_target, takes_batches
from steepest.estimators.labels import distinct, label_text, labels_of_texts, without_mask
from steepest.tabular.model import TableModel
from steepest.tabular.options import Plain
from steepest.tabular.resolved import Task
from steepest.train.predict import SAMPLES

if TYPE_CHECKING:
    from sklearn.utils import Tags


@final
class NeuralClassifier(ClassifierMixin, NeuralEstimator):
    """A network for classes behind scikit-learn's interface; the recipe is the command's.

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
        class_weight: "balanced", or a dictionary: class to weight, 1 for others.
        loss: by name; "auto" by the task.
        ensemble_size: networks that are trained side by side and averaged.
        warm_start: a second fit goes on with weights and optimiser; its schedule begins anew.
        dtype: "float32", or "float64".
        random_state: of all that is drawn; an integer is the command's seed.
        verbose: 1 says what was decided, and each epoch.
        options: other options of the command, by dotted name: {"optimizer.schedule": "constant"}.

    Attributes:
        classes_: in order, of the type of y; of several labels their numbers.
        n_features_in_: columns of X; `feature_names_in_` their names, if all are text.
        loss_curve_: the training loss of each epoch; `validation_curve_` of the rows held back.
        n_iter_: epochs; `best_epoch_` the one whose weights are kept; `history_` a dict for each.
        coefs_: weights of the dense layers, (inputs, outputs); `intercepts_` their biases.
        model_: the :class:`steepest.tabular.TableModel`, with schema, results and summary.

    Differs from scikit-learn's MLPClassifier: text, categories and missing values need no
    pipeline; inputs are scaled inside; rows are held back for early stopping by default.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> classifier = NeuralClassifier(max_epochs=20, random_state=0).fit(X, y)
    >>> classifier.score(X, y) > 0.9
    True
    """

    classes_: NDArray[Any]

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
        class_weight: Mapping[Any, float] | str | None = None,
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
        self.class_weight = class_weight
        self.loss = loss
        self.ensemble_size = ensemble_size
        self.warm_start = warm_start
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose
        self.options = options

    @available_if(takes_batches)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        """Take one pass over more rows.

        The first call settles what columns are and how they are scaled, so let it have many rows;
        numbers that are equal in all of them say nothing later on either. No rows are held back,
        and the learning rate stays as it is.

        Args:
            X: as in :meth:`fit`.
            y: likewise.
            classes: all that there are, in the first call; may be left out in others.
            sample_weight: likewise.

        Raises:
            DataError: as :meth:`fit`; also another number of features, or labels
                that are not among the classes.
        """
        known = hasattr(self, "model_")
        with attempt(self):
            if classes is not None:
                self._settle(classes, known=known)
            elif not known:
                raise DataError("classes must be passed on the first call to partial_fit.")
            labels = checked_labels(y, type(self).__name__)
            if not known:
                self._label_type = labels.dtype
            answers = self._same_target(y) if known else self._target(y)
            self._learn_a_batch(X, answers, sample_weight)
        return self

    def predict(
        self,
        X: Any,
        return_std: bool = False,
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> Any:
        """Predict each row's likeliest class.

        Args:
            X: as in :meth:`fit`.
            return_std: predict by the mean over draws with dropout, and give the standard
                deviation of the predicted class's probability as well.
            samples: how many draws.
            seed: of the draws.

        Returns:
            (n,), of the classes as `fit` had them, or (n, labels) of 0 and 1; or two arrays.
        """
        found = self._predict(X, return_std=return_std, samples=samples, seed=seed)
        if return_std:
            return self._labels(found[0]), found[1]
        return self._labels(found)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict each class's probability, float64 (n, classes), in the order of ``classes_``.

        Of several labels it is the probability of each, (n, labels).

        Raises:
            DataError: the loss knows no probabilities.
        """
        table = self._read(X)
        return self.model_.predict_proba(table)[:, np.argsort(self._places())]

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The natural logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):  # a probability may be rounded to 0
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Tags:
        """What it takes: also several labels at once."""
        tags = super().__sklearn_tags__()
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_label = True
        return tags

    def _settle(self, classes: Any, *, known: bool) -> None:
        """The classes of all batches."""
        given = distinct(np.asarray(classes))
        if known and not np.array_equal(given, self.classes_):
            raise DataError(f"`classes={classes}` is not the same as before: {self.classes_}")
        if len(given) < 2:
            raise DataError(f"classes are two or more, not {classes}")
        self.classes_ = given

    def _labels(self, texts: NDArray[Any]) -> NDArray[Any]:
        """The classes behind the model file's texts; of several labels 0 and 1."""
        if texts.ndim == 2:
            seconds = np.array([each.classes[1] for each in self.model_.schema.targets])
            return (texts == seconds).astype(self._label_type)
        place = {text: place for place, text in enumerate(map(label_text, self.classes_))}
        return self.classes_[[place[text] for text in texts.tolist()]]

    def _places(self) -> NDArray[np.intp]:
        """Of each class of the model its place in ``classes_``."""
        if len(self.model_.schema.targets) > 1:
            return np.arange(len(self.classes_))
        texts = [label_text(each) for each in self.classes_]
        return np.array([texts.index(each) for each in self.model_.classes])

    def _task(self) -> Task:
        return "classification"

    def _learn_target(self, y: Any) -> Answers:
        labels = checked_labels(y, type(self).__name__)
        self._label_type = labels.dtype
        self.classes_ = np.arange(labels.shape[1]) if labels.ndim == 2 else distinct(labels)
        if len(self.classes_) < 2:
            raise DataError(
                f"{type(self).__name__} needs two classes or more; y has one class only, "
                f"{label_text(self.classes_[0])!r}"
            )
        return self._answers(labels, y)

    def _target(self, y: Any) -> Answers:
        return self._answers(checked_labels(y, type(self).__name__), y)

    def _answers(self, labels: NDArray[Any], y: Any) -> Answers:
        if labels.ndim == 2:
            return labels_of(labels, names_of(y))
        return classes_of(labels, self.classes_, names_of(y))

    def _check_same_classes(self, y: Any) -> None:
        labels = checked_labels(y, type(self).__name__)
        if labels.ndim == 1 and not np.array_equal(distinct(labels), self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {distinct(labels)}"
            )

    def _class_weight(self) -> Plain:
        given: Any = self.class_weight
        if given is None:
            return "none"
        if isinstance(given, str):
            return given
        if not isinstance(given, Mapping):
            raise ConfigurationError(
                f"class_weight is 'balanced' or a dictionary, class to weight, not {given!r}"
            )
        weights = cast("Mapping[Any, Any]", given)
        known = {label_text(each) for each in self.classes_}
        for label in weights:
            if label_text(label) not in known:
                raise ConfigurationError(f"class_weight: {label!r} is not a class of y")
        return {label_text(label): weight for label, weight in weights.items()}

    def _take_over(self, model: TableModel) -> None:
        if model.schema.task != "classification":
            raise ModelFileError("this model predicts numbers: NeuralRegressor.load reads it")
        self._label_type = np.dtype(int)
        labels = len(model.schema.targets)
        if labels > 1:
            self.classes_ = np.arange(labels)
        else:
            self.classes_ = labels_of_texts(model.classes, model.schema.target.reason)


def checked_labels(y: Any, name: str) -> NDArray[Any]:
    """Labels (n,), or an indicator matrix (n, labels), none missing.

    Raises:
        DataError: missing ones; several columns that are not all 0 and 1.
    """
    require_target(y, name)
    y = without_mask(y)
    given: Any = check_array(y, ensure_2d=False, accept_sparse="csr", dtype=None, input_name="y")
    kind = type_of_target(given, input_name="y")
    if kind == "multilabel-indicator":
        indicator: NDArray[Any] = given.toarray() if hasattr(given, "toarray") else given
        if np.isin(indicator, (0, 1)).all():
            return indicator
    if kind.startswith("multilabel") or kind.endswith("multioutput"):
        raise DataError(
            f"y has several columns ({kind}): each is a label of 0 and 1, or fit them one by one"
        )
    labels: NDArray[Any] = column_or_1d(given, warn=True)
    if kind != "unknown":  # objects, which are compared as they are
        check_classification_targets(labels)
    elif any(each is None for each in labels.tolist()):
        raise DataError("Input y contains NaN: None is no class")
    return labels
