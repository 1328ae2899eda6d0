"""A learning-rate range test as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steepest.methods import implements
from steepest.report.curves import INK, STYLE
from steepest.train.rate_finder import RateRange

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOSS, _PROPOSAL = "#0072B2", "#009E73"


@implements("S10")
def plot_rate_range(found: RateRange, *, title: str = "learning-rate range test") -> Figure:
    """Plot the loss over the learning rate, and the rate proposed.

    Args:
        found: what ``st.find_learning_rate`` saw.
        title: above the figure.

    Returns:
        A Matplotlib figure; a notebook shows it.

    >>> from steepest.train.rate_finder import RateRange
    >>> rates, losses = np.array([0.01, 0.1, 1.0]), np.array([1.0, 0.2, 3.0])
    >>> plot_rate_range(RateRange(rates, losses, losses, 0.1, 0.033)).axes[0].get_xlabel()
    'learning rate'
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.plot(found.rates, found.losses, color=_LOSS, alpha=0.35, lw=1.2)
        axes.plot(found.rates, found.smoothed, color=_LOSS, lw=2)
        axes.axvline(found.proposal, color=_PROPOSAL, lw=1.6)
        finite = found.smoothed[np.isfinite(found.smoothed)]
        low, high = float(np.min(finite)), float(finite[0])
        axes.set_ylim(low - 0.1 * (high - low), high + 0.5 * (high - low))
        axes.annotate(
            f" proposed: {found.proposal:.2g}", (found.proposal, 0.97), color=_PROPOSAL,
            xycoords=("data", "axes fraction"), va="top",
        )  # fmt: skip
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss after the step", color=INK)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure
