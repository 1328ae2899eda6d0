"""Kernels that differ only in which buffers they work on: their text is written once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import cast, final

import numpy as np

from steepest.codegen.code import Code, Pointer, Word
from steepest.ir.scalar import Scalar, ordered
from steepest.schedule.kernels import AnyKernel, Buffer


def written_once(
    kernels: Iterable[AnyKernel], write: Callable[[AnyKernel], Code]
) -> tuple[Code, ...]:
    """The code of each kernel; ``write`` is called for the first of those that are alike."""
    known: dict[object, tuple[Code, tuple[Buffer, ...]]] = {}
    codes: list[Code] = []
    for kernel in kernels:
        outline = Outline()
        key = outline.of(kernel)
        buffers = tuple(outline.buffers)
        if key not in known:
            known[key] = write(kernel), buffers
        codes.append(_on(buffers, *known[key]))
    return tuple(codes)


def _on(buffers: tuple[Buffer, ...], code: Code, others: tuple[Buffer, ...]) -> Code:
    """The code of a kernel alike, on other buffers."""
    other = dict(zip(others, buffers, strict=True))

    def word(given: Word) -> Word:
        if isinstance(given, Pointer):
            return Pointer(other[given.buffer], given.offset)
        return given

    return Code(code.body, tuple(map(word, code.words)), code.declarations)


@cache
def _told_by(kind: type) -> tuple[str, ...]:
    """The fields in which two of a kind must be equal to be alike, if it has fields."""
    return (
        tuple(each.name for each in fields(kind) if each.name != "name")
        if is_dataclass(kind)
        else ()
    )


@final
class Outline:
    """What is equal for kernels that are alike: all but names, and which buffers they are.

    A buffer is known by when it appears first, and by how it lies in memory.
    """

    def __init__(self) -> None:
        self.buffers: dict[Buffer, int] = {}
        self._scalars: dict[Scalar, int] = {}

    def of(self, value: object) -> object:
        """A part of a kernel as something that can be compared."""
        match value:
            case int() | str():
                return value
            case Buffer():
                return self._buffer(value)
            case Scalar():
                return self._scalar(value)
            case tuple():
                return tuple([self.of(each) for each in cast("tuple[object, ...]", value)])
            case np.generic():  # by its bits: zeros of both signs differ
                number = cast("np.generic[object]", value)
                return number.dtype, number.tobytes()
            case _:
                parts = [self.of(getattr(value, name)) for name in _told_by(type(value))]
                return (type(value), *parts) if parts else value

    def _buffer(self, buffer: Buffer) -> object:
        found = self.buffers.get(buffer)
        if found is not None:
            return found
        self.buffers[buffer] = len(self.buffers)
        return buffer.dtype, buffer.extents, buffer.strides, buffer.role, buffer.size

    def _scalar(self, root: Scalar) -> object:
        """New instructions in order, each with the numbers of its operands; then the root's."""
        new: list[object] = []
        for scalar in ordered([root], self._scalars):
            self._scalars[scalar] = len(self._scalars)
            inputs = tuple([self._scalars[each] for each in scalar.inputs])
            new.append((scalar.instruction, inputs, scalar.dtype, self.of(scalar.value)))
        return (*new, self._scalars[root])
