"""Modules: what networks are built of. They hold cells and other modules, and can be called."""

from __future__ import annotations

import reprlib
from abc import ABC
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from types import FunctionType
from typing import TYPE_CHECKING, Any, Self, cast

from numpy.typing import DTypeLike

from steepest.errors import ConfigurationError, DTypeError
from steepest.ir.types import DType, dtype_of, float32, is_floating
from steepest.methods import implements
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor

_SETTINGS = bool | int | float | str
_LINE = 88  # a longer repr is one part a line


class Module(ABC):  # noqa: B024  (what a subclass has to write is forward)
    """A part of a network: cells with its parameters, other modules, and ``forward``.

    A subclass sets cells (:class:`steepest.State`), modules, and lists, tuples or dicts of them as
    attributes, and writes ``forward``; nothing has to be registered and no ``super().__init__()``
    called. Cells are named by the attributes that lead to them: ``"layers.0.weight"``.

    Raises:
        ConfigurationError: no ``forward``; an attribute that is a Tensor requiring grad, and so no
            parameter (wrap it in :class:`steepest.State`).

    Differs from PyTorch: :meth:`states` is a dict of cells (``state_dict`` and ``parameters`` in
    one), the training mode is a context (:func:`steepest.nn.training`) and not an attribute of each
    module.

    >>> import steepest as st
    >>> class Scale(st.nn.Module):
    ...     def __init__(self) -> None:
    ...         self.factor = st.State(st.tensor(2.0))
    ...
    ...     def forward(self, x: st.Tensor) -> st.Tensor:
    ...         return x * self.factor.value
    >>> Scale()(st.tensor([1.0, 2.0])).detach()
    tensor([2., 4.])
    >>> list(Scale().states())
    ['factor']
    """

    if TYPE_CHECKING:
        forward: Callable[..., Any]

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """What ``forward`` gives."""
        if not hasattr(self, "forward"):
            raise ConfigurationError(
                f"{type(self).__name__} has no forward; write def forward(self, x): … in the class"
            )
        result = self.forward(*inputs, **named)
        note(self, result)
        return result

    def states(self) -> dict[str, State]:
        """All cells by name, in the order of the attributes that hold them; a shared cell once."""
        found: dict[str, State] = {}
        seen: set[State] = set()
        for name, part in self.named():
            for key, cell in _cells(part):
                if cell not in seen:
                    seen.add(cell)
                    cell.name = f"{name}.{key}" if name else key
                    found[cell.name] = cell
        return found

    def parameters(self) -> dict[str, State]:
        """The cells that an optimiser updates, by name."""
        return {name: cell for name, cell in self.states().items() if cell.trainable}

    def named(self) -> Iterator[tuple[str, Module]]:
        """This module, whose name is empty, and all modules in it with their names; each once."""
        seen: set[Module] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            name, module = stack.pop()
            if module in seen:
                continue
            seen.add(module)
            yield name, module
            parts = [
                (f"{name}.{key}" if name else key, part)
                for key, part in _walk(module)
                if isinstance(part, Module)
            ]
            stack.extend(reversed(parts))

    @property
    def dtype(self) -> DType:
        """The element type of the parameters (float32 for a module without any)."""
        for cell in self.states().values():
            if is_floating(cell.dtype):
                return cell.dtype
        return float32

    def astype(self, dtype: DTypeLike, /) -> Self:
        """Convert all floating-point cells, for good; the module itself is returned.

        >>> import steepest as st
        >>> st.nn.Linear(2, 3).astype(st.float64).dtype
        dtype('float64')
        """
        wanted = dtype_of(dtype)
        if not is_floating(wanted):
            raise DTypeError(f"parameters are floating-point numbers: {wanted} is not for them")
        for cell in self.states().values():
            if is_floating(cell.dtype):
                cell.convert(wanted)
        return self

    def summary(self) -> str:
        """A table of the layers: name, what it is, shapes and number of parameters.

        >>> import steepest as st
        >>> print(st.nn.MLP(4, [8], 3).summary())
        layer     kind                         parameters  shapes
        layers.0  Linear(inputs=4, outputs=8)          40  weight 8×4, bias 8
        layers.1  relu                                  0
        layers.2  Linear(inputs=8, outputs=3)          27  weight 3×8, bias 3
        total                                          67
        """
        rows = [("layer", "kind", "parameters", "shapes"), *_summary(self)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            f"{layer:<{widths[0]}}  {kind:<{widths[1]}}  {count:>{widths[2]}}  {shapes}".rstrip()
            for layer, kind, count, shapes in rows
        )

    def _repr_html_(self) -> str:
        cells = (
            "<tr>"
            + f"<td>{escape(layer)}</td><td>{escape(kind)}</td>"
            + f'<td style="text-align:right">{count}</td><td>{escape(shapes)}</td></tr>'
            for layer, kind, count, shapes in _summary(self)
        )
        head = "<tr><th>layer</th><th>kind</th><th>parameters</th><th>shapes</th></tr>"
        return f"<table>{head}{''.join(cells)}</table>"

    @reprlib.recursive_repr("…")
    def __repr__(self) -> str:
        """Its settings and what is in it; on one line where that fits.

        >>> import steepest as st
        >>> st.nn.Sequential(st.nn.Linear(2, 4), st.nn.tanh)
        Sequential(Linear(inputs=2, outputs=4), tanh)
        """
        attributes: dict[str, object] = {
            name: value for name, value in vars(self).items() if not name.startswith("_")
        }
        parts = [f"{k}={v!r}" for k, v in attributes.items() if isinstance(v, _SETTINGS)]
        bare = not parts  # cells follow from the settings of a layer; without any they are shown
        for name, value in attributes.items():
            if isinstance(value, State) and bare:
                parts.append(f"{name}={value.type}")
            elif name == "layers" and isinstance(value, list | tuple):
                parts += [_shown(part) for part in cast("list[object]", value)]
            elif _has_layers(cast(object, value)):
                parts.append(f"{name}={_shown(cast(object, value))}")
        return _bracketed(f"{type(self).__name__}(", parts, ")")


