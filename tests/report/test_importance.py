"""The picture of what mattered in a search."""

from __future__ import annotations

import pytest

from steepest.report import draw_importance
from steepest.report.importance import Searched

pytestmark = pytest.mark.row("E4")

RATES = [1e-4, 1e-3, 1e-2, 1e-1, 3e-4]
OPTIONS = [
    Searched("learning_rate", RATES, log=True, ends=(1e-4, 0.1), choices=(), share=0.8),
    Searched("width", [16, 20, 60, 100, 40], log=True, ends=(16, 128), choices=(), share=0.1),
    Searched("name", [*"abcab"], log=False, ends=(0, 1), choices=[*"abc"], share=0.05),
    Searched("layers", [1, 2, 3, 1, 2], log=False, ends=(1, 3), choices=(), share=None),
    Searched("dropout", [0.1, 0.2, 0.3, 0.4, 0.0], log=False, ends=(0.0, 0.5), choices=(), share=0),
]


@pytest.mark.parametrize(("format", "options"), [("png", OPTIONS[:1]), ("svg", OPTIONS)])
def test_equal_searches_give_equal_pictures(format: str, options: list[Searched]) -> None:
    pictures = {
        draw_importance(
            options, values, metric="log_loss", rising=False, title="income", format=format
        )
        for values in ([0.5, 0.4, 0.3, 99.0, 0.45], [0.5, 0.4, 0.3, 99.0, 0.45])
    }
    assert len(pictures) == 1


def picture(values: list[float], rising: bool) -> str:
    drawn = draw_importance(
        OPTIONS[:1], values, metric="f1", rising=rising, title="t", format="svg"
    )
    return drawn.decode()


def test_far_trials_are_told_and_do_not_squeeze_the_others() -> None:
    assert "triangles" in _text(picture([0.5, 0.4, 0.3, 99.0, 0.45], rising=False))
    assert "triangles" not in _text(picture([0.5, 0.4, 0.3, 0.52, 0.45], rising=False))
    assert "triangles" in _text(picture([0.5, 0.4, 0.45, -99.0, 0.45], rising=True))


def test_one_trial_is_a_picture_too() -> None:
    one = [
        Searched("rate", [0.1], log=True, ends=(0.01, 1.0), choices=(), share=None),
    ]
    assert draw_importance(one, [0.5], metric="f1", rising=True, title="t", format="png")


def _text(svg: str) -> str:
    """Matplotlib writes texts as comments above their outlines."""
    return " ".join(line for line in svg.splitlines() if line.strip().startswith("<!--"))
