"""What an operation is: one frozen value that holds everything known about it.

An op is written against :class:`Operand`, which both a Node of a graph and an eager Tensor are; so
one definition serves eager execution, tracing and derivatives.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeAlias, TypeVar, cast, final

import numpy as np

from steepest.errors import DTypeError, ShapeError, SteepestError
from steepest.ir.lowering import Lower
from steepest.ir.origin import origin
from steepest.ir.types import Array, DType, Shape, TensorType

Scalar: TypeAlias = bool | int | float
Like: TypeAlias = "Operand | Array | Scalar"


class Operand:
    """Something that ops apply to: a :class:`Node` of a graph, or an eager Tensor.

    Abstract, but no ABC: every op asks isinstance of every input, which takes those a microsecond.
    """

    __slots__ = ()
    __array_ufunc__ = None  # NumPy's operators give way: array + operand is an operand

    @property
    def type(self) -> TensorType:
        """Shape and element type."""
        raise NotImplementedError

    def apply(self, op: Op, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Self:
        """What ``op`` gives for ``inputs``, which are aligned operands of this kind."""
        raise NotImplementedError

    def lift(self, value: Array | Scalar, dtype: DType | None = None) -> Self:
        """The array or number as an operand of this kind."""
        raise NotImplementedError

    @property
    def shape(self) -> Shape:
        """The extent of each axis."""
        return self.type.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.type.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.type.size

    # fmt: off
    def __add__(self, other: Like) -> Self: return _infix("add", self, other)
    def __radd__(self, other: Like) -> Self: return _infix("add", other, self)
    def __sub__(self, other: Like) -> Self: return _infix("subtract", self, other)
    def __rsub__(self, other: Like) -> Self: return _infix("subtract", other, self)
    def __mul__(self, other: Like) -> Self: return _infix("multiply", self, other)
    def __rmul__(self, other: Like) -> Self: return _infix("multiply", other, self)
    def __truediv__(self, other: Like) -> Self: return _infix("divide", self, other)
    def __rtruediv__(self, other: Like) -> Self: return _infix("divide", other, self)
    def __floordiv__(self, other: Like) -> Self: return _infix("floor_divide", self, other)
    def __rfloordiv__(self, other: Like) -> Self: return _infix("floor_divide", other, self)
    def __mod__(self, other: Like) -> Self: return _infix("remainder", self, other)
    def __rmod__(self, other: Like) -> Self: return _infix("remainder", other, self)
    def __pow__(self, other: Like) -> Self: return _infix("pow", self, other)
    def __rpow__(self, other: Like) -> Self: return _infix("pow", other, self)
    def __lt__(self, other: Like) -> Self: return _infix("less", self, other)
    def __le__(self, other: Like) -> Self: return _infix("less_equal", self, other)
    def __gt__(self, other: Like) -> Self: return _infix("greater", self, other)
    def __ge__(self, other: Like) -> Self: return _infix("greater_equal", self, other)
    def __and__(self, other: Like) -> Self: return _infix("bitwise_and", self, other)
    def __rand__(self, other: Like) -> Self: return _infix("bitwise_and", other, self)
    def __or__(self, other: Like) -> Self: return _infix("bitwise_or", self, other)
    def __ror__(self, other: Like) -> Self: return _infix("bitwise_or", other, self)
    def __xor__(self, other: Like) -> Self: return _infix("bitwise_xor", self, other)
    def __rxor__(self, other: Like) -> Self: return _infix("bitwise_xor", other, self)
    def __lshift__(self, other: Like) -> Self: return _infix("bitwise_left_shift", self, other)
    def __rshift__(self, other: Like) -> Self: return _infix("bitwise_right_shift", self, other)
    def __neg__(self) -> Self: return _infix("negative", self)
    def __pos__(self) -> Self: return self
    def __abs__(self) -> Self: return _infix("abs", self)
    def __invert__(self) -> Self: return _infix("bitwise_invert", self)
    # fmt: on


T = TypeVar("T", bound=Operand)


def _infix(name: str, *inputs: Like) -> Any:
    return OPS[name](*inputs)


@final
@dataclass(frozen=True)
class NotDifferentiable:
    """In place of a pullback: asking for this op's derivative is an error that gives the reason."""

    reason: str


@final
@dataclass(frozen=True)
class PiecewiseConstant:
    """In place of a pullback: the derivative is zero wherever it exists."""


@final
@dataclass(frozen=True)
class Stopped:
    """In place of a pullback: the derivative is declared to be zero, whatever the function does."""


Undifferentiable: TypeAlias = NotDifferentiable | PiecewiseConstant | Stopped


