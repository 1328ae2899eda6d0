"""Arguments and results as flat lists of Tensors: arrays, dicts and lists of them, modules."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, final, runtime_checkable

import numpy as np

from steepest.errors import ShapeError, TraceError
from steepest.tensor.creation import tensor
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor


@runtime_checkable
class HoldsStates(Protocol):
    """Something with named cells: a module."""

    def states(self) -> dict[str, State]:
        """All cells by name."""
        ...


@final
@dataclass(frozen=True)
class Flat:
    """A structure taken apart.

    Args:
        leaves: its Tensors, in order.
        names: where each is: ``"0"``, ``"weights.bias"`` …
        cells: for each leaf the cell that it is the value of, or None for a plain Tensor.
        form: equal for structures that a function cannot tell apart but by their leaves; a module
            has its own, of its identity, while this or ``call`` keeps it alive.
        call: the structure with other leaves, as a function receives it (a module stays itself).
        result: the structure with other leaves, as gradients are returned (a module: a dict).
    """

    leaves: tuple[Tensor, ...]
    names: tuple[str, ...]
    cells: tuple[State | None, ...]
    form: Hashable
    call: Callable[[Sequence[Any]], Any]
    result: Callable[[Sequence[Any]], Any]


def flatten(value: Any, name: str = "", *, what: str = "argument") -> Flat:
    """Take a structure apart.

    Args:
        value: the structure.
        name: where it is in a larger one.
        what: the whole, for people.

    Raises:
        TraceError: it holds something that is neither a Tensor, a number, an array, nor a dict,
            list, tuple or module of such.
    """
    if isinstance(value, Tensor):
        return Flat((value,), (name,), (None,), None, _first, _first)
    if isinstance(value, np.ndarray | np.generic | bool | int | float):
        return Flat((tensor(value),), (name,), (None,), None, _first, _first)
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value)
        parts = {k: flatten(v, _join(name, str(k)), what=what) for k, v in items.items()}
        return _combined(
            list(parts.values()),
            ("dict", *((cast(object, type(key)), key) for key in parts)),
            lambda items: dict(zip(parts, items, strict=True)),
        )
    if isinstance(value, list | tuple):
        # A named tuple stays one: its class has _make, which takes the parts in one.
        sequence = cast("Sequence[Any]", value)
        is_named = hasattr(sequence, "_make")
        kind: Any = type(sequence) if is_named else list if isinstance(value, list) else tuple
        build: Any = kind._make if is_named else kind
        parts_list = [flatten(v, _join(name, str(i)), what=what) for i, v in enumerate(sequence)]
        return _combined(parts_list, kind, build)
    if isinstance(value, HoldsStates):
        return _of_states(value, name)
    raise TraceError(
        f"{f'{what} {name}'.rstrip()} is of type {type(value).__name__}; it should be a Tensor, an "
        "array, a number, a module, or a dict, list or tuple of these"
    )


def _first(leaves: Sequence[Any]) -> Any:
    return leaves[0]


def _join(name: str, part: str) -> str:
    return f"{name}.{part}" if name else part


def _combined(parts: list[Flat], kind: Hashable, build: Callable[[list[Any]], Any]) -> Flat:
    sizes = [len(part.leaves) for part in parts]

    def rebuild(leaves: Sequence[Any], how: str) -> Any:
        items: list[Any] = []
        start = 0
        for part, size in zip(parts, sizes, strict=True):
            items.append(getattr(part, how)(leaves[start : start + size]))
            start += size
        return build(items)

    return Flat(
        tuple(leaf for part in parts for leaf in part.leaves),
        tuple(name for part in parts for name in part.names),
        tuple(cell for part in parts for cell in part.cells),
        (kind, *(part.form for part in parts)),
        lambda leaves: rebuild(leaves, "call"),
        lambda leaves: rebuild(leaves, "result"),
    )


def _of_states(value: HoldsStates, name: str) -> Flat:
    """The trainable cells of a module; the module itself is passed on, with its cells bound."""
    cells = {key: cell for key, cell in value.states().items() if cell.trainable}
    return Flat(
        tuple(cell.value for cell in cells.values()),
        tuple(_join(name, key) for key in cells),
        tuple(cells.values()),
        ("module", id(value)),
        lambda _: value,
        lambda leaves: dict(zip(cells, leaves, strict=True)),
    )


def flatten_like(flat: Flat, value: Any, what: str) -> list[Tensor]:
    """The leaves of ``value``, which must have the structure and shapes of ``flat``'s result."""
    other = flatten(value)
    wanted = flatten(flat.result(flat.leaves))
    if other.names != wanted.names:
        raise ShapeError(f"{what} has parts {other.names}, not {wanted.names}")
    for name, leaf, like in zip(other.names, other.leaves, wanted.leaves, strict=True):
        if leaf.shape != like.shape:
            where = f" at {name}" if name else ""
            raise ShapeError(f"{what}{where} has shape {leaf.shape}, not {like.shape}")
    return [leaf.astype(like.dtype) for leaf, like in zip(other.leaves, wanted.leaves, strict=True)]
