"""The scalar language: everything that generated code can do to one element.

An op's formula is a Python function of :class:`Scalar` values; running it once gives the expression
that code generation turns into vector instructions. Each instruction is listed here with its
meaning in NumPy, so that an expression can also be evaluated without a compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, final

import numpy as np

from steepest.ir.types import Array, DType, bool_, is_floating

Number: TypeAlias = "Scalar | bool | int | float"


@final
class Scalar:
    """One instruction applied to the results of others; never changed, compared by identity.

    Args:
        instruction: a key of :data:`INSTRUCTIONS`, or a leaf: ``argument`` (``value`` is its
            position), ``constant`` (``value`` is the number), and inside of kernels ``load``
            (an Access), ``index`` (an axis of the kernel) and ``result`` (a position among what
            its reduction gives).
        inputs: the operands.
        dtype: the element type of the result.
        value: what a leaf stands for; the function's name for ``call`` and
            ``call_where``.
    """

    __slots__ = ("dtype", "inputs", "instruction", "value")

    def __init__(
        self, instruction: str, inputs: tuple[Scalar, ...], dtype: DType, value: Any = None
    ) -> None:
        self.instruction = instruction
        self.inputs = inputs
        self.dtype = dtype
        self.value = value

    # fmt: off
    def __add__(self, other: Number) -> Scalar: return _binary("add", self, other)
    def __radd__(self, other: Number) -> Scalar: return _binary("add", other, self)
    def __sub__(self, other: Number) -> Scalar: return _binary("subtract", self, other)
    def __rsub__(self, other: Number) -> Scalar: return _binary("subtract", other, self)
    def __mul__(self, other: Number) -> Scalar: return _binary("multiply", self, other)
    def __rmul__(self, other: Number) -> Scalar: return _binary("multiply", other, self)
    def __truediv__(self, other: Number) -> Scalar: return _binary("divide", self, other)
    def __rtruediv__(self, other: Number) -> Scalar: return _binary("divide", other, self)
    def __lt__(self, other: Number) -> Scalar: return _compare("less", self, other)
    def __le__(self, other: Number) -> Scalar: return _compare("less_equal", self, other)
    def __gt__(self, other: Number) -> Scalar: return _compare("less", other, self)
    def __ge__(self, other: Number) -> Scalar: return _compare("less_equal", other, self)
    def __and__(self, other: Number) -> Scalar: return _binary("and", self, other)
    def __or__(self, other: Number) -> Scalar: return _binary("or", self, other)
    def __xor__(self, other: Number) -> Scalar: return _binary("xor", self, other)
    def __lshift__(self, other: Number) -> Scalar: return _binary("shift_left", self, other)
    def __rshift__(self, other: Number) -> Scalar: return _binary("shift_right", self, other)
    def __neg__(self) -> Scalar: return Scalar("negate", (self,), self.dtype)
    def __invert__(self) -> Scalar: return Scalar("invert", (self,), self.dtype)
    # fmt: on

    def equals(self, other: Number) -> Scalar:
        """Whether both are the same number; false beside a NaN."""
        return _compare("equal", self, other)

    def differs(self, other: Number) -> Scalar:
        """Whether they are different numbers; true beside a NaN."""
        return _compare("not_equal", self, other)

    def cast(self, dtype: DType) -> Scalar:
        """The number in another element type; a float loses its fraction in an integer."""
        return self if self.dtype == dtype else Scalar("cast", (self,), dtype)

    def bits(self, dtype: DType) -> Scalar:
        """The same bits read as another element type of the same width."""
        return self if self.dtype == dtype else Scalar("bits", (self,), dtype)

    def __repr__(self) -> str:
        return written(self)


def argument(position: int, dtype: DType) -> Scalar:
    """The operand that an expression is a function of."""
    return Scalar("argument", (), dtype, position)


def number(value: Any, dtype: DType) -> Scalar:
    """A constant."""
    return Scalar("constant", (), dtype, dtype.type(value))


def _pair(a: Number, b: Number) -> tuple[Scalar, Scalar]:
    if isinstance(a, Scalar):
        return a, b if isinstance(b, Scalar) else number(b, a.dtype)
    assert isinstance(b, Scalar), "one operand is a Scalar"
    return number(a, b.dtype), b


def _binary(instruction: str, a: Number, b: Number) -> Scalar:
    x, y = _pair(a, b)
    if x.dtype != y.dtype:
        raise TypeError(f"{instruction}: {x.dtype} and {y.dtype} differ")
    return Scalar(instruction, (x, y), x.dtype)


def _compare(instruction: str, a: Number, b: Number) -> Scalar:
    x, y = _pair(a, b)
    if x.dtype != y.dtype:
        raise TypeError(f"{instruction}: {x.dtype} and {y.dtype} differ")
    return Scalar(instruction, (x, y), bool_)


def select(condition: Scalar, x: Number, y: Number) -> Scalar:
    """``x`` where the condition holds, else ``y``; both are computed."""
    a, b = _pair(x, y)
    return Scalar("select", (condition, a, b), a.dtype)


def multiply_add(x: Scalar, y: Number, z: Number) -> Scalar:
    """The number x · y + z, rounded once where the machine can."""
    return Scalar("multiply_add", (x, _pair(x, y)[1], _pair(x, z)[1]), x.dtype)


def _unary(instruction: str) -> Callable[[Scalar], Scalar]:
    def build(x: Scalar) -> Scalar:
        return Scalar(instruction, (x,), x.dtype)

    build.__doc__ = f"The instruction ``{instruction}``."
    return build


absolute = _unary("absolute")
floor, ceil, trunc, round_even = map(_unary, ("floor", "ceil", "trunc", "round_even"))
sqrt, exp, expm1, log, log1p = map(_unary, ("sqrt", "exp", "expm1", "log", "log1p"))
sin, cos, tanh, sigmoid, erf = map(_unary, ("sin", "cos", "tanh", "sigmoid", "erf"))


def copysign(x: Scalar, sign: Number) -> Scalar:
    """|x| with the sign bit of the other."""
    return _binary("copysign", x, sign)


def power(x: Scalar, y: Number) -> Scalar:
    """The power x^y, for floating-point numbers."""
    return _binary("power", x, y)


def quotient(x: Scalar, y: Number) -> Scalar:
    """Integers divided, rounded towards zero; x / 0 is 0, and the lowest number / −1 is itself."""
    return _binary("quotient", x, y)


def call(function: str, *inputs: Scalar) -> Scalar:
    """A function of the C library on each element, such as ``atan``; slow, for what is rare."""
    return Scalar("call", inputs, inputs[0].dtype, function)


def call_where(condition: Scalar, function: str, otherwise: Scalar, *inputs: Scalar) -> Scalar:
    """A function of the C library where the condition holds; free where it holds nowhere."""
    return Scalar("call_where", (condition, otherwise, *inputs), otherwise.dtype, function)


# ------------------------------------------------------------------------------------ the meaning


def _quotient(x: Array, y: Array) -> Array:
    safe = np.where(y == 0, np.ones_like(y), y)
    low = x // safe
    rounded_up = (x - low * safe != 0) & ((x < 0) != (safe < 0))
    return np.where(y == 0, 0, low + rounded_up).astype(x.dtype)


def _multiply_add(x: Array, y: Array, z: Array) -> Array:
    return x * y + z


def _negate(x: Array) -> Array:
    return np.negative(x)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)


def _erf(x: Array) -> Array:
    import math

    return np.vectorize(math.erf, otypes=[x.dtype])(x)


INSTRUCTIONS: Mapping[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "multiply_add": _multiply_add,
    "negate": _negate,
    "absolute": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round_even": np.rint,
    "copysign": np.copysign,
    "quotient": _quotient,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "select": np.where,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "invert": np.invert,
    "shift_left": np.left_shift,
    "shift_right": np.right_shift,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "erf": _erf,
    "power": np.power,
}

_C_LIBRARY: Mapping[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "pow": np.power,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "log2": np.log2,
    "log10": np.log10,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "fmod": np.fmod,
    "nextafter": np.nextafter,
}


def ordered(roots: Iterable[Scalar], known: Iterable[Scalar] = ()) -> list[Scalar]:
    """Everything that ``roots`` are computed from, operands before users; not past ``known``."""
    done = set(known)
    result: list[Scalar] = []
    stack = list(roots)[::-1]
    while stack:
        scalar = stack[-1]
        if scalar not in done:
            waits_for = [each for each in scalar.inputs if each not in done]
            if waits_for:
                stack += reversed(waits_for)
                continue
            done.add(scalar)
            result.append(scalar)
        stack.pop()
    return result


def evaluate(root: Scalar, *arguments: Array) -> Array:
    """What an expression gives for arrays, by NumPy."""
    values: dict[Scalar, Array] = {}
    with np.errstate(all="ignore"):
        for scalar in ordered([root]):
            given = [values[each] for each in scalar.inputs]
            values[scalar] = np.asarray(_meaning(scalar, given, arguments)).astype(
                scalar.dtype, copy=False
            )
    return values[root]


def _meaning(scalar: Scalar, given: list[Array], arguments: tuple[Array, ...]) -> Any:
    match scalar.instruction:
        case "argument":
            return arguments[int(scalar.value)]
        case "constant":
            return scalar.value
        case "cast":
            return given[0].astype(scalar.dtype)
        case "bits":
            return given[0].view(scalar.dtype)
        case "call":
            return _C_LIBRARY[scalar.value](*given)
        case "call_where":
            condition, otherwise, *inputs = given
            return np.where(condition, _C_LIBRARY[scalar.value](*inputs), otherwise)
        case name:
            return INSTRUCTIONS[name](*given)


def written(root: Scalar, names: Mapping[Scalar, str] | None = None) -> str:
    """An expression as text, for printed stages: ``add(multiply(a0, a1), 1.0)``.

    Args:
        root: the expression.
        names: what to write for some parts instead.
    """
    known = names or {}
    if root in known:
        return known[root]
    parts = [written(each, known) for each in root.inputs]
    match root.instruction:
        case "argument" | "index" | "result":
            return f"{root.instruction[0]}{root.value}"
        case "constant":
            return str(root.value)
        case "load":
            return root.value.written(parts) if parts else str(root.value)
        case "cast" | "bits":
            return f"{root.dtype}({parts[0]})"
        case "call" | "call_where":
            return f"{root.value}({', '.join(parts)})"
        case name:
            return f"{name}({', '.join(parts)})"


def is_float(scalar: Scalar) -> bool:
    """Whether it is a floating-point number."""
    return is_floating(scalar.dtype)
