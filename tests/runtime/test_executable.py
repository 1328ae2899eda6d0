"""Programs: values in and out, steps in chunks, state kept, failures told."""

import itertools
from typing import Any

import numpy as np
import pytest

from runtime.programs import (
    ADD_AND_COUNT,
    BELOW,
    FLOAT,
    SCRATCH_BYTES,
    STATE_BYTES,
    WORK,
    buffer,
    code,
    compiled,
    counting_program,
    loaded,
)
from steepest.codegen.code import Pointer
from steepest.runtime import executable
from steepest.runtime.executable import BoundProgram, NativeProgram, Stop
from steepest.runtime.memory import Area, Arena, Place
from steepest.runtime.plan import Plan, Values
from steepest.runtime.processor import this_processor
from steepest.schedule.kernels import Buffer

COUNTER = Place("state", 64, FLOAT, (), ())


def table(steps: int) -> np.ndarray:
    return np.arange(steps * 15, dtype=FLOAT).reshape(steps, 3, 5)


def counted(steps: int, start: int = 0) -> np.ndarray:
    """What the counting program makes of ``table``."""
    return table(steps) + np.arange(start, start + steps, dtype=FLOAT).reshape(-1, 1, 1)


@pytest.fixture(scope="module")
def program() -> NativeProgram:
    return counting_program()


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 100])
def test_a_run_takes_and_gives_a_row_each_step(program: NativeProgram, steps: int) -> None:
    bound = program.bind()
    done = bound.run(steps, stepped=[table(steps)])
    assert (done.steps, done.failed, done.stopped) == (steps, None, False)
    np.testing.assert_array_equal(done.outputs[0], counted(steps))
    assert done.outputs[0].shape == (steps, 3, 5)
    assert bound.state.read(COUNTER) == steps


def test_state_goes_on_from_run_to_run(program: NativeProgram) -> None:
    bound, start = program.bind(), 0
    for steps in (1, 3, 1, 0, 2):
        done = bound.run(steps, stepped=[table(steps)])
        np.testing.assert_array_equal(done.outputs[0], counted(steps, start))
        start += steps


def test_programs_share_state_and_nothing_else(program: NativeProgram) -> None:
    state = Arena(STATE_BYTES, "a test")
    one, two, alone = program.bind(state), program.bind(state), program.bind()
    for bound, start in ((one, 0), (two, 1), (one, 2), (alone, 0)):
        done = bound.run(1, stepped=[table(1)])
        np.testing.assert_array_equal(done.outputs[0], counted(1, start))
    state.write(COUNTER, np.array(40, FLOAT))
    np.testing.assert_array_equal(one.run(2, stepped=[table(2)]).outputs[0], counted(2, 40))


def test_poisoned_memory_changes_nothing(program: NativeProgram) -> None:
    bound = program.bind()
    bound.scratch.bytes[:] = 0xFF  # NaN
    done = bound.run(3, stepped=[table(3)])
    np.testing.assert_array_equal(done.outputs[0], counted(3))


def test_results_are_nobodys_memory(program: NativeProgram) -> None:
    bound, given = program.bind(), table(2)
    for steps in (1, 2):
        results = bound.run(steps, stepped=[given[:steps]]).outputs[0]
        kept = results.copy()
        bound.run(2, stepped=[table(2)])
        np.testing.assert_array_equal(results, kept)
        assert results.flags.writeable
        assert not np.shares_memory(results, bound.scratch.bytes)
    np.testing.assert_array_equal(given, table(2))


@pytest.mark.parametrize("steps", [1, 3])
def test_arrays_of_any_layout_are_stepped(program: NativeProgram, steps: int) -> None:
    plain = table(steps)
    frozen, slow = plain.copy(), np.asfortranarray(plain)
    frozen.flags.writeable = False
    for given in (frozen, slow, np.repeat(plain, 2, axis=2)[:, :, ::2]):
        done = program.bind().run(steps, stepped=[given])
        np.testing.assert_array_equal(done.outputs[0], counted(steps))


