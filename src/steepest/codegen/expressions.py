"""Scalar expressions as LLVM instructions, on vectors of any length and on plain numbers."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from steepest.codegen.target import Target
from steepest.codegen.text import Text, Value, type_text, vector_text
from steepest.codegen.vmath import EXPANSIONS
from steepest.ir.scalar import Scalar, ordered
from steepest.ir.types import DType, bool_, int32, int64

LEAVES = frozenset({"argument", "load", "index", "result"})

_FLOAT = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
_BITS = {"and": "and", "or": "or", "xor": "xor"}
_INTEGER = {"add": "add", "subtract": "sub", "multiply": "mul", **_BITS}
_BOOLEAN = {"add": "or", "subtract": "xor", "multiply": "and", **_BITS}
_SAME = ("sqrt", "floor", "ceil", "trunc", "copysign")
# The rounding mode is to nearest, even; unlike roundeven, rint exists in every C library.
_INTRINSICS = {"absolute": "fabs", "round_even": "rint", **dict(zip(_SAME, _SAME, strict=True))}
_COMPARISONS = {"equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le"}


# --------------------------------------------------------------------------- before emission


def expanded(roots: Sequence[Scalar]) -> list[Scalar]:
    """The same expressions in basic instructions, with equal parts shared."""
    known: dict[object, Scalar] = {}
    done: dict[Scalar, Scalar] = {}
    for scalar in ordered(roots):
        done[scalar] = _shared(scalar, [done[each] for each in scalar.inputs], known)
    return [done[root] for root in roots]


def _shared(scalar: Scalar, inputs: Sequence[Scalar], known: dict[object, Scalar]) -> Scalar:
    key = (scalar.instruction, tuple(map(id, inputs)), scalar.dtype, _identity(scalar))
    found = known.get(key)
    if found is not None:
        return found
    name = scalar.instruction
    expansion = EXPANSIONS.get(f"call:{scalar.value}" if name == "call" else name)
    if expansion is None:
        found = Scalar(name, tuple(inputs), scalar.dtype, scalar.value)
    else:
        written = expansion(*inputs)
        parts = {each: each for each in inputs}
        for part in ordered([written], known=inputs):
            parts[part] = _shared(part, [parts[each] for each in part.inputs], known)
        found = parts[written]
    known[key] = found
    return found


def _identity(scalar: Scalar) -> object:
    """What tells apart two leaves; zeros of both signs differ and NaN equals itself."""
    if scalar.instruction == "constant":
        return scalar.dtype.type(scalar.value).tobytes()
    return scalar.value


# ------------------------------------------------------------------------------- emission


def emit(
    text: Text, target: Target, roots: Iterable[Scalar], leaves: Mapping[Scalar, Value]
) -> list[Value]:
    """Write expressions whose leaves (all but constants) have values already.

    Args:
        text: the function.
        target: the processor.
        roots: expressions in basic instructions (see :func:`expanded`).
        leaves: the values of leaves; other scalars in it are taken as given too.
    """
    values = dict(leaves)
    wanted = list(roots)
    for scalar in ordered(wanted):
        if scalar not in values:
            values[scalar] = compute(text, target, scalar, [values[x] for x in scalar.inputs])
    return [values[root] for root in wanted]


def compute(text: Text, target: Target, scalar: Scalar, operands: Sequence[Value]) -> Value:
    """Write one instruction; as many lanes as its widest operand has."""
    if scalar.instruction == "constant":
        return constant(scalar.value, scalar.dtype)
    lanes = max(operand.lanes for operand in operands)
    wide = [widened(text, operand, lanes) for operand in operands]
    name, dtype = scalar.instruction, scalar.dtype
    match name:
        case "cast":
            return _cast(text, wide[0], dtype)
        case "bits":
            result = f"bitcast {wide[0]} to {type_text(dtype, lanes)}"
        case "select":
            result = f"select {wide[0]}, {wide[1]}, {wide[2]}"
        case "equal" | "not_equal" | "less" | "less_equal":
            result = f"{_comparison(name, wide[0].dtype)} {wide[0]}, {wide[1].text}"
        case "call":
            return _library_call(text, str(scalar.value), wide, dtype)
        case "call_where":
            return _rare_call(text, str(scalar.value), wide, dtype)
        case "shift_left" | "shift_right":
            return _shift(text, scalar, wide)
        case "quotient":
            return _quotient(text, scalar, wide)
        case "multiply_add":
            return _multiply_add(text, target, wide)
        case "negate" | "invert" | "absolute":
            return _of_one(text, name, wide[0])
        case _ if dtype.kind == "f" and name in _FLOAT:
            result = f"{_FLOAT[name]} {wide[0]}, {wide[1].text}"
        case _ if dtype.kind == "f":
            return _intrinsic(text, _INTRINSICS[name], wide)
        case "floor" | "ceil" | "trunc" | "round_even":
            return wide[0]
        case _:
            table = _BOOLEAN if dtype.kind == "b" else _INTEGER
            result = f"{table[name]} {wide[0]}, {wide[1].text}"
    return Value(text.define(result), dtype, lanes)


def constant(number: object, dtype: DType) -> Value:
    """A number as an operand; floats in hexadecimal, which is exact."""
    value = dtype.type(number)
    if dtype.kind == "f":
        bits = struct.unpack("<Q", struct.pack("<d", float(value)))[0]
        return Value(f"0x{bits:016X}", dtype)
    if dtype.kind == "b":
        return Value("true" if value else "false", dtype)
    return Value(str(int(value)), dtype)


def widened(text: Text, value: Value, lanes: int) -> Value:
    """The value in every lane."""
    if value.lanes == lanes:
        return value
    assert value.lanes == 1, f"{value} has other lanes than {lanes}"
    if not value.text.startswith("%"):
        return Value(f"splat ({value})", value.dtype, lanes)
    kind = type_text(value.dtype, lanes)
    first = text.define(f"insertelement {kind} poison, {value}, i64 0")
    mask = f"<{lanes} x i32> zeroinitializer"
    name = text.define(f"shufflevector {kind} {first}, {kind} poison, {mask}")
    return Value(name, value.dtype, lanes)


def _comparison(name: str, dtype: DType) -> str:
    how = _COMPARISONS[name]
    if dtype.kind == "f":
        return f"fcmp {'u' if name == 'not_equal' else 'o'}{how}"
    if how in ("eq", "ne"):
        return f"icmp {how}"
    return f"icmp {'s' if dtype.kind == 'i' else 'u'}{how}"


def _intrinsic(text: Text, name: str, operands: Sequence[Value]) -> Value:
    dtype, lanes = operands[0].dtype, operands[0].lanes
    element = f"f{8 * dtype.itemsize}" if dtype.kind == "f" else f"i{8 * dtype.itemsize}"
    suffix = element if lanes == 1 else f"v{lanes}{element}"
    given = [(operand.type, operand.text) for operand in operands]
    return Value(text.call(operands[0].type, f"llvm.{name}.{suffix}", given), dtype, lanes)


def _multiply_add(text: Text, target: Target, wide: Sequence[Value]) -> Value:
    x, y, z = wide
    if x.dtype.kind == "f" and target.has_fma:
        return _intrinsic(text, "fma", wide)
    multiply, add = ("fmul", "fadd") if x.dtype.kind == "f" else ("mul", "add")
    product = text.define(f"{multiply} {x}, {y.text}")
    return Value(text.define(f"{add} {x.type} {product}, {z.text}"), x.dtype, x.lanes)


def _of_one(text: Text, name: str, x: Value) -> Value:
    kind = x.dtype.kind
    if name == "absolute":
        if kind == "f":
            return _intrinsic(text, "fabs", [x])
        if kind in "bu":
            return x
        lower = text.define(f"icmp slt {x}, zeroinitializer" if x.lanes > 1 else f"icmp slt {x}, 0")
        minus = _of_one(text, "negate", x)
        condition = Value(lower, bool_, x.lanes)
        return Value(text.define(f"select {condition}, {minus}, {x}"), x.dtype, x.lanes)
    if name == "negate" and kind == "f":
        return Value(text.define(f"fneg {x}"), x.dtype, x.lanes)
    if name == "negate":
        zero = widened(text, constant(0, x.dtype), x.lanes)
        return Value(text.define(f"sub {zero}, {x.text}"), x.dtype, x.lanes)
    ones = widened(text, Value("true" if kind == "b" else "-1", x.dtype), x.lanes)
    return Value(text.define(f"xor {x}, {ones.text}"), x.dtype, x.lanes)


def _shift(text: Text, scalar: Scalar, wide: Sequence[Value]) -> Value:
    """A shift by the width or more moves all bits out; LLVM leaves that open."""
    x, amount = wide
    bits = 8 * x.dtype.itemsize
    right = "ashr" if x.dtype.kind == "i" else "lshr"
    instruction = "shl" if scalar.instruction == "shift_left" else right
    given = scalar.inputs[1]
    if given.instruction == "constant" and 0 <= int(given.value) < bits:
        return Value(text.define(f"{instruction} {x}, {amount.text}"), x.dtype, x.lanes)
    limit = widened(text, constant(bits - 1, x.dtype), x.lanes)
    inside = Value(text.define(f"icmp ule {amount}, {limit.text}"), bool_, x.lanes)
    safe = Value(text.define(f"select {inside}, {amount}, {limit}"), x.dtype, x.lanes)
    moved = Value(text.define(f"{instruction} {x}, {safe.text}"), x.dtype, x.lanes)
    if instruction == "ashr":
        return moved
    zero = widened(text, constant(0, x.dtype), x.lanes)
    return Value(text.define(f"select {inside}, {moved}, {zero}"), x.dtype, x.lanes)


def _quotient(text: Text, scalar: Scalar, wide: Sequence[Value]) -> Value:
    """Division of integers that never traps, in lanes of padding either."""
    x, y = wide
    signed = x.dtype.kind == "i"
    divide = "sdiv" if signed else "udiv"
    given = scalar.inputs[1]
    if given.instruction == "constant" and int(given.value) not in (0, -1):
        return Value(text.define(f"{divide} {x}, {y.text}"), x.dtype, x.lanes)

    def every(number: int) -> Value:
        return widened(text, constant(number, x.dtype), x.lanes)

    def both(a: str, b: str, how: str) -> str:
        return text.define(f"{how} {type_text(bool_, x.lanes)} {a}, {b}")

    by_zero = bad = text.define(f"icmp eq {y}, {every(0).text}")
    if signed:
        lowest = text.define(f"icmp eq {x}, {every(-(1 << (8 * x.dtype.itemsize - 1))).text}")
        minus = text.define(f"icmp eq {y}, {every(-1).text}")
        bad = both(by_zero, both(lowest, minus, "and"), "or")
    safe = text.define(f"select {Value(bad, bool_, x.lanes)}, {every(1)}, {y}")
    result = text.define(f"{divide} {x}, {safe}")
    found = f"{x.type} {result}"
    zeroed = text.define(f"select {Value(by_zero, bool_, x.lanes)}, {every(0)}, {found}")
    return Value(zeroed, x.dtype, x.lanes)


def _cast(text: Text, x: Value, dtype: DType) -> Value:
    """As NumPy casts: integers wrap, a float loses its fraction, anything but 0 is true."""
    source, lanes = x.dtype, x.lanes
    if source == dtype:
        return x
    kind = type_text(dtype, lanes)
    if dtype.kind == "b":
        zero = widened(text, constant(0, source), lanes)
        how = "fcmp une" if source.kind == "f" else "icmp ne"
        return Value(text.define(f"{how} {x}, {zero.text}"), dtype, lanes)
    if source.kind == "b" and dtype.kind == "f":  # cheaper than a conversion of integers
        one, zero = (widened(text, constant(number, dtype), lanes) for number in (1, 0))
        return Value(text.define(f"select {x}, {one}, {zero}"), dtype, lanes)
    if source.kind == "f" and dtype.kind == "f":
        how = "fpext" if dtype.itemsize > source.itemsize else "fptrunc"
    elif source.kind == "f":
        return _float_to_integer(text, x, dtype)
    elif dtype.kind == "f":
        how = "sitofp" if source.kind == "i" else "uitofp"
    elif source.kind != "b" and dtype.itemsize == source.itemsize:
        return Value(x.text, dtype, lanes)
    elif source.kind != "b" and dtype.itemsize < source.itemsize:
        how = "trunc"
    else:
        how = "sext" if source.kind == "i" else "zext"
    return Value(text.define(f"{how} {x} to {kind}"), dtype, lanes)


def _float_to_integer(text: Text, x: Value, dtype: DType) -> Value:
    """Small integers by way of a wider one: out of range they then wrap, as NumPy's do."""
    if dtype.name == "uint64":
        kind = type_text(dtype, x.lanes)
        return Value(text.define(f"fptoui {x} to {kind}"), dtype, x.lanes)
    wide = int64 if dtype.itemsize == 8 or dtype.name == "uint32" else int32
    number = Value(text.define(f"fptosi {x} to {type_text(wide, x.lanes)}"), wide, x.lanes)
    return _cast(text, number, dtype)


