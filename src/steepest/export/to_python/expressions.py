"""Each op of ours as an expression of NumPy: adding one here is all it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, final

from steepest.export.stage import Extents

# How tightly Python's operators bind, from loose to tight.
_COMPARED, _OR, _XOR, _AND, _SHIFT, _SUM, _PRODUCT, _SIGN, _POWER, ATOM = range(10)


@final
@dataclass(frozen=True)
class Expression:
    """A piece of Python.

    Args:
        text: as it is written.
        binds: how tightly, so that parentheses stand where they must and nowhere else.
    """

    text: str
    binds: int = ATOM

    def within(self, level: int) -> str:
        """The text for an operator that binds as tightly as this level."""
        return self.text if self.binds >= level else f"({self.text})"


@final
@dataclass(frozen=True)
class Asked:
    """What a translation may look at besides the texts of its inputs.

    Args:
        attributes: of the call.
        kind: of the first input's element type: "f", "i", "u" or "b".
        inputs: extents of each input.
        result: extents of the result.
        rows: an expression for the number of rows.
    """

    attributes: Mapping[str, Any]
    kind: str
    inputs: tuple[Extents, ...]
    result: Extents
    rows: str

    def shape(self, extents: Extents) -> str:
        """A shape as a tuple."""
        parts = [self.rows if each is None else str(each) for each in extents]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


Translation: TypeAlias = Callable[..., Expression]
"""Of what was asked and the inputs' expressions."""


def _infix(sign: str, level: int) -> Translation:
    def translate(_: Asked, x: Expression, y: Expression) -> Expression:
        first = level + 1 if level == _COMPARED else level  # a < b < c means something else
        return Expression(f"{x.within(first)} {sign} {y.within(level + 1)}", level)

    return translate


def _prefix(sign: str) -> Translation:
    def translate(_: Asked, x: Expression) -> Expression:
        return Expression(f"{sign}{x.within(_SIGN)}", _SIGN)

    return translate


def _call(function: str) -> Translation:
    def translate(_: Asked, *inputs: Expression) -> Expression:
        return Expression(f"{function}({', '.join(x.text for x in inputs)})")

    return translate


def _same(_: Asked, x: Expression) -> Expression:
    return x


def _of_floats(function: str) -> Translation:
    """A rounding, which leaves integers as they are."""

    def translate(asked: Asked, x: Expression) -> Expression:
        return Expression(f"{function}({x.text})") if asked.kind == "f" else x

    return translate


def _relu(_: Asked, x: Expression) -> Expression:
    return Expression(f"np.maximum({x.text}, 0)")


def _reciprocal(_: Asked, x: Expression) -> Expression:
    return Expression(f"1 / {x.within(_PRODUCT + 1)}", _PRODUCT)


def _cast(asked: Asked, x: Expression) -> Expression:
    return Expression(f"{x.within(ATOM)}.astype(np.{asked.attributes['dtype']})")


def _reshape(asked: Asked, x: Expression) -> Expression:
    """Axes of extent 1 come and go by an index; all else by its shape."""
    given, wanted = asked.inputs[0], asked.result
    if [n for n in given if n != 1] == [n for n in wanted if n != 1]:
        if len(given) < len(wanted) and (index := _inserted(given, wanted)):
            return Expression(f"{x.within(ATOM)}[{', '.join(index)}]")
        if len(given) > len(wanted):
            axes = _removed(given, wanted)
            return Expression(f"{x.within(ATOM)}.squeeze({_axes(axes)})")
    return Expression(f"{x.within(ATOM)}.reshape({asked.shape(wanted)})")


def _inserted(given: Extents, wanted: Extents) -> list[str]:
    """An index that makes axes of extent 1: ":" keeps one, "None" makes one."""
    left, index = list(given), list[str]()
    for extent in wanted:
        if left and left[0] == extent:
            left.pop(0)
            index.append(":")
        else:
            index.append("None")
    return index if not left else []


