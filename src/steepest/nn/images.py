"""From images to the numbers a network takes: standardised by the training images, flattened."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from steepest.errors import ShapeError
from steepest.ir.op import explain
from steepest.ir.types import Array, is_floating
from steepest.methods import Registry, implements
from steepest.nn.module import Module
from steepest.ops.movement import reshape
from steepest.ops.rows import converted
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor

IMAGE_SCALINGS: Registry[Any] = Registry(
    "scaling of images", option="--set images.standardise=NAME"
)


@final
@implements("N6")
class Flatten(Module):
    """Each example as a row of numbers: (n, …) to (n, product of the others).

    y[i] = x[i] in row-major order.

    Source: NumPy's reshape.

    >>> import steepest as st
    >>> st.nn.Flatten()(st.ones((5, 28, 28))).shape
    (5, 784)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Flatten all axes but the first."""
        size = 1
        for extent in x.shape[1:]:
            size *= extent
        return reshape(x, (x.shape[0], size))


@final
class Standardise(Module):
    """Numbers subtracted and scaled that were fitted to training images: y = (x − mean) · scale.

    Integers become floating-point numbers. mean and scale are kept with the model and not trained.

    Args:
        mean: an array that stretches to one image.
        scale: likewise.

    Shapes: (n, …) to (n, …).

    Raises:
        ShapeError: images of another shape.

    Source: lecture 1 (per-channel and mean-image subtraction).

    >>> import numpy as np, steepest as st
    >>> layer = st.nn.IMAGE_SCALINGS["channels"](np.array([[[0, 10]]], np.uint8))
    >>> layer(st.tensor([[[0.0, 10.0]]]))
    tensor([[[-1.,  1.]]])
    """

    def __init__(self, mean: Array, scale: Array) -> None:
        self.mean = State(np.asarray(mean, np.float32), trainable=False)
        self.scale = State(np.asarray(scale, np.float32), trainable=False)

    def forward(self, x: Tensor) -> Tensor:
        """Subtract and scale."""
        shape = x.shape[1:]
        for cell in (self.mean, self.scale):
            if cell.shape and np.broadcast_shapes(cell.shape, shape) != shape:
                error = ShapeError(f"it was fitted to images of shape {cell.shape}")
                raise explain(error, "Standardise", (x,))
        values = x if is_floating(x.dtype) else converted(x, self.mean.dtype)
        return (values - self.mean.value) * self.scale.value


@IMAGE_SCALINGS.register("channels", "N1")
def standardise_channels(images: Array) -> Standardise:
    """Subtract each channel's mean over images and places, and divide by its deviation.

    y = (x − μ_c) / σ_c, with σ² by N; a constant channel becomes 0. (n, h, w) is one channel.

    Source: lecture 1; Simonyan and Zisserman 2014.

    >>> import numpy as np, steepest as st
    >>> layer = st.nn.standardise_channels(np.array([[[[1, 5], [3, 5]]]], np.uint8))
    >>> layer(st.tensor([[[[1.0, 5.0], [3.0, 7.0]]]])).tolist()
    [[[[-1.0, 0.0], [1.0, 0.0]]]]
    """
    axes = (0, 1, 2)
    mean = images.mean(axes, dtype=np.float64)
    return Standardise(mean, _inverse(images.std(axes, dtype=np.float64)))


@IMAGE_SCALINGS.register("mean_image", "N1")
def subtract_mean_image(images: Array) -> Standardise:
    """Subtract the mean training image, and divide by one deviation of all that is left.

    y = (x − x̄) / σ, σ² the mean over images and places of (x − x̄)².

    Source: lecture 1; Krizhevsky et al. 2012.

    >>> import numpy as np, steepest as st
    >>> layer = st.nn.subtract_mean_image(np.array([[[0, 4]], [[2, 6]]], np.uint8))
    >>> layer(st.tensor([[[0.0, 6.0]]])).tolist()
    [[[-1.0, 1.0]]]
    """
    mean = images.mean(0, dtype=np.float64)
    total = 0.0
    for each in images:  # one by one: all at once would be eight times their memory
        total += float(np.sum((each - mean) ** 2))
    return Standardise(mean, _inverse(np.sqrt(total / images.size)))


@IMAGE_SCALINGS.register("unit", "N1")
def scale_to_unit(images: Array) -> Standardise:
    """Black becomes 0 and white 1: integers divided by the largest of their type.

    y = x / 255 for uint8; floating-point numbers stay as they are. Nothing is fitted.

    Source: as in most tutorials.

    >>> import numpy as np, steepest as st
    >>> st.nn.scale_to_unit(np.zeros((1, 1, 1), np.uint8))(st.tensor([[[255]]], dtype=st.uint8))
    tensor([[[1.]]])
    """
    white = 1.0 if is_floating(images.dtype) else float(np.iinfo(images.dtype).max)
    return Standardise(np.array(0.0), np.array(1.0 / white))


def _inverse(deviation: Any) -> Array:
    """1/σ, and 0 where σ is 0: a constant becomes 0."""
    safe = np.where(deviation > 0, deviation, 1.0)
    return np.where(deviation > 0, 1.0 / safe, 0.0)
