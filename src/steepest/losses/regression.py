"""Losses for numbers: squared, absolute, Huber, Poisson."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from steepest.errors import ConfigurationError, DataError
from steepest.ir.types import Array, DType, Shape
from steepest.losses.loss import LOSSES, Given, Head, Loss
from steepest.losses.targets import alike, numbers
from steepest.ops.elementwise import abs, exp, square, where
from steepest.ops.reduce import mean
from steepest.tensor.tensor import Tensor


@LOSSES.register("half_squared_error", "O2")
@final
@dataclass(frozen=True)
class HalfSquaredError(Loss):
    """Half the squared error: ℓ = ½ (f − y)²; its gradient is f − y.

    With several outputs, their mean: ½ (1/m) Σⱼ (fⱼ − yⱼ)², which is scikit-learn's and half of
    PyTorch's ``MSELoss``.

    Shapes: prediction (batch,) or (batch, m), target alike; (batch, 1) meets (batch,).

    Source: L1.

    >>> import steepest as st
    >>> st.losses.HalfSquaredError()(st.tensor([1.0, 5.0]), st.tensor([1.0, 3.0]))
    tensor([0., 2.])
    """

    head: ClassVar[Head] = "value"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = alike(prediction, target, "HalfSquaredError")
        return 0.5 * _each(square(f - y))

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Numbers, cast to the model's element type."""
        return numbers(target, outputs, dtype)


@LOSSES.register("squared_error", "O2")
@final
@dataclass(frozen=True)
class SquaredError(Loss):
    """The squared error: ℓ = (f − y)², or its mean over several outputs: PyTorch's ``MSELoss``.

    Shapes: prediction (batch,) or (batch, m), target alike; (batch, 1) meets (batch,).

    Source: L3.

    >>> import steepest as st
    >>> st.losses.SquaredError()(st.tensor([1.0, 5.0]), st.tensor([1.0, 3.0]))
    tensor([0., 4.])
    """

    head: ClassVar[Head] = "value"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = alike(prediction, target, "SquaredError")
        return _each(square(f - y))

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Numbers, cast to the model's element type."""
        return numbers(target, outputs, dtype)


@LOSSES.register("absolute_error", "O5")
@final
@dataclass(frozen=True)
class AbsoluteError(Loss):
    """The absolute error: ℓ = |f − y|, smallest in the mean at the median; its gradient is ±1.

    A few wild targets move it little. At f = y the gradient is 0. With several outputs, their mean.
    PyTorch's ``L1Loss``.

    Shapes: prediction (batch,) or (batch, m), target alike; (batch, 1) meets (batch,).

    Source: Laplace 1774; Boscovich 1757.

    >>> import steepest as st
    >>> st.losses.AbsoluteError()(st.tensor([1.0, 5.0]), st.tensor([1.0, 3.0]))
    tensor([0., 2.])
    """

    head: ClassVar[Head] = "value"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = alike(prediction, target, "AbsoluteError")
        return _each(abs(f - y))

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Numbers, cast to the model's element type."""
        return numbers(target, outputs, dtype)


@LOSSES.register("huber", "O5")
@final
@dataclass(frozen=True)
class Huber(Loss):
    """Huber's loss: ℓ = ½ r² where |r| ≤ δ, else δ (|r| − ½ δ), with r = f − y.

    Squares small errors and counts large ones in proportion, so that its gradient is at most δ.
    PyTorch's ``HuberLoss``; its ``SmoothL1Loss`` is this divided by δ. On tables, whose targets are
    standardised, δ is in standard deviations of the target.

    Args:
        delta: δ, where squares end, in the units of the target.

    Shapes: prediction (batch,) or (batch, m), target alike; (batch, 1) meets (batch,).

    Source: Huber 1964.

    Raises:
        ConfigurationError: δ is not above 0.

    >>> import steepest as st
    >>> st.losses.Huber(1.0)(st.tensor([0.5, 3.0]), st.tensor([0.0, 0.0]))
    tensor([0.125, 2.5  ])
    """

    delta: float = 1.0
    head: ClassVar[Head] = "value"

    def __post_init__(self) -> None:
        _check_positive(self.delta, "Huber: delta")

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = alike(prediction, target, "Huber")
        r = abs(f - y)
        return _each(where(r <= self.delta, 0.5 * square(r), self.delta * (r - 0.5 * self.delta)))

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Numbers, cast to the model's element type."""
        return numbers(target, outputs, dtype)


@LOSSES.register("poisson", "O5")
@final
@dataclass(frozen=True)
class Poisson(Loss):
    """Counts, by the Poisson distribution with a log link: ℓ = exp(f) − y f; gradient exp(f) − y.

    f is the logarithm of the expected count. The term log y! is left out, as it does not depend on
    f: PyTorch's ``PoissonNLLLoss`` with its defaults. Targets are 0 or more, not only integers: a
    rate per unit of exposure, weighted by the exposure, is fine.

    Shapes: prediction (batch,) or (batch, m), target alike; (batch, 1) meets (batch,).

    Source: Nelder, Wedderburn 1972.

    Raises:
        DataError: a negative target.

    >>> import steepest as st
    >>> st.losses.Poisson()(st.tensor([0.0]), st.tensor([3.0]))
    tensor([1.])
    """

    head: ClassVar[Head] = "log"

    def __call__(self, prediction: Given, target: Given) -> Tensor:
        """The loss of each example."""
        f, y = alike(prediction, target, "Poisson")
        return _each(exp(f) - y * f)

    def prepare(self, target: Array, outputs: Shape, dtype: DType) -> Array:
        """Numbers from 0 on, cast to the model's element type."""
        prepared = numbers(target, outputs, dtype)
        negative = np.argwhere(prepared < 0)
        if len(negative):
            place: list[int] = negative[0].tolist()
            raise DataError(
                f"Poisson is for counts, numbers from 0 on; y holds {target[tuple(place)]} at row "
                f"{place[0]} (counted from 0); for other numbers use HalfSquaredError"
            )
        return prepared


def _each(values: Tensor) -> Tensor:
    """The mean of an example's numbers."""
    return values if values.ndim == 1 else mean(values, axis=tuple(range(1, values.ndim)))


def _check_positive(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
        raise ConfigurationError(f"{what} is a number above 0, not {value!r}")
