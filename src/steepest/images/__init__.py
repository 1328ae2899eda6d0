"""Images: from a folder or a file of them to a fitted model and back."""

from steepest.images.fit import fit_images
from steepest.images.load import load
from steepest.images.model import ImageModel

__all__ = [
    "ImageModel",
    "fit_images",
    "load",
]
