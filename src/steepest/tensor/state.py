"""State: the cells that hold what a model keeps between calls.

Outside of a trace a cell is read and assigned at once. Inside of one, reading it makes an input of
the graph and assigning it an entry of the graph's updates. A transformation such as ``grad`` may
bind cells to other values for the length of a call.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn, final

import numpy as np

from steepest.errors import DTypeError, ShapeError, TraceError
from steepest.ir.node import leaf, placeholder
from steepest.ir.types import Array, DType, Shape, TensorType, is_floating
from steepest.tensor.tensor import Tensor

_IS_NO_TENSOR = (
    "{} is a cell and no Tensor; write .value (self.weight.value, say) to compute with it"
)


@final
class State:
    """A cell with a Tensor that can be replaced: a weight, a running statistic, a counter.

    Args:
        value: the first value.
        trainable: optimisers update it; its ``value`` requires grad.
        penalised: an L2 penalty counts it: true for weight matrices, false for biases.
        name: its name in the model, set by the module that holds it.

    >>> import steepest as st
    >>> count = st.State(st.tensor(0), trainable=False)
    >>> count.assign(count.value + 1)
    >>> count.value
    tensor(1)
    """

    __slots__ = ("_value", "name", "penalised", "trainable")

    def __init__(
        self,
        value: Tensor | Array,
        *,
        trainable: bool = True,
        penalised: bool = False,
        name: str = "",
    ) -> None:
        self.trainable = trainable
        self.penalised = penalised
        self.name = name
        array = value.data if isinstance(value, Tensor) else np.array(value)
        self._value = self._stored(array.astype(array.dtype.newbyteorder("="), copy=False))

    def _stored(self, array: Array) -> Tensor:
        if not self.trainable:
            return Tensor(array, None)
        if not is_floating(array.dtype):
            raise DTypeError(f"a trainable cell holds floating-point numbers, not {array.dtype}")
        return Tensor(array, leaf(array, requires_grad=True, name=self.name))

    @property
    def value(self) -> Tensor:
        """The current value; inside of a trace, the traced one."""
        scope = _scope.get()
        while scope is not None:
            bound = scope.read(self)
            if bound is not None:
                return bound
            scope = scope.outer
        return self._value

    @property
    def type(self) -> TensorType:
        """Shape and element type, which never change."""
        return self._value.type

    @property
    def shape(self) -> Shape:
        """The shape of the value."""
        return self._value.shape

    @property
    def dtype(self) -> DType:
        """The element type of the value."""
        return self._value.dtype

    def assign(self, value: Tensor | Array) -> None:
        """Replace the value, now or, inside of a trace, when the graph has run.

        Raises:
            ShapeError: the new value has another shape.
        """
        new = value if isinstance(value, Tensor) else Tensor(np.array(value), None)
        if new.shape != self.shape:
            raise ShapeError(f"{self!r} cannot become a value of shape {new.shape}")
        new = new.astype(self.dtype)
        scope = _scope.get()
        while scope is not None:
            if scope.write(self, new):
                return
            scope = scope.outer
        if new.is_traced:
            raise TraceError(f"{self!r} cannot keep a value of a graph that is still being traced")
        self._value = self._stored(np.array(new.data))

    def convert(self, dtype: DType) -> None:
        """Change the element type for good."""
        self._value = self._stored(self._value.data.astype(dtype))

    # A cell is no Tensor: whoever takes it for one is told what to write.

    __array_ufunc__ = None  # array + cell asks the cell, which says so

    def _refuse_operator(self, *_: Any, **__: Any) -> NoReturn:
        raise DTypeError(_IS_NO_TENSOR.format(self))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse_operator
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _refuse_operator
    __neg__ = __getitem__ = __float__ = __array__ = _refuse_operator
    __lt__ = __le__ = __gt__ = __ge__ = _refuse_operator

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            hint = f"; write .value.{name}" if hasattr(Tensor, name) else ""
            raise AttributeError(f"a State has no {name!r}, its Tensor may have{hint}")

    def __repr__(self) -> str:
        return f"<state {self.name or 'without a name'}: {self.type}>"


@final
class Traced:
    """The cells that a traced call has read (inputs of its graph) and assigned (its updates)."""

    def __init__(self) -> None:
        self.outer: Traced | Bound | None = _scope.get()
        self.inputs: dict[State, Tensor] = {}
        self.current: dict[State, Tensor] = {}

    def read(self, cell: State) -> Tensor:
        """The traced value of a cell: an input when it is first read, then what was assigned."""
        if cell not in self.current:
            self.inputs[cell] = Tensor(None, placeholder(cell.type, cell.name))
            self.current[cell] = self.inputs[cell]
        return self.current[cell]

    def write(self, cell: State, value: Tensor) -> bool:
        """Note what the cell becomes."""
        self.read(cell)
        self.current[cell] = value
        return True

    def updates(self) -> dict[State, Tensor]:
        """The cells that were assigned, with their next values."""
        return {
            cell: value for cell, value in self.current.items() if value is not self.inputs[cell]
        }


@final
class Bound:
    """Cells bound to other values, which cannot be assigned meanwhile."""

    def __init__(self, values: Mapping[State, Tensor]) -> None:
        self.outer: Traced | Bound | None = _scope.get()
        self._values = dict(values)

    def read(self, cell: State) -> Tensor | None:
        """The value the cell is bound to, if it is."""
        return self._values.get(cell)

    def write(self, cell: State, value: Tensor) -> bool:
        """A bound cell takes the value for this call; others are assigned further out."""
        if cell in self._values:
            self._values[cell] = value
        return cell in self._values


_scope: ContextVar[Traced | Bound | None] = ContextVar("scope", default=None)


def is_scoped() -> bool:
    """Whether cells mean something else than what they hold: in a trace, say."""
    return _scope.get() is not None


@contextmanager
def scope(of: Traced | Bound) -> Generator[None]:
    """Within this block, cells mean what ``of`` says."""
    token = _scope.set(of)
    try:
        yield
    finally:
        _scope.reset(token)
