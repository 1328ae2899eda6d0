"""Losses for classes: logistic, cross entropy and its smoothed form, and those of margins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast, final

import numpy as np

from steepest.errors import ConfigurationError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import Array, DType, Shape, uint32
from steepest.losses.loss import LOSSES, Given, Head, Loss
from steepest.losses.targets import labels, one_each, scores_and_labels, signs
from steepest.ops.composite import logsumexp, softplus
from steepest.ops.elementwise import where
from steepest.ops.index import take_along_axis
from steepest.ops.movement import expand_dims, reshape
from steepest.ops.reduce import max, mean
from steepest.ops.rows import converted
from steepest.tensor.creation import asarray
from steepest.tensor.tensor import Tensor


@LOSSES.register("binary_logistic", "O3", option="")
@final
@dataclass(frozen=True)
class BinaryLogistic(Loss):
    """The logistic loss of two classes: ℓ = log(1 + exp(−y f)) with y ∈ {−1, 1}.

    Targets in {0, 1} (or booleans) are accepted: 0 counts as −1. f is a score (logit): the
    probability of the class 1 is sigmoid(f). Safe for scores of any size. PyTorch's
    ``BCEWithLogitsLoss``.

    Shapes: prediction (batch,) or (batch, 1), target alike.

    Source: L1.

    >>> import steepest as st
    >>> st.losses.BinaryLogistic()(st.tensor([0.0, 1e4]), st.tensor([1, 0]))
    tensor([6.931472e-01, 1.000000e+04])
    """

    head: ClassVar[Head] = "one score"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = one_each(prediction, target, "BinaryLogistic")
        return softplus(where(_is_positive(y), -f, f))

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Two values, {−1, 1} or {0, 1}."""
        return signs(target, outputs, dtype, "BinaryLogistic")


@LOSSES.register("multilabel_logistic", "O3")
@final
@dataclass(frozen=True)
class MultiLabelLogistic(Loss):
    """The mean of the logistic losses of several labels: ℓ = (1/m) Σⱼ log(1 + exp(−yⱼ fⱼ)).

    Each yⱼ ∈ {−1, 1} is a question of its own, and sigmoid(fⱼ) the probability of its 1; targets in
    {0, 1} (or booleans) are accepted. Safe for scores of any size. PyTorch's
    ``BCEWithLogitsLoss``; scikit-learn's MLPClassifier takes the sum over labels.

    Shapes: prediction (batch, m), target alike.

    Source: L1, for each label.

    >>> import steepest as st
    >>> st.losses.MultiLabelLogistic()(st.tensor([[0.0, 1e4]]), st.tensor([[1, 0]]))
    tensor([5000.3467])
    """

    head: ClassVar[Head] = "labels"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = asarray(prediction), asarray(target)
        if f.ndim != 2 or f.shape != y.shape:
            error = ShapeError("prediction and target are one number per label, (batch, labels)")
            raise explain(error, "MultiLabelLogistic", (f, y))
        return mean(softplus(where(_is_positive(y), -f, f)), axis=1)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Two values, {−1, 1} or {0, 1}, for each label."""
        return signs(target, outputs, dtype, "MultiLabelLogistic")


@LOSSES.register("cross_entropy", "O4")
@final
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """The cross entropy of K classes: ℓ = −log softmax(f)_y = log Σₖ exp fₖ − f_y.

    f are scores (logits), safe up to ±1e4 and beyond; y is the class, an integer from 0 to K − 1.
    With K = 2 and f₂ = 0 it is :class:`BinaryLogistic`. PyTorch's ``CrossEntropyLoss``, per
    example.

    Shapes: prediction (batch, K), target (batch,).

    Source: L1.

    Raises:
        DTypeError: labels that are no integers.
        DataError: a label outside of 0 … K − 1.

    >>> import steepest as st
    >>> st.losses.CrossEntropy()(st.tensor([[0.0, 0.0], [1e4, 0.0]]), st.tensor([0, 1]))
    tensor([6.931472e-01, 1.000000e+04])
    """

    head: ClassVar[Head] = "probabilities"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = scores_and_labels(prediction, target, "CrossEntropy")
        return logsumexp(f, axis=1) - _of_the_class(f, y)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Labels, integers from 0 to K − 1."""
        return labels(target, outputs, "CrossEntropy")


