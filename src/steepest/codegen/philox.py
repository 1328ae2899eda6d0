"""Philox4x32-10 on vectors of counters; the words equal those of :mod:`steepest.ops.philox`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from steepest.codegen.expressions import widened
from steepest.codegen.text import Text, Value, type_text
from steepest.ir.types import int64, uint32

LANES = 16
_MULTIPLY = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = 0xFFFFFFFF
_ROUNDS = 10
_WIDE = f"<{LANES} x i64>"

Words: TypeAlias = tuple[str, str, str, str]
"""Four vectors of int64 whose lower halves are the words."""


def keys(text: Text, pointer: str) -> str:
    """The two words of each round's key, from those in memory; an address on the stack."""
    place = text.stack(f"[{2 * _ROUNDS} x i64]")
    words = [_word(text, text.place(pointer, each, "i32")) for each in (0, 1)]
    for turn in range(_ROUNDS):
        if turn:
            pairs = zip(words, _WEYL, strict=True)
            words = [text.define(f"add i64 {word}, {weyl}") for word, weyl in pairs]
        for position, word in enumerate(words):
            low = text.define(f"and i64 {word}, {_LOW}")
            text.line(f"store i64 {low}, ptr {text.place(place, 2 * turn + position, 'i64')}")
    return place


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


def words(text: Text, counters: Sequence[Words], key: str) -> list[Words]:
    """Ten rounds; only the lower halves of what comes in and goes out count.

    Counters side by side hide each other's waiting for products.
    """
    carried = [(_WIDE, word) for counter in counters for word in counter]
    with text.loop(0, _ROUNDS, 1, carried) as loop:
        place = text.place(key, text.multiply(loop.index, 2), "i64")
        first, second = (
            splat(text, text.define(f"load i64, ptr {text.place(place, each, 'i64')}"))
            for each in (0, 1)
        )
        for counter in _fours(loop.carried):
            loop.following += _round(text, counter, first, second)
    return _fours(loop.results)


def _fours(names: Sequence[str]) -> list[Words]:
    return [
        (names[each], names[each + 1], names[each + 2], names[each + 3])
        for each in range(0, len(names), 4)
    ]


def _round(text: Text, counter: Words, first_key: str, second_key: str) -> Words:
    c0, c1, c2, c3 = counter
    first, second = _product(text, c0, _MULTIPLY[0]), _product(text, c2, _MULTIPLY[1])
    return (
        _mixed(text, second, c1, first_key),
        second,
        _mixed(text, first, c3, second_key),
        first,
    )


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


def interleaved(text: Text, given: Words) -> list[Value]:
    """The four words of counter 0, then those of counter 1 …, as four vectors of uint32."""
    low, high = _pairs(text, given[0], given[1]), _pairs(text, given[2], given[3])
    vectors: list[Value] = []
    for first in range(0, LANES, LANES // 4):
        counters = range(first, first + LANES // 4)
        lanes = ", ".join(f"i32 {each}, i32 {each + LANES}" for each in counters)
        mask = f"<{LANES // 2} x i32> <{lanes}>"
        both = text.define(f"shufflevector {_WIDE} {low}, {_WIDE} {high}, {mask}")
        kind = type_text(uint32, LANES)
        name = text.define(f"bitcast <{LANES // 2} x i64> {both} to {kind}")
        vectors.append(Value(name, uint32, LANES))
    return vectors


def _pairs(text: Text, first: str, second: str) -> str:
    """Two words in one, the first in the lower half: it comes first in memory."""
    low = text.define(f"and {_WIDE} {first}, splat (i64 {_LOW})")
    high = text.define(f"shl {_WIDE} {second}, splat (i64 32)")
    return text.define(f"or {_WIDE} {low}, {high}")
