"""Images taken anew at other places, with bilinear interpolation."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np

from steepest.ir.op import OPS
from steepest.ir.types import Array, DType, int32
from steepest.nn.augment.maps import Map
from steepest.nn.augment.pixels import as_numbers, as_pixels
from steepest.ops.composite import clip
from steepest.ops.contract import contract
from steepest.ops.elementwise import abs, floor, logical_and, maximum, where
from steepest.ops.movement import reshape
from steepest.ops.rows import converted
from steepest.tensor.tensor import Tensor

Outside: TypeAlias = Literal["zero", "edge"]
OUTSIDE: tuple[Outside, ...] = ("zero", "edge")


def resampled(x: Tensor, of: Map, outside: Outside) -> Tensor:
    """The images whose pixels come from where the map says.

    Between pixels: y = Σ_s x_s max(0, 1 − |p_y − s_y|) max(0, 1 − |p_x − s_x|) at the place p.
    Whole pixels are moved exactly.

    Args:
        x: (n, h, w) or (n, h, w, channels).
        of: one map for each image.
        outside: pixels there are zero, or those of the nearest edge.
    """
    values = as_numbers(x)
    if of.yx is None and of.xy is None:
        return as_pixels(_by_axis(values, of, outside), x)
    return as_pixels(_by_place(values, of, outside), x)


# ------------------------------------------------------------- rows stay rows: a product per axis


def _by_axis(x: Tensor, of: Map, outside: Outside) -> Tensor:
    """R x Cᵀ: row i of R holds what each row of x counts for in row i of the result, C likewise.

    Two products of small matrices are quicker than to look each pixel up.
    """
    height, width = x.shape[1:3]
    rows = _weights(of.yy, of.y0, height, x.dtype, outside)
    columns = _weights(of.xx, of.x0, width, x.dtype, outside)
    # Labels: 0 the image, 1 and 2 its row and column, 3 its channel; 4 and 5 those of the result.
    channel = (3,) if x.ndim == 4 else ()
    across: Tensor = contract(
        x, columns, left=(0, 1, 2, *channel), right=(0, 5, 2), result=(0, 1, 5, *channel)
    )
    return contract(
        rows, across, left=(0, 4, 1), right=(0, 1, 5, *channel), result=(0, 4, 5, *channel)
    )


def _weights(scale: Tensor, offset: Tensor, extent: int, dtype: DType, outside: Outside) -> Tensor:
    """max(0, 1 − |p_i − s|) of each place i of the result and s of the image: (n, i, s)."""
    middle = (extent - 1) / 2
    along = scale.lift(np.arange(extent, dtype=scale.dtype))
    places = _column(scale) * (along - middle) + (_column(offset) + middle)
    if outside == "edge":
        places = clip(places, 0.0, float(extent - 1))
    apart = abs(reshape(places, (*places.shape, 1)) - along)
    return converted(maximum(1.0 - apart, 0.0), dtype)


def _column(x: Tensor) -> Tensor:
    return reshape(x, (*x.shape, 1))


# ---------------------------------------------------------------- turned: each place on its own


def _by_place(x: Tensor, of: Map, outside: Outside) -> Tensor:
    """Four pixels around each place, looked up; h·w places lie in one axis."""
    n, height, width = x.shape[:3]
    ys, xs = _grid(height, width)
    y = _column(of.yy) * of.yy.lift(ys) + (_column(of.y0) + (height - 1) / 2)
    z = _column(of.xx) * of.xx.lift(xs) + (_column(of.x0) + (width - 1) / 2)
    if of.yx is not None:
        y = y + _column(of.yx) * of.yx.lift(xs)
    if of.xy is not None:
        z = z + _column(of.xy) * of.xy.lift(ys)
    if outside == "edge":
        y, z = clip(y, 0.0, float(height - 1)), clip(z, 0.0, float(width - 1))
    top, left = floor(y), floor(z)
    down, right = y - top, z - left
    flat = reshape(x, (n * height * width, *x.shape[3:]))
    total: Any = None
    for below, row_weight in ((0.0, 1.0 - down), (1.0, down)):
        for beside, weight in ((0.0, 1.0 - right), (1.0, right)):
            part = _looked_up(
                flat, top + below, left + beside, row_weight * weight, (n, height, width)
            )
            total = part if total is None else total + part
    return reshape(total, x.shape)


def _grid(height: int, width: int) -> tuple[Array, Array]:
    """The place of each pixel, from the middle: rows and columns, (1, height · width)."""
    ys, xs = np.meshgrid(
        np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij"
    )
    return ys.reshape(1, -1).astype(np.float32), xs.reshape(1, -1).astype(np.float32)


def _looked_up(
    flat: Tensor, row: Tensor, column: Tensor, weight: Tensor, shape: tuple[int, int, int]
) -> Tensor:
    """The pixels at whole places, each times its weight; nothing where there is no pixel."""
    n, height, width = shape
    inside = logical_and(
        logical_and(row >= 0.0, row < float(height)),
        logical_and(column >= 0.0, column < float(width)),
    )
    kind = int32 if n * height * width < 2**31 else np.dtype("int64")
    safe_row = converted(clip(row, 0.0, float(height - 1)), kind)
    safe_column = converted(clip(column, 0.0, float(width - 1)), kind)
    first = row.lift(np.arange(n, dtype=kind)[:, None] * (height * width))
    # Clipped, they are positions: the op itself, without the check that counts from the end.
    found = OPS["take"](flat, first + safe_row * width + safe_column, axis=0)
    counted = converted(where(inside, weight, 0.0), flat.dtype)
    return found * reshape(counted, (*counted.shape, *(1,) * (flat.ndim - 1)))


def radians(degrees: float) -> float:
    """Degrees as the trigonometric functions want them."""
    return math.pi * degrees / 180.0
