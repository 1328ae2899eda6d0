"""How runs end, on either back end: the steps that were done, and why there are no more."""

import numpy as np
import pytest

import steepest as st
from steepest.runtime.executable import Stop
from steepest.tensor.state import State
from steepest.transform.executable import BACKENDS, Backend, Executable, Task, executable
from steepest.transform.memory import Memory
from steepest.transform.trace import record

ROWS = np.array([1.0, 2.0, np.inf, 4.0], np.float32)


def counting(backend: Backend) -> tuple[Executable, Memory, State]:
    """Each step adds its row to a cell; its outputs are the total and two more numbers."""
    total = State(st.zeros(()), trainable=False, name="total")

    def step(row: st.Tensor) -> tuple[st.Tensor, st.Tensor]:
        total.assign(total.value + row)
        return total.value, st.stack([row, -row])

    trace = record(step, st.zeros(()))
    memory = Memory(trace.cells)
    return executable(Task(trace, ("stepped",), memory, guarded=True), backend), memory, total


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("start", "steps"), [(0, 2), (1, 1), (2, 0)])
def test_a_first_output_that_is_not_finite_ends_a_run(
    backend: Backend, start: int, steps: int
) -> None:
    program, memory, total = counting(backend)
    run = program.run(4 - start, [ROWS[start:]])
    assert (run.steps, run.ended) == (steps, "not finite")
    done = ROWS[start : start + steps]
    np.testing.assert_array_equal(run.outputs[0], np.cumsum(done))
    np.testing.assert_array_equal(run.outputs[1], np.stack([done, -done], axis=1))
    assert memory.read(total) == done.sum()


def test_a_program_does_not_depend_on_cells_behind_its_own() -> None:
    total, other = (State(st.zeros(5), trainable=False, name=name) for name in ("total", "other"))
    trace = record(lambda row: row + total.value, st.zeros(5))
    orders = ([total], [total, other], [other, total])
    alone, before, behind = (Task(trace, ("whole",), Memory(each)).source.key for each in orders)
    assert alone == before != behind


def test_a_program_wants_its_own_cells_whole() -> None:
    first, last = (State(st.zeros(5), trainable=False, name=name) for name in ("first", "last"))
    memory = Memory([first, last])
    assert memory.bytes_up_to([]) == 0
    assert memory.bytes_up_to([first]) == memory.offsets[last]
    assert memory.bytes_up_to([last, first]) == memory.bytes_up_to([last]) == memory.arena.size


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_request_ends_a_run_before_its_next_step(backend: Backend) -> None:
    program, memory, total = counting(backend)
    stop = Stop()
    assert program.run(2, [ROWS[:2]], stop).ended == "done"
    stop.set()
    run = program.run(2, [ROWS[:2]], stop)
    assert (run.steps, run.ended) == (0, "stopped")
    assert [output.shape for output in run.outputs] == [(0,), (0, 2)]
    assert memory.read(total) == 3.0
