"""Augmentations that move pixels: flips, shifts, rotations, zooms, crops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

from steepest.errors import ConfigurationError, nearest
from steepest.nn.augment.maps import Map
from steepest.nn.augment.named import AUGMENTATIONS
from steepest.nn.augment.pixels import check_images
from steepest.nn.augment.resample import OUTSIDE, Outside, radians, resampled
from steepest.nn.mode import is_training
from steepest.nn.module import Module
from steepest.ops.elementwise import cos, floor, sin, where
from steepest.tensor import random
from steepest.tensor.creation import ones, zeros
from steepest.tensor.tensor import Tensor


class Geometric(Module, ABC):
    """An augmentation that draws, for each image, where its pixels come from.

    A subclass sets ``outside`` and writes ``draw``.
    """

    outside: Outside

    @abstractmethod
    def draw(self, n: int, height: int, width: int) -> Map:
        """Maps for ``n`` images, drawn from the current stream."""

    def forward(self, x: Tensor) -> Tensor:
        """Move pixels in training, pass on in use."""
        check_images(x, repr(self))
        if not is_training():
            return x
        return resampled(x, self.draw(*x.shape[:3]), self.outside)


@final
@AUGMENTATIONS.register("flip", "N6")
class HorizontalFlip(Geometric):
    """Left and right exchanged, for each image with a probability, in training only.

    y[i, j] = x[i, w − 1 − j]

    Args:
        probability: of a flip.

    Shapes: (n, h, w) or (n, h, w, channels), integers or floats, to the same; so for all of these.

    Raises:
        ConfigurationError: a probability outside of [0, 1].

    Source: Krizhevsky et al. 2012, section 4.1.

    >>> import steepest as st
    >>> x = st.tensor([[[1.0, 2.0, 3.0]]])
    >>> with st.nn.training():
    ...     st.nn.augment.HorizontalFlip(1.0)(x)
    tensor([[[3., 2., 1.]]])
    """

    def __init__(self, probability: float = 0.5) -> None:
        self.probability = _share(probability, "HorizontalFlip: the probability")
        self.outside: Outside = "zero"

    def draw(self, n: int, height: int, width: int) -> Map:
        """A sign for each image."""
        still = zeros((n,))
        return Map(yy=ones((n,)), xx=_signs(self.probability, n), y0=still, x0=still)


@final
@AUGMENTATIONS.register("flip_vertical", "N6")
class VerticalFlip(Geometric):
    """Top and bottom exchanged, for each image with a probability, in training only.

    y[i, j] = x[h − 1 − i, j]

    Args:
        probability: of a flip.

    Raises:
        ConfigurationError: a probability outside of [0, 1].

    Source: as :class:`HorizontalFlip`, for images without an up and down.

    >>> import steepest as st
    >>> x = st.tensor([[[1.0], [2.0]]])
    >>> with st.nn.training():
    ...     st.nn.augment.VerticalFlip(1.0)(x).tolist()
    [[[2.0], [1.0]]]
    """

    def __init__(self, probability: float = 0.5) -> None:
        self.probability = _share(probability, "VerticalFlip: the probability")
        self.outside: Outside = "zero"

    def draw(self, n: int, height: int, width: int) -> Map:
        """A sign for each image."""
        still = zeros((n,))
        return Map(yy=_signs(self.probability, n), xx=ones((n,)), y0=still, x0=still)


@final
@AUGMENTATIONS.register("shift", "N6")
class Shift(Geometric):
    """A translation by whole pixels, up to k in each direction: y[i, j] = x[i − a, j − b].

    a and b are drawn for each image, uniformly from −k, …, k, in training only. To pad an image by
    k pixels and cut a random part of its old size out, as is often done, is the same.

    Args:
        amount: k in pixels, a whole number; or a share of the image's height and width, below 1.
        outside: what comes in from outside is "zero", or the nearest "edge".

    Raises:
        ConfigurationError: an amount that is neither, or as large as the image; another word for
            outside.

    Source: Krizhevsky et al. 2012, section 4.1.

    >>> import steepest as st
    >>> with st.nn.training(), st.random.stream(0):
    ...     st.nn.augment.Shift(1)(st.ones((1, 3, 3), dtype=st.uint8)).shape
    (1, 3, 3)
    """

    def __init__(self, amount: float = 0.1, outside: Outside = "zero") -> None:
        whole = isinstance(amount, int) and not isinstance(amount, bool) and amount >= 1
        if not whole and not (isinstance(amount, float) and 0.0 < amount < 1.0):
            raise ConfigurationError(
                "Shift: the amount is a whole number of pixels from 1 on, or a share of the image "
                f"between 0 and 1, not {amount!r}"
            )
        self.amount = amount
        self.outside = _outside(outside, "Shift")

    def draw(self, n: int, height: int, width: int) -> Map:
        """Whole pixels down and to the right for each image."""
        down, right = (-self._pixels(n, extent) for extent in (height, width))
        return Map(yy=ones((n,)), xx=ones((n,)), y0=down, x0=right)

    def _pixels(self, n: int, extent: int) -> Tensor:
        most = self.amount if isinstance(self.amount, int) else round(self.amount * extent)
        if most >= extent > 1:
            raise ConfigurationError(
                f"Shift: {most} pixels move all of an image of {extent} pixels out of sight; give "
                "fewer"
            )
        return floor(random.uniform((n,)) * float(2 * most + 1)) - float(most)


@final
@AUGMENTATIONS.register("rotate", "N6")
class Rotation(Geometric):
    """A turn about the middle by an angle φ, drawn for each image from −δ to δ, in training only.

    y(p) = x(R p), R = [[cos φ, sin φ], [−sin φ, cos φ]], where p is (row, column) from the middle,
    in pixels. Positive is counter-clockwise, as in ``scipy.ndimage.rotate``. Between pixels it
    interpolates bilinearly. The picture keeps its size.

    Args:
        degrees: δ.
        outside: what comes in from outside is "zero", or the nearest "edge".

    Raises:
        ConfigurationError: degrees outside of (0, 180]; another word for outside.

    Source: Simard et al. 2003 (affine distortions).

    >>> import steepest as st
    >>> with st.nn.training(), st.random.stream(0):
    ...     st.nn.augment.Rotation(10)(st.ones((2, 5, 5))).shape
    (2, 5, 5)
    """

    def __init__(self, degrees: float = 10.0, outside: Outside = "zero") -> None:
        self.degrees = _between(degrees, 0.0, 180.0, "Rotation: degrees")
        self.outside = _outside(outside, "Rotation")

    def draw(self, n: int, height: int, width: int) -> Map:
        """An angle for each image."""
        most = radians(self.degrees)
        angle = random.uniform((n,), low=-most, high=most)
        cosine, sine, still = cos(angle), sin(angle), zeros((n,))
        return Map(yy=cosine, xx=cosine, y0=still, x0=still, yx=sine, xy=-sine)


@final
@AUGMENTATIONS.register("scale", "N6")
class Scale(Geometric):
    """Larger or smaller by a factor from 1 − a to 1 + a, about the middle: y(p) = x(p / s).

    p is (row, column) from the middle; s is drawn for each image, uniformly, in training only.
    Between pixels it interpolates bilinearly. The picture keeps its size.

    Args:
        amount: a, between 0 and 1.
        outside: what comes in from outside is "zero", or the nearest "edge".

    Raises:
        ConfigurationError: an amount outside of (0, 1); another word for outside.

    Source: Simard et al. 2003 (affine distortions).

    >>> import steepest as st
    >>> with st.nn.training(), st.random.stream(0):
    ...     st.nn.augment.Scale(0.1)(st.ones((2, 5, 5))).shape
    (2, 5, 5)
    """

    def __init__(self, amount: float = 0.1, outside: Outside = "zero") -> None:
        self.amount = _between(amount, 0.0, 1.0, "Scale: the amount", ends=False)
        self.outside = _outside(outside, "Scale")

    def draw(self, n: int, height: int, width: int) -> Map:
        """A factor for each image."""
        factor = 1.0 / random.uniform((n,), low=1.0 - self.amount, high=1.0 + self.amount)
        still = zeros((n,))
        return Map(yy=factor, xx=factor, y0=still, x0=still)


@final
@AUGMENTATIONS.register("crop", "N6")
class Crop(Geometric):
    """A part cut out and stretched to the old size: y(p) = x(s p + c).

    p is (row, column) from the middle; the part has the share s of the height and of the width,
    uniform in [least, 1], and its middle c is uniform among those with the part inside the image;
    drawn for each image, in training only. Between pixels it interpolates bilinearly. Differs from
    torchvision's RandomResizedCrop, which draws the share of the area and an aspect ratio.

    Args:
        least: the smallest share of a side.

    Raises:
        ConfigurationError: a share outside of (0, 1).

    Source: Szegedy et al. 2015, section 6.

    >>> import steepest as st
    >>> with st.nn.training(), st.random.stream(0):
    ...     st.nn.augment.Crop(0.5)(st.ones((2, 4, 4))).shape
    (2, 4, 4)
    """

    def __init__(self, least: float = 0.8) -> None:
        self.least = _between(least, 0.0, 1.0, "Crop: the smallest share", ends=False)
        self.outside: Outside = "edge"

    def draw(self, n: int, height: int, width: int) -> Map:
        """A part of each image."""
        share = random.uniform((n,), low=self.least, high=1.0)
        down, right = (
            random.uniform((n,), low=-0.5, high=0.5) * (1.0 - share) * float(extent)
            for extent in (height, width)
        )
        return Map(yy=share, xx=share, y0=down, x0=right)


def _signs(probability: float, n: int) -> Tensor:
    return where(random.bernoulli(probability, (n,)), -1.0, ones((n,)))


def _share(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"{what} is from 0 to 1, not {value!r}")
    return float(value)


def _between(value: Any, low: float, high: float, what: str, *, ends: bool = True) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low < value <= high or (value == high and not ends):
        last = f"up to {high:g}" if ends else f"and below {high:g}"
        raise ConfigurationError(f"{what} is a number above {low:g} {last}, not {value!r}")
    return float(value)


def _outside(word: str, name: str) -> Outside:
    for known in OUTSIDE:
        if word == known:
            return known
    raise ConfigurationError(f"{name}: outside is not {word!r}; {nearest(str(word), OUTSIDE)}")
