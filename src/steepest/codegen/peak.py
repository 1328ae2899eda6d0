"""A function that does nothing but multiply-adds in registers: the processor's arithmetic peak."""

from __future__ import annotations

from steepest.codegen.code import Code, Pointer
from steepest.codegen.contract_tile import Arithmetic
from steepest.codegen.target import Target
from steepest.codegen.text import Text
from steepest.ir.types import float32
from steepest.schedule.kernels import Buffer

CHAINS = 12  # independent sums: two units of four cycles' latency need 8; 16 registers hold 14


def peak(target: Target, turns: int, memory: Buffer) -> Code:
    """The function that does :func:`operations` float32 operations.

    Args:
        target: the processor; without FMA a product and a sum are two instructions.
        turns: how often each of the chains goes on.
        memory: float32, where two vectors are read and a result goes: three vectors of 16.
    """
    text = Text()
    arithmetic = Arithmetic(float32, target.lanes, target.has_fma)
    place = text.word(Pointer(memory))
    a, b = (arithmetic.load(text, place, vector) for vector in range(2))
    chains = [(arithmetic.type, "zeroinitializer")] * CHAINS
    with text.loop(0, text.number(turns), 1, chains) as loop:
        added = [arithmetic.multiply_add(text, a, b, each) for each in loop.carried]
        loop.following = [text.define(each) for each in added]
    total, *others = loop.results
    for each in others:
        total = arithmetic.add(text, total, each)
    arithmetic.store(text, total, place, 2)
    return text.code()


def operations(target: Target, turns: int) -> int:
    """Additions and multiplications that :func:`peak` does in so many turns."""
    return 2 * turns * CHAINS * target.lanes
