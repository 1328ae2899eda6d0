"""Threads, forks, Ctrl-C, no memory: programs stay right, and processes alive."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from runtime.programs import FLOAT, compiled, counting_program, working_program
from steepest.errors import OutOfMemoryError
from steepest.runtime.executable import BoundProgram, NativeProgram, Stop
from steepest.runtime.memory import Arena, Place
from steepest.runtime.processor import this_processor


def rows(steps: int, value: float) -> np.ndarray:
    return np.full((steps, 3, 5), value, FLOAT)


def test_threads_on_one_program_take_turns() -> None:
    bound = counting_program().bind()

    def work(number: int) -> set[float]:
        counts: set[float] = set()
        for turn in range(50):
            steps = 1 + turn % 3
            result = bound.run(steps, stepped=[rows(steps, 1000.0 * number)]).outputs[0]
            first = result[:, :1, :1]
            np.testing.assert_array_equal(result, np.broadcast_to(first, result.shape))
            counts.update((first - 1000.0 * number).ravel().tolist())
        return counts

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    seen = [count for counts in found for count in counts]
    # Each step saw the state as another left it: no count is seen twice, none is left out.
    assert sorted(seen) == list(range(len(seen)))


def test_threads_on_one_state_take_turns() -> None:
    native, state = counting_program(), Arena(4096, "a test")
    programs = [native.bind(state) for _ in range(3)]

    def work(bound: BoundProgram) -> None:
        for _ in range(100):
            bound.run(7, stepped=[rows(7, 0.0)])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, programs))
    assert state.read(Place("state", 64, FLOAT, (), ())) == 3 * 100 * 7


def test_other_threads_go_on_while_a_program_runs() -> None:
    bound, stop, ticks = working_program(1_000_000), Stop(), 0
    thread = threading.Thread(target=bound.run, args=(10**6,), kwargs={"stop": stop})
    thread.start()
    while ticks < 50:
        time.sleep(0.001)
        ticks += 1
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_request_from_another_thread_stops_after_a_whole_step() -> None:
    bound, stop = working_program(1_000_000), Stop()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    done = bound.run(10**6, stop=stop)
    assert done.stopped
    assert 0 < done.steps < 10**6
    np.testing.assert_array_equal(done.outputs[0], np.arange(done.steps, dtype=FLOAT))
    assert bound.run(1).outputs[0][0] == done.steps


def in_a_child(work: Callable[[], object]) -> object:
    """What a forked child finds; it must say so within 10 s."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def child(connection: Connection) -> None:
        connection.send(work())

    process = context.Process(target=child, args=(there,))
    process.start()
    try:
        assert here.poll(10), "the child hangs"
        result = here.recv()
        process.join(10)
        assert process.exitcode == 0
        return result
    finally:
        process.kill()
        process.join()


# Python 3.12 warns of forks beside threads, which is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@needs_fork
def test_a_forked_child_runs_what_its_parent_compiled() -> None:
    bound = counting_program().bind()
    bound.run(2, stepped=[rows(2, 0.0)])
    run = in_a_child(lambda: bound.run(3, stepped=[rows(3, 0.0)]).outputs[0][:, 0, 0].tolist())
    assert run == [2, 3, 4]
    # The child has its own state.
    assert bound.run(1, stepped=[rows(1, 0.0)]).outputs[0][0, 0, 0] == 2


@needs_fork
def test_a_forked_child_compiles() -> None:
    counting_program()

    def work() -> float:
        bound = counting_program().bind()
        return float(bound.run(1, stepped=[rows(1, 5.0)]).outputs[0][0, 0, 0])

    assert in_a_child(work) == 5


@needs_fork
def test_a_child_forked_while_a_thread_runs_does_not_wait_for_it() -> None:
    bound, stop = working_program(1_000_000), Stop()
    thread = threading.Thread(target=bound.run, args=(10**6,), kwargs={"stop": stop})
    thread.start()
    time.sleep(0.05)
    try:
        assert bound.state.turn().locked()
        assert in_a_child(lambda: bound.run(2).steps) == 2
    finally:
        stop.set()
        thread.join(10)


INTERRUPTED = """
import sys, time
sys.path.insert(0, {tests!r})
from runtime.programs import working_program

bound = working_program(1_000_000)
bound.run(3)
print("ready", flush=True)
try:
    bound.run(10**7)
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
    following = bound.run(2).outputs[0]
    print(following[1] - following[0], following[0] > 3, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")
def test_ctrl_c_ends_a_long_run_at_once(root: Path) -> None:
    script = INTERRUPTED.format(tests=str(root / "tests"))
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0, err
    left, following = out.splitlines()
    assert float(left) - sent < 5.0  # 0.05 s where nothing else is going on; the run takes hours
    assert following == "1.0 True"  # the state is what a whole step left


HOLES = """
import ctypes, mmap
from steepest.runtime.machine_code import MachineCode, compile_text
from steepest.runtime.processor import this_processor

content = compile_text({text!r}, this_processor())
MachineCode([content], ("f",), this_processor())  # what linking itself needs is there now

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

def mapped(size):
    return libc.mmap(None, size, 0, flags, -1, 0)  # not to be touched, so nothing is taken

far = mapped(8 << 30)
pages = [mapped(mmap.PAGESIZE)]
while pages[-1] > far:
    pages.append(mapped(mmap.PAGESIZE))
libc.munmap(pages[-2], mmap.PAGESIZE)  # the one hole above 8 GiB that no hole is left in

found = MachineCode([content], ("f",), this_processor())
print(ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(found.address("f"))(2.0))
"""
WITH_A_CONSTANT = """\
define double @f(double %x) {
  %y = fmul double %x, 3.25
  ret double %y
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="holes in memory are made as Linux maps it")
def test_code_reaches_its_constants_where_memory_is_full_of_holes() -> None:
    script = HOLES.format(text=WITH_A_CONSTANT)
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (0, "6.5\n"), told.stderr


def test_no_memory_for_a_program_is_told_by_size() -> None:
    plan, content = compiled([])
    huge = NativeProgram(replace(plan, scratch_bytes=1 << 50), content, this_processor())
    with pytest.raises(OutOfMemoryError, match=r"a step's values: it takes 1\.0 PiB"):
        huge.bind()
    huge = NativeProgram(replace(plan, state_bytes=1 << 50), content, this_processor())
    with pytest.raises(OutOfMemoryError, match=r"a program's state: it takes 1\.0 PiB"):
        huge.bind()
