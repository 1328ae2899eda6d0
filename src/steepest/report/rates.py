"""A learning-rate schedule as a picture, before training."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from steepest.methods import implements
from steepest.optim.schedules import Schedule
from steepest.report.curves import INK, STYLE, undated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RATE = "#0072B2"
_MOST_POINTS = 4000
_FEW_STEPS = 60


@implements("S9", option="steepest schedule NAME --plot FILE")
def plot_schedule(
    schedule: Schedule, steps: int, *, steps_per_epoch: float | None = None, title: str = ""
) -> Figure:
    """Plot the rate over the steps of a training.

    Args:
        schedule: what to draw.
        steps: how many.
        steps_per_epoch: batches in an epoch, for what counts epochs; by default an epoch is a step.
        title: above the figure; by default what the schedule is.

    Returns:
        A Matplotlib figure; a notebook shows it.

    >>> import steepest as st
    >>> figure = plot_schedule(st.optim.schedules.CosineAnnealing(0.1, steps=100), 120)
    >>> figure.axes[0].get_xlabel()
    'step'
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rates = schedule.curve(steps, steps_per_epoch=steps_per_epoch)
    every = max(1, -(-steps // _MOST_POINTS))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots()
        marker = "o" if steps <= _FEW_STEPS else ""
        # A step keeps its rate until the next one: what jumps is drawn as a jump.
        axes.step(
            range(0, steps, every), rates[::every], where="post", color=_RATE, lw=2, marker=marker,
            ms=3,
        )  # fmt: skip
        axes.set_xlabel("step")
        axes.set_ylabel("learning rate")
        axes.set_ylim(bottom=0.0)
        axes.margins(x=0.02, y=0.08)
        if steps_per_epoch is not None:
            per_epoch: Any = (
                steps_per_epoch  # an array's own operators, Matplotlib's types say less
            )
            above = axes.secondary_xaxis("top", (lambda t: t / per_epoch, lambda e: e * per_epoch))
            above.set_xlabel("epoch", color=INK)
        figure.suptitle(
            title or _short(schedule), x=0.01, ha="left", fontsize=11, fontweight="bold", wrap=True
        )
    return figure


def _short(schedule: Schedule) -> str:
    """What it is, with numbers as a reader wants them.

    >>> from steepest.optim.schedules import Exponential
    >>> _short(Exponential(0.1, decay=0.004605170185988091))
    'Exponential(high=0.1, decay=0.00460517)'
    """
    long = re.compile(r"\d+\.\d{6,}(?:e[+-]?\d+)?")
    return long.sub(lambda number: f"{float(number[0]):.6g}", repr(schedule))


def draw_schedule(
    schedule: Schedule,
    steps: int,
    *,
    format: str,
    steps_per_epoch: float | None = None,
    title: str = "",
) -> bytes:
    """Draw what :func:`plot_schedule` plots; equal input gives equal bytes.

    Args:
        schedule: what to draw.
        steps: how many.
        format: "png", "svg" or "pdf".
        steps_per_epoch: batches in an epoch.
        title: above the figure.

    >>> import steepest as st
    >>> picture = draw_schedule(st.optim.schedules.Constant(0.1), 10, format="svg")
    >>> picture[:5]
    b'<?xml'
    """
    import matplotlib as mpl

    figure = plot_schedule(schedule, steps, steps_per_epoch=steps_per_epoch, title=title)
    output = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(output, format=format, dpi=150, metadata=undated(format))
    return output.getvalue()
