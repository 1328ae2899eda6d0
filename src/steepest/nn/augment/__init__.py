"""Augmentations of images: layers that change each example a little, anew at every step.

They are the first layers of a network, compute inside the compiled training step, draw from its
stream, and do nothing in use.
"""

from steepest.nn.augment.compose import Compose
from steepest.nn.augment.geometric import (
    Crop,
    Geometric,
    HorizontalFlip,
    Rotation,
    Scale,
    Shift,
    VerticalFlip,
)
from steepest.nn.augment.intensity import Brightness, Contrast, GaussianNoise
from steepest.nn.augment.maps import Map
from steepest.nn.augment.named import AUGMENTATIONS, augmentation

__all__ = [
    "AUGMENTATIONS",
    "Brightness",
    "Compose",
    "Contrast",
    "Crop",
    "GaussianNoise",
    "Geometric",
    "HorizontalFlip",
    "Map",
    "Rotation",
    "Scale",
    "Shift",
    "VerticalFlip",
    "augmentation",
]