def tabled_program() -> BoundProgram:
    """Output [4] = table row + a whole input's first number; both are read where the words say."""
    row, shift = buffer("row", (2, 4), role="table"), buffer("shift", ())
    out, state = buffer("out", (2, 2)), buffer("state", (), role="state")
    constant = buffer("constant", (2,))
    return loaded(
        [
            code(ADD_AND_COUNT, out, Pointer(row, 4), 4, shift),
            code(ADD_AND_COUNT, shift, constant, 1, state),
        ],
        {
            shift: ("scratch", 128),
            out: ("scratch", 256),
            state: ("state", 0),
            constant: ("scratch", 512),
        },
        Values(
            whole=(shift,),
            outputs=((out, (4, 1)), (shift, ())),
            tables=(row,),
            constants=((constant, np.array([100, 7], FLOAT)),),
        ),
    ).bind()


def test_tables_whole_inputs_constants_and_shapes() -> None:
    bound = tabled_program()
    first, second = np.arange(8, dtype=FLOAT).reshape(2, 4), np.full((2, 4), 0.5, FLOAT)
    shift = np.array(3, FLOAT)
    out, shifted = bound.run(1, tables=[first], whole=[shift]).outputs
    np.testing.assert_array_equal(out, np.array([4, 5, 6, 7]).reshape(1, 4, 1) + 3)
    np.testing.assert_array_equal(shifted, [100])
    out, shifted = bound.run(2, tables=[second], whole=[shift]).outputs
    np.testing.assert_array_equal(out[:, :, 0], [[3.5] * 4, [101.5] * 4])
    np.testing.assert_array_equal(shifted, [101, 102])
    first += 1  # tables are read where they are
    np.testing.assert_array_equal(
        bound.run(1, tables=[first], whole=[shift]).outputs[0][0, :, 0], first[1] + 3
    )


def test_each_word_points_into_its_own_memory() -> None:
    # Two tables, two stepped inputs and two outputs, and addresses of elements in the middle.
    tables = [buffer(name, (6,), role="table") for name in ("left", "right")]
    rows = [buffer(name, (4,)) for name in ("first", "second")]
    sums = [buffer(name, (3,)) for name in ("above", "below")]
    zero = buffer("zero", (), role="state")
    places: dict[Buffer, tuple[Area, int]] = {zero: ("state", 8)}
    places |= {each: ("scratch", 256 * at) for at, each in enumerate([*rows, *sums])}
    bound = loaded(
        [
            code(ADD_AND_COUNT, sums[0], Pointer(tables[1], 2), 3, Pointer(rows[0], 3)),
            code(ADD_AND_COUNT, sums[1], Pointer(tables[0], 1), 2, Pointer(rows[1], 1)),
            code(ADD_AND_COUNT, Pointer(sums[1], 2), Pointer(tables[0], 5), 1, zero),
        ],
        places,
        Values(
            stepped=tuple(rows),
            outputs=tuple((each, (3,)) for each in sums),
            tables=tuple(tables),
        ),
    ).bind()
    left, right = np.arange(6, dtype=FLOAT), np.arange(60, 66, dtype=FLOAT)
    first, second = (np.arange(8, dtype=FLOAT).reshape(2, 4) * scale for scale in (100, 1000))
    above, below = bound.run(2, tables=[left, right], stepped=[first, second]).outputs
    np.testing.assert_array_equal(above, right[2:5] + first[:, 3:])
    np.testing.assert_array_equal(below[:, :2], left[1:3] + second[:, 1:2])
    np.testing.assert_array_equal(below[:, 2], left[5] + np.arange(2))


def checked_program() -> BoundProgram:
    """Counts; the second call fails where the stepped number is 10 or more, or not a number."""
    value, out = buffer("value", ()), buffer("out", ())
    state, late = buffer("state", (), role="state"), buffer("late", (), role="state")
    return loaded(
        [
            code(ADD_AND_COUNT, out, value, 1, state),
            code(BELOW, value, 10),
            code(ADD_AND_COUNT, out, value, 1, late),
        ],
        {
            value: ("scratch", 0),
            out: ("scratch", 64),
            state: ("state", 64),
            late: ("state", 128),
        },
        Values(stepped=(value,), outputs=((out, ()),)),
    ).bind()