@final
@dataclass(frozen=True)
class Sample:
    """How a test draws one input: uniformly from an interval, or from a few choices."""

    shape: Shape = (2, 3)
    low: float = -2.0
    high: float = 2.0
    dtype: str = "floating"  # "floating": float32 and float64 in turn
    choices: tuple[float, ...] = ()
    distinct: bool = False  # all values at least 0.01 apart, for what breaks at ties


@final
@dataclass(frozen=True)
class Case:
    """A call of an op that is worth testing, benchmarking and showing in the documentation."""

    inputs: tuple[Sample, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    any_shape: bool = False  # works for every shape that all inputs share


class Align(Protocol):
    """Brings the inputs of a call to common shape and element type, by explicit ops."""

    def __call__(self, inputs: tuple[Any, ...], /) -> tuple[Any, ...]:
        """The aligned inputs."""
        ...


class Batch(Protocol):
    """The op with a leading axis of extent ``size`` on the inputs that are ``mapped``."""

    def __call__(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        mapped: tuple[bool, ...],
        size: int,
        attributes: dict[str, Any],
        /,
    ) -> Any:
        """The result, with the leading axis."""
        ...


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Op:
    """An operation: shape rule, meaning, lowering, derivative, batched form, calls worth testing.

    Args:
        name: how it is written, in code and in a printed graph.
        summary: one sentence with the formula.
        infer: types of the inputs (and attributes) to the type of the result, or an error.
        reference: the meaning, in NumPy: obviously right, not fast.
        lower: the attributes of a call to one of the kinds that code generation knows.
        pullback: (gradient of the result, the result, the inputs; attributes) to the gradients of
            the inputs, written in ops; None for an input that has none.
        batch: the op with one more leading axis, for vmap.
        align: what happens to the inputs of a call before ``infer`` sees them.
        cases: calls worth testing.
    """

    name: str
    summary: str
    infer: Callable[..., TensorType]
    reference: Callable[..., Array]
    lower: Lower
    pullback: Callable[..., tuple[Any, ...]] | Undifferentiable
    batch: Batch
    align: Align
    cases: tuple[Case, ...]

    def __call__(self, *inputs: T | Array | Scalar, **attributes: Any) -> T:
        """Apply to operands; arrays and numbers beside an operand become operands."""
        kind = _kind_of(self, inputs)
        try:
            aligned = self.align(tuple([_lifted(kind, each) for each in inputs]))
            return kind.apply(self, aligned, attributes)
        except (ShapeError, DTypeError) as error:
            raise explain(error, self.name, inputs) from None

    @property
    def is_flat(self) -> bool:
        """Whether its derivative is zero, in fact or as declared."""
        return isinstance(self.pullback, _FLAT)

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.summary)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


_FLAT = (PiecewiseConstant, Stopped)
OPS: dict[str, Op] = {}


def define(op: Op) -> Op:
    """Enter ``op`` in the registry that tests, documentation and operators read."""
    if op.name in OPS:
        raise ValueError(f"the op {op.name!r} is defined twice")
    OPS[op.name] = op
    return op


def _kind_of(op: Op, inputs: tuple[T | Array | Scalar, ...]) -> T:
    for each in inputs:
        if isinstance(each, Operand):
            return cast(T, each)
    given = ", ".join(type(each).__name__ for each in inputs)
    raise explain(
        DTypeError(f"it takes Tensors, not {given}; wrap it in st.tensor(…)"), op.name, ()
    )


def _lifted(kind: Operand, value: Operand | Array | Scalar) -> Operand | Scalar:
    """An array becomes an operand at once; a Python number waits to learn its element type."""
    if isinstance(value, _AS_IT_IS):
        return value
    return kind.lift(value)


_AS_IT_IS = (bool, int, float, Operand)  # a tuple: making a union at each call takes longer


E = TypeVar("E", bound=SteepestError)


def explain(error: E, name: str, inputs: tuple[Like, ...]) -> E:
    """Name the call and the user's line in an error, once: the innermost op says it best."""
    if getattr(error, "explained", False):
        return error
    types = ", ".join(_short(each) for each in inputs)
    line = origin()
    where = f"\n  at {line}" if line else ""
    explained = type(error)(f"{name}({types}): {error}{where}")
    explained.__dict__["explained"] = True
    return explained


def _short(given: object) -> str:
    """``float64[3, 9]`` for an array: never its numbers, which may be millions."""
    if isinstance(given, Operand):
        return str(given.type)
    if isinstance(given, np.ndarray):
        array = cast(Array, given)
        return f"{array.dtype}[{', '.join(map(str, array.shape))}]"
    return reprlib.repr(given)
