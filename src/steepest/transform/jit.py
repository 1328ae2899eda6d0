"""jit: a function that is traced once and then runs as machine code."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeAlias, final

import numpy as np

from steepest.errors import ConfigurationError, GradientError, nearest
from steepest.ir.types import Array, TensorType, uint32
from steepest.tensor import random
from steepest.tensor.modes import TRACED_MODES, is_differentiating, is_recording
from steepest.tensor.random import Stream
from steepest.tensor.state import State, is_scoped
from steepest.tensor.tensor import Tensor
from steepest.transform.arguments import Flat, flatten
from steepest.transform.executable import BACKENDS, Backend, Executable, Task, executable
from steepest.transform.memory import Memory
from steepest.transform.trace import Trace, record

__all__ = [
    "ManyVariants",
    "jit",
]

_MANY = 8
_Key: TypeAlias = tuple[object, ...]


class ManyVariants(UserWarning):
    """A compiled function has been compiled for many shapes, which takes longer than it saves."""


@final
@dataclass
class _Variant:
    """A function compiled for arguments of one structure and type."""

    trace: Trace
    memory: Memory
    program: Executable
    draws: bool
    held: dict[State, Array] = field(default_factory=dict[State, Array])

    def __call__(self, leaves: list[Array]) -> Any:
        """Run once; cells are read before and assigned after."""
        for cell in self.memory.cells:
            value = cell.value.data
            if self.held.get(cell) is not value:
                self.memory.write(cell, value)
                self.held[cell] = value
        key = random.bits((2,)).data if self.draws else np.zeros(2, uint32)
        outputs = self.program.run(1, [*leaves, key]).outputs
        inputs = self.trace.graph.inputs[len(leaves) + 1 :]
        cell_of = dict(zip(inputs, self.trace.cells, strict=False))
        for node, _ in self.trace.graph.updates:
            cell = cell_of[node]
            cell.assign(self.memory.read(cell))
            self.held[cell] = cell.value.data
        return self.trace.result.call([Tensor(output[0], None) for output in outputs])


def jit(function: Callable[..., Any], *, backend: Backend = "native") -> Callable[..., Any]:
    """Compile a function: traced at the first call, then machine code for arguments of that type.

    Shapes and element types are fixed in a program; other ones make another program, and there is a
    warning after the eighth. Cells of modules are read at each call, and assigned cells changed
    after it, as if the function had run. All else that it takes from outside (numbers, Tensors, a
    module's settings) stays what it was when it was traced. Random draws come from a stream of
    their own, which is drawn from the current one: other numbers than without ``jit``, but equal
    ones for equal seeds. Differs from the function itself in that no derivative goes through it:
    write ``jit(grad(f))``. Inside of another trace, and of ``grad`` and its kin, it is the
    function.

    Args:
        function: of Tensors, numbers, modules, or dicts, lists and tuples of them.
        backend: ``native``, or ``reference`` to interpret the same graph.

    Returns:
        A function of the same arguments.

    Raises:
        TraceError: the function needs a value while it is traced.
        GradientError: an argument requires grad.

    >>> import steepest as st
    >>> f = st.jit(lambda x: st.sum(st.exp(-x * x)))
    >>> abs(float(f(st.linspace(-5.0, 5.0, 101))) * 0.1 - 3.1415927**0.5) < 1e-5
    True
    >>> st.jit(st.grad(lambda x: st.sum(x * x)))(st.tensor([1.0, 2.0]))
    tensor([2., 4.])
    """
    if backend not in BACKENDS:
        raise ConfigurationError(
            f"jit: there is no backend {backend!r}; {nearest(str(backend), BACKENDS)}"
        )
    variants: dict[_Key, _Variant] = {}

    @wraps(function)
    def compiled(*arguments: Any) -> Any:
        flat = flatten(list(arguments))
        if is_scoped() or is_differentiating() or any(leaf.is_traced for leaf in flat.leaves):
            return function(*arguments)
        plain = _plain(flat)
        _check_no_gradient(plain)
        key = (
            _types(plain),
            flat.form,  # another module is another program
            flat.cells,  # and so is one that has got other cells
            *(mode() for mode in TRACED_MODES.values()),
        )
        if key not in variants:
            variants[key] = _variant(function, flat, backend)
            if len(variants) == _MANY + 1:
                _warn_of_many(function)
        return variants[key]([leaf.data for leaf in plain])

    return compiled


def _plain(flat: Flat) -> list[Tensor]:
    """The leaves that are not cells of a module."""
    pairs = zip(flat.leaves, flat.cells, strict=True)
    return [leaf for leaf, cell in pairs if cell is None]


def _types(leaves: list[Tensor]) -> tuple[TensorType, ...]:
    return tuple(leaf.type for leaf in leaves)


def _check_no_gradient(leaves: list[Tensor]) -> None:
    if is_recording() and any(leaf.requires_grad for leaf in leaves):
        raise GradientError(
            "jit(): no derivative goes through a compiled function; compile the derivative, "
            "st.jit(st.grad(f)), or give it x.detach()"
        )


def _variant(function: Callable[..., Any], flat: Flat, backend: Backend) -> _Variant:
    """Trace and compile. The random stream's key is one more argument."""
    streams: list[Stream] = []

    def with_key(arguments: list[Any], key: Tensor) -> Any:
        streams.append(Stream(key, Tensor(np.zeros((), uint32), None)))
        with random.stream(streams[-1]):
            return function(*arguments)

    blank = Tensor(np.zeros(2, uint32), None)
    trace = record(with_key, flat.call(list(flat.leaves)), blank)
    memory = Memory(trace.cells)
    roles = ("whole",) * (len(_plain(flat)) + 1)
    program = executable(Task(trace, roles, memory), backend)
    return _Variant(trace, memory, program, streams[-1].has_drawn)


def _warn_of_many(function: Callable[..., Any]) -> None:
    name = getattr(function, "__name__", "a function")
    warnings.warn(
        f"jit: {name} has been compiled for {_MANY + 1} different shapes or types of its arguments "
        "(or modules), each of which took time; bring them to a few shapes, by padding say",
        ManyVariants,
        stacklevel=3,
    )
