"""From a kernel of any kind to the text of its function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from steepest.codegen.alike import written_once
from steepest.codegen.code import Code
from steepest.codegen.contract import contraction
from steepest.codegen.draw import draw
from steepest.codegen.finite import finite
from steepest.codegen.folds import folds
from steepest.codegen.loops import pointwise
from steepest.codegen.scan import scanned
from steepest.codegen.scatter import scattered
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


def emit_all(kernels: Iterable[AnyKernel], target: Target) -> tuple[Code, ...]:
    """The functions of kernels; what differs in its buffers only is written once."""
    return written_once(kernels, lambda kernel: emit(kernel, target))


def emit(kernel: AnyKernel, target: Target) -> Code:
    """The function of a kernel; kernels that differ in sizes and places mostly share the body."""
    match kernel:
        case Kernel(reduction=None):
            return pointwise(kernel, target)
        case Kernel(reduction=Folds()):
            return folds(kernel, target)
        case Kernel(reduction=Contraction()):
            return contraction(kernel, target)
        case Kernel():
            raise AssertionError("a reduction is a Folds or a Contraction")
        case Draw():
            return draw(kernel)
        case Scattered():
            return scattered(kernel, target)
        case Scanned():
            return scanned(kernel, target)
        case Finite():
            return finite(kernel, target)
        case _:
            assert_never(kernel)