def _removed(given: Extents, wanted: Extents) -> list[int]:
    """Which axes of extent 1 go."""
    left, gone = list(wanted), list[int]()
    for axis, extent in enumerate(given):
        if left and left[0] == extent:
            left.pop(0)
        else:
            gone.append(axis)
    return gone


def _transpose(asked: Asked, x: Expression) -> Expression:
    axes = tuple(asked.attributes["axes"])
    if not axes:
        return x
    turned = ".T" if axes == (1, 0) else f".transpose({', '.join(map(str, axes))})"
    return Expression(f"{x.within(ATOM)}{turned}")


def _cut(asked: Asked, x: Expression) -> Expression:
    index = [
        ":" if extent is None or part == (0, extent, 1) else _slice(part)
        for extent, part in zip(asked.inputs[0], asked.attributes["cut"], strict=True)
    ]
    while index and index[-1] == ":":
        index.pop()
    return Expression(f"{x.within(ATOM)}[{', '.join(index)}]") if index else x


def _slice(part: tuple[int, int, int]) -> str:
    start, stop, step = part
    end = "" if stop < 0 else str(stop)
    return f"{start}:{end}" + ("" if step == 1 else f":{step}")


def _concat(asked: Asked, *inputs: Expression) -> Expression:
    parts = ", ".join(each.text for each in inputs)
    return Expression(f"np.concatenate([{parts}], axis={asked.attributes['axis']})")


def _take(asked: Asked, x: Expression, indices: Expression) -> Expression:
    lead = ":, " * asked.attributes["axis"]
    return Expression(f"{x.within(ATOM)}[{lead}{indices.text}]")


def _pick(asked: Asked, x: Expression, indices: Expression) -> Expression:
    axis = asked.attributes["axis"]
    aligned = f"np.expand_dims({indices.text}, {axis})"
    picked = f"np.take_along_axis({x.text}, {aligned}, axis={axis})"
    return Expression(f"{picked}.squeeze({axis})")


def _contract(asked: Asked, x: Expression, y: Expression) -> Expression:
    left, right, result = (asked.attributes[name] for name in ("left", "right", "result"))
    summed = set(left) & set(right) - set(result)
    if len(left) == len(right) == len(result) == 2 and len(summed) == 1 and left[0] == result[0]:
        (label,) = summed
        first = f"{x.within(ATOM)}.T" if left[0] == label else x.within(_PRODUCT)
        second = f"{y.within(ATOM)}.T" if right[1] == label else y.within(_PRODUCT + 1)
        return Expression(f"{first} @ {second}", _PRODUCT)
    letters = "abcdefghijklmnopqrstuvwxyz"
    written = ["".join(letters[label] for label in labels) for labels in (left, right, result)]
    equation = "{},{}->{}".format(*written)
    return Expression(f'np.einsum("{equation}", {x.text}, {y.text})')


def _fold(method: str) -> Translation:
    def translate(asked: Asked, x: Expression) -> Expression:
        axes = asked.attributes["axes"]
        kept = Expression(f"{x.within(ATOM)}.{method}({_axes(axes)})")
        return kept if axes else x

    return translate


def _axes(axes: Sequence[int]) -> str:
    return f"axis={axes[0]}" if len(axes) == 1 else f"axis={tuple(axes)}"


def _along(method: str) -> Translation:
    def translate(asked: Asked, x: Expression) -> Expression:
        return Expression(f"{x.within(ATOM)}.{method}(axis={asked.attributes['axis']})")

    return translate


def _argsort(asked: Asked, x: Expression) -> Expression:
    axis = asked.attributes["axis"]
    return Expression(f'np.argsort({x.text}, axis={axis}, kind="stable")')


def _iota(asked: Asked) -> Expression:
    return Expression(f"np.arange({asked.attributes['size']})")


