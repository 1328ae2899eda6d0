"""Where an element of a view comes from: positions as linear functions of a kernel's axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import NamedTuple, TypeAlias, final

from steepest.ir.lowering import Part, Permute, Reshape, Stretch, View
from steepest.ir.scalar import Scalar, number, quotient
from steepest.ir.types import Shape, int64


@final
class Linear(NamedTuple):
    """constant + Σ coefficient · axis + Σ coefficient · scalar."""

    constant: int = 0
    axes: tuple[tuple[int, int], ...] = ()
    scalars: tuple[tuple[Scalar, int], ...] = ()

    def scaled(self, factor: int, offset: int = 0) -> Linear:
        """Factor · self + offset."""
        if factor == 0:
            return Linear(offset)
        return Linear(
            self.constant * factor + offset,
            tuple([(axis, c * factor) for axis, c in self.axes]),
            tuple([(scalar, c * factor) for scalar, c in self.scalars]),
        )

    def scalar(self) -> Scalar:
        """The position as a value that a kernel computes."""
        total: Scalar | None = None
        terms = [(Scalar("index", (), int64, axis), c) for axis, c in self.axes]
        for term, c in (*terms, *self.scalars):
            part = term if c == 1 else term * c
            total = part if total is None else total + part
        if total is None:
            return number(self.constant, int64)
        return total + self.constant if self.constant else total


@final
class Digit(NamedTuple):
    """(flat // divisor) % extent: a position in one of several axes that were flattened.

    Args:
        flat: the position in the flattened axis.
        divisor: the number of elements per step of this axis.
        extent: of this axis.
        total: of the flattened axis.
    """

    flat: Linear
    divisor: int
    extent: int
    total: int

    def linear(self) -> Linear:
        """By division, where it cannot be avoided."""
        flat = self.flat.scalar()
        above = quotient(flat, self.divisor) if self.divisor > 1 else flat
        if self.divisor * self.extent == self.total:
            return Linear(scalars=((above, 1),))
        whole = quotient(above, self.extent)
        return Linear(scalars=((above, 1), (whole, -self.extent)))


Index: TypeAlias = Linear | Digit


def total(terms: Iterable[tuple[Linear, int]]) -> Linear:
    """Σ factor · position, of pairs (position, factor)."""
    constant = 0
    axes: dict[int, int] = {}
    scalars: dict[Scalar, int] = {}
    for position, factor in terms:
        if factor == 0:
            continue
        constant += position.constant * factor
        for axis, c in position.axes:
            axes[axis] = axes.get(axis, 0) + c * factor
        for scalar, c in position.scalars:
            scalars[scalar] = scalars.get(scalar, 0) + c * factor
    return Linear(
        constant,
        tuple(sorted([(axis, c) for axis, c in axes.items() if c])),
        tuple([(scalar, c) for scalar, c in scalars.items() if c]),
    )


def linear(index: Index) -> Linear:
    """As a linear function, with a division if there is no other way."""
    return index.linear() if isinstance(index, Digit) else index


def axis_index(axis: int) -> Linear:
    """The position along an axis of the kernel."""
    return Linear(axes=((axis, 1),))


def through(
    view: View, indices: Sequence[Index], source: Shape, target: Shape
) -> tuple[Index, ...]:
    """The place in ``source`` that a view of it shows at ``indices`` of ``target``."""
    match view:
        case Permute(axes):
            found: list[Index] = [Linear()] * len(axes)
            for index, axis in zip(indices, axes, strict=True):
                found[axis] = index
            return tuple(found)
        case Stretch():
            own = indices[len(target) - len(source) :]
            return tuple(
                Linear() if extent == 1 else index
                for index, extent in zip(own, source, strict=True)
            )
        case Part(cut):
            return tuple(
                index
                if (start, step) == (0, 1)
                else Linear(start)
                if extent == 1
                else linear(index).scaled(step, start)
                for index, (start, _, step), extent in zip(indices, cut, target, strict=True)
            )
        case Reshape():
            return _reshaped(indices, source, target)


def _reshaped(indices: Sequence[Index], source: Shape, target: Shape) -> tuple[Index, ...]:
    if 0 in source:
        return tuple(Linear() for _ in source)
    found: list[Index] = [Linear()] * len(source)
    for into, out in _groups(source, target):
        flat = _flattened([indices[axis] for axis in out], [target[axis] for axis in out])
        extents = [source[axis] for axis in into]
        if len(into) == 1:
            found[into[0]] = flat
            continue
        for place, axis in enumerate(into):
            divisor, total = prod(extents[place + 1 :]), prod(extents)
            found[axis] = Digit(linear(flat), divisor, extents[place], total)
    return tuple(found)


def _groups(source: Shape, target: Shape) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of axes, without those of extent 1, that hold equally many elements."""
    left = [axis for axis, extent in enumerate(source) if extent != 1]
    right = [axis for axis, extent in enumerate(target) if extent != 1]
    groups: list[tuple[list[int], list[int]]] = []
    while left:
        into, out = [left.pop(0)], [right.pop(0)]
        a, b = source[into[0]], target[out[0]]
        while a != b:
            if a < b:
                into.append(left.pop(0))
                a *= source[into[-1]]
            else:
                out.append(right.pop(0))
                b *= target[out[-1]]
        groups.append((into, out))
    return groups


def _flattened(indices: Sequence[Index], extents: Sequence[int]) -> Index:
    """The position in the axes flattened together; digits of one number give that number back."""
    if len(indices) == 1:
        return indices[0]
    whole = _number_of(indices)
    if whole is not None:
        return whole
    return total((linear(index), prod(extents[place + 1 :])) for place, index in enumerate(indices))


def _number_of(indices: Sequence[Index]) -> Linear | None:
    """The number whose digits, all of them and in order, these are."""
    digits = [index for index in indices if isinstance(index, Digit)]
    if len(digits) != len(indices):
        return None
    expected = digits[0].total
    for digit in digits:
        if digit.flat != digits[0].flat or digit.divisor * digit.extent != expected:
            return None
        expected = digit.divisor
    return digits[0].flat if expected == 1 else None


def address(indices: Sequence[Index], strides: Sequence[int]) -> Linear:
    """Σ strides · indices. Neighbouring digits need no division where memory is as flat as they."""
    terms: list[tuple[Linear, int]] = []
    position = 0
    while position < len(indices):
        index, stride = indices[position], strides[position]
        position += 1
        if not isinstance(index, Digit):
            terms.append((index, stride))
            continue
        run = [(index, stride)]
        while position < len(indices) and _continues(run[-1], indices[position], strides[position]):
            following = indices[position]
            assert isinstance(following, Digit)
            run.append((following, strides[position]))
            position += 1
        first, last = run[0][0], run[-1]
        if first.divisor * first.extent == first.total and last[0].divisor == 1:
            terms.append((first.flat, last[1]))
            continue
        terms += [(digit.linear(), its_stride) for digit, its_stride in run]
    return total(terms)


def _continues(before: tuple[Digit, int], index: Index, stride: int) -> bool:
    digit, digit_stride = before
    return (
        isinstance(index, Digit)
        and index.flat == digit.flat
        and digit.divisor == index.divisor * index.extent
        and digit_stride == stride * index.extent
    )
