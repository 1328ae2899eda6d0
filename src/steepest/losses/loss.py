"""What a loss is, and how one is found by its name."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

from steepest.errors import ConfigurationError, nearest
from steepest.ir.types import Array, DType, Shape
from steepest.methods import Registry
from steepest.tensor.tensor import Tensor

Given: TypeAlias = Tensor | Array | Sequence[Any]
LossFunction: TypeAlias = Callable[[Tensor, Tensor], Tensor]
Head: TypeAlias = Literal[
    "value", "log", "quantiles", "probabilities", "labels", "scores", "one score"
]


class Loss(ABC):
    """A loss: (prediction, target) to one number per example; and what it wants of targets.

    Attributes:
        head: what a network gives under it: the value itself, its logarithm, a column per quantile,
            scores of classes whose softmax are probabilities, a score per label whose sigmoid is
            its probability, other scores of classes, or one score of two classes.
    """

    head: ClassVar[Head]

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

        Raises:
            DataError, DTypeError, ShapeError: targets that the loss is not made for; names the
                first.
        """


LOSSES = Registry[type[Loss]]("loss", option="--loss NAME")


def loss(which: str | LossFunction, options: Mapping[str, Any] | None = None, /) -> LossFunction:
    """The loss of this name; a function of (prediction, target) is one itself.

    Args:
        which: a name, a loss, or a function to one number per example.
        options: of a loss that is named: ``{"delta": 0.5}``.

    Raises:
        ConfigurationError: there is none; the nearest names are given.

    >>> import steepest as st
    >>> st.losses.loss("cross_entropy")
    CrossEntropy()
    >>> st.losses.loss("huber", {"delta": 0.5})
    Huber(delta=0.5)
    """
    if not isinstance(which, str):
        return which
    found = LOSSES.find(which)
    known = list(inspect.signature(found).parameters)
    for name in options or {}:
        if name not in known:
            hint = nearest(name, known) if known else "it has none"
            raise ConfigurationError(f"the loss {which!r} has no option {name!r}; {hint}")
    return found(**(options or {}))
