"""Elements in memory as values in registers, and back; booleans are bytes in memory."""

from __future__ import annotations

from steepest.codegen.expressions import widened
from steepest.codegen.text import Text, Value, Whole, memory_text
from steepest.ir.types import DType


def load(text: Text, pointer: str, offset: Whole, dtype: DType, lanes: int) -> Value:
    """``lanes`` neighbouring elements from ``offset`` elements behind the pointer on."""
    place = text.place(pointer, offset, memory_text(dtype))
    kind = memory_text(dtype, lanes)
    loaded = text.define(f"load {kind}, ptr {place}, align {dtype.itemsize}")
    return as_value(text, loaded, dtype, lanes)


def store(text: Text, pointer: str, offset: Whole, value: Value, lanes: int) -> None:
    """The value, in every lane if it is one number, to neighbouring elements."""
    wide = as_memory(text, widened(text, value, lanes))
    place = text.place(pointer, offset, memory_text(value.dtype))
    text.line(f"store {wide}, ptr {place}, align {value.dtype.itemsize}")


def as_value(text: Text, loaded: str, dtype: DType, lanes: int) -> Value:
    """What was loaded, as it is in registers."""
    if dtype.kind == "b":
        zero = "0" if lanes == 1 else "zeroinitializer"
        loaded = text.define(f"icmp ne {memory_text(dtype, lanes)} {loaded}, {zero}")
    return Value(loaded, dtype, lanes)


def as_memory(text: Text, value: Value) -> str:
    """A value as it is in memory: type and text."""
    kind = memory_text(value.dtype, value.lanes)
    if value.dtype.kind != "b":
        return str(value)
    return f"{kind} {text.define(f'zext {value} to {kind}')}"
