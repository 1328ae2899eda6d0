"""The native loop over steps: fixed text, which all programs of a process share.

It is compiled in a few ms, by a compiler told not to think. Only the loop over the calls of a step,
``CALL_ALL``, is worth more than that, and stands in each program's own text.

The loop works on a control block of 64-bit words (:class:`Control`), and on three tables:

- calls: for each, the function and the address of its words;
- copies in, before each step, and copies out, after it: see :class:`Copy`.
"""

from __future__ import annotations

import time
from enum import IntEnum
from typing import NamedTuple, final

from steepest.errors import CompilationError

RUN = "steepest_run"
CALL_ALL = "steepest_call_all"
CALL_ALL_TIMED = "steepest_call_all_timed"

_DECLARATIONS = (
    "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
    "declare i64 @llvm.smax.i64(i64, i64)",
    "declare i32 @clock_gettime(i32, ptr)",
)
FLUSHING = 0x8040  # the bits of MXCSR that take denormal numbers for 0, in operands and results
_QUICK = 10_000  # ns between looks at the clock: if less, look less often
_SLOW = 100_000


@final
class Control(IntEnum):
    """Words of the control block, by position."""

    FIRST = 0
    STEPS = 1
    BUDGET = 2  # ns; the loop returns at the end of the step that exceeds it
    STOP = 3  # address of a word; the loop returns before a step where it is not 0
    CALLS = 4
    CALL_COUNT = 5
    COPIES_IN = 6
    COPIES_IN_COUNT = 7
    COPIES_OUT = 8
    COPIES_OUT_COUNT = 9
    CALL_ALL = 10  # address of what goes through the calls: CALL_ALL or CALL_ALL_TIMED
    TIMES = 11  # address of a word for each call, to which its ns are added
    FINISHED = 12  # set by the loop: whole steps that were done
    FAILED = 13  # set by the loop: the call that returned 1
    FLOATS = 14  # bits to set in MXCSR for the length of the run: FLUSHING or 0


@final
class Reason(IntEnum):
    """Why the loop returned."""

    DONE = 0
    STOPPED = 1
    FAILED = 2
    BUDGET = 3


@final
class Copy(NamedTuple):
    """Rows of bytes that are copied; addresses move by the step's number times so many bytes."""

    target: int
    target_step: int
    target_stride: int
    source: int
    source_step: int
    source_stride: int
    rows: int
    row_bytes: int


def driver_text(triple: str) -> str:
    """The text of the loop.

    Args:
        triple: the machine's; denormal numbers can be taken for 0 on x86-64 only.

    Raises:
        CompilationError: this system has no clock that the loop knows.
    """
    clock: int | None = getattr(time, "CLOCK_MONOTONIC", None)
    if clock is None:
        raise CompilationError("programs need clock_gettime, which this system does not have")
    # An intrinsic of another processor does not raise an error: LLVM ends the process.
    run = _RUN_X86 if triple.startswith("x86_64") else _RUN_ELSEWHERE
    parts = [_CLOCK.format(clock=clock), _COPY, _CALL_ALL_TIMED, _loop_text(), run]
    return "\n".join([*_DECLARATIONS, *parts])


def _field(field: Control, kind: str) -> str:
    name = f"%{field.name.lower()}"
    return (
        f"  {name}.place = getelementptr i64, ptr %control, i64 {field.value}\n"
        f"  {name} = load {kind}, ptr {name}.place, align 8"
    )


def _loop_text() -> str:
    pointers = ("STOP", "CALLS", "COPIES_IN", "COPIES_OUT", "CALL_ALL", "TIMES")
    numbers = ("FIRST", "STEPS", "BUDGET", "CALL_COUNT", "COPIES_IN_COUNT", "COPIES_OUT_COUNT")
    fields = [_field(Control[each], "ptr") for each in pointers]
    fields += [_field(Control[each], "i64") for each in numbers]
    return _LOOP.format(
        fields="\n".join(fields),
        finished=Control.FINISHED.value,
        failed=Control.FAILED.value,
        quick=_QUICK,
        slow=_SLOW,
    )


