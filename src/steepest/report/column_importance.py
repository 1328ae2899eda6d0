"""How much each column matters to a model, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from steepest.report.curves import INK, STYLE

_MEAN, _REPEATS = "#0072B2", "#56B4E9"
_MOST = 30


@final
@dataclass(frozen=True)
class Mattering:
    """One column: what the score loses without it.

    Args:
        name: of the column.
        mean: of the losses.
        low: the lower end of the mean's interval.
        high: the upper end.
        losses: of each repeat.
    """

    name: str
    mean: float
    low: float
    high: float
    losses: Sequence[float]


def draw_column_importance(
    columns: Sequence[Mattering], *, metric: str, rising: bool, title: str, format: str
) -> bytes:
    """Draw each column's loss as a line: repeats, their mean and its interval.

    Of more than 30 columns the first are drawn.

    Args:
        columns: the most important first.
        metric: what is lost.
        rising: whether more of it is better.
        title: above the figure.
        format: "png", "svg" or "pdf".

    Returns:
        The picture's bytes; equal input gives equal bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = list(columns[:_MOST])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 1.4 + 0.3 * len(shown)), layout="constrained")
        axes = figure.subplots()
        for place, each in enumerate(shown):
            axes.plot(each.losses, [place] * len(each.losses), ls="", marker="|", ms=9,
                      color=_REPEATS, mew=1.2)  # fmt: skip
            axes.plot([each.low, each.high], [place, place], color=_MEAN, lw=3, alpha=0.5)
            axes.plot([each.mean], [place], ls="", marker="o", ms=6, color=_MEAN, mew=0)
        axes.axvline(0.0, color=INK, lw=0.8)
        axes.set_yticks(range(len(shown)), [_short(each.name) for each in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        word = "falls" if rising else "rises"
        axes.set_xlabel(f"by so much the {metric.replace('_', ' ')} {word} when it is shuffled")
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        left_out = len(columns) - len(shown)
        figure.supxlabel(
            "point: mean; bar: its 95 % interval; lines: each repeat"
            + (f"; {left_out} less important columns are not drawn" if left_out else ""),
            x=0.01, ha="left", fontsize=9, color=INK,
        )  # fmt: skip
        output = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format, {})
        figure.savefig(output, format=format, dpi=150, metadata=undated)
    return output.getvalue()


def _short(text: str) -> str:
    return text if len(text) <= 32 else text[:31] + "…"
