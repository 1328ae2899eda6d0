"""Values as scalar expressions: what a kernel computes at one point, down to what is in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import TypeAlias, final

from steepest.ir.lowering import (
    Gather,
    Lowering,
    Part,
    Permute,
    Pick,
    Place,
    Pointwise,
    Positions,
    Reshape,
    Stretch,
)
from steepest.ir.node import CONSTANT, Node
from steepest.ir.scalar import Scalar, number, quotient, select
from steepest.ir.types import int64, is_integer
from steepest.schedule.index import Digit, Index, Linear, axis_index, linear, through

Indices: TypeAlias = tuple[Index, ...]
Leaf: TypeAlias = Callable[[Node, Indices], Scalar | None]


def own_indices(node: Node, axes: Sequence[int] | None = None) -> Indices:
    """The indices of a node's element at a point of a kernel whose space is the node's shape.

    Axes of extent 1 are left out of a space; ``axes`` gives the kernel's axis for each of the rest.
    """
    numbers = count() if axes is None else iter(axes)
    return tuple(
        [Linear() if extent == 1 else axis_index(next(numbers)) for extent in node.type.shape]
    )


def squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    """The extents that a kernel iterates over."""
    return tuple(extent for extent in shape if extent != 1)


@final
class Expressions:
    """Builds the expressions of one kernel; equal parts are built once.

    Args:
        lowering: of every node.
        leaf: gives the Scalar of a node that is not computed in place (a load, a result), or None
            to go on through it.
    """

    def __init__(self, lowering: Mapping[Node, Lowering], leaf: Leaf) -> None:
        self._lowering = lowering
        self._leaf = leaf
        self._known: dict[tuple[Node, Indices], Scalar] = {}

    def value(self, node: Node, indices: Indices) -> Scalar:
        """The element of ``node`` at a place."""
        key = (node, indices)
        found = self._known.get(key)
        if found is None:
            found = self._leaf(node, indices)
            if found is None:
                found = self.inside(node, indices)
            self._known[key] = found
        return found

    def inside(self, node: Node, indices: Indices) -> Scalar:
        """The element computed from the inputs of ``node``, whatever memory holds."""
        if node.op is CONSTANT:
            return number(node.attributes["value"].reshape(-1)[0], node.type.dtype)
        match self._lowering[node]:
            case Pointwise(formula):
                return formula(*[self.value(each, indices) for each in node.inputs])
            case Positions():
                return linear(indices[0]).scalar()
            case (Stretch() | Reshape() | Permute() | Part()) as view:
                (source,) = node.inputs
                return self.value(
                    source, through(view, indices, source.type.shape, node.type.shape)
                )
            case Gather(axis):
                source, positions = node.inputs
                count = len(positions.type.shape)
                at = self._position(positions, indices[axis : axis + count])
                return self.value(source, (*indices[:axis], at, *indices[axis + count :]))
            case Pick(axis):
                source, positions = node.inputs
                at = self._position(positions, indices)
                return self.value(source, (*indices[:axis], at, *indices[axis:]))
            case Place(cut):
                return self._placed(node, cut, indices)
            case other:
                raise AssertionError(f"{other} has memory of its own")

    def _position(self, positions: Node, indices: Indices) -> Linear:
        return Linear(scalars=((as_position(self.value(positions, indices)), 1),))

    def _placed(
        self, node: Node, cut: tuple[tuple[int, int, int], ...], indices: Indices
    ) -> Scalar:
        """The input's element where it is, 0 elsewhere; positions outside are moved inside."""
        (source,) = node.inputs
        if not source.type.size:
            return number(0, node.type.dtype)
        inside: Scalar | None = None
        places: list[Index] = []
        for index, (start, _, step), n, extent in zip(
            indices, cut, node.type.shape, source.type.shape, strict=True
        ):
            if (start, step, n) == (0, 1, extent):
                places.append(index)
                continue
            position = (linear(index).scalar() - start) * (1 if step > 0 else -1)
            size = abs(step)
            at = quotient(position, size) if size > 1 else position
            here = (position >= 0) & (at < extent)
            here = here & (at * size).equals(position) if size > 1 else here
            inside = here if inside is None else inside & here
            places.append(Linear(scalars=((select(here, at, 0), 1),)))
        value = self.value(source, tuple(places))
        return value if inside is None else select(inside, value, 0)


def as_position(value: Scalar) -> Scalar:
    """An integer of any width as a position."""
    return value.cast(int64) if is_integer(value.dtype) else value


def is_own(node: Node, indices: Indices) -> bool:
    """Whether the element is the one at the kernel's own point."""
    return indices == own_indices(node)


def is_affine(indices: Indices) -> bool:
    """Whether the place moves by fixed strides along the kernel's axes."""
    return not any(isinstance(index, Digit) or index.scalars for index in indices)
