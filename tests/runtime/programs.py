"""Small programs from kernels written by hand, to run what generated ones will run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steepest.codegen.code import Code, Pointer, Word
from steepest.ir.types import DType, Shape
from steepest.runtime.executable import BoundProgram, NativeProgram, compile_program
from steepest.runtime.plan import Placements, Plan, Values, assemble
from steepest.runtime.processor import this_processor
from steepest.schedule.kernels import Buffer, Role

FLOAT = np.dtype("float32")
STATE_BYTES, SCRATCH_BYTES = 4096, 1 << 16


def elementwise(kind: str, work: str, *, before: str = "", after: str = "") -> str:
    """A body: to[i] = %new, which ``work`` makes of %old = from[i], for i below the third word."""
    return f"""\
define i32 @KERNEL(ptr %words) {{
start:
  %to = load ptr, ptr %words
  %place1 = getelementptr i64, ptr %words, i64 1
  %from = load ptr, ptr %place1
  %place2 = getelementptr i64, ptr %words, i64 2
  %count = load i64, ptr %place2
  {before}
  br label %element
element:
  %i = phi i64 [ 0, %start ], [ %next, %element ]
  %source = getelementptr {kind}, ptr %from, i64 %i
  %target = getelementptr {kind}, ptr %to, i64 %i
  %old = load {kind}, ptr %source
  {work}
  store {kind} %new, ptr %target
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %element, label %end
end:
  {after}
  ret i32 0
}}
"""


# to[0 … count) = from[0 … count) + state, whole rows with their padding; then state += 1
ADD_AND_COUNT = elementwise(
    "float",
    "%new = fadd float %old, %added",
    before="""%place3 = getelementptr i64, ptr %words, i64 3
  %state = load ptr, ptr %place3
  %added = load float, ptr %state""",
    after="""%following = fadd float %added, 1.0
  store float %following, ptr %state""",
)

# Returns 1 where the number at the first word is not below the second word.
BELOW = """\
define i32 @KERNEL(ptr %words) {
  %place = load ptr, ptr %words
  %value = load float, ptr %place
  %limit.place = getelementptr i64, ptr %words, i64 1
  %limit = load i64, ptr %limit.place
  %most = sitofp i64 %limit to float
  %passed = fcmp olt float %value, %most
  %failed = xor i1 %passed, true
  %code = zext i1 %failed to i32
  ret i32 %code
}
"""

# Counts to a number, slowly: through memory.
WORK = """\
define i32 @KERNEL(ptr %words) {
start:
  %room = alloca i64
  store volatile i64 0, ptr %room
  %turns = load i64, ptr %words
  br label %turn
turn:
  %i = load volatile i64, ptr %room
  %next = add i64 %i, 1
  store volatile i64 %next, ptr %room
  %more = icmp slt i64 %next, %turns
  br i1 %more, label %turn, label %end
end:
  ret i32 0
}
"""


def buffer(
    name: str,
    extents: Shape,
    strides: Shape | None = None,
    role: Role = "scratch",
    dtype: DType = FLOAT,
) -> Buffer:
    """A buffer whose rows follow each other, unless strides say otherwise."""
    if strides is None:
        strides = tuple(int(np.prod(extents[axis + 1 :])) for axis in range(len(extents)))
    reach = 1 + sum((e - 1) * s for e, s in zip(extents, strides, strict=True))
    return Buffer(name, dtype, extents, strides, role, 0 if 0 in extents else reach + 16)


def code(body: str, *words: Word | Buffer, declarations: Sequence[str] = ()) -> Code:
    """A call of a body; a buffer stands for its first element's address."""
    given = tuple(Pointer(each) if isinstance(each, Buffer) else each for each in words)
    return Code(body, given, frozenset(declarations))


def compiled(
    codes: Sequence[Code], placements: Placements | None = None, values: Values | None = None
) -> tuple[Plan, bytes]:
    """The plan and the object file of these calls."""
    text, plan = assemble(
        codes,
        [f"call {position}" for position in range(len(codes))],
        placements or {},
        values or Values(),
        state_bytes=STATE_BYTES,
        scratch_bytes=SCRATCH_BYTES,
    )
    return plan, compile_program(text, this_processor())


def loaded(
    codes: Sequence[Code], placements: Placements | None = None, values: Values | None = None
) -> NativeProgram:
    """These calls, ready to be given memory."""
    return NativeProgram(*compiled(codes, placements, values), this_processor())


def counting_program() -> NativeProgram:
    """Output = stepped input [3, 5], in rows of 16, + a number in the state, which grows by 1."""
    source, target = (buffer(name, (3, 5), (16, 1)) for name in ("source", "target"))
    state = buffer("state", (), role="state")
    return loaded(
        [code(ADD_AND_COUNT, target, source, 48, state)],
        {source: ("scratch", 0), target: ("scratch", 1024), state: ("state", 64)},
        Values(stepped=(source,), outputs=((target, (3, 5)),)),
    )


def working_program(turns: int) -> BoundProgram:
    """Each step takes about so many ns, and counts itself in its output."""
    state, out = buffer("state", (), role="state"), buffer("out", ())
    zero = buffer("zero", ())
    return loaded(
        [code(WORK, turns), code(ADD_AND_COUNT, out, zero, 1, state)],
        {state: ("state", 0), out: ("scratch", 0), zero: ("scratch", 64)},
        Values(outputs=((out, ()),)),
    ).bind()
