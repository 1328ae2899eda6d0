"""Elements in memory as values in registers, and back; booleans are bytes in memory."""

from __future__ import annotations

from steepest.codegen.expressions import widened
from steepest.codegen.text import Text, Value, Whole, memory_text, vector_text
from steepest.ir.types import DType, bool_


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


def masked_load(text: Text, pointer: str, offset: Whole, dtype: DType, mask: Value) -> Value:
    """Neighbouring elements in the lanes of a mask, 0 in the others, which are not touched."""
    place = text.place(pointer, offset, memory_text(dtype))
    return _masked(text, "load", "ptr", "p0", place, dtype, mask)


def read(
    text: Text, pointer: str, offset: Whole, dtype: DType, lanes: int, mask: Value | None
) -> Value:
    """Neighbouring elements, only those in the lanes of a mask if there is one."""
    if mask is None:
        return load(text, pointer, offset, dtype, lanes)
    return masked_load(text, pointer, offset, dtype, mask)


def write(
    text: Text, pointer: str, offset: Whole, value: Value, lanes: int, mask: Value | None
) -> None:
    """The value to neighbouring elements, only those in the lanes of a mask if there is one."""
    if mask is None:
        store(text, pointer, offset, value, lanes)
    else:
        masked_store(text, pointer, offset, value, mask)


def gather(text: Text, pointer: str, offsets: Value, dtype: DType, mask: Value) -> Value:
    """Elements that lie ``offsets`` behind the pointer, in the lanes of a mask, 0 in others."""
    places = text.define(f"getelementptr {memory_text(dtype)}, ptr {pointer}, {offsets}")
    kind = vector_text("ptr", mask.lanes)
    return _masked(text, "gather", kind, f"v{mask.lanes}p0", places, dtype, mask)


def masked_store(text: Text, pointer: str, offset: Whole, value: Value, mask: Value) -> None:
    """The value to neighbouring elements in the lanes of a mask."""
    wide = as_memory(text, widened(text, value, mask.lanes))
    place = text.place(pointer, offset, memory_text(value.dtype))
    kind = memory_text(value.dtype, mask.lanes)
    function = f"llvm.masked.store.{suffix(value.dtype, mask.lanes)}.p0"
    text.declare("void", function, [kind, "ptr", "i32", mask.type])
    align = value.dtype.itemsize
    text.line(f"call void @{function}({wide}, ptr {place}, i32 {align}, {mask})")


def scatter(text: Text, pointer: str, offsets: Value, value: Value, mask: Value) -> None:
    """Each lane of a mask to the place that lies its offset behind the pointer."""
    wide = as_memory(text, widened(text, value, mask.lanes))
    places = text.define(f"getelementptr {memory_text(value.dtype)}, ptr {pointer}, {offsets}")
    kind, pointers = memory_text(value.dtype, mask.lanes), vector_text("ptr", mask.lanes)
    function = f"llvm.masked.scatter.{suffix(value.dtype, mask.lanes)}.v{mask.lanes}p0"
    text.declare("void", function, [kind, pointers, "i32", mask.type])
    align = value.dtype.itemsize
    text.line(f"call void @{function}({wide}, {pointers} {places}, i32 {align}, {mask})")


def mask(text: Text, lanes: int, position: Whole, stop: Whole) -> Value:
    """The lanes from a position on that lie before the end."""
    if isinstance(position, int) and isinstance(stop, int):
        inside = (position + lane < stop for lane in range(lanes))
        bits = ", ".join(f"i1 {'true' if each else 'false'}" for each in inside)
        return Value(f"<{bits}>", bool_, lanes)
    left = text.least(text.define(f"sub i64 {stop}, {position}"), lanes)
    kind = vector_text("i32", lanes)
    narrow = text.define(f"trunc i64 {left} to i32")
    first = text.define(f"insertelement {kind} poison, i32 {narrow}, i64 0")
    zeros = f"<{lanes} x i32> zeroinitializer"
    wide = text.define(f"shufflevector {kind} {first}, {kind} poison, {zeros}")
    steps = ", ".join(f"i32 {lane}" for lane in range(lanes))
    return Value(text.define(f"icmp sgt {kind} {wide}, <{steps}>"), bool_, lanes)


def _masked(
    text: Text, how: str, kind: str, space: str, places: str, dtype: DType, mask: Value
) -> Value:
    result = memory_text(dtype, mask.lanes)
    operands = [
        (kind, places),
        ("i32", str(dtype.itemsize)),
        (mask.type, mask.text),
        (result, "zeroinitializer"),
    ]
    function = f"llvm.masked.{how}.{suffix(dtype, mask.lanes)}.{space}"
    return as_value(text, text.call(result, function, operands), dtype, mask.lanes)


def suffix(dtype: DType, lanes: int) -> str:
    """How the names of intrinsics spell a vector of elements in memory, such as ``v16f32``."""
    return f"v{lanes}{'f' if dtype.kind == 'f' else 'i'}{8 * dtype.itemsize}"


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