def _rare_call(text: Text, function: str, wide: Sequence[Value], dtype: DType) -> Value:
    """A library call behind a branch, taken where any lane wants it."""
    condition, otherwise, *inputs = wide
    lanes, wanted = condition.lanes, condition.text
    if lanes > 1:
        wanted = text.define(f"bitcast {condition} to i{lanes}")
        wanted = text.define(f"icmp ne i{lanes} {wanted}, 0")
    before = text.block
    inside, after = text.name("rare"), text.name("after")
    text.line(f"br i1 {wanted}, label {inside}, label {after}")
    text.begin(inside)
    called = _library_call(text, function, inputs, dtype)
    chosen = text.define(f"select {condition}, {called}, {otherwise}")
    left = text.block
    text.line(f"br label {after}")
    text.begin(after)
    phi = f"phi {otherwise.type} [ {otherwise.text}, {before} ], [ {chosen}, {left} ]"
    return Value(text.define(phi), dtype, lanes)


def _library_call(text: Text, function: str, wide: Sequence[Value], dtype: DType) -> Value:
    """A function of the C library, lane by lane."""
    lanes = wide[0].lanes
    name = function + ("f" if dtype.itemsize == 4 else "")
    element = type_text(dtype)
    if lanes == 1:
        given = [(element, operand.text) for operand in wide]
        return Value(text.call(element, name, given), dtype)
    kind, align = vector_text(element, lanes), dtype.itemsize
    operands, result = [text.stack(kind) for _ in wide], text.stack(kind)
    for place, operand in zip(operands, wide, strict=True):
        text.line(f"store {operand}, ptr {place}")
    with text.loop(0, lanes) as lane:  # sixteen calls in a row would take long to compile
        places = [text.place(place, lane.index, element) for place in operands]
        loaded = [text.define(f"load {element}, ptr {place}, align {align}") for place in places]
        found = text.call(element, name, [(element, each) for each in loaded])
        place = text.place(result, lane.index, element)
        text.line(f"store {element} {found}, ptr {place}, align {align}")
    return Value(text.define(f"load {kind}, ptr {result}"), dtype, lanes)
