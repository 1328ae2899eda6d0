"""The quantile loss, of one quantile or of several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, final

import numpy as np

from steepest.errors import ConfigurationError, DataError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import Array, DType, Shape
from steepest.losses.loss import LOSSES, Given, Head, Loss
from steepest.losses.targets import numbers
from steepest.ops.elementwise import where
from steepest.ops.movement import reshape
from steepest.ops.reduce import mean
from steepest.tensor.creation import asarray
from steepest.tensor.tensor import Tensor


@LOSSES.register("quantile", "O5", option="--quantiles Q,Q")
@final
@dataclass(frozen=True, init=False)
class Quantile(Loss):
    """The quantile (pinball) loss: ℓ = q r where r ≥ 0, else (q − 1) r, with r = y − f.

    Its mean is smallest where a share q of the targets lies below f. Several quantiles at once have
    an output each, ℓ is their mean, and the outermost are an interval: 0.05 and 0.95 hold 90 % of
    the targets, if the model is right. scikit-learn's ``mean_pinball_loss``, for one.

    Nothing keeps outputs of separate quantiles from crossing. A model of a table sorts them when it
    predicts, which never makes the loss larger (Chernozhukov et al. 2010); a network of your own
    gives them as they are: sort them too, ``np.sort(trainer.predict(x), axis=1)``.

    Args:
        quantiles: one number, or several in rising order, between 0 and 1.

    Shapes: prediction (batch, number of quantiles), or (batch,) for one; target (batch,).

    Source: Koenker, Bassett 1978.

    Raises:
        ConfigurationError: quantiles outside of (0, 1), twice the same, or not in order.

    >>> import steepest as st
    >>> st.losses.Quantile(0.75)(st.tensor([0.0, 0.0]), st.tensor([1.0, -1.0]))
    tensor([0.75, 0.25])
    >>> st.losses.Quantile([0.1, 0.5, 0.9])(st.zeros((4, 3)), st.ones((4,))).shape
    (4,)
    """

    quantiles: tuple[float, ...]
    head: ClassVar[Head] = "quantiles"

    def __init__(self, quantiles: float | Sequence[float] | Array = (0.1, 0.5, 0.9)) -> None:
        object.__setattr__(self, "quantiles", _checked(quantiles))

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        prediction, target = asarray(prediction), asarray(target)
        count, rows = len(self.quantiles), target.shape[:1]
        one = count == 1 and prediction.ndim == 1
        if target.size != target.shape[0] or prediction.shape != (rows if one else (*rows, count)):
            error = ShapeError(f"prediction is (batch, {count}), one number per quantile, and "
                               "target (batch,)")  # fmt: skip
            raise explain(error, repr(self), (prediction, target))
        r = reshape(target, (*rows, 1)) - reshape(prediction, (*rows, count))
        q = np.asarray(self.quantiles, r.dtype)
        return mean(where(r >= 0.0, r * q, r * (q - r.dtype.type(1.0))), axis=1)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """One number per example, cast to the model's element type."""
        wanted = len(self.quantiles)
        if outputs != (wanted,) and not (wanted == 1 and outputs == ()):
            raise ShapeError(
                f"{self!r} needs a model with {wanted} outputs, one for each quantile; one "
                f"example's prediction is {outputs}"
            )
        if target.size != len(target):
            raise DataError(f"y should be one number per example, not of shape {target.shape}")
        return numbers(target.reshape(-1), (), dtype)


def _checked(given: float | Sequence[float] | Array) -> tuple[float, ...]:
    several: list[float] = np.atleast_1d(np.asarray(given, object)).tolist()
    numeric = all(isinstance(q, int | float | np.floating) for q in several)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not several or not numeric or not all(0.0 < q < 1.0 for q in several):
        raise ConfigurationError(
            f"Quantile: quantiles are numbers between 0 and 1, such as 0.1, 0.5, 0.9; not {given!r}"
        )
    if any(later <= first for first, later in pairwise(several)):
        raise ConfigurationError(
            f"Quantile: quantiles are given in rising order, each once; not {given!r}"
        )
    return tuple(float(q) for q in several)
