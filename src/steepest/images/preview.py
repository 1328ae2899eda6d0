"""What augmentation makes of images, to look at before training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data import Images
from steepest.nn import training
from steepest.nn.augment import Compose
from steepest.report import draw_augmented
from steepest.tensor import random
from steepest.tensor.creation import tensor


def augmented(
    images: NDArray[Any], augment: Sequence[str], *, draws: int, seed: int = 0
) -> list[NDArray[Any]]:
    """Augment images again and again; each draw has the shape and element type of the images.

    >>> found = augmented(np.zeros((2, 4, 4), np.uint8), ["noise=0.1"], draws=3)
    >>> len(found), found[0].shape
    (3, (2, 4, 4))
    """
    layer = Compose(*augment)
    with training(), random.stream(seed):
        return [layer(tensor(images)).numpy() for _ in range(draws)]


def preview(
    images: Images,
    augment: Sequence[str],
    *,
    rows: int = 4,
    draws: int = 8,
    seed: int = 0,
    format: str = "png",
) -> bytes:
    """Draw a few images, of different classes where there are some, and what becomes of them.

    Args:
        images: any.
        augment: augmentations by name, such as "shift=2".
        rows: how many images.
        draws: how often each is augmented.
        seed: of the draws.
        format: "png", "svg" or "pdf".

    Returns:
        The picture's bytes.
    """
    chosen = images.take(_different(images, rows))
    labels = [""] * len(chosen) if chosen.labels is None else chosen.labels.tolist()
    return draw_augmented(
        chosen.pixels,
        augmented(chosen.pixels, augment, draws=draws, seed=seed),
        labels=[str(label) for label in labels],
        title=", ".join(augment),
        format=format,
    )


def _different(images: Images, rows: int) -> NDArray[np.intp]:
    """The first image of each class, then others, as many as are wanted."""
    first = np.zeros(0, np.intp)
    if images.labels is not None:
        first = np.sort(np.unique(images.labels, return_index=True)[1])
    rest = np.setdiff1d(np.arange(min(len(images), rows + len(first))), first)
    return np.concatenate([first, rest])[:rows].astype(np.intp)