@pytest.mark.parametrize("place", [0, 1, 4])
@pytest.mark.parametrize("bad", [np.nan, 10.0])
def test_a_failed_check_ends_the_run_and_says_where(place: int, bad: float) -> None:
    bound = checked_program()
    values = np.arange(5, dtype=FLOAT)
    values[place] = bad
    done = bound.run(5, stepped=[values])
    assert (done.steps, done.failed, done.stopped) == (place, 1, False)
    assert [len(each) for each in done.outputs] == [place]
    before, after = (float(bound.state.read(Place("state", at, FLOAT, (), ()))) for at in (64, 128))
    assert (before, after) == (place + 1, place)
    done = bound.run(1, stepped=[values[place : place + 1]])
    assert (done.steps, done.failed, len(done.outputs[0])) == (0, 1, 0)
    assert bound.run(1, stepped=[np.zeros(1, FLOAT)]).failed is None


@pytest.mark.parametrize("steps", [1, 5])
def test_a_request_made_before_the_run_stops_it_at_once(program: NativeProgram, steps: int) -> None:
    stop = Stop()
    assert not stop.is_set
    stop.set()
    assert stop.is_set
    bound = program.bind()
    done = bound.run(steps, stepped=[table(steps)], stop=stop)
    assert (done.steps, done.stopped, done.failed) == (0, True, None)
    assert done.outputs[0].shape == (0, 3, 5)
    assert bound.state.read(COUNTER) == 0
    assert bound.run(steps, stepped=[table(steps)]).steps == steps


def test_chunks_leave_no_trace(program: NativeProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executable, "_CHUNK", -1)  # the first look at the clock ends a chunk
    bound = program.bind()
    entries: list[int] = []
    run = bound._program.run  # pyright: ignore[reportPrivateUsage]

    def counting(control: int) -> int:
        entries.append(control)
        return run(control)

    monkeypatch.setattr(bound._program, "run", counting)  # pyright: ignore[reportPrivateUsage]
    done = bound.run(7, stepped=[table(7)])
    np.testing.assert_array_equal(done.outputs[0], counted(7))
    assert len(entries) == 7


def test_many_steps_are_all_done() -> None:
    state, out, zero = buffer("state", (), role="state"), buffer("out", ()), buffer("zero", ())
    bound = loaded(
        [code(ADD_AND_COUNT, out, zero, 1, state)],
        {state: ("state", 0), out: ("scratch", 0), zero: ("scratch", 64)},
        Values(outputs=((out, ()),)),
    ).bind()
    steps = 1_000_000
    done = bound.run(steps)
    np.testing.assert_array_equal(done.outputs[0], np.arange(steps, dtype=FLOAT))


def test_a_profile_times_each_call_and_computes_the_same(program: NativeProgram) -> None:
    done, seconds = program.bind().profile(5, stepped=[table(5)])
    np.testing.assert_array_equal(done.outputs[0], counted(5))
    assert seconds.shape == (1,)
    both = loaded([code(WORK, 1), code(WORK, 100_000), code(WORK, 1)]).bind()
    _, seconds = both.profile(20)
    assert seconds.argmax() == 1
    assert (seconds > 0).all()


@pytest.mark.parametrize("calls", [0, 1, 2, 100])
def test_equal_bodies_are_one_function(calls: int) -> None:
    state, out, zero = buffer("state", (), role="state"), buffer("out", ()), buffer("zero", ())
    native = loaded(
        [code(ADD_AND_COUNT, out, zero, 1, state), *[code(WORK, n) for n in range(calls)]],
        {state: ("state", 0), out: ("scratch", 0), zero: ("scratch", 64)},
        Values(outputs=((out, ()),)),
    )
    assert len(native.plan.functions) == (2 if calls else 1)
    assert len(native.plan.calls) == calls + 1
    np.testing.assert_array_equal(native.bind().run(3).outputs[0], [0, 1, 2])


MISTAKES: dict[str, dict[str, Any]] = {
    "too few rows": {"stepped": [table(2)]},
    "too many rows": {"stepped": [table(4)]},
    "another shape": {"stepped": [table(3).reshape(3, 5, 3)]},
    "another type": {"stepped": [table(3).astype("float64")]},
    "none": {},
    "one too many": {"stepped": [table(3), table(3)]},
    "a table": {"stepped": [table(3)], "tables": [table(3)]},
}


