"""A program apart from its machine code: what is called with which words, and where values lie."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast, final

import numpy as np

from steepest.codegen.code import Code, Pointer, Word
from steepest.ir.types import Array, Shape, TensorType
from steepest.runtime.driver import CALL_ALL_TEXT
from steepest.runtime.memory import Area, Place
from steepest.schedule.kernels import Buffer

# What is added to a word when a program is bound, by its number in Plan.areas.
NOTHING, STATE, SCRATCH, TABLES = 0, 1, 2, 3

_NUMBERS = ("state_bytes", "scratch_bytes", "guard")
_LISTS = ("functions", "calls", "call_names", "lengths", "words", "areas")
_PLACES = ("whole", "stepped", "outputs", "constants")

Placements: TypeAlias = Mapping[Buffer, tuple[Area, int]]
"""The arena of each state and scratch buffer, and its offset there in bytes."""


@final
@dataclass(frozen=True)
class Values:
    """What goes in and out.

    Args:
        whole: copied in once, before the first step.
        stepped: copied in before each step, one row of an array each.
        outputs: copied out after each step, to one row of an array each, with the shape that people
            see.
        tables: the user's arrays, which kernels read where they are.
        constants: put in place when the program gets its memory.
    """

    whole: tuple[Buffer, ...] = ()
    stepped: tuple[Buffer, ...] = ()
    outputs: tuple[tuple[Buffer, Shape], ...] = ()
    tables: tuple[Buffer, ...] = ()
    constants: tuple[tuple[Buffer, Array], ...] = ()


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """What a program is, besides its machine code; ``to_bytes`` and ``from_bytes`` keep it.

    Args:
        state_bytes: of the arena that programs share, at least.
        scratch_bytes: of the program's own.
        functions: names in the machine code.
        calls: for each call of a step, the position of its function.
        call_names: for each call, a name for people.
        lengths: for each call, the number of its words.
        words: of all calls, one after the other; offsets in bytes where they are addresses.
        areas: for each word, what is to be added: nothing, the address of the state or of the
            scratch, or (from ``TABLES`` on) of a table.
        whole: where values go that are copied in once.
        stepped: where values go that are copied in for each step.
        outputs: where values are that are copied out after each step.
        output_shapes: what people see of these values.
        constants: where values go that are part of the program.
        constant_values: these values, contiguous.
        tables: types of the arrays that are read where they are.
        guard: the call that fails where the first output is not finite, if it must be.
    """

    state_bytes: int
    scratch_bytes: int
    functions: tuple[str, ...]
    calls: tuple[int, ...]
    call_names: tuple[str, ...]
    lengths: tuple[int, ...]
    words: tuple[int, ...]
    areas: tuple[int, ...]
    whole: tuple[Place, ...]
    stepped: tuple[Place, ...]
    outputs: tuple[Place, ...]
    output_shapes: tuple[Shape, ...]
    constants: tuple[Place, ...]
    constant_values: tuple[Array, ...]
    tables: tuple[TensorType, ...]
    guard: int | None

    def to_bytes(self) -> bytes:
        """The plan as JSON."""
        document: dict[str, Any] = {name: getattr(self, name) for name in (*_NUMBERS, *_LISTS)}
        for name in _PLACES:
            document[name] = [_place_document(each) for each in getattr(self, name)]
        document["tables"] = [[str(each.dtype), each.shape] for each in self.tables]
        document["output_shapes"] = self.output_shapes
        document["constant_values"] = [
            b64encode(value.tobytes()).decode() for value in self.constant_values
        ]
        return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()

    @staticmethod
    def from_bytes(content: bytes) -> Plan:
        """The plan that ``to_bytes`` wrote."""
        document: dict[str, Any] = json.loads(content)
        document.update({name: tuple(document[name]) for name in _LISTS})
        document.update({name: tuple(map(_place, document[name])) for name in _PLACES})
        document["tables"] = tuple(
            TensorType(tuple(shape), np.dtype(dtype)) for dtype, shape in document["tables"]
        )
        document["output_shapes"] = tuple(tuple(shape) for shape in document["output_shapes"])
        document["constant_values"] = tuple(
            np.frombuffer(b64decode(text), place.dtype).reshape(place.extents)
            for text, place in zip(document["constant_values"], document["constants"], strict=True)
        )
        return Plan(**document)


def assemble(
    codes: Sequence[Code],
    call_names: Sequence[str],
    placements: Placements,
    values: Values,
    *,
    state_bytes: int,
    scratch_bytes: int,
    guard: int | None = None,
) -> tuple[str, Plan]:
    """The text of a program, where each body stands once, and its plan.

    Args:
        codes: what a step calls, in order.
        call_names: a name for each call, for people.
        placements: where the buffers lie that are no tables.
        values: what goes in and out.
        state_bytes: of the arena that programs share, at least.
        scratch_bytes: of the program's own arena.
        guard: the call that fails where the first output is not finite, if there is one.
    """
    bodies: dict[str, int] = {}
    calls = tuple(bodies.setdefault(code.body, len(bodies)) for code in codes)
    functions = tuple(f"kernel_{position}" for position in range(len(bodies)))
    declarations = frozenset[str]().union(*(code.declarations for code in codes))
    texts = [
        re.sub(r"@KERNEL\b", f"@{name}", body) for name, body in zip(functions, bodies, strict=True)
    ]
    relocated = [
        [_relocated(word, placements, values.tables) for word in code.words] for code in codes
    ]
    flat = [pair for words in relocated for pair in words]
    plan = Plan(
        state_bytes=state_bytes,
        scratch_bytes=scratch_bytes,
        functions=functions,
        calls=calls,
        call_names=tuple(call_names),
        lengths=tuple(len(words) for words in relocated),
        words=tuple(word for word, _ in flat),
        areas=tuple(area for _, area in flat),
        whole=tuple(place_of(buffer, placements) for buffer in values.whole),
        stepped=tuple(place_of(buffer, placements) for buffer in values.stepped),
        outputs=tuple(place_of(buffer, placements) for buffer, _ in values.outputs),
        output_shapes=tuple(shape for _, shape in values.outputs),
        constants=tuple(place_of(buffer, placements) for buffer, _ in values.constants),
        constant_values=tuple(
            np.ascontiguousarray(value).reshape(buffer.extents)
            for buffer, value in values.constants
        ),
        tables=tuple(TensorType(each.extents, each.dtype) for each in values.tables),
        guard=guard,
    )
    return "\n".join([*sorted(declarations), "", *texts, CALL_ALL_TEXT]), plan


def place_of(buffer: Buffer, placements: Placements) -> Place:
    """Where a buffer's value lies; one without elements needs no placement."""
    area, offset = placements[buffer] if buffer.size else ("scratch", 0)
    return Place(area, offset, buffer.dtype, buffer.extents, buffer.strides)


def _relocated(word: Word, placements: Placements, tables: tuple[Buffer, ...]) -> tuple[int, int]:
    """A word, and what is to be added to it."""
    if not isinstance(word, Pointer):
        return word, NOTHING
    offset = word.offset * word.buffer.dtype.itemsize
    if word.buffer in tables:
        return offset, TABLES + tables.index(word.buffer)
    place = place_of(word.buffer, placements)
    return place.offset + offset, STATE if place.area == "state" else SCRATCH


def _place_document(place: Place) -> list[Any]:
    return [place.area, place.offset, str(place.dtype), place.extents, place.strides]


def _place(document: list[Any]) -> Place:
    area, offset, dtype, extents, strides = document
    shapes = (cast("Shape", tuple(each)) for each in (extents, strides))
    return Place(area, offset, np.dtype(dtype), *shapes)
