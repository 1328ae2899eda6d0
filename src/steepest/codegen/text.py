"""The text of one LLVM function while it is written: values, blocks, loops, words."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, final

from steepest.codegen.code import Code, Pointer, Word
from steepest.ir.types import DTYPES, DType

Whole: TypeAlias = str | int
"""An int64 operand: a known number, or the name of a value."""

_TYPES = {
    dtype: {"b": "i1", "f": "float" if dtype.itemsize == 4 else "double"}.get(
        dtype.kind, f"i{8 * dtype.itemsize}"
    )
    for dtype in DTYPES
}


@final
@dataclass(frozen=True)
class Value:
    """A value in registers: its text as an operand, without the type.

    Args:
        text: a name, or a constant.
        dtype: of each lane.
        lanes: 1 for a plain scalar.
    """

    text: str
    dtype: DType
    lanes: int = 1

    @property
    def type(self) -> str:
        """Its LLVM type."""
        return type_text(self.dtype, self.lanes)

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def type_text(dtype: DType, lanes: int = 1) -> str:
    """The LLVM type of so many numbers in registers, such as ``<16 x float>`` or ``float``."""
    return vector_text(_TYPES[dtype], lanes)


def memory_text(dtype: DType, lanes: int = 1) -> str:
    """The LLVM type of so many elements in memory, where a boolean takes a byte."""
    return vector_text("i8" if dtype.kind == "b" else _TYPES[dtype], lanes)


def vector_text(element: str, lanes: int) -> str:
    """The LLVM type of so many elements; one is no vector."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


@final
@dataclass
class Loop:
    """A loop while its body is written.

    Args:
        index: the int64 that counts.
        carried: what the previous turn left, at first the initial values.
        following: the body sets what it leaves for the next turn, as names.
        results: after the loop, what the last turn left.
    """

    index: str
    carried: list[str]
    following: list[str] = field(default_factory=list[str])
    results: list[str] = field(default_factory=list[str])


