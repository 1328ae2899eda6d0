"""Images with their labels, as they are kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from steepest.data.levels import in_order
from steepest.errors import DataError

Rows = NDArray[np.intp] | slice


@final
@dataclass(frozen=True, eq=False)
class Images:
    """Images of one size, and for each its label and what it is called.

    Attributes:
        pixels: (n, height, width) or (n, height, width, channels); bytes, or float32 as given.
        labels: the class of each, as text; None where the source tells none.
        names: the file of each, or its number, counted from 0.
        source: the file's or folder's name for messages.
    """

    pixels: NDArray[Any]
    labels: NDArray[np.str_] | None
    names: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        """Count the images."""
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image: (height, width) or (height, width, channels)."""
        return self.pixels.shape[1:]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, numbers in their order.

        Raises:
            DataError: there are no labels.
        """
        return in_order(np.unique(self.known_labels()).tolist())

    def known_labels(self) -> NDArray[np.str_]:
        """The labels, which are needed.

        Raises:
            DataError: there are none.
        """
        if self.labels is None:
            raise DataError(
                f"{self.source} tells no labels: put each class into a folder of its own, or give "
                "an .npz file with images x and labels y"
            )
        return self.labels

    def take(self, rows: Rows) -> Images:
        """Select images, in the order given; they keep their names."""
        numbers = np.arange(len(self))[rows]
        return Images(
            pixels=self.pixels[rows],
            labels=None if self.labels is None else self.labels[rows],
            names=tuple(self.names[number] for number in numbers),
            source=self.source,
        )


def size_text(shape: tuple[int, ...]) -> str:
    """Write a size as people do: height × width, and the channels where there are some.

    >>> size_text((28, 28)), size_text((32, 48, 3))
    ('28×28', '32×48×3')
    """
    return "×".join(map(str, shape))


def labels_as_text(labels: NDArray[Any], source: str) -> NDArray[np.str_]:
    """Class labels as text: whole numbers or text, one for each image.

    Raises:
        DataError: they are something else.
    """
    flat = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.ndim != 1:
        raise DataError(
            f"{source}: labels are one for each image, not an array of shape {labels.shape}; "
            "of one-hot rows take argmax(axis=1)"
        )
    if flat.dtype.kind == "f" and bool(np.all(flat == np.floor(flat))):
        flat = flat.astype(np.int64)
    if flat.dtype.kind not in "iubU":
        raise DataError(f"{source}: labels are whole numbers or text, not {flat.dtype}")
    return flat.astype(np.str_)