_CLOCK = """\
define internal i64 @steepest_clock() {{
  %now = alloca [2 x i64], align 8
  %ignored = call i32 @clock_gettime(i32 {clock}, ptr %now)
  %seconds = load i64, ptr %now, align 8
  %place = getelementptr i64, ptr %now, i64 1
  %rest = load i64, ptr %place, align 8
  %whole = mul i64 %seconds, 1000000000
  %all = add i64 %whole, %rest
  ret i64 %all
}}
"""

_COPY = """\
define internal void @steepest_copy(ptr %entries, i64 %count, i64 %step) {
start:
  %any = icmp sgt i64 %count, 0
  br i1 %any, label %entry, label %done
entry:
  %i = phi i64 [ 0, %start ], [ %i.next, %entry.end ]
  %at = phi ptr [ %entries, %start ], [ %at.next, %entry.end ]
  %p1 = getelementptr i64, ptr %at, i64 1
  %p2 = getelementptr i64, ptr %at, i64 2
  %p3 = getelementptr i64, ptr %at, i64 3
  %p4 = getelementptr i64, ptr %at, i64 4
  %p5 = getelementptr i64, ptr %at, i64 5
  %p6 = getelementptr i64, ptr %at, i64 6
  %p7 = getelementptr i64, ptr %at, i64 7
  %target.base = load ptr, ptr %at, align 8
  %target.step = load i64, ptr %p1, align 8
  %target.stride = load i64, ptr %p2, align 8
  %source.base = load ptr, ptr %p3, align 8
  %source.step = load i64, ptr %p4, align 8
  %source.stride = load i64, ptr %p5, align 8
  %rows = load i64, ptr %p6, align 8
  %bytes = load i64, ptr %p7, align 8
  %target.offset = mul i64 %target.step, %step
  %source.offset = mul i64 %source.step, %step
  %target.first = getelementptr i8, ptr %target.base, i64 %target.offset
  %source.first = getelementptr i8, ptr %source.base, i64 %source.offset
  %any.row = icmp sgt i64 %rows, 0
  br i1 %any.row, label %row, label %entry.end
row:
  %r = phi i64 [ 0, %entry ], [ %r.next, %row ]
  %target = phi ptr [ %target.first, %entry ], [ %target.next, %row ]
  %source = phi ptr [ %source.first, %entry ], [ %source.next, %row ]
  call void @llvm.memcpy.p0.p0.i64(ptr %target, ptr %source, i64 %bytes, i1 false)
  %target.next = getelementptr i8, ptr %target, i64 %target.stride
  %source.next = getelementptr i8, ptr %source, i64 %source.stride
  %r.next = add i64 %r, 1
  %more.rows = icmp slt i64 %r.next, %rows
  br i1 %more.rows, label %row, label %entry.end
entry.end:
  %at.next = getelementptr i64, ptr %at, i64 8
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %count
  br i1 %more, label %entry, label %done
done:
  ret void
}
"""

# Returns the position of the call that failed, or the number of calls. With a clock, it adds the
# time of each call to %times.
_CALL_ALL = """\
define i64 @{name}(ptr %calls, i64 %count, ptr %times) {{
start:
{begin}\
  %any = icmp sgt i64 %count, 0
  br i1 %any, label %call, label %done
call:
  %i = phi i64 [ 0, %start ], [ %i.next, %went.well ]
  %at = phi ptr [ %calls, %start ], [ %at.next, %went.well ]
{before}\
  %function = load ptr, ptr %at, align 8
  %words.place = getelementptr i64, ptr %at, i64 1
  %words = load ptr, ptr %words.place, align 8
  %code = call i32 %function(ptr %words)
{after}\
  %failed = icmp ne i32 %code, 0
  br i1 %failed, label %failure, label %went.well
went.well:
  %at.next = getelementptr i64, ptr %at, i64 2
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %count
  br i1 %more, label %call, label %done
failure:
  ret i64 %i
done:
  ret i64 %count
}}
"""

CALL_ALL_TEXT = _CALL_ALL.format(name=CALL_ALL, begin="", before="", after="")

_CALL_ALL_TIMED = _CALL_ALL.format(
    name=CALL_ALL_TIMED,
    begin="""\
  %first = call i64 @steepest_clock()
""",
    before="""\
  %before = phi i64 [ %first, %start ], [ %after, %went.well ]
""",
    after="""\
  %after = call i64 @steepest_clock()
  %taken = sub i64 %after, %before
  %time.place = getelementptr i64, ptr %times, i64 %i
  %time.old = load i64, ptr %time.place, align 8
  %time.new = add i64 %time.old, %taken
  store i64 %time.new, ptr %time.place, align 8
""",
)

