"""Augmented images beside those they are made from, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def draw_augmented(
    images: NDArray[Any],
    draws: Sequence[NDArray[Any]],
    *,
    labels: Sequence[str],
    title: str,
    format: str,
) -> bytes:
    """Draw each image in a row: as it is, then as augmentation changed it, draw by draw.

    Args:
        images: (n, height, width) or (n, height, width, channels).
        draws: arrays of the same shape, one for each column.
        labels: of the rows.
        title: Above the figure.
        format: "png", "svg" or "pdf".

    Returns:
        The picture's bytes; equal input gives equal bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = [images, *draws]
    rows = len(images)
    low, high = _range(images)
    ratio = images.shape[1] / images.shape[2]
    with mpl.rc_context({"font.size": 10.0, "svg.hashsalt": "steepest"}):
        size = (1.05 * len(columns) + 0.6, 1.05 * ratio * rows + 0.75)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(rows, len(columns), squeeze=False)
        for place in range(rows):
            for column, values in enumerate(columns):
                axes = panels[place, column]
                axes.imshow(
                    _shown(values[place], low, high),
                    cmap="gray",
                    vmin=0.0,
                    vmax=1.0,
                    interpolation="nearest",
                )
                axes.set_xticks([])
                axes.set_yticks([])
                for side in axes.spines.values():
                    side.set(color="#D55E00" if column == 0 else "#cccccc", linewidth=1.2)
                if not place:
                    axes.set_title("as it is" if column == 0 else str(column), fontsize=10)
            panels[place, 0].set_ylabel(labels[place])
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        output = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format, {})
        figure.savefig(output, format=format, dpi=150, metadata=undated)
    return output.getvalue()


def _range(images: NDArray[Any]) -> tuple[float, float]:
    """Black and white: 0 and 255 of bytes, else the extremes."""
    if images.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(images.min()), float(images.max())
    return low, high if high > low else low + 1.0


def _shown(image: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    return np.clip((image.astype(np.float64) - low) / (high - low), 0.0, 1.0)
