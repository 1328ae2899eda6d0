"""How a row of the op table is written: the parts that all ops of one shape share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from steepest.errors import DTypeError, ShapeError
from steepest.ir.lowering import pointwise
from steepest.ir.node import Node
from steepest.ir.op import (
    OPS,
    Batch,
    Case,
    Op,
    Operand,
    Sample,
    Scalar,
    T,
    Undifferentiable,
    define,
    explain,
)
from steepest.ir.origin import located
from steepest.ir.scalar import Scalar as Element
from steepest.ir.types import (
    Array,
    DType,
    Shape,
    TensorType,
    bool_,
    broadcast,
    float32,
    int64,
    is_floating,
    is_integer,
    promote,
    uint64,
)

UnaryReference: TypeAlias = Callable[[Array], Any]
BinaryReference: TypeAlias = Callable[[Array, Array], Any]
Formula: TypeAlias = Callable[..., Element]
UnaryPullback: TypeAlias = Callable[[Node, Node, Node], tuple[Node]]
BinaryPullback: TypeAlias = Callable[[Node, Node, Node, Node], tuple[Node | None, Node | None]]

# ---------------------------------------------------------------- which element types an op takes

_KINDS: dict[str, tuple[Callable[[DType], bool], str]] = {
    "any": (lambda _: True, "any element type"),
    "numeric": (lambda d: d != bool_, "numbers; use .astype to convert"),
    "floating": (is_floating, "floating-point numbers; use .astype(st.float32)"),
    "integer": (is_integer, "integers; use .astype(st.int64)"),
    "boolean": (lambda d: d == bool_, "booleans; compare with 0 to get them"),
    "bits": (lambda d: not is_floating(d), "integers or booleans"),
}


def accept(kind: str, *types: TensorType) -> None:
    """Refuse element types that an op does not work on."""
    fits, words = _KINDS[kind]
    for each in types:
        if not fits(each.dtype):
            raise DTypeError(f"{each.dtype} does not fit, it takes {words}")


# ------------------------------------------------------------------------------------- alignment


def as_given(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs stay as they are; numbers get the default element type."""
    kind = next(each for each in inputs if isinstance(each, Operand))
    return tuple(e if isinstance(e, Operand) else kind.lift(e, default_dtype(e)) for e in inputs)


def default_dtype(value: Scalar) -> DType:
    """The element type of a Python number on its own: float32, int64 or bool."""
    return bool_ if isinstance(value, bool) else int64 if isinstance(value, int) else float32


