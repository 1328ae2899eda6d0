"""The op that makes values from nothing but its attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.ir.lowering import Positions
from steepest.ir.op import Case, Op, Operand, PiecewiseConstant, define
from steepest.ir.types import TensorType, int64
from steepest.ops.rows import as_given, batch_elementwise

_iota = define(
    Op(
        name="iota",
        summary="The whole numbers 0, 1, …, size − 1.",
        infer=lambda *, size: TensorType((size,), int64),
        reference=lambda *, size: np.arange(size, dtype=np.int64),
        lower=lambda *, size: Positions(),
        pullback=PiecewiseConstant(),
        batch=batch_elementwise,
        align=as_given,
        cases=(Case((), {"size": 5}), Case((), {"size": 0})),
    )
)


def iota(like: Operand, size: int) -> Any:
    """0, 1, …, size − 1 as an operand of the same kind as ``like``."""
    return like.apply(_iota, (), {"size": size})
