"""A test of all elements of a buffer: is one infinite or no number?"""

from __future__ import annotations

import numpy as np

from steepest.codegen.code import Code
from steepest.codegen.loops import pointwise
from steepest.codegen.target import Target
from steepest.codegen.text import Text
from steepest.ir.scalar import Scalar, absolute, number
from steepest.schedule.kernels import Access, Finite, Kernel


def finite(kernel: Finite, target: Target) -> Code:
    """A kernel that returns 1 where an element is not finite."""
    buffer = kernel.source
    if buffer.dtype.kind != "f":
        return Text().code()
    order = sorted(range(len(buffer.extents)), key=lambda axis: -buffer.strides[axis])
    order = [axis for axis in order if buffer.extents[axis] != 1]
    space = tuple(buffer.extents[axis] for axis in order)
    place = Access(buffer, tuple(buffer.strides[axis] for axis in order))
    value = absolute(Scalar("load", (), buffer.dtype, place))
    check = value < number(np.inf, buffer.dtype)
    return pointwise(
        Kernel(kernel.name, space, (), max(len(space) - 1, 0), checks=(check,)), target
    )
