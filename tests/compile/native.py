"""Native programs in memory as cruel as the rules allow, held against the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import final

import numpy as np

from codegen.arena import at_the_end_of_a_page
from steepest.compile import Source, compiled
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.ir.node import Node
from steepest.ir.types import Array, is_floating
from steepest.runtime.cache import ObjectCache
from steepest.runtime.executable import BoundProgram
from steepest.runtime.memory import Arena, Place
from steepest.runtime.processor import Processor, this_processor
from steepest.schedule.memory import bytes_of
from steepest.schedule.plan import InputRole, state_buffer

Roles = Sequence[InputRole]
Arrays = Sequence[Array]

NO_CACHE = ObjectCache(None)
WIDTHS = (16, 8, 4)
POISON = 0xFF  # bytes: NaN in floats, -1 or the largest number in integers


@cache
def processor_of(lanes: int) -> Processor:
    """This machine's, without wider vectors."""
    return this_processor().restricted(lanes)


@final
@dataclass(frozen=True)
class Outcome:
    """What some steps left.

    Args:
        outputs: with a leading axis of the steps that were done.
        state: the values of the inputs that are state, in order.
        failed: the call that ended the run, if one did.
    """

    outputs: list[Array]
    state: list[Array]
    failed: int | None = None

    @property
    def bits(self) -> list[bytes]:
        """All of it, to compare; the bits of a NaN are nobody's promise."""
        return [_bits(each) for each in (*self.outputs, *self.state)]


def _bits(array: Array) -> bytes:
    if is_floating(array.dtype):
        array = np.where(np.isnan(array), np.asarray(np.nan, array.dtype), array)
    return array.tobytes()


def source_of(graph: Graph, roles: Roles, *, guarded: bool = False) -> Source:
    """The graph with its state one after the other."""
    sizes = [bytes_of(state_buffer("", node)) for node in _those("state", graph.inputs, roles)]
    ends = list(accumulate(sizes, initial=0))
    return Source(graph, tuple(roles), tuple(ends[:-1]), ends[-1], guarded)


def _those(role: InputRole, items: Sequence[Node], roles: Roles) -> list[Node]:
    return [item for item, its in zip(items, roles, strict=True) if its == role]


@final
class Native:
    """A graph as a native program, with memory where all padding is poison.

    Args:
        graph: one step.
        roles: of its inputs.
        lanes: of the processor it is compiled for.
        guarded: whether a first output that is not finite ends the run.
        cache: where machine code is kept; nowhere by default.
    """

    def __init__(
        self,
        graph: Graph,
        roles: Roles,
        lanes: int = 16,
        *,
        guarded: bool = False,
        cache: ObjectCache = NO_CACHE,
    ) -> None:
        self._roles = roles
        self._source = source_of(graph, roles, guarded=guarded)
        program = compiled(self._source, processor_of(lanes), cache)
        self._arena = Arena(self._source.state_bytes, "a test's state")
        self._arena.bytes[:] = POISON
        self.plan = program.plan
        scratch = Arena(program.plan.scratch_bytes, "a test's values")
        scratch.bytes[:] = POISON
        self._bound = BoundProgram(program, self._arena, scratch)
        self._places = [
            Place("state", offset, buffer.dtype, buffer.extents, buffer.strides)
            for offset, buffer in zip(
                self._source.state_offsets,
                (state_buffer("", node) for node in _those("state", graph.inputs, roles)),
                strict=True,
            )
        ]

    def put(self, values: Arrays) -> None:
        """Give state its values, from those of all inputs."""
        self._arena.bytes[:] = POISON
        for place, value in zip(self._places, self._of("state", values), strict=True):
            self._arena.write(place, value)

    def run(self, values: Arrays, steps: int, first: int = 0) -> Outcome:
        """Some steps; what is ``stepped`` has a row for each step, from ``first`` on."""
        finished = self._bound.run(
            steps,
            tables=[_table(each) for each in self._of("table", values)],
            stepped=[each[first : first + steps] for each in self._of("stepped", values)],
            whole=self._of("whole", values),
        )
        state = [self._arena.read(place) for place in self._places]
        return Outcome(list(finished.outputs), state, finished.failed)

    def _of(self, role: InputRole, values: Arrays) -> list[Array]:
        return [value for value, its in zip(values, self._roles, strict=True) if its == role]


def _table(array: Array) -> Array:
    return at_the_end_of_a_page(array.reshape(-1)).reshape(array.shape)


def rows_of(roles: Roles, values: Arrays, steps: int) -> list[Array]:
    """What is ``stepped``, as the same row for each step, a little later in each."""
    return [
        np.stack([np.roll(value, step) for step in range(steps)]) if role == "stepped" else value
        for value, role in zip(values, roles, strict=True)
    ]


def native(
    graph: Graph,
    roles: Roles,
    values: Arrays,
    steps: int,
    lanes: int = 16,
    *,
    guarded: bool = False,
) -> Outcome:
    """What a program makes of these values."""
    program = Native(graph, roles, lanes, guarded=guarded)
    program.put(values)
    return program.run(values, steps)


def one_by_one(program: Native, values: Arrays, steps: int) -> Outcome:
    """The same by a call for each step."""
    program.put(values)
    runs = [program.run(values, 1, step) for step in range(steps)]
    outputs = [np.concatenate(each) for each in zip(*(run.outputs for run in runs), strict=True)]
    return Outcome(outputs, runs[-1].state)


def reference(
    graph: Graph, roles: Roles, values: Arrays, steps: int, *, guarded: bool = False
) -> Outcome:
    """The same by the interpreter."""
    program = Program(graph.inputs, graph.results)
    current = dict(zip(graph.inputs, values, strict=True))
    role_of = dict(zip(graph.inputs, roles, strict=True))
    count = len(graph.outputs)
    rows: list[list[Array]] = []
    for step in range(steps):
        given = [v[step] if role_of[node] == "stepped" else v for node, v in current.items()]
        results = program(*given)
        if guarded and not np.isfinite(results[0]).all():
            break
        rows.append(results[:count])
        current.update(
            (node, value) for (node, _), value in zip(graph.updates, results[count:], strict=True)
        )
    outputs = [
        np.array([row[position] for row in rows], node.dtype).reshape(len(rows), *node.shape)
        for position, node in enumerate(graph.outputs)
    ]
    return Outcome(outputs, [current[node] for node in _those("state", graph.inputs, roles)])


def check_close(found: Outcome, expected: Outcome, labels: Sequence[str] = ()) -> None:
    """Equal within the element type's digits, and exactly where these are not floats."""
    assert found.failed is None
    names = [*labels, *["output"] * (len(found.outputs) - len(labels))]
    names += ["state"] * len(found.state)
    ours, theirs = (*found.outputs, *found.state), (*expected.outputs, *expected.state)
    for name, mine, other in zip(names, ours, theirs, strict=True):
        assert (mine.dtype, mine.shape) == (other.dtype, other.shape), name
        if not is_floating(mine.dtype):
            np.testing.assert_array_equal(mine, other, err_msg=name)
            continue
        digits = 1e-5 if mine.dtype == np.float32 else 1e-12
        scale = np.max(np.abs(other), where=np.isfinite(other), initial=1.0)
        np.testing.assert_allclose(mine, other, rtol=digits, atol=digits * scale, err_msg=name)