@LOSSES.register("smoothed_cross_entropy", "O5")
@final
@dataclass(frozen=True)
class SmoothedCrossEntropy(Loss):
    """Cross entropy with label smoothing: ℓ = log Σₖ exp fₖ − (1 − ε) f_y − (ε/K) Σₖ fₖ.

    The cross entropy against (1 − ε) of the class and ε/K of every class: scores stay finite and
    wrong labels cost less. PyTorch's ``CrossEntropyLoss(label_smoothing=ε)``.

    Args:
        smoothing: ε.

    Shapes: prediction (batch, K), target (batch,).

    Source: Szegedy et al. 2016.

    Raises:
        ConfigurationError: ε outside of [0, 1).

    >>> import steepest as st
    >>> st.losses.SmoothedCrossEntropy(0.1)(st.tensor([[0.0, 0.0]]), st.tensor([0]))
    tensor([0.6931472])
    """

    smoothing: float = 0.1
    head: ClassVar[Head] = "probabilities"

    def __post_init__(self) -> None:
        smoothing = cast("object", self.smoothing)
        is_number = isinstance(smoothing, int | float) and not isinstance(smoothing, bool)
        if not is_number or not 0.0 <= self.smoothing < 1.0:
            raise ConfigurationError(
                "SmoothedCrossEntropy: smoothing is the share of the label given to all classes, "
                f"from 0 to below 1, not {self.smoothing!r}"
            )

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = scores_and_labels(prediction, target, "SmoothedCrossEntropy")
        sure = (1.0 - self.smoothing) * _of_the_class(f, y)
        return logsumexp(f, axis=1) - sure - self.smoothing * mean(f, axis=1)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Labels, integers from 0 to K − 1."""
        return labels(target, outputs, "SmoothedCrossEntropy")


# ---------------------------------------------------------------------------------------- margins


@LOSSES.register("hinge", "O5", "M1")
@final
@dataclass(frozen=True)
class Hinge(Loss):
    """The hinge loss: ℓ = max(0, 1 − m), with the margin m = y f, or f_y − max of the others.

    One score f and y ∈ {−1, 1} (0 counts as −1): a linear neuron with an L2 penalty is then a
    support vector machine. Scores of K classes and a label: Crammer and Singer's form, as in
    scikit-learn's ``hinge_loss``. At m = 1 the gradient is 0.

    Shapes: prediction (batch,) or (batch, 1), target alike; or (batch, K) and (batch,).

    Source: Cortes, Vapnik 1995; Crammer, Singer 2001; L1.

    >>> import steepest as st
    >>> st.losses.Hinge()(st.tensor([2.0, 0.5, -1.0]), st.tensor([1, 1, 1]))
    tensor([0. , 0.5, 2. ])
    """

    head: ClassVar[Head] = "scores"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        m = _margin(prediction, target, "Hinge")
        return where(m < 1.0, 1.0 - m, 0.0)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Two values for one score, or labels."""
        return _signs_or_labels(target, outputs, dtype, "Hinge")


@LOSSES.register("squared_hinge", "O5")
@final
@dataclass(frozen=True)
class SquaredHinge(Loss):
    """The squared hinge loss: ℓ = max(0, 1 − m)², with the margin m = y f, or f_y − the next best.

    Smooth, unlike :class:`Hinge`. scikit-learn's ``LinearSVC`` uses it by default.

    Shapes: prediction (batch,) or (batch, 1), target alike; or (batch, K) and (batch,).

    Source: Tang 2013.

    >>> import steepest as st
    >>> st.losses.SquaredHinge()(st.tensor([2.0, 0.5, -1.0]), st.tensor([1, 1, 1]))
    tensor([0.  , 0.25, 4.  ])
    """

    head: ClassVar[Head] = "scores"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        m = _margin(prediction, target, "SquaredHinge")
        return where(m < 1.0, (1.0 - m) * (1.0 - m), 0.0)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Two values for one score, or labels."""
        return _signs_or_labels(target, outputs, dtype, "SquaredHinge")


@LOSSES.register("perceptron", "O5", "M1")
@final
@dataclass(frozen=True)
class Perceptron(Loss):
    """The perceptron loss: ℓ = max(0, −m), with the margin m = y f, or f_y − max of the others.

    One example at a time, at a learning rate of 1, this is Rosenblatt's perceptron: w ← w + y x
    where y f ≤ 0. So at m = 0, where the loss has a corner, the derivative is the one of mistakes:
    weights that are all 0 can start to learn. Nothing rewards a margin: :class:`Hinge` does.

    Shapes: prediction (batch,) or (batch, 1), target alike; or (batch, K) and (batch,).

    Source: Rosenblatt 1958; Novikoff 1962; L1.

    >>> import steepest as st
    >>> st.losses.Perceptron()(st.tensor([2.0, -1.0]), st.tensor([1, 1]))
    tensor([0., 1.])
    """

    head: ClassVar[Head] = "scores"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        m = _margin(prediction, target, "Perceptron")
        return where(m <= 0.0, -m, 0.0)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Two values for one score, or labels."""
        return _signs_or_labels(target, outputs, dtype, "Perceptron")


def _margin(prediction: Given, target: Given, name: str) -> Tensor:
    """How far the right class is ahead: y f for one score, f_y − max of the others for several."""
    if _has_one_score(prediction):
        f, y = one_each(prediction, target, name)
        return where(_is_positive(y), f, -f)
    f, y = scores_and_labels(prediction, target, name)
    classes = np.arange(f.shape[1], dtype=np.uint32)
    others = where(expand_dims(converted(y, uint32), axis=-1) == classes, -np.inf, f)
    return _of_the_class(f, y) - max(others, axis=1)


def _has_one_score(prediction: Given) -> bool:
    shape = np.shape(prediction) if not isinstance(prediction, Tensor) else prediction.shape
    return len(shape) < 2 or shape[1:] == (1,)


def _of_the_class(f: Tensor, y: Tensor) -> Tensor:
    chosen = take_along_axis(f, expand_dims(converted(y, uint32), axis=-1), axis=1)
    return reshape(chosen, y.shape)


def _is_positive(y: Tensor) -> Tensor:
    return y if y.dtype.kind == "b" else y > 0


def _signs_or_labels(target: Array, outputs: Shape, dtype: DType, name: str) -> Array:
    if outputs in ((), (1,)):
        return signs(target, outputs, dtype, name)
    return labels(target, outputs, name)
