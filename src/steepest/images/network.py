"""The network of images: augmented in training, standardised, flattened, then a perceptron."""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.nn import IMAGE_SCALINGS, Flatten, Module, Standardise
from steepest.nn.augment import Compose
from steepest.tabular.configuration import Configuration
from steepest.tabular.network import make_perceptron
from steepest.tabular.resolved import Resolved, explicit
from steepest.tabular.sections.network import Network
from steepest.tensor import random
from steepest.tensor.tensor import Tensor


@final
class ImageNetwork(Module):
    """f(x) = MLP(flatten(standardise(augment(x)))), augmented in training only.

    Args:
        augment: what changes images in training.
        standardise: fitted to the training images.
        pixels: numbers of an image.
        outputs: classes.
        network: sizes and activation.
        dropout: probability of dropping a hidden unit.

    Shapes: (n, h, w) or (n, h, w, channels) to (n, outputs).
    """

    def __init__(
        self,
        *,
        augment: Compose,
        standardise: Standardise,
        pixels: int,
        outputs: int,
        network: Network,
        dropout: float,
    ) -> None:
        self.augment = augment
        self.standardise = standardise
        self.flatten = Flatten()
        self.perceptron = make_perceptron(pixels, outputs, network, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Compute a score for each class."""
        return self.perceptron(self.flatten(self.standardise(self.augment(x))))


def build_image_network(
    images: NDArray[Any],
    outputs: int,
    configuration: Configuration,
    resolved: Resolved,
    member: int = 0,
) -> ImageNetwork:
    """Make the network of images, its weights drawn by the seed.

    Args:
        images: those it is standardised by; of a model from a file, any of its shape and type.
        outputs: classes.
        configuration: says what the layers are.
        resolved: what was left on "auto" there.
        member: of an ensemble; each draws for itself.
    """
    with random.stream(configuration.training.seed, member):
        return ImageNetwork(
            augment=Compose(*configuration.images.augment),
            standardise=IMAGE_SCALINGS.find(configuration.images.standardise)(images),
            pixels=math.prod(images.shape[1:]),
            outputs=outputs,
            network=explicit(configuration.network, resolved),
            dropout=resolved.dropout,
        ).astype(configuration.training.dtype)


def like(shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    """One black image of a shape and element type."""
    return np.zeros((1, *shape), np.dtype(kind))
