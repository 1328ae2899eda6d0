"""The Tensor: an immutable array that knows how it was computed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, NoReturn, Self, final

import numpy as np

from steepest.errors import DTypeError, GradientError, ShapeError, TraceError
from steepest.ir.node import Node, Record, constant, leaf
from steepest.ir.op import Like, Op, Operand, Scalar
from steepest.ir.origin import origin
from steepest.ir.types import Array, DType, Shape, TensorType, is_floating, numbers, type_of
from steepest.methods import implements
from steepest.ops import composite, contract, elementwise, index, movement, reduce
from steepest.ops.along import argmax, argmin
from steepest.ops.elementwise import identity, stop_gradient
from steepest.ops.reduce import Axis
from steepest.tensor.backward import accumulate, check_backward, refuse_leaving, run
from steepest.tensor.display import html
from steepest.tensor.modes import is_differentiating, is_recording

_PLAIN_DTYPES = ("float32", "int64", "bool")
_COMPARABLE: tuple[type[Any], ...] = (Operand, np.ndarray, np.generic, bool, int, float)


@final
@implements("D2", "D4", "T1")
class Tensor(Operand):
    """An immutable n-dimensional array; made by :func:`steepest.tensor` and by operations.

    An eager Tensor holds its value. Where an input requires grad, the operation is recorded, for
    :meth:`backward`. A traced Tensor (inside ``st.trace``, ``st.vmap`` …) has a type but no value.
    """

    __slots__ = ("__weakref__", "_node", "_value")

    def __init__(self, value: Array | None, node: Node | None) -> None:
        self._value = value
        self._node = node

    # ------------------------------------------------------------------------------ as an operand

    @property
    def type(self) -> TensorType:
        """Shape and element type."""
        if self._value is not None:
            return type_of(self._value)
        assert self._node is not None
        return self._node.type

    @property
    def shape(self) -> Shape:
        """The extent of each axis."""
        return self.type.shape if self._value is None else self._value.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.type.dtype if self._value is None else self._value.dtype

    def apply(self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any]) -> Self:
        """Compute ``op`` at once, and record it where a derivative may be asked for."""
        made = _apply(op, inputs, attributes)
        return made  # pyright: ignore[reportReturnType]  (Tensor is final: Self is Tensor)

    def lift(self, value: Array | Scalar, dtype: DType | None = None) -> Self:
        """The array or number as a Tensor; a number is written into graphs as a constant."""
        array = numbers(value, dtype)
        made = Tensor(array, constant(array) if array.ndim == 0 else None)
        return made  # pyright: ignore[reportReturnType]

    @property
    def node(self) -> Node:
        """The node of the graph that this Tensor is the value of."""
        if self._node is None:
            assert self._value is not None
            self._node = leaf(self._value)
        record = self._node.record
        if record is not None and record.released:  # used again after backward freed its history
            again = Record(self.data, requires_grad=True)
            inputs = (self._node,)
            return Node(identity, inputs, {}, self.type, record=again, origin=origin())
        return self._node

    @property
    def is_traced(self) -> bool:
        """Whether this is a value of a graph being traced: a type without a value."""
        return self._value is None

    @property
    def is_literal(self) -> bool:
        """Whether it is written in the program, like 2.0 or zeros((3,)): a graph computes it."""
        return self._value is not None and self._node is not None and self._node.record is None

    @property
    def data(self) -> Array:
        """The value itself, for those who promise not to change it; others use ``numpy()``."""
        if self._value is None:
            self._refuse_traced("the value")
        return self._value

    def _refuse_traced(self, wanted: str) -> NoReturn:
        line = origin()
        raise TraceError(
            f"{wanted} of a traced value is not known yet (type {self.type}): a traced function "
            "runs once, for all values. Use where(condition, x, y) instead of if, or compute this "
            "outside" + (f"\n  at {line}" if line else "")
        )

    # ---------------------------------------------------------------------------------- gradients

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this Tensor are recorded."""
        if self._value is None:
            return is_floating(self.dtype)
        record = None if self._node is None else self._node.record
        return record is not None and record.requires_grad

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user and not by a recorded operation."""
        return self._node is None or not self._node.inputs

    @property
    def grad(self) -> Tensor | None:
        """What :meth:`backward` has added up here; for leaves, and after :meth:`retain_grad`."""
        record = None if self._node is None else self._node.record
        if record is None:
            return None
        if record.requires_grad and not record.keeps_gradient:
            warnings.warn(
                "this Tensor is not a leaf, so backward() does not keep its gradient; "
                "call retain_grad() on it before backward(), or read .grad of the leaf you meant",
                UserWarning,
                stacklevel=2,
            )
        return record.gradient

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        record = self._record("assign .grad")
        if value is not None and value.shape != self.shape:
            raise ShapeError(f".grad of a Tensor of {self.shape} cannot have shape {value.shape}")
        record.gradient = value

    def _record(self, purpose: str) -> Record:
        record = None if self._node is None else self._node.record
        if record is None or not record.requires_grad:
            raise GradientError(f"cannot {purpose}: this Tensor does not require grad")
        return record

    def retain_grad(self) -> None:
        """Have ``backward()`` keep the gradient of this intermediate result in ``.grad``."""
        self._record("retain_grad()").keeps_gradient = True

    def detach(self) -> Tensor:
        """The same value as a constant: no gradient passes."""
        return stop_gradient(self) if self._value is None else Tensor(self._value, None)

    def requires_grad_(self) -> Tensor:
        """A leaf with this value that requires grad; this Tensor itself stays as it is."""
        return Tensor(self.data, leaf(_differentiable(self.data), requires_grad=True))

    def backward(
        self,
        gradient: Tensor | None = None,
        *,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Add ∂self/∂leaf to ``.grad`` of every leaf that requires grad.

        Args:
            gradient: for a Tensor that is not a scalar: the gradient that comes in, of its shape.
            retain_graph: keep the recorded values, so that backward can run again.
            create_graph: record the backward computation too, so that ``.grad`` can be
                differentiated; implies ``retain_graph``.

        Raises:
            GradientError: not a scalar, nothing recorded, or values freed by an earlier backward.

        >>> import steepest as st
        >>> x = st.tensor([1.0, 2.0], requires_grad=True)
        >>> st.sum(x * x).backward()
        >>> x.grad
        tensor([2., 4.])
        """
        seed = _seed(self, gradient)
        accumulate(
            self.node,
            seed.node,
            Tensor,
            retain_graph=retain_graph or create_graph,
            record=create_graph,
        )

    # ------------------------------------------------------------------------------------- values

    def _leaving(self, by: str) -> Array:
        """The value, for what does not record: NumPy, the math module, Python's numbers."""
        if is_differentiating() and self.requires_grad and not self.is_traced:
            refuse_leaving(by)
        return self.data

    def numpy(self) -> Array:
        """The value as a NumPy array of its own, yours to change."""
        return np.array(self._leaving("the array"))

    def item(self) -> Any:
        """The value of a Tensor of one element as a Python number."""
        if self.size != 1:
            raise ShapeError(f"item() is for one element; this Tensor has {self.size}")
        return self._leaving("the number").item()

    def tolist(self) -> Any:
        """The value as nested lists of Python numbers."""
        return self._leaving("the list").tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._leaving("the array"), dtype=dtype)

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        return sys.modules["steepest"]

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the CPU

    @property
    def device(self) -> str:
        """Where the value is: always the CPU, for an eager Tensor."""
        return "cpu"

    def __bool__(self) -> bool:
        if self._value is None:
            self._refuse_traced("the truth (bool)")
        if self.size != 1:
            raise ShapeError(f"{self.size} elements are neither true nor false: all, any?")
        return bool(self._value)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.detach().item())

    def __index__(self) -> int:
        if is_floating(self.dtype):
            raise DTypeError(f"a position is an integer, not {self.dtype}")
        return int(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("a 0-dimensional Tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> Any:
        return (_rebuild, (self.numpy(), self.requires_grad and self.is_leaf))

    # ------------------------------------------------------------------------------ looks and keys

    def __repr__(self) -> str:
        if self._value is None:
            return f"tensor(traced, {self.type})"
        body = np.array2string(self._value, separator=", ", prefix="tensor(")
        if self.dtype.name not in _PLAIN_DTYPES:
            body += f", dtype={self.dtype}"
        return f"tensor({body}{', requires_grad=True' if self.requires_grad else ''})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def _repr_html_(self) -> str:
        return html(self._value, self.type, repr(self))

    def __eq__(self, other: Any) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return elementwise.equal(self, other) if isinstance(other, _COMPARABLE) else NotImplemented

    def __ne__(self, other: Any) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        known = isinstance(other, _COMPARABLE)
        return elementwise.not_equal(self, other) if known else NotImplemented

    __hash__ = object.__hash__

    def __getitem__(self, key: Any) -> Tensor:
        return index.index(self, key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        line = origin()
        raise TypeError(
            "a Tensor cannot be changed; make a new one: where(condition, x, y) picks element by "
            "element, x.at(key, value) replaces a part" + (f"\n  at {line}" if line else "")
        )

    def at(self, key: Any, value: Tensor | Array | Scalar) -> Tensor:
        """A copy with the part at ``key`` replaced by ``value``: what ``x[key] = value`` would do.

        >>> import steepest as st
        >>> st.zeros((3,)).at(1, 5.0)
        tensor([0., 5., 0.])
        """
        return index.replaced(self, key.data if isinstance(key, Tensor) else key, value)

    # ---------------------------------------------------------------------------- shorter spellings

    # fmt: off
    def __matmul__(self, other: Tensor | Array) -> Tensor: return contract.matmul(self, other)
    def __rmatmul__(self, other: Array) -> Tensor: return contract.matmul(self.lift(other), self)
    # fmt: on

    def __isub__(self, other: Like) -> Tensor:
        """``w -= …`` rebinds w; under ``no_grad`` a leaf stays a leaf and keeps its gradient."""
        return _still_leaf(self, self - other)

    def __iadd__(self, other: Like) -> Tensor:
        return _still_leaf(self, self + other)

    def __imul__(self, other: Like) -> Tensor:
        return _still_leaf(self, self * other)

    def __itruediv__(self, other: Like) -> Tensor:
        return _still_leaf(self, self / other)

    def sum(self, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See :func:`steepest.sum`."""
        return reduce.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See :func:`steepest.mean`."""
        return reduce.mean(self, axis=axis, keepdims=keepdims)

    def max(self, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See :func:`steepest.max`."""
        return reduce.max(self, axis=axis, keepdims=keepdims)

    def min(self, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See :func:`steepest.min`."""
        return reduce.min(self, axis=axis, keepdims=keepdims)

    def argmax(self, *, axis: int | None = None) -> Tensor:
        """See :func:`steepest.argmax`."""
        return argmax(self, axis=axis)

    def argmin(self, *, axis: int | None = None) -> Tensor:
        """See :func:`steepest.argmin`."""
        return argmin(self, axis=axis)

    def clip(self, low: Scalar | None = None, high: Scalar | None = None) -> Tensor:
        """See :func:`steepest.clip`."""
        return composite.clip(self, low, high)

    def reshape(self, *shape: int | Sequence[int]) -> Tensor:
        """See :func:`steepest.reshape`; the extents may be given one by one."""
        first = shape[0]
        return movement.reshape(self, shape if isinstance(first, int) else first)  # pyright: ignore

    def astype(self, dtype: Any) -> Tensor:
        """See :func:`steepest.astype`."""
        return movement.astype(self, dtype)

    @property
    def T(self) -> Tensor:  # noqa: N802  (the array API's name)
        """The transpose of a matrix."""
        if self.ndim != 2:
            raise ShapeError(
                f".T is for 2 axes, this Tensor has {self.ndim}; use mT or permute_dims"
            )
        return movement.matrix_transpose(self)

    @property
    def mT(self) -> Tensor:  # noqa: N802  (the array API's name)
        """The last two axes swapped."""
        return movement.matrix_transpose(self)


def _apply(op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any]) -> Tensor:
    result = op.infer(*[each.type for each in inputs], **attributes)
    if any(each.is_traced for each in inputs):
        traced = Tensor(None, _node(op, inputs, attributes, result))
        keeps = is_recording() or op.is_flat or not is_floating(result.dtype)
        return traced if keeps else traced.detach()
    with np.errstate(all="ignore"):
        value = np.asarray(op.reference(*(each.data for each in inputs), **attributes))
    if all(each.is_literal for each in inputs):
        return Tensor(value, _node(op, inputs, attributes, result))
    if not (is_recording() and _passes_gradient(op, result, inputs)):
        return Tensor(value, None)
    node = _node(op, inputs, attributes, result)
    node.record = Record(value, requires_grad=True)
    return Tensor(value, node)


def _node(op: Op, inputs: tuple[Tensor, ...], attributes: Any, type: TensorType) -> Node:
    return Node(op, tuple([each.node for each in inputs]), attributes, type, origin=origin())


def _passes_gradient(op: Op, result: TensorType, inputs: tuple[Tensor, ...]) -> bool:
    has_derivative = is_floating(result.dtype) and not op.is_flat
    return has_derivative and any(each.requires_grad for each in inputs)


def _still_leaf(before: Tensor, after: Tensor) -> Tensor:
    if is_recording() or before.is_traced or not (before.requires_grad and before.is_leaf):
        return after
    renewed = Tensor(after.data, leaf(after.data, requires_grad=True))
    renewed.grad = before.grad
    return renewed


def _differentiable(value: Array) -> Array:
    if not is_floating(value.dtype):
        raise DTypeError(
            f"only floating-point Tensors have gradients, not {value.dtype}; write 1.0 instead of "
            "1, or convert with .astype(st.float32)"
        )
    return value


def _rebuild(value: Array, requires_grad: bool) -> Tensor:
    return Tensor(value, leaf(value, requires_grad=True) if requires_grad else None)


def _seed(output: Tensor, gradient: Tensor | None) -> Tensor:
    """The gradient that backward starts from, after a look at what is asked."""
    check_backward(
        output.type,
        None if gradient is None else gradient.shape,
        is_traced=output.is_traced,
        is_recorded=output.requires_grad,
    )
    if gradient is None:
        return Tensor(np.ones(output.shape, output.dtype), None)
    return gradient.astype(output.dtype)


def computed(nodes: Sequence[Node], *, record: bool) -> list[Tensor]:
    """The nodes as Tensors, differentiable with ``record``; traced if an input has no value."""
    return [Tensor(value, node) for value, node in run(nodes, record=record)]
