"""Each op of ours in the standard operators of ONNX: adding one here is all it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from steepest.export.stage import Extents
from steepest.export.to_onnx.graph import GraphBuilder
from steepest.ir.types import DType, is_floating, is_integer

_FIRST = np.iinfo(np.int64).min  # where a slice that runs backwards ends: before the first element


@final
@dataclass(frozen=True)
class Call:
    """A call of an op: what a translation may look at besides the names of its inputs.

    Args:
        attributes: of the call.
        dtype: of the first input.
        inputs: extents of each input.
        result: extents of the result.
        rows: writes a shape that may hold the number of rows; its name.
    """

    attributes: Mapping[str, Any]
    dtype: DType
    inputs: tuple[Extents, ...]
    result: Extents
    rows: Callable[[Extents], str]


Translation: TypeAlias = Callable[..., str]
"""Of a GraphBuilder, a Call and the names of the inputs, to the name of the result."""


def _same(_: GraphBuilder, __: Call, x: str) -> str:
    return x


def _one(operator: str) -> Translation:
    """The operator that does just this."""

    def translate(build: GraphBuilder, _: Call, *inputs: str) -> str:
        return build.call(operator, *inputs)

    return translate


def _not(operator: str) -> Translation:
    def translate(build: GraphBuilder, _: Call, *inputs: str) -> str:
        return build.call("Not", build.call(operator, *inputs))

    return translate


def _narrow(operator: str) -> Translation:
    """An operator that ONNX Runtime has for float32 only."""

    def translate(build: GraphBuilder, call: Call, x: str) -> str:
        if call.dtype == np.float32:
            return build.call(operator, x)
        result = build.call(operator, build.call("Cast", x, to=onnx_type(np.dtype(np.float32))))
        return build.call("Cast", result, to=onnx_type(call.dtype))

    return translate


def _of_floats(translation: Translation) -> Translation:
    """A rounding, which leaves integers as they are."""

    def translate(build: GraphBuilder, call: Call, x: str) -> str:
        return translation(build, call, x) if is_floating(call.dtype) else x

    return translate


def _square(build: GraphBuilder, _: Call, x: str) -> str:
    return build.call("Mul", x, x)


def _less_one(build: GraphBuilder, call: Call, x: str) -> str:
    return build.call("Sub", build.call("Exp", x), build.number(1.0, call.dtype))


def _log_of_one_more(build: GraphBuilder, call: Call, x: str) -> str:
    return build.call("Log", build.call("Add", x, build.number(1.0, call.dtype)))


def _logarithm(base: float) -> Translation:
    def translate(build: GraphBuilder, call: Call, x: str) -> str:
        return build.call("Div", build.call("Log", x), build.number(math.log(base), call.dtype))

    return translate


def _log_add_exp(build: GraphBuilder, call: Call, x: str, y: str) -> str:
    apart = build.call("Abs", build.call("Sub", x, y))
    small = build.call("Exp", build.call("Neg", apart))
    return build.call("Add", build.call("Max", x, y), _log_of_one_more(build, call, small))


def _trunc(build: GraphBuilder, _: Call, x: str) -> str:
    return build.call("Mul", build.call("Sign", x), build.call("Floor", build.call("Abs", x)))


def _finite(build: GraphBuilder, call: Call, x: str) -> str:
    if not is_floating(call.dtype):
        return build.call("Equal", x, x)
    infinite = build.call("IsInf", x)
    return build.call("Not", build.call("Or", build.call("IsNaN", x), infinite))


def _floats_only(operator: str) -> Translation:
    """Whether a number is one that integers never are."""

    def translate(build: GraphBuilder, call: Call, x: str) -> str:
        if is_floating(call.dtype):
            return build.call(operator, x)
        return build.call("Not", build.call("Equal", x, x))

    return translate


def _remainder(build: GraphBuilder, call: Call, x: str, y: str) -> str:
    if is_integer(call.dtype):
        return build.call("Mod", x, y)
    whole = build.call("Floor", build.call("Div", x, y))
    return build.call("Sub", x, build.call("Mul", y, whole))


def _floor_divide(build: GraphBuilder, call: Call, x: str, y: str) -> str:
    if is_integer(call.dtype):
        return build.call("Div", build.call("Sub", x, build.call("Mod", x, y)), y)
    return build.call("Floor", build.call("Div", x, y))


def _cast(build: GraphBuilder, call: Call, x: str) -> str:
    return build.call("Cast", x, to=onnx_type(call.attributes["dtype"]))


def _reshape(build: GraphBuilder, call: Call, x: str) -> str:
    free = [place for place, extent in enumerate(call.result) if extent is None]
    if len(free) > 1 or 0 in call.result:
        return build.call("Reshape", x, call.rows(call.result), allowzero=1)
    return build.call("Reshape", x, build.integers([-1 if n is None else n for n in call.result]))


def _transpose(build: GraphBuilder, call: Call, x: str) -> str:
    axes = call.attributes["axes"]
    return build.call("Transpose", x, perm=list(axes)) if axes else x


def _slice(build: GraphBuilder, call: Call, x: str) -> str:
    parts: Sequence[tuple[int, int, int]] = call.attributes["cut"]
    kept = [
        axis
        for axis, (extent, part) in enumerate(zip(call.inputs[0], parts, strict=True))
        if extent is not None and part != (0, extent, 1)
    ]
    if not kept:
        return x
    starts = [parts[axis][0] for axis in kept]
    ends = [_FIRST if parts[axis][1] < 0 else parts[axis][1] for axis in kept]
    steps = [parts[axis][2] for axis in kept]
    bounds = [build.integers(each) for each in (starts, ends, kept, steps)]
    return build.call("Slice", x, *bounds)


def _concat(build: GraphBuilder, call: Call, *inputs: str) -> str:
    return build.call("Concat", *inputs, axis=call.attributes["axis"])


def _gather(build: GraphBuilder, call: Call, x: str, indices: str) -> str:
    return build.call("Gather", x, indices, axis=call.attributes["axis"])


def _contract(build: GraphBuilder, call: Call, x: str, y: str) -> str:
    left, right, result = (call.attributes[name] for name in ("left", "right", "result"))
    summed = set(left) & set(right) - set(result)
    if len(left) == len(right) == len(result) == 2 and len(summed) == 1 and left[0] == result[0]:
        (label,) = summed
        first, second = int(left[0] == label), int(right[1] == label)
        return build.call("Gemm", x, y, transA=first, transB=second)
    letters = "abcdefghijklmnopqrstuvwxyz"
    written = ["".join(letters[label] for label in labels) for labels in (left, right, result)]
    return build.call("Einsum", x, y, equation="{},{}->{}".format(*written))


def _sum(build: GraphBuilder, call: Call, x: str) -> str:
    axes = build.integers(call.attributes["axes"])
    return build.call("ReduceSum", x, axes, keepdims=0)


def _extreme(operator: str) -> Translation:
    def translate(build: GraphBuilder, call: Call, x: str) -> str:
        return build.call(operator, x, axes=list(call.attributes["axes"]), keepdims=0)

    return translate


def _truth(operator: str) -> Translation:
    def translate(build: GraphBuilder, call: Call, x: str) -> str:
        counted = build.call("Cast", x, to=onnx_type(np.dtype(np.int32)))
        folded = _extreme(operator)(build, call, counted)
        return build.call("Cast", folded, to=onnx_type(np.dtype(np.bool_)))

    return translate


def _position(operator: str) -> Translation:
    def translate(build: GraphBuilder, call: Call, x: str) -> str:
        return build.call(operator, x, axis=call.attributes["axis"], keepdims=0)

    return translate


def _argsort(build: GraphBuilder, call: Call, x: str) -> str:
    axis = call.attributes["axis"]
    extent = call.inputs[0][axis]
    assert extent is not None, "rows are not sorted"
    how_many = build.integers([extent])
    _, places = build.call_for(2, "TopK", x, how_many, axis=axis, largest=0, sorted=1)
    return places


def _pick(build: GraphBuilder, call: Call, x: str, indices: str) -> str:
    axis = call.attributes["axis"]
    indices = build.call("Cast", indices, to=onnx_type(np.dtype(np.int64)))
    aligned = build.call("Unsqueeze", indices, build.integers([axis]))
    picked = build.call("GatherElements", x, aligned, axis=axis)
    return build.call("Squeeze", picked, build.integers([axis]))


def _running_sum(build: GraphBuilder, call: Call, x: str) -> str:
    return build.call("CumSum", x, build.constant(np.asarray(call.attributes["axis"], np.int64)))


def _from_start(build: GraphBuilder, call: Call, x: str) -> str:
    """A position that may count from the end, counted from the start."""
    wide = build.call("Cast", x, to=onnx_type(np.dtype(np.int64)))
    return build.call("Mod", wide, build.constant(np.asarray(call.attributes["extent"], np.int64)))


OPERATORS: Mapping[str, Translation] = {
    # of elements at the same place, whose inputs ONNX stretches
    "identity": _same,
    "stop_gradient": _same,
    "cast": _cast,
    "add": _one("Add"),
    "subtract": _one("Sub"),
    "multiply": _one("Mul"),
    "divide": _one("Div"),
    "pow": _one("Pow"),
    "floor_divide": _floor_divide,
    "remainder": _remainder,
    "negative": _one("Neg"),
    "abs": _one("Abs"),
    "sign": _one("Sign"),
    "square": _square,
    "reciprocal": _one("Reciprocal"),
    "maximum": _one("Max"),
    "minimum": _one("Min"),
    "logaddexp": _log_add_exp,
    "sqrt": _one("Sqrt"),
    "exp": _one("Exp"),
    "expm1": _less_one,
    "log": _one("Log"),
    "log1p": _log_of_one_more,
    "log2": _logarithm(2.0),
    "log10": _logarithm(10.0),
    "sigmoid": _one("Sigmoid"),
    "tanh": _one("Tanh"),
    "relu": _one("Relu"),
    "erf": _narrow("Erf"),
    "sin": _one("Sin"),
    "cos": _one("Cos"),
    "tan": _narrow("Tan"),
    "asin": _narrow("Asin"),
    "acos": _narrow("Acos"),
    "atan": _narrow("Atan"),
    "sinh": _narrow("Sinh"),
    "cosh": _narrow("Cosh"),
    "asinh": _narrow("Asinh"),
    "acosh": _narrow("Acosh"),
    "atanh": _narrow("Atanh"),
    "floor": _of_floats(_one("Floor")),
    "ceil": _of_floats(_one("Ceil")),
    "trunc": _of_floats(_trunc),
    "round": _of_floats(_one("Round")),
    "equal": _one("Equal"),
    "not_equal": _not("Equal"),
    "less": _one("Less"),
    "less_equal": _one("LessOrEqual"),
    "greater": _one("Greater"),
    "greater_equal": _one("GreaterOrEqual"),
    "logical_and": _one("And"),
    "logical_or": _one("Or"),
    "logical_xor": _one("Xor"),
    "logical_not": _one("Not"),
    "isnan": _floats_only("IsNaN"),
    "isinf": _floats_only("IsInf"),
    "isfinite": _finite,
    "where": _one("Where"),
    # of places, whose inputs have been stretched
    "reshape": _reshape,
    "permute_dims": _transpose,
    "cut": _slice,
    "concat": _concat,
    "take": _gather,
    "pick": _pick,
    "position": _from_start,
    "contract": _contract,
    "reduce_sum": _sum,
    "reduce_max": _extreme("ReduceMax"),
    "reduce_min": _extreme("ReduceMin"),
    "reduce_all": _truth("ReduceMin"),
    "reduce_any": _truth("ReduceMax"),
    "argmax": _position("ArgMax"),
    "argmin": _position("ArgMin"),
    "argsort": _argsort,
    "cumulative_sum": _running_sum,
}
"""By op. What stretches is left out: it is written where it is needed."""


# As onnx.TensorProto numbers them.
_TYPES = {
    **{"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7},
    **{"object": 8, "bool": 9, "float16": 10, "float64": 11, "uint32": 12, "uint64": 13},
}


def onnx_type(dtype: DType) -> int:
    """The number of an element type in ONNX; objects are text."""
    return _TYPES[dtype.name]
