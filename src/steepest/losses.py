"""Losses: how wrong a prediction is, for each example.

A loss maps (prediction, target) to one number per example. The Trainer averages: a batch's loss is
(1/B) Σ wᵢ ℓᵢ with weights of mean 1 over the whole training set (not over the batch), so that the
mini-batch gradient is unbiased.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, final

import numpy as np

from steepest.errors import DataError, DTypeError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import Array, DType, Shape, is_floating, uint32
from steepest.methods import Registry
from steepest.ops.composite import logsumexp, softplus
from steepest.ops.elementwise import square, where
from steepest.ops.index import take_along_axis
from steepest.ops.movement import expand_dims, reshape
from steepest.ops.reduce import mean
from steepest.ops.rows import converted
from steepest.tensor.creation import asarray
from steepest.tensor.tensor import Tensor

__all__ = [
    "LOSSES",
    "BinaryLogistic",
    "CrossEntropy",
    "HalfSquaredError",
    "Loss",
    "SquaredError",
    "loss",
]

Given: TypeAlias = Tensor | Array | Sequence[Any]


class Loss(ABC):
    """A loss: (prediction, target) to one number per example; and what it wants of targets.

    Attributes:
        tasks: "classification" for tables whose network gives a score per class, "regression" for
            those with one number.
    """

    tasks: ClassVar[tuple[str, ...]] = ("regression",)

    @abstractmethod
    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example, of shape (batch,); NumPy arrays and lists become Tensors."""

    @abstractmethod
    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Targets as the Trainer needs them.

        Args:
            target: as the user gave them, one per example.
            outputs: the shape of one prediction.
            dtype: the element type of the model.

        Errors:
            DataError, DTypeError, ShapeError: targets that the loss is not made for; names the
            first.
        """


LOSSES = Registry[type[Loss]]("loss", option="--loss NAME")


@LOSSES.register("half_squared_error", "O2")
@final
@dataclass(frozen=True)
class HalfSquaredError(Loss):
    """Half the squared error, ℓ = ½ (f − y)²; its gradient is f − y.

    With several outputs, their mean: ½ (1/m) Σⱼ (fⱼ − yⱼ)², which is scikit-learn's and half of
    PyTorch's ``MSELoss``.

    Shapes: prediction (batch,) or (batch, m), target alike; (batch, 1) meets (batch,).

    >>> import steepest as st
    >>> st.losses.HalfSquaredError()(st.tensor([1.0, 5.0]), st.tensor([1.0, 3.0]))
    tensor([0., 2.])
    """

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        return 0.5 * _mean_square(prediction, target, "HalfSquaredError")

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Numbers, cast to the model's element type."""
        return _numbers(target, outputs, dtype)


@LOSSES.register("squared_error", "O2")
@final
@dataclass(frozen=True)
class SquaredError(Loss):
    """The squared error, ℓ = (f − y)², or its mean over several outputs: PyTorch's ``MSELoss``.

    Shapes: prediction (batch,) or (batch, m), target alike; (batch, 1) meets (batch,).

    >>> import steepest as st
    >>> st.losses.SquaredError()(st.tensor([1.0, 5.0]), st.tensor([1.0, 3.0]))
    tensor([0., 4.])
    """

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        return _mean_square(prediction, target, "SquaredError")

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Numbers, cast to the model's element type."""
        return _numbers(target, outputs, dtype)


