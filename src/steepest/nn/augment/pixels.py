"""Images as augmentations take and give them: one shape, one element type, one range."""

from __future__ import annotations

import numpy as np

from steepest.errors import DTypeError, ShapeError
from steepest.ir.op import explain
from steepest.ir.types import bool_, float32, is_floating
from steepest.ops.composite import clip
from steepest.ops.elementwise import round
from steepest.ops.rows import converted
from steepest.tensor.tensor import Tensor


def check_images(x: Tensor, name: str) -> None:
    """Refuse what is no batch of images.

    Raises:
        ShapeError: neither N×H×W nor N×H×W×C.
        DTypeError: booleans.
    """
    if x.ndim not in (3, 4):
        what = (
            "images are N×H×W or N×H×W×C (channels last); reshape rows of pixels, as in "
            "x.reshape(-1, 28, 28)"
        )
        raise explain(ShapeError(what), name, (x,))
    if x.dtype == bool_:
        raise explain(DTypeError("images are numbers; use .astype"), name, (x,))


def full_range(x: Tensor) -> float:
    """What white is: 1 for floating-point numbers, the largest number of an integer type."""
    return 1.0 if is_floating(x.dtype) else float(np.iinfo(x.dtype).max)


def as_numbers(x: Tensor) -> Tensor:
    """Pixels to compute with: floating-point ones as they are, integers in float32."""
    return x if is_floating(x.dtype) else converted(x, float32)


def as_pixels(values: Tensor, like: Tensor) -> Tensor:
    """Back to the element type of an image: integers are rounded and kept in their range."""
    if is_floating(like.dtype):
        return converted(values, like.dtype)
    limits = np.iinfo(like.dtype)
    bounded = clip(round(values), float(limits.min), float(limits.max))
    return converted(bounded, like.dtype)
