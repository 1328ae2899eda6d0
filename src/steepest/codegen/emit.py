"""From a kernel of any kind to the text of its function."""

from __future__ import annotations

from typing import assert_never

from steepest.codegen.code import Code
from steepest.codegen.contract import contraction
from steepest.codegen.folds import folds
from steepest.codegen.loops import pointwise
from steepest.codegen.target import Target
from steepest.schedule.kernels import (
    AnyKernel,
    Contraction,
    Draw,
    Finite,
    Folds,
    Kernel,
    Scanned,
    Scattered,
)


def emit(kernel: AnyKernel, target: Target) -> Code:
    """The function of a kernel; kernels that differ in sizes and places mostly share the body."""
    match kernel:
        case Kernel(reduction=None):
            return pointwise(kernel, target)
        case Kernel(reduction=Folds()):
            return folds(kernel, target)
        case Kernel(reduction=Contraction()):
            return contraction(kernel, target)
        case Draw() | Scattered() | Scanned() | Finite():
            raise NotImplementedError
        case Kernel():
            raise AssertionError
        case _:
            assert_never(kernel)