@LOSSES.register("binary_logistic", "O3")
@final
@dataclass(frozen=True)
class BinaryLogistic(Loss):
    """The logistic loss of two classes, ℓ = log(1 + exp(−y f)) with y ∈ {−1, 1}.

    Targets in {0, 1} (or booleans) are accepted: 0 counts as −1. f is a score (logit): the
    probability of the class 1 is sigmoid(f). Safe for scores of any size. PyTorch's
    ``BCEWithLogitsLoss``.

    Shapes: prediction (batch,) or (batch, 1), target alike.

    >>> import steepest as st
    >>> st.losses.BinaryLogistic()(st.tensor([0.0, 1e4]), st.tensor([1, 0]))
    tensor([6.931472e-01, 1.000000e+04])
    """

    tasks: ClassVar[tuple[str, ...]] = ()  # of two classes by one score

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = _one_each(prediction, target, "BinaryLogistic")
        positive = y if y.dtype.kind == "b" else y > 0
        return softplus(where(positive, -f, f))

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Two values, {−1, 1} or {0, 1}."""
        target = target.astype(dtype) if target.dtype.kind == "b" else target
        _refuse_text(target)
        found = np.unique(target)
        if not (np.isin(found, (0, 1)).all() or np.isin(found, (-1, 1)).all()):
            raise DataError(
                f"BinaryLogistic is for two classes written as 0 and 1, or −1 and 1; y holds "
                f"{_some(found)}; for more classes use CrossEntropy, for numbers HalfSquaredError"
            )
        _check_shape(target, outputs)
        return target.astype(dtype)


@LOSSES.register("cross_entropy", "O4")
@final
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """The cross entropy of K classes, ℓ = −log softmax(f)_y = log Σₖ exp fₖ − f_y.

    f are scores (logits), safe up to ±1e4 and beyond; y is the class, an integer from 0 to K − 1.
    With K = 2 and f₂ = 0 it is :class:`BinaryLogistic`. PyTorch's ``CrossEntropyLoss``, per
    example.

    Shapes: prediction (batch, K), target (batch,).

    Errors:
        DTypeError: labels that are no integers.
        DataError: a label outside of 0 … K − 1.

    >>> import steepest as st
    >>> st.losses.CrossEntropy()(st.tensor([[0.0, 0.0], [1e4, 0.0]]), st.tensor([0, 1]))
    tensor([6.931472e-01, 1.000000e+04])
    """

    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        prediction, target = _tensor(prediction), _tensor(target)
        if prediction.ndim != 2 or target.shape != prediction.shape[:1]:
            error = ShapeError("prediction is (batch, classes) and target (batch,)")
            raise explain(error, "CrossEntropy", (prediction, target))
        if not target.is_traced:
            _labels(target.data, prediction.shape[-1])
        labels = expand_dims(converted(target, uint32), axis=-1)
        chosen = take_along_axis(prediction, labels, axis=1)
        return logsumexp(prediction, axis=1) - reshape(chosen, target.shape)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Labels, integers from 0 to K − 1."""
        if len(outputs) != 1:
            raise ShapeError(
                "CrossEntropy needs a prediction of shape (batch, classes); "
                f"one example's is {outputs}"
            )
        if target.ndim == 2 and target.shape[1] == 1:
            target = target[:, 0]
        if target.ndim != 1:
            raise ShapeError(f"labels are one number per example; y has shape {target.shape}")
        _labels(target, outputs[0])
        return target.astype(uint32)


LossFunction: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def loss(which: str | LossFunction) -> LossFunction:
    """The loss of this name; a function of (prediction, target) is one itself.

    Errors:
        ConfigurationError: there is none; the nearest names are given.

    >>> import steepest as st
    >>> st.losses.loss("cross_entropy")
    CrossEntropy()
    """
    if not isinstance(which, str):
        return which
    return LOSSES.find(which)()


# -------------------------------------------------------------------------------------- shapes


def _tensor(given: Given) -> Tensor:
    return asarray(given)


def _one_each(prediction: Given, target: Given, name: str) -> tuple[Tensor, Tensor]:
    """Both as (batch,): never (batch, 1) against (batch,), which would broadcast to a square."""
    prediction, target = _tensor(prediction), _tensor(target)
    f, y = (
        reshape(each, each.shape[:1]) if each.ndim == 2 and each.shape[1] == 1 else each
        for each in (prediction, target)
    )
    if f.ndim != 1 or f.shape != y.shape:
        error = ShapeError("prediction and target are one number per example, (batch,)")
        raise explain(error, name, (prediction, target))
    return f, y


def _mean_square(prediction: Given, target: Given, name: str) -> Tensor:
    prediction, target = _tensor(prediction), _tensor(target)
    if prediction.size == prediction.shape[0]:
        f, y = _one_each(prediction, target, name)
        return square(f - y)
    if prediction.shape != target.shape:
        error = ShapeError("prediction and target should have equal shapes")
        raise explain(error, name, (prediction, target))
    return mean(square(prediction - target), axis=tuple(range(1, prediction.ndim)))


def _check_shape(target: Array, outputs: Shape) -> None:
    one = target.ndim == 1 and outputs in ((), (1,))
    if target.shape[1:] != outputs and not one and not (target.shape[1:] == (1,) and not outputs):
        raise ShapeError(
            f"y holds {target.shape[1:]} numbers per example, the model gives {outputs}"
        )


def _numbers(target: Array, outputs: Shape, dtype: DType) -> Array:
    _refuse_text(target)
    _check_shape(target, outputs)
    return target.astype(dtype)


def _refuse_text(target: Array) -> None:
    if target.dtype.kind not in "biuf":
        raise DTypeError(f"y holds {target.dtype}, which are no numbers; encode it first")


def _labels(target: Array, classes: int) -> None:
    if target.dtype.kind not in "biu":
        hint = "; use y.astype(int)" if is_floating(target.dtype) else ""
        raise DTypeError(
            f"CrossEntropy: labels are integers from 0 to {classes - 1}, not {target.dtype}{hint}"
        )
    outside = np.flatnonzero((target < 0) | (target >= classes))
    if outside.size:
        row = int(outside[0])
        raise DataError(
            f"CrossEntropy: the label {target[row]} of example {row} is outside of 0 … "
            f"{classes - 1}, the model's {classes} outputs"
        )


def _some(values: Array) -> str:
    shown = ", ".join(str(value) for value in values[:4])
    return f"{shown}, …" if values.size > 4 else shown
