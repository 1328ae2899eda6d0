from __future__ import annotations

import io
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from steepest.errors import ConfigurationError
from steepest.report import draw_curves, picture_format

pytestmark = pytest.mark.row("W1")

ROWS = [
    {
        "epoch": epoch,
        "loss": 1 / epoch,
        "validation_loss": 1 / epoch + 0.1,
        "validation_accuracy": 0.5,
    }
    for epoch in range(1, 6)
]


@pytest.mark.parametrize(
    ("format", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_equal_rows_give_equal_bytes_of_the_format(format: str, start: bytes) -> None:
    first = draw_curves(ROWS, best_epoch=3, title="a title", format=format)
    assert first.startswith(start)
    assert first == draw_curves(ROWS, best_epoch=3, title="a title", format=format)


def test_svg_shows_titles_series_and_the_kept_epoch() -> None:
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none"}):
        text = draw_curves(ROWS, best_epoch=3, title="a title", format="svg").decode()
    for words in ("a title", "training", "validation", "kept: epoch 3", "accuracy", "epoch"):
        assert words in text


def test_the_picture_is_not_blank() -> None:
    picture = draw_curves(ROWS, best_epoch=None, title="t", format="png")
    pixels = matplotlib.image.imread(io.BytesIO(picture))
    assert len(np.unique(pixels[::3, ::3].reshape(-1, pixels.shape[-1]), axis=0)) > 10


@pytest.mark.parametrize(
    "rows",
    [
        [{"epoch": 1, "loss": 0.5}],
        [{"epoch": 1, "loss": float("nan"), "validation_loss": None}],
        [],
    ],
)
def test_short_and_odd_histories_are_drawn(rows: list[dict[str, float | int | None]]) -> None:
    assert draw_curves(rows, best_epoch=1, title="t", format="svg")


def test_unknown_formats_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"\.png, \.svg or \.pdf"):
        picture_format(Path("curves.jpeg"))
