"""Philox4x32-10 on vectors of counters; the words equal those of :mod:`steepest.ops.philox`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from steepest.codegen.expressions import widened
from steepest.codegen.text import Text, Value
from steepest.ir.types import int64, uint32

LANES = 16
_MULTIPLY = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = 0xFFFFFFFF
_ROUNDS = 10
_WIDE = f"<{LANES} x i64>"

Words: TypeAlias = tuple[str, str, str, str]
"""Four vectors of int64 whose lower halves are the words."""


@final
@dataclass(frozen=True)
class Keys:
    """The key of each round, in every lane."""

    rounds: tuple[tuple[str, str], ...]


def keys(text: Text, pointer: str) -> Keys:
    """From the two words of a key in memory."""
    rounds: list[tuple[str, str]] = []
    words = [_word(text, text.place(pointer, place, "i32")) for place in (0, 1)]
    for turn in range(_ROUNDS):
        if turn:
            pairs = zip(words, _WEYL, strict=True)
            words = [text.define(f"add i64 {word}, {weyl}") for word, weyl in pairs]
        first, second = (splat(text, text.define(f"and i64 {each}, {_LOW}")) for each in words)
        rounds.append((first, second))
    return Keys(tuple(rounds))


def _word(text: Text, pointer: str) -> str:
    return text.define(f"zext i32 {text.define(f'load i32, ptr {pointer}, align 4')} to i64")


def word_everywhere(text: Text, pointer: str) -> str:
    """A uint32 in memory, in every lane."""
    return splat(text, _word(text, pointer))


def splat(text: Text, number: str) -> str:
    """An int64 in every lane."""
    return widened(text, Value(number, int64), LANES).text


def counted(text: Text, first: str) -> str:
    """An int64, the next in the next lane, and so on."""
    steps = ", ".join(f"i64 {lane}" for lane in range(LANES))
    return text.define(f"add {_WIDE} {splat(text, first)}, <{steps}>")


def words(text: Text, counter: Words, key: Keys) -> Words:
    """Ten rounds; only the lower halves of what comes in and goes out count."""
    c0, c1, c2, c3 = counter
    for first_key, second_key in key.rounds:
        first, second = _product(text, c0, _MULTIPLY[0]), _product(text, c2, _MULTIPLY[1])
        c0, c1, c2, c3 = (
            _mixed(text, second, c1, first_key),
            second,
            _mixed(text, first, c3, second_key),
            first,
        )
    return c0, c1, c2, c3


def _product(text: Text, word: str, factor: int) -> str:
    low = text.define(f"and {_WIDE} {word}, splat (i64 {_LOW})")
    return text.define(f"mul {_WIDE} {low}, splat (i64 {factor})")


def _mixed(text: Text, product: str, word: str, key: str) -> str:
    high = text.define(f"lshr {_WIDE} {product}, splat (i64 32)")
    mixed = text.define(f"xor {_WIDE} {high}, {word}")
    return text.define(f"xor {_WIDE} {mixed}, {key}")


def narrowed(text: Text, given: Words) -> list[Value]:
    """The words as uint32."""
    kind = f"<{LANES} x i32>"
    return [Value(text.define(f"trunc {_WIDE} {each} to {kind}"), uint32, LANES) for each in given]


def interleaved(text: Text, given: Sequence[Value]) -> list[Value]:
    """The four words of counter 0, then those of counter 1 …, as four vectors."""
    return [_quarter(text, given, first) for first in range(0, LANES, LANES // 4)]


def _quarter(text: Text, given: Sequence[Value], first: int) -> Value:
    """The words of four counters."""
    kind = given[0].type

    def pair(a: Value, b: Value) -> str:
        lanes: list[str] = []
        for counter in range(first, first + LANES // 4):
            lanes += [f"i32 {counter}", f"i32 {counter + LANES}", "i32 poison", "i32 poison"]
        return text.define(f"shufflevector {a}, {b}, <{LANES} x i32> <{', '.join(lanes)}>")

    low, high = pair(given[0], given[1]), pair(given[2], given[3])
    lanes = [lane if lane % 4 < 2 else LANES + lane - 2 for lane in range(LANES)]
    chosen = ", ".join(f"i32 {lane}" for lane in lanes)
    mask = f"<{LANES} x i32> <{chosen}>"
    return Value(text.define(f"shufflevector {kind} {low}, {kind} {high}, {mask}"), uint32, LANES)
