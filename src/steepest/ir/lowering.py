"""The closed list of kinds that an op can be lowered to. Code generation knows these, never an op.

``Op.lower`` maps the attributes of a call to one of them; shapes and element types are the node's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, final

from steepest.ir.scalar import Scalar, argument
from steepest.ir.types import DType

Combine: TypeAlias = Literal["sum", "max", "min", "all", "any"]
Cut: TypeAlias = tuple[tuple[int, int, int], ...]


@final
@dataclass(frozen=True)
class Pointwise:
    """Each element is a formula of the inputs' elements at the same place.

    Args:
        formula: of one Scalar per input, to one Scalar of the result's element type.
        check: of the same, to a condition that must hold everywhere; where it does not, the run
            ends and the reference tells the error. None: nothing can go wrong.
    """

    formula: Callable[..., Scalar]
    check: Callable[..., Scalar] | None = None

    def on(self, dtypes: Iterable[DType]) -> Pointwise:
        """The same for inputs of these element types, without a check that always holds there."""
        if self.check is None:
            return self
        condition = self.check(*(argument(i, dtype) for i, dtype in enumerate(dtypes)))
        idle = condition.instruction == "constant" and bool(condition.value)
        return Pointwise(self.formula) if idle else self


@final
@dataclass(frozen=True)
class Positions:
    """Each element is its own position along the only axis."""


@final
@dataclass(frozen=True)
class Fold:
    """Elements combined over axes. NaN wins in max and min."""

    combine: Combine
    axes: tuple[int, ...]


@final
@dataclass(frozen=True)
class Scan:
    """Running sums along an axis."""

    axis: int


@final
@dataclass(frozen=True)
class Stretch:
    """A view: repeated along new leading axes and along axes of extent 1."""


@final
@dataclass(frozen=True)
class Reshape:
    """A view: the same elements in row-major order, in the node's shape."""


@final
@dataclass(frozen=True)
class Permute:
    """A view: axis ``i`` of the result is axis ``axes[i]`` of the input."""

    axes: tuple[int, ...]


@final
@dataclass(frozen=True)
class Part:
    """A view: per axis (start, stop, step)."""

    cut: Cut


@final
@dataclass(frozen=True)
class Place:
    """Zeros, with the input in a regular part: per axis (start, stop, step)."""

    cut: Cut


@final
@dataclass(frozen=True)
class Join:
    """The inputs one after the other along an axis."""

    axis: int


@final
@dataclass(frozen=True)
class Contract:
    """Products of two inputs summed over shared labels, as Einstein wrote it."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    result: tuple[int, ...]


@final
@dataclass(frozen=True)
class Gather:
    """Slices of the first input at the positions that the second holds, along an axis."""

    axis: int


@final
@dataclass(frozen=True)
class Pick:
    """One element along an axis for each place off it: result[i, j] = x[i, index[i, j], j]."""

    axis: int


@final
@dataclass(frozen=True)
class Scatter:
    """Zeros with slices added at positions along an axis, in the order they come."""

    axis: int


@final
@dataclass(frozen=True)
class Random:
    """Philox words for a key, a step and a draw site, as :mod:`steepest.ops.random` lays them."""

    site: int


@final
@dataclass(frozen=True)
class Composed:
    """Other ops compute it: they stand in its place before a program is planned.

    Args:
        write: of the inputs, and of the attributes as keywords.
    """

    write: Callable[..., Any]


@final
@dataclass(frozen=True)
class Host:
    """Only the reference can do it; a program with it runs there."""

    reason: str


View: TypeAlias = Stretch | Reshape | Permute | Part
Lowering: TypeAlias = (
    Pointwise
    | Positions
    | Fold
    | Scan
    | View
    | Place
    | Join
    | Contract
    | Gather
    | Pick
    | Scatter
    | Random
    | Composed
    | Host
)
Lower: TypeAlias = Callable[..., Lowering]


def pointwise(formula: Callable[..., Scalar], check: Callable[..., Scalar] | None = None) -> Lower:
    """The ``lower`` of an op whose formula takes its attributes by name, if it has some.

    Each is a function of the inputs' Scalars, and of the attributes as keywords.
    """
    plain = Pointwise(formula, check)

    def lower(**attributes: Any) -> Pointwise:
        if not attributes:
            return plain
        checks = None if check is None else partial(check, **attributes)
        return Pointwise(partial(formula, **attributes), checks)

    return lower
