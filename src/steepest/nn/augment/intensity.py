"""Augmentations that change how bright pixels are: noise, brightness, contrast."""

from __future__ import annotations

from typing import Any, final

from steepest.errors import ConfigurationError
from steepest.nn.augment.named import AUGMENTATIONS
from steepest.nn.augment.pixels import as_numbers, as_pixels, check_images, full_range
from steepest.nn.mode import is_training
from steepest.nn.module import Module
from steepest.ops.movement import reshape
from steepest.ops.reduce import mean
from steepest.ops.rows import converted
from steepest.tensor import random
from steepest.tensor.tensor import Tensor


@final
@AUGMENTATIONS.register("noise", "N6")
class GaussianNoise(Module):
    """Normal noise added to each pixel, drawn for each image, in training only.

    y = x + σ w ε, ε ~ N(0, 1), where w is white: 1 for floats, 255 for uint8, whose sums are
    rounded and kept in their range.

    Args:
        deviation: σ, as a share of white.

    Shapes: (n, h, w) or (n, h, w, channels), integers or floats, to the same; so for all of these.

    Raises:
        ConfigurationError: a deviation that is not above 0.

    Source: Bishop 1995 (training with noise as a penalty).

    >>> import steepest as st
    >>> with st.nn.training(), st.random.stream(0):
    ...     st.nn.augment.GaussianNoise(0.1)(st.ones((2, 5, 5), dtype=st.uint8)).dtype
    dtype('uint8')
    """

    def __init__(self, deviation: float = 0.05) -> None:
        self.deviation = _positive(deviation, "GaussianNoise: the deviation")

    def forward(self, x: Tensor) -> Tensor:
        """Add in training, pass on in use."""
        check_images(x, repr(self))
        if not is_training():
            return x
        values = as_numbers(x)
        drawn = random.normal(x.shape, deviation=self.deviation * full_range(x))
        return as_pixels(values + converted(drawn, values.dtype), x)


@final
@AUGMENTATIONS.register("brightness", "N6")
class Brightness(Module):
    """Each image brighter or darker by a part of white, in training only.

    y = x + b w, where w is white (1 for floats, 255 for uint8, which is kept in its range) and b is
    drawn for each image, uniformly from −a to a.

    Args:
        amount: a, a share of white.

    Raises:
        ConfigurationError: an amount that is not above 0.

    Source: Krizhevsky et al. 2012, section 4.1 (of which it is the simplest form).

    >>> import steepest as st
    >>> with st.nn.training(), st.random.stream(0):
    ...     st.nn.augment.Brightness(0.2)(st.ones((2, 5, 5))).shape
    (2, 5, 5)
    """

    def __init__(self, amount: float = 0.1) -> None:
        self.amount = _positive(amount, "Brightness: the amount")

    def forward(self, x: Tensor) -> Tensor:
        """Change in training, pass on in use."""
        check_images(x, repr(self))
        if not is_training():
            return x
        values = as_numbers(x)
        change = _one_each(values, self.amount) * full_range(x)
        return as_pixels(values + change, x)


@final
@AUGMENTATIONS.register("contrast", "N6")
class Contrast(Module):
    """Each image's differences from its own mean made larger or smaller, in training only.

    y = m + (1 + c)(x − m), where m is the image's mean and c is drawn for each image, uniformly
    from −a to a. Integers are rounded and kept in their range.

    Args:
        amount: a.

    Raises:
        ConfigurationError: an amount that is not above 0.

    Source: Howard 2013 (arXiv 1312.5402).

    >>> import steepest as st
    >>> with st.nn.training(), st.random.stream(0):
    ...     st.nn.augment.Contrast(0.2)(st.ones((2, 5, 5))).shape
    (2, 5, 5)
    """

    def __init__(self, amount: float = 0.1) -> None:
        self.amount = _positive(amount, "Contrast: the amount")

    def forward(self, x: Tensor) -> Tensor:
        """Change in training, pass on in use."""
        check_images(x, repr(self))
        if not is_training():
            return x
        values = as_numbers(x)
        middle = mean(values, axis=tuple(range(1, x.ndim)), keepdims=True)
        factor = _one_each(values, self.amount) + 1.0
        return as_pixels(middle + factor * (values - middle), x)


def _one_each(values: Tensor, amount: float) -> Tensor:
    """A number for each image, from −amount to amount, that stretches over its pixels."""
    drawn = random.uniform(values.shape[:1], low=-amount, high=amount)
    return reshape(converted(drawn, values.dtype), (values.shape[0], *(1,) * (values.ndim - 1)))


def _positive(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ConfigurationError(f"{what} is a number above 0, not {value!r}")
    return float(value)
