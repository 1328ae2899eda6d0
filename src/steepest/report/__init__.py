"""Figures of what happened during training."""

from steepest.report.augmented import draw_augmented as draw_augmented
from steepest.report.column_importance import (
    Mattering as Mattering,
    draw_column_importance as draw_column_importance,
)
from steepest.report.curves import draw_curves as draw_curves, picture_format as picture_format
from steepest.report.importance import draw_importance as draw_importance
from steepest.report.rate_range import plot_rate_range as plot_rate_range
from steepest.report.rates import draw_schedule as draw_schedule, plot_schedule as plot_schedule
from steepest.report.watching import draw_watched as draw_watched

__all__ = [
    "Mattering",
    "draw_augmented",
    "draw_column_importance",
    "draw_curves",
    "draw_importance",
    "draw_schedule",
    "draw_watched",
    "picture_format",
    "plot_rate_range",
    "plot_schedule",
]
