"""Figures of what happened during training."""

from steepest.report.curves import draw_curves as draw_curves, picture_format as picture_format

__all__ = ["draw_curves", "picture_format"]
