"""Figures of what happened during training."""

from steepest.report.curves import draw_curves as draw_curves, picture_format as picture_format
from steepest.report.watching import draw_watched as draw_watched

__all__ = ["draw_curves", "draw_watched", "picture_format"]
