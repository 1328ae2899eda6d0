"""One expression over flat arrays: the smallest function that can be generated."""

from __future__ import annotations

from steepest.codegen.code import Code, Pointer
from steepest.codegen.expressions import emit, expanded
from steepest.codegen.memory import load, store
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Value
from steepest.ir.scalar import Scalar, ordered
from steepest.schedule.kernels import Buffer


def elementwise(
    root: Scalar, target: Target, arguments: tuple[Buffer, ...], result: Buffer
) -> Code:
    """result[i] = root(argument 0[i], argument 1[i], …) for whole vectors over ``result.size``.

    Args:
        root: an expression of arguments.
        target: the processor.
        arguments: one flat buffer each, as long as the result.
        result: its size is a multiple of 16.
    """
    text = Text()
    (written,) = expanded([root])
    leaves = [each for each in ordered([written]) if each.instruction == "argument"]
    pointers = [text.word(Pointer(each)) for each in arguments]
    to = text.word(Pointer(result))
    lanes = target.lanes if result.dtype.itemsize < 8 else target.lanes // 2
    with text.loop(0, text.word(result.size), lanes) as loop:
        values: dict[Scalar, Value] = {}
        for leaf in leaves:
            position: int = leaf.value
            values[leaf] = load(text, pointers[position], loop.index, leaf.dtype, lanes)
        (value,) = emit(text, target, [written], values)
        store(text, to, loop.index, value, lanes)
    return text.code()
