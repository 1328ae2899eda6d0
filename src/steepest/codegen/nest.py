"""Where in a nest of loops things are computed: as far outside as what they depend on allows.

Values are remembered under the positions of the axes that they depend on. So whatever varies with
the row only is computed when the row begins, once, however many vectors the row has.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias, final

from steepest.codegen.code import Pointer
from steepest.codegen.edges import may_run_over
from steepest.codegen.expressions import compute, constant, expanded, widened
from steepest.codegen.memory import gather, load, mask, read
from steepest.codegen.target import Target
from steepest.codegen.text import Text, Value, Whole, memory_text
from steepest.ir.scalar import Scalar, ordered
from steepest.ir.types import DType, bool_, int64
from steepest.schedule.kernels import Access

Term: TypeAlias = tuple[Whole, "int | Scalar"]
"""A stride and what it multiplies: the position on an axis, or an int64 Scalar."""


@final
@dataclass(frozen=True)
class Point:
    """Positions on the axes that are decided so far; on the lanes' axis, of the first lane.

    Args:
        positions: int64 operands by axis.
        mask: which lanes are elements, if not all need to be.
    """

    positions: Mapping[int, Whole] = field(default_factory=lambda: MappingProxyType({}))
    mask: Value | None = None

    def at(self, axis: int, position: Whole, mask: Value | None = None) -> Point:
        """This point with one more axis decided."""
        return Point({**self.positions, axis: position}, mask or self.mask)


@final
@dataclass(frozen=True, eq=False)
class Place:
    """An address: a pointer, and terms that are added to it in elements.

    Args:
        base: the start, to be loaded as a word or the name of a value.
        terms: strides and what they multiply.
        dtype: of the elements.
        access: what is there, if it is a buffer.
    """

    base: Pointer | str
    terms: tuple[Term, ...]
    dtype: DType
    access: Access | None = None


@final
class Nest:
    """A nest of loops while it is written.

    Args:
        text: the function.
        target: the processor.
        extents: of all axes of the kernel.
        rank: how many of them are the space's.
        order: the axes from the outermost loop to the innermost.
        lane_axis: the one along which vectors run, if any.
        lanes: elements of a vector; 1 where there is no such axis.
    """

    def __init__(
        self,
        text: Text,
        target: Target,
        extents: Sequence[int],
        rank: int,
        order: Sequence[int],
        lane_axis: int | None,
        lanes: int,
    ) -> None:
        self.text, self.target, self.extents = text, target, extents
        self.lane_axis, self.lanes, self._rank = lane_axis, lanes, rank
        self._level = {axis: level for level, axis in enumerate(order)}
        self._needs: dict[Scalar, frozenset[int]] = {}
        self._scopes: list[dict[object, Value | Whole]] = [{}]
        self._places: dict[Scalar, Place] = {}

    # ------------------------------------------------------------------------- what there is

    def expressions(self, roots: Sequence[Scalar]) -> list[Scalar]:
        """The expressions in basic instructions, made known to the nest."""
        found = expanded(roots)
        for scalar in ordered(found):
            self._needs[scalar] = self._axes_of(scalar)
        return found

    def result_at(self, scalar: Scalar, pointer: str, strides: Sequence[Whole]) -> None:
        """A result of the reduction is loaded from memory: pointer + Σ strides · positions."""
        terms = tuple((stride, axis) for axis, stride in enumerate(strides) if stride != 0)
        self._places[scalar] = Place(pointer, terms, scalar.dtype)
        self._needs[scalar] = frozenset(axis for _, axis in terms)

    def give(self, scalar: Scalar, point: Point, value: Value) -> None:
        """A result of the reduction at a point is in registers."""
        self._scopes[-1][self._key(scalar, point)] = value

    def place_of(self, access: Access, inputs: Sequence[Scalar] = ()) -> Place:
        """The address that an access means."""
        word = self.text.word
        terms: list[Term] = []
        for axis, stride in enumerate(access.strides):
            if stride:
                terms.append((stride if stride == 1 else word(stride), axis))
        for stride, scalar in zip(access.dynamic, inputs, strict=True):
            if stride:
                terms.append((stride if stride == 1 else word(stride), scalar))
        buffer = access.buffer
        return Place(Pointer(buffer, access.offset), tuple(terms), buffer.dtype, access)

    def axes(self, scalar: Scalar) -> frozenset[int]:
        """The axes that an expression depends on."""
        return self._needs[scalar]

    def varies(self, scalar: Scalar) -> bool:
        """Whether it differs from lane to lane."""
        return self.lanes > 1 and self.lane_axis in self._needs[scalar]

    def length(self, roots: Sequence[Scalar]) -> int:
        """Instructions for each vector, roughly."""
        return sum(bool(each.inputs) and self.varies(each) for each in ordered(roots))

    def _axes_of(self, scalar: Scalar) -> frozenset[int]:
        if scalar in self._needs:
            return self._needs[scalar]
        axes = frozenset[int]().union(*(self._needs[each] for each in scalar.inputs))
        match scalar.instruction:
            case "index":
                return frozenset({scalar.value})
            case "load":
                access: Access = scalar.value
                self._places[scalar] = self.place_of(access, scalar.inputs)
                return axes | {axis for axis, stride in enumerate(access.strides) if stride}
            case "result":
                return frozenset(range(self._rank))
            case _:
                return axes

    # ------------------------------------------------------------------------ what is computed

    @contextmanager
    def scope(self) -> Generator[None]:
        """What is computed inside is forgotten after, as the body of a loop requires."""
        self._scopes.append({})
        yield
        self._scopes.pop()

    def prepare(self, point: Point, roots: Sequence[Scalar]) -> None:
        """Compute everything of these expressions that the decided axes allow."""
        decided = point.positions.keys()
        for scalar in ordered(roots):
            if scalar.instruction == "result":
                continue
            if self._needs[scalar] <= decided:
                self.value(scalar, point)
            elif scalar in self._places:
                self.pointer(self._places[scalar], point)

    def value(self, scalar: Scalar, point: Point) -> Value:
        """The value of an expression at a point, computed if it is not yet."""
        waiting = [scalar]
        while waiting:
            each = waiting[-1]
            key = self._key(each, point)
            if self._find(key) is not None:
                waiting.pop()
                continue
            missing = [x for x in each.inputs if self._find(self._key(x, point)) is None]
            if missing:
                waiting += reversed(missing)
                continue
            self._scopes[-1][key] = self._compute(each, point)
            waiting.pop()
        return self._value_of(scalar, point)

    def _value_of(self, scalar: Scalar, point: Point) -> Value:
        found = self._find(self._key(scalar, point))
        assert isinstance(found, Value)
        return found

    def _key(self, scalar: Scalar, point: Point) -> object:
        positions = point.positions
        return scalar, *[positions[axis] for axis in self._needs[scalar]]

    def _find(self, key: object) -> Value | Whole | None:
        for scope in reversed(self._scopes):
            if key in scope:
                return scope[key]
        return None

    def _compute(self, scalar: Scalar, point: Point) -> Value:
        match scalar.instruction:
            case "index":
                return self._index(scalar.value, point)
            case "load" | "result":
                return self._load(scalar, point)
            case _:
                given = [self._value_of(each, point) for each in scalar.inputs]
                if scalar.instruction == "constant":
                    return constant(scalar.value, scalar.dtype)
                return compute(self.text, self.target, scalar, given)

    def _index(self, axis: int, point: Point) -> Value:
        first = Value(str(point.positions[axis]), int64)
        if axis != self.lane_axis or self.lanes == 1:
            return first
        steps = ", ".join(f"i64 {lane}" for lane in range(self.lanes))
        wide = widened(self.text, first, self.lanes)
        return Value(self.text.define(f"add {wide}, <{steps}>"), int64, self.lanes)

    # ----------------------------------------------------------------------------- addresses

    def pointer(self, place: Place, point: Point) -> tuple[str, list[Term]]:
        """The address at a point as far as it is decided and equal in all lanes; what is missing.

        Terms of outer loops are added first, each where it becomes known.
        """
        first = self.text.word(place.base) if isinstance(place.base, Pointer) else place.base
        element = memory_text(place.dtype)
        pointer, missing = first, list[Term]()
        for term in sorted(place.terms, key=self._term_level):
            if not self._is_plain(term, point):
                missing.append(term)
                continue
            offset = self._offset(term, point)
            key = ("pointer", element, pointer, offset)
            found = self._find(key)
            if found is None:
                found = self.text.place(pointer, offset, element)
                self._scopes[-1][key] = found
            pointer = str(found)
        return pointer, missing

    def _term_level(self, term: Term) -> int:
        _, what = term
        if isinstance(what, int):
            return self._level[what]
        needed = self._needs[what]
        return max((self._level[axis] for axis in needed), default=-1)

    def _is_plain(self, term: Term, point: Point) -> bool:
        """Whether it is decided, and one number for all lanes."""
        _, what = term
        if isinstance(what, int):
            return what in point.positions and (what != self.lane_axis or self.lanes == 1)
        return self._needs[what] <= point.positions.keys() and not self.varies(what)

    def _offset(self, term: Term, point: Point) -> Whole:
        stride, what = term
        position = point.positions[what] if isinstance(what, int) else self.value(what, point).text
        key = ("offset", stride, position)
        found = self._find(key)
        if found is None:
            found = self.text.multiply(position, stride)
            self._scopes[-1][key] = found
        assert not isinstance(found, Value)
        return found

    def _load(self, scalar: Scalar, point: Point) -> Value:
        place, text = self._places[scalar], self.text
        pointer, missing = self.pointer(place, point)
        if not missing:
            return load(text, pointer, 0, scalar.dtype, 1)
        if self._is_vector(missing):
            (_, axis), *_ = missing
            assert isinstance(axis, int)
            offset = point.positions[axis]
            mask = None if self._may_run_over(place) else point.mask
            return read(text, pointer, offset, scalar.dtype, self.lanes, mask)
        offsets: Value | None = None
        for stride, what in missing:
            each = self._index(what, point) if isinstance(what, int) else self.value(what, point)
            each = widened(text, each, self.lanes)
            if stride != 1:
                factor = widened(text, Value(str(stride), int64), self.lanes)
                each = Value(text.define(f"mul {each}, {factor.text}"), int64, self.lanes)
            if offsets is not None:
                each = Value(text.define(f"add {offsets}, {each.text}"), int64, self.lanes)
            offsets = each
        assert offsets is not None
        return gather(text, pointer, offsets, scalar.dtype, point.mask or self._all_lanes())

    def _is_vector(self, missing: Sequence[Term]) -> bool:
        return len(missing) == 1 and missing[0] == (1, self.lane_axis)

    def _all_lanes(self) -> Value:
        return widened(self.text, constant(True, bool_), self.lanes)

    def _may_run_over(self, place: Place) -> bool:
        """Whether a whole vector may be loaded where it holds the last elements of an axis."""
        if place.access is None or self.lane_axis is None:
            return True
        return may_run_over(place.access, self.extents, self.lane_axis, self.lanes)

    def reads_exactly(self, roots: Sequence[Scalar]) -> bool:
        """Whether a vector that holds the last elements of the lanes' axis needs a mask."""
        for scalar in ordered(roots):
            place = self._places.get(scalar)
            if place is None or not self.varies(scalar):
                continue
            along = [term for term in place.terms if self._is_along_lanes(term)]
            if not self._is_vector(along) or not self._may_run_over(place):
                return True
        return False

    def _is_along_lanes(self, term: Term) -> bool:
        _, what = term
        return what == self.lane_axis if isinstance(what, int) else self.varies(what)

    def mask(self, position: Whole, stop: Whole) -> Value:
        """The lanes from a position on that lie before the end."""
        return mask(self.text, self.lanes, position, stop)
