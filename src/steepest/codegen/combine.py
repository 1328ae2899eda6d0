"""How two partial results of a fold become one, and how the lanes of a vector do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steepest.codegen.expressions import constant, widened
from steepest.codegen.text import Text, Value, type_text
from steepest.ir.lowering import Combine
from steepest.ir.types import DType


def identity(how: Combine, dtype: DType) -> Value:
    """What leaves everything as it is that it is combined with; −0 for sums: 0 + −0 is 0."""
    lowest, highest = (-np.inf, np.inf) if dtype.kind == "f" else _range(dtype)
    match how:
        case "sum":
            return constant(-0.0 if dtype.kind == "f" else 0, dtype)
        case "max":
            return constant(lowest, dtype)
        case "min":
            return constant(highest, dtype)
        case "all":
            return constant(True, dtype)
        case "any":
            return constant(False, dtype)


def of_nothing(how: Combine, dtype: DType) -> Value:
    """The fold of no elements."""
    return constant(0, dtype) if how == "sum" else identity(how, dtype)


def _range(dtype: DType) -> tuple[int, int]:
    if dtype.kind == "b":
        return 0, 1
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def combined(text: Text, how: Combine, total: Value, value: Value) -> Value:
    """Both as one; a NaN on either side of max and min is the result."""
    lanes = max(total.lanes, value.lanes)
    a, b = widened(text, total, lanes), widened(text, value, lanes)
    match how:
        case "sum":
            add = {"f": "fadd", "b": "or"}.get(a.dtype.kind, "add")
            name = text.define(f"{add} {a}, {b.text}")
        case "all":
            name = text.define(f"and {a}, {b.text}")
        case "any":
            name = text.define(f"or {a}, {b.text}")
        case "max" | "min":
            name = _extreme(text, how, a, b)
    return Value(name, a.dtype, lanes)


def _extreme(text: Text, how: Combine, a: Value, b: Value) -> str:
    """As the processor's max: the second operand, here ``a``, beside a NaN; then NaN in ``b``."""
    condition = type_text(np.dtype(bool), a.lanes)
    sign = {"f": "o", "i": "s"}.get(a.dtype.kind, "u")
    compare = "fcmp" if a.dtype.kind == "f" else "icmp"
    better = text.define(f"{compare} {sign}{'gt' if how == 'max' else 'lt'} {b}, {a.text}")
    chosen = text.define(f"select {condition} {better}, {b}, {a}")
    if a.dtype.kind != "f":
        return chosen
    unordered = text.define(f"fcmp uno {b}, {b.text}")
    return text.define(f"select {condition} {unordered}, {b}, {a.type} {chosen}")


def resized(text: Text, value: Value, dtype: DType) -> Value:
    """A floating-point number as another type of such; of any type as its own."""
    if value.dtype == dtype:
        return value
    how = "fpext" if dtype.itemsize > value.dtype.itemsize else "fptrunc"
    name = text.define(f"{how} {value} to {type_text(dtype, value.lanes)}")
    return Value(name, dtype, value.lanes)


def across(text: Text, how: Combine, value: Value) -> Value:
    """All lanes as one, halves onto halves."""
    while value.lanes > 1:
        half = value.lanes // 2
        low, high = (_part(text, value, first, half) for first in (0, half))
        value = combined(text, how, low, high)
    return value


def across_each(text: Text, how: Combine, values: Sequence[Value]) -> Value:
    """All lanes of each of as many vectors as they have lanes; vector i gives lane i.

    The same operations as :func:`across`, on two vectors at a time: after the first turn a vector
    holds halves of two, after the second quarters of four.
    """
    level, half = list(values), values[0].lanes // 2
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [_halved(text, how, a, b, half) for a, b in pairs]
        half //= 2
    return level[0]


def _halved(text: Text, how: Combine, a: Value, b: Value, half: int) -> Value:
    """In both vectors, each group of 2 · half lanes becomes one of half."""
    first = [lane for lane in range(2 * a.lanes) if lane % (2 * half) < half]

    def chosen(offset: int) -> Value:
        lanes = ", ".join(f"i32 {lane + offset}" for lane in first)
        name = text.define(f"shufflevector {a}, {b}, <{a.lanes} x i32> <{lanes}>")
        return Value(name, a.dtype, a.lanes)

    return combined(text, how, chosen(0), chosen(half))


def _part(text: Text, value: Value, first: int, count: int) -> Value:
    if count == 1:
        return Value(text.define(f"extractelement {value}, i64 {first}"), value.dtype)
    lanes = ", ".join(f"i32 {lane}" for lane in range(first, first + count))
    other = f"{value.type} poison"
    mask = f"<{count} x i32> <{lanes}>"
    return Value(text.define(f"shufflevector {value}, {other}, {mask}"), value.dtype, count)