@final
class Text:
    """One function, written from the top to the bottom; names are numbered in that order."""

    def __init__(self) -> None:
        self.block = "%begin"
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._words: list[Word] = []
        self._known: dict[Word, str] = {}
        self._extents: dict[tuple[int, int], str] = {}
        self._declarations: set[str] = set()
        self._count = 0
        self._can_stop = False

    # ---------------------------------------------------------------------------------- values

    def name(self, hint: str = "v") -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"%{hint}{self._count}"

    def line(self, text: str) -> None:
        """Write an instruction without a result."""
        self._lines.append(f"  {text}")

    def define(self, instruction: str) -> str:
        """Write an instruction; its result's name."""
        name = self.name()
        self._lines.append(f"  {name} = {instruction}")
        return name

    def declare(self, result: str, function: str, arguments: Sequence[str]) -> None:
        """Say that a function is called."""
        self._declarations.add(f"declare {result} @{function}({', '.join(arguments)})")

    def call(self, result: str, function: str, operands: Sequence[tuple[str, str]]) -> str:
        """Call a function on operands, each a type and a text; the result's name."""
        self.declare(result, function, [kind for kind, _ in operands])
        given = ", ".join(f"{kind} {text}" for kind, text in operands)
        return self.define(f"call {result} @{function}({given})")

    def word(self, word: Word) -> str:
        """A word of the call, loaded once where the function begins: an int64, or a pointer."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._new_word(word)
        return found

    def number(self, number: int) -> str:
        """A word of its own, also where an equal number is another word already: an int64.

        Kernels whose extents and strides differ then have equal bodies, however some coincide.
        """
        return self._new_word(number)

    def _new_word(self, word: Word) -> str:
        position = len(self._words)
        self._words.append(word)
        place, found = f"%word{position}.place", f"%word{position}"
        kind = "ptr" if isinstance(word, Pointer) else "i64"
        self._entry.append(f"  {place} = getelementptr i64, ptr %words, i64 {position}")
        self._entry.append(f"  {found} = load {kind}, ptr {place}, align 8")
        return found

    def extent(self, axis: int, count: int) -> str:
        """The word that says how many places an axis of the kernel has; shared with no stride."""
        found = self._extents.get((axis, count))
        if found is None:
            found = self._extents[axis, count] = self._new_word(count)
        return found

    def stack(self, kind: str, align: int = 64) -> str:
        """Room for a value of an LLVM type on the stack, such as ``[64 x float]``; its address."""
        name = self.name("stack")
        self._entry.append(f"  {name} = alloca {kind}, align {align}")
        return name

    # ----------------------------------------------------------------------- whole numbers, places

    def add(self, a: Whole, b: Whole) -> Whole:
        """A + b, known where both are."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if 0 in (a, b):
            return b if a == 0 else a
        return self.define(f"add i64 {a}, {b}")

    def multiply(self, a: Whole, b: Whole) -> Whole:
        """A · b, known where both are."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if 0 in (a, b):
            return 0
        if 1 in (a, b):
            return b if a == 1 else a
        return self.define(f"mul i64 {a}, {b}")

    def least(self, a: Whole, b: Whole) -> Whole:
        """The lower of both."""
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        lower = self.define(f"icmp slt i64 {a}, {b}")
        return self.define(f"select i1 {lower}, i64 {a}, i64 {b}")

    def place(self, pointer: str, offset: Whole, element: str) -> str:
        """The address of an element so many elements of an LLVM type further on."""
        if offset == 0:
            return pointer
        return self.define(f"getelementptr {element}, ptr {pointer}, i64 {offset}")

    # ---------------------------------------------------------------------------------- blocks

    def begin(self, label: str) -> None:
        """Start a block."""
        self._lines.append(f"{label.removeprefix('%')}:")
        self.block = label

    @contextmanager
    def loop(
        self,
        start: Whole,
        stop: Whole,
        step: Whole = 1,
        carried: Sequence[tuple[str, str]] = (),
    ) -> Generator[Loop]:
        """A loop over start, start + step, … below stop; ``carried`` are types and initial values.

        No turn at all is taken where start ≥ stop.
        """
        body, after = self.name("body"), self.name("after")
        before = self.block
        if isinstance(start, int) and isinstance(stop, int):
            runs = "true" if start < stop else "false"
        else:
            runs = self.define(f"icmp slt i64 {start}, {stop}")
        self.line(f"br i1 {runs}, label {body}, label {after}")
        self.begin(body)
        loop = Loop(self.name("i"), [self.name("c") for _ in carried])
        top = len(self._lines)
        yield loop
        assert len(loop.following) == len(carried), "the body says what it leaves"
        following = self.define(f"add nsw i64 {loop.index}, {step}")
        again = self.define(f"icmp slt i64 {following}, {stop}")
        last = self.block
        self.line(f"br i1 {again}, label {body}, label {after}")
        phis = [f"  {loop.index} = phi i64 [ {start}, {before} ], [ {following}, {last} ]"]
        for (kind, initial), name, left in zip(carried, loop.carried, loop.following, strict=True):
            phis.append(f"  {name} = phi {kind} [ {initial}, {before} ], [ {left}, {last} ]")
        self._lines[top:top] = phis
        self.begin(after)
        loop.results = [
            self.define(f"phi {kind} [ {initial}, {before} ], [ {left}, {last} ]")
            for (kind, initial), left in zip(carried, loop.following, strict=True)
        ]

    @contextmanager
    def when(self, condition: str) -> Generator[None]:
        """What is written inside happens only where the i1 is true; nothing of it is used after."""
        inside, after = self.name("then"), self.name("after")
        self.line(f"br i1 {condition}, label {inside}, label {after}")
        self.begin(inside)
        yield
        self.line(f"br label {after}")
        self.begin(after)

    def stop_when(self, condition: str) -> None:
        """Return 1 at once where the i1 is true."""
        onward = self.name("onward")
        self._can_stop = True
        self.line(f"br i1 {condition}, label %stopped, label {onward}")
        self.begin(onward)

    def code(self) -> Code:
        """The finished function, which returns 0 at the end."""
        stopped = ["stopped:", "  ret i32 1"] if self._can_stop else []
        lines = [
            "define i32 @KERNEL(ptr noalias %words) {",
            "entry:",
            *self._entry,
            "  br label %begin",
            "begin:",
            *self._lines,
            "  ret i32 0",
            *stopped,
            "}",
        ]
        return Code("\n".join(lines) + "\n", tuple(self._words), frozenset(self._declarations))
