"""The native loop against a clock that the kernels move: how long it runs, how often it looks."""

import ctypes

import numpy as np
import pytest

from steepest.runtime.driver import (
    CALL_ALL,
    CALL_ALL_TEXT,
    CALL_ALL_TIMED,
    RUN,
    Control,
    Reason,
    driver_text,
)
from steepest.runtime.machine_code import MachineCode, compile_text
from steepest.runtime.memory import address_of
from steepest.runtime.processor import this_processor

# The clock counts how often it is asked; the kernel "takes" so many ns, and as many more each time
# as its second word says.
CLOCK_AND_KERNEL = """\
@now = global i64 5
@looks = global i64 0
define i32 @clock_gettime(i32 %id, ptr %result) {
  %now = load i64, ptr @now
  %seconds = sdiv i64 %now, 1000000000
  %rest = srem i64 %now, 1000000000
  store i64 %seconds, ptr %result
  %place = getelementptr i64, ptr %result, i64 1
  store i64 %rest, ptr %place
  %looks = load i64, ptr @looks
  %more = add i64 %looks, 1
  store i64 %more, ptr @looks
  ret i32 0
}
define i32 @kernel(ptr %words) {
  %takes = load i64, ptr %words
  %place = getelementptr i64, ptr %words, i64 1
  %slower = load i64, ptr %place
  %now = load i64, ptr @now
  %later = add i64 %now, %takes
  store i64 %later, ptr @now
  %next = add i64 %takes, %slower
  store i64 %next, ptr %words
  ret i32 0
}
define i64 @looked() {
  %looks = load i64, ptr @looks
  ret i64 %looks
}
"""
MILLISECOND = 1_000_000


class Loop:
    """One call of the native loop, with its own clock."""

    def __init__(self) -> None:
        processor = this_processor()
        loop = driver_text(processor.triple)
        loop = loop.replace("declare i32 @clock_gettime(i32, ptr)", "")
        text = "\n".join([CLOCK_AND_KERNEL, loop, CALL_ALL_TEXT])
        names = (RUN, CALL_ALL, CALL_ALL_TIMED, "kernel", "looked")
        self.code = MachineCode([compile_text(text, processor)], names, processor)

    def run(
        self, kernels: list[tuple[int, int]], steps: int, budget: int, way: str = CALL_ALL
    ) -> tuple[int, int, np.ndarray]:
        """Run a step of these kernels; the reason to return, the steps done, the times."""
        words = np.array(kernels, np.int64)
        calls = np.array(
            [[self.code.address("kernel"), address_of(row)] for row in words], np.int64
        )
        times, flag = np.zeros(len(kernels), np.int64), np.zeros(1, np.int64)
        control = np.zeros(len(Control), np.int64)
        for field, value in {
            Control.STEPS: steps,
            Control.BUDGET: budget,
            Control.STOP: address_of(flag),
            Control.CALLS: address_of(calls),
            Control.CALL_COUNT: len(calls),
            Control.CALL_ALL: self.code.address(way),
            Control.TIMES: address_of(times),
        }.items():
            control[field] = value
        entry = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
        reason = entry(self.code.address(RUN))(address_of(control))
        return reason, int(control[Control.FINISHED]), times

    @property
    def looks(self) -> int:
        """How often the clock was read."""
        return ctypes.CFUNCTYPE(ctypes.c_int64)(self.code.address("looked"))()


@pytest.mark.parametrize("takes", [10, 1000, 100_000, MILLISECOND, 100 * MILLISECOND])
@pytest.mark.parametrize("budget", [MILLISECOND, 50 * MILLISECOND])
def test_a_chunk_ends_soon_after_its_budget(takes: int, budget: int) -> None:
    reason, steps, _ = Loop().run([(takes, 0)], 10**8, budget)
    assert reason == Reason.BUDGET
    # The clock is read every 0.02 ms or so, or after each step that is longer.
    assert budget < steps * takes <= budget + max(takes, 21_000)


@pytest.mark.parametrize("takes", [100, 1000, 5000])
def test_short_steps_are_not_slowed_by_the_clock(takes: int) -> None:
    loop = Loop()
    reason, steps, _ = loop.run([(takes, 0)], 10_000, 10**12)
    assert (reason, steps) == (Reason.DONE, 10_000)
    assert loop.looks * 10_000 <= steps * takes + 200_000


def test_steps_that_become_slower_do_not_stretch_a_chunk() -> None:
    # From 0.1 µs to ms: by the time that a look is late, the next ones come sooner.
    budget = 20 * MILLISECOND
    reason, steps, _ = Loop().run([(100, 100)], 10**6, budget)
    assert reason == Reason.BUDGET
    taken = 100 * steps * (steps + 1) // 2
    assert budget < taken <= budget + 200_000


def test_the_last_step_ends_the_run_whatever_the_budget() -> None:
    assert Loop().run([(MILLISECOND, 0)], 1, 0)[:2] == (Reason.DONE, 1)
    assert Loop().run([(MILLISECOND, 0)], 2, 0)[:2] == (Reason.BUDGET, 1)
    assert Loop().run([(MILLISECOND, 0)], 2, MILLISECOND)[:2] == (Reason.DONE, 2)


def test_times_are_those_of_each_call() -> None:
    _, steps, times = Loop().run([(10, 0), (3000, 1), (0, 0)], 4, 10**12, CALL_ALL_TIMED)
    assert steps == 4
    np.testing.assert_array_equal(times, [40, 12_000 + 6, 0])


@pytest.mark.parametrize("triple", ["aarch64-unknown-linux-gnu", "arm64-apple-darwin24"])
def test_elsewhere_than_on_x86_its_instructions_are_not_asked_for(triple: str) -> None:
    assert "x86" not in driver_text(triple)
    text = "\n".join([driver_text(triple), CALL_ALL_TEXT])
    assert compile_text(text, this_processor())
