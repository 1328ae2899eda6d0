"""Where each pixel of an augmented image comes from: affine maps, one for each example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from steepest.tensor.tensor import Tensor


@final
@dataclass(frozen=True)
class Map:
    """Affine maps of pixels: what is at (y, x) comes from (yy y + yx x + y0, xy y + xx x + x0).

    Places are counted in pixels from the middle of the image, downwards and to the right.

    Args:
        yy: float32 (n,), one number for each example, as all of these.
        xx: likewise.
        y0: likewise.
        x0: likewise.
        yx: likewise; None, with xy, where rows stay rows and columns stay columns.
        xy: likewise.
    """

    yy: Tensor
    xx: Tensor
    y0: Tensor
    x0: Tensor
    yx: Tensor | None = None
    xy: Tensor | None = None

    def then(self, after: Map) -> Map:
        """First this map, and the other one of what it gave: M(t) = this(after(t))."""
        y0 = self.yy * after.y0 + self.y0
        x0 = self.xx * after.x0 + self.x0
        if self.yx is not None and self.xy is not None:
            y0, x0 = y0 + self.yx * after.x0, x0 + self.xy * after.y0
        yy, xx = self.yy * after.yy, self.xx * after.xx
        turned = _sum(_product(self.yy, after.yx), _product(self.yx, after.xx))
        turned_x = _sum(_product(self.xx, after.xy), _product(self.xy, after.yy))
        yy_more, xx_more = _product(self.yx, after.xy), _product(self.xy, after.yx)
        return Map(
            yy=yy if yy_more is None else yy + yy_more,
            xx=xx if xx_more is None else xx + xx_more,
            y0=y0,
            x0=x0,
            yx=turned,
            xy=turned_x,
        )


def _product(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return None if a is None or b is None else a * b


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return b if a is None else a if b is None else a + b
