"""A node of a graph: an op applied to nodes. Immutable and shared."""

from __future__ import annotations

from typing import Any, Self, final

from steepest.ir.op import Case, Op, Operand, PiecewiseConstant, Scalar
from steepest.ir.origin import Origin, origin as here
from steepest.ir.types import Array, DType, TensorType, numbers, type_of


@final
class Record:
    """What eager execution knows of a node: its value, and the gradient a user asked to keep.

    The only thing about a node that changes: ``backward`` releases values and sets gradients.
    """

    __slots__ = ("gradient", "keeps_gradient", "released", "requires_grad", "value")

    def __init__(self, value: Array, *, requires_grad: bool, keeps_gradient: bool = False) -> None:
        self.value: Array | None = value
        self.requires_grad = requires_grad
        self.keeps_gradient = keeps_gradient
        self.released = False
        self.gradient: Any = None

    def release(self) -> None:
        """Drop the value; a later backward through here is an error."""
        self.value = None
        self.released = True


@final
class Node(Operand):
    """An op applied to nodes; its attributes, the type of its result, where it was made."""

    __slots__ = ("_type", "attributes", "inputs", "op", "origin", "record")

    def __init__(
        self,
        op: Op,
        inputs: tuple[Node, ...],
        attributes: dict[str, Any],
        type: TensorType,
        *,
        record: Record | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self._type = type
        self.record = record
        self.origin = origin

    @property
    def type(self) -> TensorType:
        """Shape and element type."""
        return self._type

    def apply(self, op: Op, inputs: tuple[Node, ...], attributes: dict[str, Any]) -> Self:
        """A new node; nothing is computed."""
        type = op.infer(*[each._type for each in inputs], **attributes)
        made = Node(op, inputs, attributes, type, origin=here())
        return made  # pyright: ignore[reportReturnType]  (Node is final: Self is Node)

    def lift(self, value: Array | Scalar, dtype: DType | None = None) -> Self:
        """A constant node."""
        return constant(numbers(value, dtype))  # pyright: ignore[reportReturnType]

    def of(self, inputs: tuple[Node, ...]) -> Node:
        """The same op of other nodes of the same types, made at the same place."""
        if inputs == self.inputs:
            return self
        return Node(self.op, inputs, self.attributes, self._type, origin=self.origin)

    @property
    def value(self) -> Array | None:
        """The recorded value, or None for a node that eager execution has not computed."""
        return None if self.record is None else self.record.value

    @property
    def name(self) -> str:
        """The name of an input; empty for other nodes."""
        return self.attributes.get("name", "")

    def __repr__(self) -> str:
        return f"<node {self.op.name}: {self.type}>"


def _no_value() -> Array:
    raise AssertionError("an input has no value of its own")


def _never_lowered(**_: Any) -> Any:
    raise AssertionError("memory is planned for a node without inputs, nothing is computed")


def _itself(value: Array) -> Array:
    return value


def _never_batched(*_: Any) -> Any:
    raise AssertionError("a node without inputs is the same for every example")


def _as_given(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return inputs


def _source(name: str, summary: str, reference: Any, infer: Any) -> Op:
    return Op(
        name=name,
        summary=summary,
        infer=infer,
        reference=reference,
        lower=_never_lowered,
        pullback=PiecewiseConstant(),
        batch=_never_batched,
        align=_as_given,
        cases=(Case(()),),
    )


# The two kinds of node without inputs. They are not in the registry: nobody calls them.
INPUT = _source("input", "A value that is bound when the graph runs.", _no_value, _no_value)
CONSTANT = _source("constant", "A number written in the program.", _itself, type_of)


def placeholder(type: TensorType, name: str = "") -> Node:
    """An input of a graph, without a value."""
    return Node(INPUT, (), {"name": name}, type)


def leaf(value: Array, *, requires_grad: bool = False, name: str = "") -> Node:
    """An input that eager execution has already bound to a value."""
    record = Record(value, requires_grad=requires_grad, keeps_gradient=requires_grad)
    return Node(INPUT, (), {"name": name}, type_of(value), record=record)


def constant(value: Array) -> Node:
    """A small array written into the graph."""
    return Node(CONSTANT, (), {"value": value}, type_of(value))
