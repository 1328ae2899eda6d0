"""A program that is ready to run: machine code, its memory, and the loop over steps."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias, final

import numpy as np

from steepest.ir.types import Array
from steepest.runtime.copies import inwards, outwards
from steepest.runtime.driver import (
    CALL_ALL,
    CALL_ALL_TIMED,
    FLUSHING,
    RUN,
    Control,
    Reason,
    driver_text,
)
from steepest.runtime.machine_code import MachineCode, compile_quickly, compile_text
from steepest.runtime.memory import Arena, Place, address_of, check_array
from steepest.runtime.plan import SCRATCH, STATE, TABLES, Plan
from steepest.runtime.processor import Processor

_LENGTH = struct.Struct("<Q")
_CHUNK = 50_000_000  # ns that the loop may run before Python sees to its signals

Entry: TypeAlias = Callable[[int], int]
Arrays: TypeAlias = Sequence[Array]
Words: TypeAlias = ctypes.Array[ctypes.c_int64]


@final
class Stop:
    """A request to stop, which a running program sees before its next step."""

    def __init__(self) -> None:
        self._flag = ctypes.c_int64(0)
        self.address = ctypes.addressof(self._flag)

    def set(self) -> None:
        """Ask: may be called from any thread, and from a signal's handler."""
        self._flag.value = 1

    @property
    def is_set(self) -> bool:
        """Whether somebody asked."""
        return self._flag.value != 0


@final
class Finished(NamedTuple):
    """What came of a run.

    Args:
        steps: that were done, wholly.
        outputs: one array each, with a leading axis of these steps.
        failed: the call of the following step that returned 1, if one did.
        stopped: whether a request ended the run.
    """

    steps: int
    outputs: tuple[Array, ...]
    failed: int | None = None
    stopped: bool = False


def compile_program(text: str, processor: Processor) -> bytes:
    """The machine code of a program, with that of the loop over steps, for :class:`NativeProgram`.

    Args:
        text: from :func:`steepest.runtime.plan.assemble`.
        processor: what the machine code may use.

    Raises:
        CompilationError: LLVM refuses the text, or does not know the machine.
    """
    kernels = _kernels(text, processor)
    return _LENGTH.pack(len(kernels)) + kernels + _driver(processor)


@lru_cache(8)  # extents are no part of the text: networks of other widths may have the same
def _kernels(text: str, processor: Processor) -> bytes:
    return compile_text(text, processor)


@cache
def _driver(processor: Processor) -> bytes:
    """The loop over steps: it takes 5 ms once, which is less than in the text of each program."""
    return compile_quickly(driver_text(processor.triple), processor)


@final
class NativeProgram:
    """A program in machine code, without memory.

    Args:
        plan: what it calls.
        content: what :func:`compile_program` made.
        processor: what that was made for.

    Raises:
        CompilationError: the machine code cannot be loaded.
    """

    def __init__(self, plan: Plan, content: bytes, processor: Processor) -> None:
        self.plan = plan
        (length,) = _LENGTH.unpack_from(content)
        middle = _LENGTH.size + length
        objects = content[_LENGTH.size : middle], content[middle:]
        names = (*plan.functions, RUN, CALL_ALL, CALL_ALL_TIMED)
        self._code = MachineCode(objects, names, processor)
        self.functions = [self._code.address(name) for name in plan.functions]
        self.call_all = self._code.address(CALL_ALL)
        self.call_all_timed = self._code.address(CALL_ALL_TIMED)
        entry = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
        self.run: Entry = entry(self._code.address(RUN))

    def bind(self, state: Arena | None = None, *, flushes_denormals: bool = False) -> BoundProgram:
        """Give it memory: scratch of its own, and the state it works on.

        Args:
            state: at least ``plan.state_bytes``; programs on one arena take turns.
            flushes_denormals: whether it takes numbers below 1.2e-38 (2.2e-308 in float64) for 0.

        Raises:
            OutOfMemoryError: the machine does not have so much.
        """
        state = state or Arena(self.plan.state_bytes, "a program's state")
        if state.size < self.plan.state_bytes:
            raise ValueError(f"the state takes {self.plan.state_bytes} bytes, not {state.size}")
        scratch = Arena(self.plan.scratch_bytes, "a step's values")
        return BoundProgram(self, state, scratch, FLUSHING if flushes_denormals else 0)