@pytest.mark.parametrize("given", MISTAKES.values(), ids=list(MISTAKES))
def test_values_that_do_not_fit_are_refused(program: NativeProgram, given: dict[str, Any]) -> None:
    bound = program.bind()
    with pytest.raises(ValueError, match=r"takes|argument"):
        bound.run(3, **given)
    done = bound.run(3, stepped=[table(3)])
    np.testing.assert_array_equal(done.outputs[0], counted(3))


@pytest.mark.parametrize(
    "given",
    [table(2), table(1).astype("float64"), table(1).reshape(1, 5, 3), table(0)],
    ids=["rows", "type", "shape", "nothing"],
)
def test_values_of_one_step_that_do_not_fit_are_refused(
    program: NativeProgram, given: np.ndarray
) -> None:
    bound = program.bind()
    with pytest.raises(ValueError, match="takes"):
        bound.run(1, stepped=[given])
    assert bound.state.read(COUNTER) == 0


def test_a_table_that_is_scattered_is_refused() -> None:
    bound = tabled_program()
    scattered = np.zeros((2, 8), FLOAT)[:, ::2]
    with pytest.raises(ValueError, match="row after row"):
        bound.run(1, tables=[scattered], whole=[np.array(0, FLOAT)])


def test_a_state_that_is_too_small_is_refused(program: NativeProgram) -> None:
    with pytest.raises(ValueError, match="the state takes 4096 bytes, not 64"):
        program.bind(Arena(64, "a test"))


def test_a_plan_survives_its_bytes() -> None:
    value, out = buffer("value", (2, 0)), buffer("out", (2, 3), (16, 1), dtype=np.dtype("bool"))
    state, rows = buffer("state", (), role="state"), buffer("rows", (5,), role="table")
    constant = buffer("constant", (2, 1), dtype=np.dtype("int64"))
    plan, content = compiled(
        [code(ADD_AND_COUNT, out, rows, 0, state), code(WORK, -(2**62))],
        {out: ("scratch", 64), state: ("state", 8), constant: ("scratch", 512)},
        Values(
            stepped=(value,),
            outputs=((out, (6,)),),
            tables=(rows,),
            constants=((constant, np.array([[2**62], [-1]])),),
        ),
    )
    again = Plan.from_bytes(plan.to_bytes())
    for name in Plan.__dataclass_fields__:
        if name != "constant_values":
            assert getattr(again, name) == getattr(plan, name), name
    np.testing.assert_array_equal(again.constant_values[0], [[2**62], [-1]])
    assert again.constant_values[0].dtype == np.int64
    assert again.scratch_bytes == SCRATCH_BYTES
    bound = NativeProgram(again, content, this_processor()).bind()
    np.testing.assert_array_equal(bound.scratch.read(again.constants[0]), np.array([[2**62], [-1]]))


def test_runs_in_any_division_give_equal_bits(program: NativeProgram) -> None:
    rows = table(12) / np.float32(7)
    whole = program.bind().run(12, stepped=[rows]).outputs[0]
    for division in ((1,) * 12, (5, 7), (1, 10, 1), (11, 1)):
        bound = program.bind()
        bounds = [0, *itertools.accumulate(division)]
        parts = [
            bound.run(stop - start, stepped=[rows[start:stop]]).outputs[0]
            for start, stop in itertools.pairwise(bounds)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("steps", [1, 3])
def test_denormal_numbers_are_taken_for_0_on_request_and_nowhere_else(
    program: NativeProgram, steps: int
) -> None:
    if not this_processor().triple.startswith("x86_64"):
        pytest.skip("denormal numbers are computed with elsewhere")
    smallest = np.full((steps, 3, 5), 1e-40, FLOAT)
    flushing, exact = program.bind(flushes_denormals=True), program.bind()
    for bound, expected in ((flushing, FLOAT.type(0)), (exact, FLOAT.type(1e-40))):
        (result,) = bound.run(steps, stepped=[smallest]).outputs
        np.testing.assert_array_equal(result[0], np.full((3, 5), expected))
        assert smallest[0, 0, 0] * FLOAT.type(0.5) > 0  # Python computes as before