EXPRESSIONS: Mapping[str, Translation] = MappingProxyType(
    {
        # of elements at the same place, whose inputs NumPy stretches
        "identity": _same,
        "stop_gradient": _same,
        "position": _same,  # NumPy counts from the end too
        "cast": _cast,
        "add": _infix("+", _SUM),
        "subtract": _infix("-", _SUM),
        "multiply": _infix("*", _PRODUCT),
        "divide": _infix("/", _PRODUCT),
        "pow": _call("np.power"),
        "floor_divide": _infix("//", _PRODUCT),
        "remainder": _infix("%", _PRODUCT),
        "negative": _prefix("-"),
        "abs": _call("np.abs"),
        "sign": _call("np.sign"),
        "square": _call("np.square"),
        "reciprocal": _reciprocal,
        "maximum": _call("np.maximum"),
        "minimum": _call("np.minimum"),
        "copysign": _call("np.copysign"),
        "hypot": _call("np.hypot"),
        "atan2": _call("np.arctan2"),
        "logaddexp": _call("np.logaddexp"),
        "sqrt": _call("np.sqrt"),
        "exp": _call("np.exp"),
        "expm1": _call("np.expm1"),
        "log": _call("np.log"),
        "log1p": _call("np.log1p"),
        "log2": _call("np.log2"),
        "log10": _call("np.log10"),
        "sigmoid": _call("sigmoid"),
        "tanh": _call("np.tanh"),
        "relu": _relu,
        "erf": _call("erf"),
        "sin": _call("np.sin"),
        "cos": _call("np.cos"),
        "tan": _call("np.tan"),
        "asin": _call("np.arcsin"),
        "acos": _call("np.arccos"),
        "atan": _call("np.arctan"),
        "sinh": _call("np.sinh"),
        "cosh": _call("np.cosh"),
        "asinh": _call("np.arcsinh"),
        "acosh": _call("np.arccosh"),
        "atanh": _call("np.arctanh"),
        "floor": _of_floats("np.floor"),
        "ceil": _of_floats("np.ceil"),
        "trunc": _of_floats("np.trunc"),
        "round": _of_floats("np.round"),
        "nextafter": _call("np.nextafter"),
        "equal": _infix("==", _COMPARED),
        "not_equal": _infix("!=", _COMPARED),
        "less": _infix("<", _COMPARED),
        "less_equal": _infix("<=", _COMPARED),
        "greater": _infix(">", _COMPARED),
        "greater_equal": _infix(">=", _COMPARED),
        "logical_and": _infix("&", _AND),
        "logical_or": _infix("|", _OR),
        "logical_xor": _infix("^", _XOR),
        "logical_not": _prefix("~"),
        "isnan": _call("np.isnan"),
        "isinf": _call("np.isinf"),
        "isfinite": _call("np.isfinite"),
        "signbit": _call("np.signbit"),
        "bitwise_and": _infix("&", _AND),
        "bitwise_or": _infix("|", _OR),
        "bitwise_xor": _infix("^", _XOR),
        "bitwise_invert": _prefix("~"),
        "bitwise_left_shift": _infix("<<", _SHIFT),
        "bitwise_right_shift": _infix(">>", _SHIFT),
        "where": _call("np.where"),
        # of places, whose inputs have been stretched
        "iota": _iota,
        "reshape": _reshape,
        "permute_dims": _transpose,
        "cut": _cut,
        "concat": _concat,
        "take": _take,
        "pick": _pick,
        "contract": _contract,
        "reduce_sum": _fold("sum"),
        "reduce_max": _fold("max"),
        "reduce_min": _fold("min"),
        "reduce_all": _fold("all"),
        "reduce_any": _fold("any"),
        "argmax": _along("argmax"),
        "argmin": _along("argmin"),
        "argsort": _argsort,
        "cumulative_sum": _along("cumsum"),
    }
)
"""By op. What stretches is left out: it is written where it is needed."""