@final
class BoundProgram:
    """A program with memory. Made by :meth:`NativeProgram.bind`.

    Args:
        program: the machine code.
        state: memory that other programs may share.
        scratch: memory of its own.
        floats: bits to set in the processor's register for floating-point numbers.
    """

    def __init__(
        self, program: NativeProgram, state: Arena, scratch: Arena, floats: int = 0
    ) -> None:
        self._floats = floats
        self.plan = plan = program.plan
        self.state = state
        self.scratch = scratch
        self._program = program
        self._offsets = np.array(plan.words, np.int64)
        self._areas = np.array(plan.areas, np.int64)
        self._bases = np.zeros(TABLES + len(plan.tables), np.int64)
        self._bases[STATE], self._bases[SCRATCH] = state.address, scratch.address
        self._table_addresses = [0] * len(plan.tables)
        self._words = self._offsets + self._bases[self._areas]
        self._calls = self._call_table()
        _fill(self._views(plan.constants), plan.constant_values)
        self._whole = self._views(plan.whole)
        self._stepped = self._views(plan.stepped)
        self._outputs = self._views(plan.outputs)
        self._never = Stop()
        self._arriving = inwards(self._addressed(plan.stepped))
        self._leaving = outwards(self._addressed(plan.outputs))
        self._single = self._control_block()
        self._many = self._control_block_with_copies()

    def run(
        self,
        steps: int,
        *,
        tables: Arrays = (),
        stepped: Arrays = (),
        whole: Arrays = (),
        stop: Stop | None = None,
    ) -> Finished:
        """Do so many steps.

        Between chunks of 0.05 s Python sees to its signals, so Ctrl-C raises KeyboardInterrupt
        here after a whole step; the state is what that step left.

        Args:
            steps: how many.
            tables: read where they are: contiguous, of the plan's types.
            stepped: arrays with a leading axis of ``steps``; each step gets its row.
            whole: arrays that all steps get.
            stop: asks the run to end after the step under way.
        """
        with self.state.turn():
            ending = stop or self._never
            if steps == 1:
                return self._run_one(tables, stepped, whole, ending)
            self._many[Control.CALL_ALL] = self._program.call_all
            return self._run(steps, tables, stepped, whole, ending)

    def profile(
        self, steps: int, *, tables: Arrays = (), stepped: Arrays = (), whole: Arrays = ()
    ) -> tuple[Finished, Array]:
        """Do so many steps as :meth:`run` does; also the seconds of each call, all steps together.

        Reading the clock adds about 0.02 µs to each call.
        """
        times = np.zeros(len(self.plan.calls), np.int64)
        with self.state.turn():
            self._many[Control.CALL_ALL] = self._program.call_all_timed
            self._many[Control.TIMES] = address_of(times)
            done = self._run(steps, tables, stepped, whole, self._never)
        return done, times * 1e-9

    def _run_one(self, tables: Arrays, stepped: Arrays, whole: Arrays, stop: Stop) -> Finished:
        """One step, whose values NumPy copies: quicker than tables of copies for a single one."""
        self._attach(tables)
        _fill(self._whole, whole)
        _fill(self._stepped, [_only_row(array) for array in stepped])
        control = self._single
        control[Control.STOP] = stop.address
        reason = self._program.run(ctypes.addressof(control))
        if reason == Reason.DONE:
            shapes = zip(self._outputs, self.plan.output_shapes, strict=True)
            return Finished(1, tuple(view.copy().reshape(1, *shape) for view, shape in shapes))
        return self._finished(self._empty_outputs(0), 0, reason, control)

    def _run(
        self,
        steps: int,
        tables: Arrays,
        stepped: Arrays,
        whole: Arrays,
        stop: Stop,
    ) -> Finished:
        """Any number of steps, in chunks. All arrays stay alive here until the last has run."""
        plan = self.plan
        self._attach(tables)
        _fill(self._whole, whole)
        rows = [np.ascontiguousarray(array) for array in stepped]
        for array, place in zip(rows, plan.stepped, strict=True):
            check_array(array, (steps, *place.extents), place.dtype)
        outputs = self._empty_outputs(steps)
        self._arriving.attach(rows)
        self._leaving.attach(outputs)
        control = self._many
        control[Control.STOP] = stop.address
        done = 0
        while True:
            control[Control.FIRST], control[Control.STEPS] = done, steps - done
            reason = self._program.run(ctypes.addressof(control))
            done += control[Control.FINISHED]
            if reason != Reason.BUDGET:
                return self._finished(outputs, done, reason, control)

    def _empty_outputs(self, steps: int) -> tuple[Array, ...]:
        kinds = zip(self.plan.outputs, self.plan.output_shapes, strict=True)
        return tuple(np.empty((steps, *shape), place.dtype) for place, shape in kinds)

    def _finished(
        self, outputs: tuple[Array, ...], done: int, reason: int, control: Words
    ) -> Finished:
        failed = control[Control.FAILED] if reason == Reason.FAILED else None
        trimmed = tuple(output[:done] for output in outputs)
        return Finished(done, trimmed, failed, stopped=reason == Reason.STOPPED)

    def _control_block(self) -> Words:
        """What the native loop reads, for one step whose values are not copied."""
        control = (ctypes.c_int64 * len(Control))()
        control[Control.STEPS] = 1
        control[Control.BUDGET] = _CHUNK
        control[Control.STOP] = self._never.address
        control[Control.CALL_ALL] = self._program.call_all
        control[Control.CALLS] = address_of(self._calls)
        control[Control.CALL_COUNT] = len(self._calls)
        control[Control.FLOATS] = self._floats
        return control

    def _control_block_with_copies(self) -> Words:
        """What the native loop reads, for many steps."""
        control = self._control_block()
        control[Control.COPIES_IN] = self._arriving.address
        control[Control.COPIES_IN_COUNT] = len(self._arriving.table)
        control[Control.COPIES_OUT] = self._leaving.address
        control[Control.COPIES_OUT_COUNT] = len(self._leaving.table)
        return control

    def _call_table(self) -> Array:
        """For each call, its function and where its words begin."""
        lengths = np.array(self.plan.lengths, np.int64)
        starts = np.cumsum(lengths) - lengths
        functions = np.array(self._program.functions, np.int64)
        calls = np.empty((len(lengths), 2), np.int64)
        calls[:, 0] = functions[np.array(self.plan.calls, np.int64)]
        calls[:, 1] = address_of(self._words) + 8 * starts
        return calls

    def _attach(self, tables: Arrays) -> None:
        """Point the words that are addresses in tables to these arrays."""
        if not tables and not self._table_addresses:
            return
        addresses = [address_of(table) for table in tables]
        for table, kind in zip(tables, self.plan.tables, strict=True):
            check_array(table, kind.shape, kind.dtype)
            if not (table.flags.c_contiguous and table.flags.aligned):
                raise ValueError("a table lies in memory row after row, aligned")
        if addresses != self._table_addresses:
            self._bases[TABLES:] = addresses
            np.add(self._offsets, self._bases[self._areas], out=self._words)
            self._table_addresses = addresses

    def _arena(self, place: Place) -> Arena:
        return self.state if place.area == "state" else self.scratch

    def _views(self, places: Sequence[Place]) -> list[Array]:
        return [self._arena(place).view(place) for place in places]

    def _addressed(self, places: Sequence[Place]) -> list[tuple[int, Place]]:
        return [(self._arena(place).address, place) for place in places]


def _fill(views: Arrays, values: Arrays) -> None:
    """Copy values to where they belong."""
    if not views and not values:
        return
    for view, value in zip(views, values, strict=True):
        check_array(value, view.shape, view.dtype)
        view[...] = value


def _only_row(array: Array) -> Array:
    if len(array) != 1:
        raise ValueError(f"one step takes arrays of one row, not of {len(array)}")
    return array[0]
