"""The kernel language: what a schedule consists of, and what code is generated from.

A kernel computes, for each point of its space: perhaps a reduction (folds, or one contraction),
then scalar expressions, then stores. Expressions are Scalars whose leaves are ``load`` (its value
is an :class:`Access`), ``index`` (its value an axis) and ``result`` (of the reduction).

Axes are numbered: the space's first, then those of the reduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from steepest.ir.lowering import Combine
from steepest.ir.scalar import Scalar, ordered
from steepest.ir.types import DType

Role: TypeAlias = Literal["state", "scratch", "table"]


@final
@dataclass(frozen=True, eq=False)
class Buffer:
    """A piece of memory that kernels read and write.

    Args:
        name: for people.
        dtype: of its elements; booleans take a byte each.
        extents: of its axes, as the value has them.
        strides: in elements, per axis; 0 where the extent is 1.
        role: ``state`` and ``scratch`` rows are padded, so that whole vectors may be read and
            written past the end of an axis of stride 1 (what is there means nothing); a ``table``
            is the user's: nothing beyond its elements may be touched, and it is only read.
        size: elements, with padding.
    """

    name: str
    dtype: DType
    extents: tuple[int, ...]
    strides: tuple[int, ...]
    role: Role
    size: int

    def __str__(self) -> str:
        return self.name


@final
@dataclass(frozen=True)
class Access:
    """Where in a buffer: offset + Σ strides · axes + Σ dynamic · (the load's inputs), in elements.

    Args:
        buffer: the memory.
        strides: one per axis of the kernel, space and reduction.
        offset: at the origin of all axes.
        dynamic: one per input of the load, which are int64 Scalars; empty for most.
    """

    buffer: Buffer
    strides: tuple[int, ...]
    offset: int = 0
    dynamic: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.written(["·"] * len(self.dynamic))

    def written(self, inputs: Sequence[str]) -> str:
        """The place as text, with the text of each of the load's inputs."""
        names = [*(f"i{axis}" for axis in range(len(self.strides))), *inputs]
        pairs = zip((*self.strides, *self.dynamic), names, strict=True)
        terms = [name if stride == 1 else f"{stride} {name}" for stride, name in pairs if stride]
        if self.offset or not terms:
            terms.append(str(self.offset))
        return f"{self.buffer}[{' + '.join(terms)}]"


@final
@dataclass(frozen=True)
class Store:
    """Put a value at a place; ``access`` has a stride for each axis of the space only.

    ``exact``: what follows an axis of stride 1 is not padding but other elements, so the last
    vector is written only as far as the extent.
    """

    access: Access
    value: Scalar
    exact: bool = False


@final
@dataclass(frozen=True)
class Folded:
    """One result of a reduction: ``value`` combined over the reduction's axes."""

    combine: Combine
    value: Scalar


@final
@dataclass(frozen=True)
class Folds:
    """Folds over the same axes, whose extents these are; results 0, 1, … in order."""

    extents: tuple[int, ...]
    folds: tuple[Folded, ...]


@final
@dataclass(frozen=True)
class Contraction:
    """Result 0 is Σₖ left · right. The space is (…batch, m, n), the reduction's one axis is k.

    Args:
        extent: of k.
        left: has stride 0 along n.
        right: has stride 0 along m.
    """

    extent: int
    left: Access
    right: Access


@final
@dataclass(frozen=True)
class Kernel:
    """One native function's work.

    Args:
        name: for people.
        space: extents of the axes that results have.
        reduction: what happens before the stores, if anything.
        stores: what is written at each point; may read the same place of what it overwrites.
        lanes: the axis along which vectors run: of the space, or of the reduction. All loads have
            stride 0, 1 or anything there (anything is a gather); stores have stride 1, or are one
            element when the lanes run along the reduction.
        checks: conditions that must hold at each point; where one does not, the kernel returns 1.
    """

    name: str
    space: tuple[int, ...]
    stores: tuple[Store, ...]
    lanes: int
    reduction: Folds | Contraction | None = None
    checks: tuple[Scalar, ...] = ()

    @property
    def extents(self) -> tuple[int, ...]:
        """Of all axes, those of the space first."""
        match self.reduction:
            case None:
                return self.space
            case Contraction(extent):
                return (*self.space, extent)
            case Folds(extents):
                return (*self.space, *extents)

    @property
    def loads(self) -> list[Access]:
        """The places that are read, each access of an expression once."""
        found: list[Access] = []
        roots = [store.value for store in self.stores] + list(self.checks)
        if isinstance(self.reduction, Contraction):
            found += [self.reduction.left, self.reduction.right]
        elif self.reduction is not None:
            roots += [fold.value for fold in self.reduction.folds]
        return found + [each.value for each in ordered(roots) if each.instruction == "load"]


@final
@dataclass(frozen=True)
class Draw:
    """Philox words into (rows, width): ``target`` has a stride for both, key and step have none.

    The key is two uint32 beside each other, the step one uint32.
    """

    name: str
    key: Access
    step: Access
    site: int
    target: Access
    rows: int
    width: int


@final
@dataclass(frozen=True)
class Scattered:
    """For each row r in order: target[row index[r]] += update row r, after zeroing the target.

    ``updates`` has strides for axes (before, rows, after), ``index`` for (rows,), ``target`` for
    (before, position, after).
    """

    name: str
    extents: tuple[int, int, int]
    size: int
    updates: Access
    index: Access
    target: Access


@final
@dataclass(frozen=True)
class Scanned:
    """Running sums along the middle axis of (before, run, after)."""

    name: str
    extents: tuple[int, int, int]
    source: Access
    target: Access


@final
@dataclass(frozen=True)
class Finite:
    """Returns 1 where one of these elements is not finite: the program stops there."""

    name: str
    source: Buffer


AnyKernel: TypeAlias = Kernel | Draw | Scattered | Scanned | Finite