def promoted(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs brought to one element type; each keeps its shape."""
    given = as_given(inputs)
    dtype = promote(*(each.dtype for each in given))
    return tuple(converted(each, dtype) for each in given)


def together(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs brought to one element type and one shape, by explicit casts and broadcasts.

    A Python number takes the Tensors' element type: ``x * 2`` keeps float32.
    """
    operands = [each for each in inputs if isinstance(each, Operand)]
    kind = operands[0]
    if len(operands) == len(inputs) and all(each.type == kind.type for each in operands[1:]):
        return inputs
    alike = of_one_type(inputs)
    shape = broadcast(*(each.shape for each in operands))
    return tuple(stretched(each, shape) for each in alike)


def of_one_type(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs brought to one element type, which Python numbers take; each keeps its shape."""
    operands = [each for each in inputs if isinstance(each, Operand)]
    dtype = promote(*(each.dtype for each in operands))
    for each in inputs:
        if not isinstance(each, Operand):
            dtype = _with_number(dtype, each)
    full = (e if isinstance(e, Operand) else operands[0].lift(e, dtype) for e in inputs)
    return tuple(converted(each, dtype) for each in full)


def common_shape(name: str, shapes: Iterable[Shape], operands: Sequence[Operand]) -> Shape:
    """The shape that ``shapes`` stretch to; an error tells of the function and its operands."""
    try:
        return broadcast(*shapes)
    except ShapeError as error:
        raise explain(error, name, tuple(operands)) from None


def _with_number(dtype: DType, number: Scalar) -> DType:
    if isinstance(number, float) and not is_floating(dtype):
        return float32
    if isinstance(number, int) and not isinstance(number, bool):
        if dtype == bool_:
            return int64
        if is_integer(dtype):
            limits = np.iinfo(dtype)
            if not limits.min <= number <= limits.max:
                raise DTypeError(f"{number} does not fit into {dtype}")
    return dtype


def operand(x: T) -> T:
    """``x``, which must be a Tensor (or a node): a list or an array on its own is refused."""
    if not isinstance(x, Operand):  # pyright: ignore[reportUnnecessaryIsInstance]
        given = type(x).__name__
        raise located(DTypeError(f"it takes Tensors, not {given}; wrap it in st.tensor(…)"))
    return x


def converted(x: Any, dtype: DType) -> Any:
    """``x`` cast, if it has another element type."""
    return x if x.dtype == dtype else OPS["cast"](x, dtype=dtype)


def widened(x: Any) -> Any:
    """``x`` as sums and products are computed: small integers and booleans in 64 bits."""
    if is_floating(operand(x).dtype):
        return x
    return converted(x, uint64 if x.dtype.kind == "u" else int64)


def stretched(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` broadcast, if it has another shape."""
    return x if x.shape == shape else OPS["broadcast_to"](x, shape=shape)


# --------------------------------------------------------------------------------------- batching


def batch_leading(shift: Callable[[dict[str, Any], int], dict[str, Any]]) -> Batch:
    """All inputs get the leading axis; ``shift(attributes, size)`` makes room for it."""

    def batch(
        op: Op,
        inputs: tuple[Any, ...],
        mapped: tuple[bool, ...],
        size: int,
        attributes: dict[str, Any],
    ) -> Any:
        full = (
            each if is_mapped else stretched(each, (size, *each.shape))
            for each, is_mapped in zip(inputs, mapped, strict=True)
        )
        return op(*full, **shift(attributes, size))

    return batch


# One axis more is all the same to an op that takes each element on its own.
batch_elementwise = batch_leading(lambda attributes, size: attributes)


# ------------------------------------------------------------------------------------------- rows


def _same(kind: str, result: DType | None) -> Callable[..., TensorType]:
    def infer(first: TensorType, *others: TensorType) -> TensorType:
        accept(kind, first, *others)
        for each in others:
            if each != first:
                raise ShapeError(f"{first} and {each} differ")
        return TensorType(first.shape, first.dtype if result is None else result)

    return infer


def _samples(kind: str, domain: tuple[float, float], choices: tuple[float, ...]) -> Sample:
    dtype = {"boolean": "bool", "bits": "int64", "integer": "int64"}.get(kind, "floating")
    return Sample((2, 3), *domain, dtype=dtype, choices=choices)


def unary(
    name: str,
    summary: str,
    *,
    reference: UnaryReference,
    formula: Formula,
    pullback: UnaryPullback | Undifferentiable,
    takes: str = "floating",
    gives: DType | None = None,
    domain: tuple[float, float] = (-2.0, 2.0),
    choices: tuple[float, ...] = (),
) -> Op:
    """An op that maps each element on its own; ``domain`` is where tests draw from."""
    op = Op(
        name=name,
        summary=summary,
        infer=_same(takes, gives),
        reference=reference,
        pullback=pullback,
        lower=pointwise(formula),
        batch=batch_elementwise,
        align=as_given,
        cases=(Case((_samples(takes, domain, choices),), any_shape=True),),
    )
    return define(op)


def binary(
    name: str,
    summary: str,
    *,
    reference: BinaryReference,
    formula: Formula,
    pullback: BinaryPullback | Undifferentiable,
    check: Formula | None = None,
    takes: str = "numeric",
    gives: DType | None = None,
    left: tuple[float, float] = (-2.0, 2.0),
    right: tuple[float, float] = (-2.0, 2.0),
    choices: tuple[float, ...] = (),
    right_choices: tuple[float, ...] = (),
    align: Callable[[tuple[Any, ...]], tuple[Any, ...]] = together,
) -> Op:
    """An op that combines two arrays element by element, after broadcasting and promotion."""
    samples = (
        _samples(takes, left, choices),
        _samples(takes, right, right_choices or choices),
    )
    op = Op(
        name=name,
        summary=summary,
        infer=_same(takes, gives),
        reference=reference,
        pullback=pullback,
        lower=pointwise(formula, check=check),
        batch=batch_elementwise,
        align=align,
        cases=(Case(samples, any_shape=True),),
    )
    return define(op)
