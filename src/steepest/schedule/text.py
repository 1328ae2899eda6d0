"""Kernels and memory as text, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from steepest.ir.scalar import Scalar, ordered, written
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
from steepest.schedule.memory import Arena
from steepest.schedule.plan import Schedule

_LEAVES = ("argument", "constant", "index", "result")


def text(schedule: Schedule) -> str:
    """All kernels in order, then the memory they work in."""
    lines = [
        line
        for number, kernel in enumerate(schedule.kernels)
        for line in (f"kernel {number}: {kernel.name}", *_indented(kernel_lines(kernel)))
    ]
    return "\n".join([*lines, *_memory(schedule.scratch)])


def kernel_lines(kernel: AnyKernel) -> list[str]:
    """What one kernel does."""
    match kernel:
        case Kernel():
            return _loop(kernel)
        case Draw(rows=rows, width=width):
            where = f"key {kernel.key}, step {kernel.step}, site {kernel.site}"
            return [f"{kernel.target} = random words of {where}; {rows} x {width}"]
        case Scattered():
            return [
                f"{kernel.target} = 0, then += {kernel.updates} at row {kernel.index}; "
                f"{_times(kernel.extents)}"
            ]
        case Scanned():
            return [f"{kernel.target} = running sum of {kernel.source}; {_times(kernel.extents)}"]
        case Finite():
            return [f"stop unless {kernel.source} is finite"]


def _loop(kernel: Kernel) -> list[str]:
    axes = ", ".join(f"i{axis} < {extent}" for axis, extent in enumerate(kernel.space))
    lines = [f"for {axes}; vectors along i{kernel.lanes}"]
    first = len(kernel.space)
    match kernel.reduction:
        case Contraction(extent, left, right):
            lines.append(f"  r0 = sum over i{first} < {extent} of {left} * {right}")
        case Folds(extents, folds):
            over = ", ".join(f"i{first + axis} < {n}" for axis, n in enumerate(extents))
            for number, fold in enumerate(folds):
                names, value = _named([fold.value])
                lines += _indented(names)
                lines.append(f"  r{number} = {fold.combine} over {over} of {value[0]}")
        case None:
            pass
    names, values = _named([*(store.value for store in kernel.stores), *kernel.checks])
    lines += _indented(names)
    for store, value in zip(kernel.stores, values, strict=False):
        lines.append(f"  {store.access} = {value}")
    lines += [f"  check {value}" for value in values[len(kernel.stores) :]]
    return lines


def _named(roots: Sequence[Scalar]) -> tuple[list[str], list[str]]:
    """Expressions in which what is used twice has a name: the names' lines, and the texts."""
    scalars = ordered(roots)
    uses = Counter(each for scalar in scalars for each in scalar.inputs)
    uses.update(roots)
    names: dict[Scalar, str] = {}
    lines: list[str] = []
    for scalar in scalars:
        if uses[scalar] > 1 and scalar.instruction not in _LEAVES:
            line = written(scalar, names)
            names[scalar] = f"t{len(names)}"
            lines.append(f"{names[scalar]} = {line}")
    return lines, [written(root, names) for root in roots]


def _memory(arena: Arena) -> list[str]:
    lines = [f"scratch memory: {arena.size:,} bytes, of which {arena.peak:,} are in use at once"]
    for buffer, offset in sorted(arena.offsets.items(), key=lambda pair: pair[1]):
        shape = ", ".join(map(str, buffer.extents))
        lines.append(f"  {offset:>10,}  {buffer.name}: {buffer.dtype}[{shape}]")
    return lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _times(extents: Sequence[int]) -> str:
    return " x ".join(map(str, extents))
