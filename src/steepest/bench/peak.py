"""The most floating-point operations a second that one core of this machine can do."""

from __future__ import annotations

from typing import final

from steepest.bench.clock import Turn, turn
from steepest.codegen.peak import operations, peak
from steepest.ir.types import float32
from steepest.runtime.executable import NativeProgram, compile_program
from steepest.runtime.plan import Values, assemble
from steepest.runtime.processor import this_processor
from steepest.schedule.kernels import Buffer

_TURNS = 200_000  # about half a millisecond
_VECTORS = 3  # of 16 lanes: two factors, and a place for the sum


@final
class Peak:
    """A loop of multiply-adds in registers, ready to run."""

    def __init__(self) -> None:
        processor = this_processor()
        size = 16 * _VECTORS
        buffer = Buffer("factors and sum", float32, (size,), (1,), "scratch", size)
        text, plan = assemble(
            [peak(processor.target, _TURNS, buffer)],
            ["peak"],
            {buffer: ("scratch", 0)},
            Values(),
            state_bytes=0,
            scratch_bytes=size * float32.itemsize,
        )
        self._program = NativeProgram(plan, compile_program(text, processor), processor).bind()
        self._operations = operations(processor.target, _TURNS)

    def measure(self, seconds: float) -> Turn:
        """Seconds per operation."""
        wall, processor = turn(lambda: self._program.run(1), seconds)
        return Turn(wall / self._operations, processor / self._operations)