def title(module: object) -> str:
    """A module in a few words: its kind and settings, without what is in it."""
    if not isinstance(module, Module):
        return _shown(module)
    settings = [
        f"{name}={value!r}"
        for name, value in vars(module).items()
        if isinstance(value, _SETTINGS) and not name.startswith("_")
    ]
    return f"{type(module).__name__}({', '.join(settings)})"


def _has_layers(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_layers(part) for part in cast("list[object]", value))
    if isinstance(value, Mapping):
        return any(_has_layers(part) for part in cast("Mapping[object, object]", value).values())
    return isinstance(value, Module)


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return _bracketed("[", [_shown(part) for part in cast("list[object]", value)], "]")
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return _bracketed("{", [f"{key!r}: {_shown(part)}" for key, part in items], "}")
    if isinstance(value, State):
        return str(value.type)
    return value.__name__ if isinstance(value, FunctionType) else repr(value)


def _bracketed(start: str, parts: Sequence[str], end: str) -> str:
    line = f"{start}{', '.join(parts)}{end}"
    if len(line) <= _LINE and "\n" not in line:
        return line
    inner = "".join(f"  {row}\n" for part in parts for row in f"{part},".splitlines())
    return f"{start}\n{inner}{end}"


def _walk(module: Module) -> Iterator[tuple[str, object]]:
    """What the attributes of a module hold, lists, tuples and dicts opened up."""
    stack: list[tuple[str, object]] = list(reversed(vars(module).items()))
    while stack:
        name, value = stack.pop()
        parts: list[tuple[str, object]] | None = None
        if isinstance(value, list | tuple):
            items = enumerate(cast("list[object]", value))
            parts = [(f"{name}.{position}", part) for position, part in items]
        elif isinstance(value, Mapping):
            pairs = cast("Mapping[object, object]", value).items()
            parts = [(f"{name}.{key}", part) for key, part in pairs]
        if parts is None:
            yield name, value
        else:
            stack.extend(reversed(parts))


def _cells(module: Module) -> Iterator[tuple[str, State]]:
    for name, part in _walk(module):
        if isinstance(part, State):
            yield name, part
        elif isinstance(part, Tensor) and _is_lost_parameter(part):
            raise ConfigurationError(
                f"{type(module).__name__}: self.{name} is a Tensor that requires grad, which "
                f"nothing would train; wrap it: self.{name} = st.State(…), and read its .value"
            )


def _is_lost_parameter(tensor: Tensor) -> bool:
    """Made by the user to be trained; what ``forward`` keeps of a computation is no leaf."""
    return not tensor.is_traced and tensor.requires_grad and tensor.is_leaf


def _summary(module: Module) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    seen: set[State] = set()
    for name, part in listed(module):
        own: dict[str, State] = {}
        if isinstance(part, Module):
            own = {key: cell for key, cell in _cells(part) if cell not in seen}
        seen.update(own.values())
        shapes = ", ".join(
            f"{key} {'×'.join(map(str, cell.shape)) or '1'}" for key, cell in own.items()
        )
        count = sum(cell.type.size for cell in own.values() if cell.trainable)
        rows.append((name, title(part), f"{count:,}", shapes))
    total = sum(cell.type.size for cell in seen if cell.trainable)
    return [*rows, ("total", "", f"{total:,}", "")]


def listed(module: Module, name: str = "") -> Iterator[tuple[str, object]]:
    """The modules that hold cells or no modules, and functions listed among layers, in order."""
    parts = list(_walk(module))
    if any(isinstance(part, State) for _, part in parts) or not any(
        isinstance(part, Module) for _, part in parts
    ):
        yield name, module
    for key, part in parts:
        full = f"{name}.{key}" if name else key
        if isinstance(part, Module):
            yield from listed(part, full)
        elif callable(part) and "." in key:
            yield full, part


Calls = list[tuple[object, Any]]
_watcher: ContextVar[Calls | None] = ContextVar("watcher", default=None)


def note(layer: object, result: object) -> None:
    """Tell whoever is watching that a layer was called, and what it gave."""
    calls = _watcher.get()
    if calls is not None:
        calls.append((layer, result))


@implements("I6")
@contextmanager
def watching() -> Generator[Calls]:
    """Within this block every call of a module or an activation is noted with its result.

    Inner ones come first. Functions among the layers of an ``MLP`` or a ``Sequential`` are noted
    too.

    >>> import steepest as st
    >>> with st.nn.watching() as calls:
    ...     output = st.nn.MLP(2, [3], 1)(st.ones((5, 2)))
    >>> [result.shape for _, result in calls]
    [(5, 3), (5, 3), (5, 1), (5, 1)]
    """
    calls: Calls = []
    token = _watcher.set(calls)
    try:
        yield calls
    finally:
        _watcher.reset(token)