# The clock is read every %interval steps, which adapts so that looking costs next to nothing.
_LOOP = """\
define internal i64 @steepest_loop(ptr %control) {{
start:
{fields}
  %finished.place = getelementptr i64, ptr %control, i64 {finished}
  %failed.place = getelementptr i64, ptr %control, i64 {failed}
  store i64 0, ptr %finished.place, align 8
  %began = call i64 @steepest_clock()
  %any = icmp sgt i64 %steps, 0
  br i1 %any, label %step, label %done
step:
  %i = phi i64 [ 0, %start ], [ %i.next, %next ]
  %left = phi i64 [ 1, %start ], [ %left.next, %next ]
  %interval = phi i64 [ 1, %start ], [ %interval.next, %next ]
  %looked = phi i64 [ %began, %start ], [ %looked.next, %next ]
  %flag = load atomic i64, ptr %stop monotonic, align 8
  %asked = icmp ne i64 %flag, 0
  br i1 %asked, label %stopped, label %work
work:
  %number = add i64 %first, %i
  call void @steepest_copy(ptr %copies_in, i64 %copies_in_count, i64 %number)
  %reached = call i64 %call_all(ptr %calls, i64 %call_count, ptr %times)
  %well = icmp eq i64 %reached, %call_count
  br i1 %well, label %after, label %failure
after:
  call void @steepest_copy(ptr %copies_out, i64 %copies_out_count, i64 %number)
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %steps
  br i1 %more, label %count.down, label %done
count.down:
  %left.less = sub i64 %left, 1
  %look = icmp sle i64 %left.less, 0
  br i1 %look, label %look.at.clock, label %next
look.at.clock:
  %now = call i64 @steepest_clock()
  %total = sub i64 %now, %began
  %since = sub i64 %now, %looked
  %is.quick = icmp slt i64 %since, {quick}
  %is.slow = icmp sgt i64 %since, {slow}
  %double = shl i64 %interval, 1
  %half = lshr i64 %interval, 1
  %rarer = select i1 %is.quick, i64 %double, i64 %interval
  %adapted = select i1 %is.slow, i64 %half, i64 %rarer
  %least = call i64 @llvm.smax.i64(i64 %adapted, i64 1)
  %is.over = icmp sgt i64 %total, %budget
  br i1 %is.over, label %over, label %next
next:
  %left.next = phi i64 [ %left.less, %count.down ], [ %least, %look.at.clock ]
  %interval.next = phi i64 [ %interval, %count.down ], [ %least, %look.at.clock ]
  %looked.next = phi i64 [ %looked, %count.down ], [ %now, %look.at.clock ]
  br label %step
over:
  store i64 %i.next, ptr %finished.place, align 8
  ret i64 3
stopped:
  store i64 %i, ptr %finished.place, align 8
  ret i64 1
failure:
  store i64 %i, ptr %finished.place, align 8
  store i64 %reached, ptr %failed.place, align 8
  ret i64 2
done:
  store i64 %steps, ptr %finished.place, align 8
  ret i64 0
}}
"""

# A number that dies away, such as the momentum of a unit that never fires, ends among the
# denormals, where a processor takes a hundred times as long for each operation.
_RUN_X86 = f"""\
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define i64 @{RUN}(ptr %control) {{
  %before = alloca i32, align 4
  %during = alloca i32, align 4
  call void @llvm.x86.sse.stmxcsr(ptr %before)
  %state = load i32, ptr %before, align 4
  %floats.place = getelementptr i64, ptr %control, i64 {Control.FLOATS.value}
  %floats = load i64, ptr %floats.place, align 8
  %bits = trunc i64 %floats to i32
  %set = or i32 %state, %bits
  store i32 %set, ptr %during, align 4
  call void @llvm.x86.sse.ldmxcsr(ptr %during)
  %reason = call i64 @steepest_loop(ptr %control)
  call void @llvm.x86.sse.ldmxcsr(ptr %before)
  ret i64 %reason
}}
"""

_RUN_ELSEWHERE = f"""\
define i64 @{RUN}(ptr %control) {{
  %reason = call i64 @steepest_loop(ptr %control)
  ret i64 %reason
}}
"""
