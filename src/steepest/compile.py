"""The pipeline: from a graph to a native program, in named stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, final

import numpy as np

from steepest.codegen.code import Code
from steepest.codegen.emit import emit_all
from steepest.codegen.target import Target
from steepest.errors import CompilationError
from steepest.ir.collecting import not_collecting
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.ir.node import CONSTANT, Node, placeholder
from steepest.ir.types import TensorType, float32
from steepest.ops.contract import matmul
from steepest.ops.elementwise import exp, relu
from steepest.ops.reduce import sum
from steepest.rewrite import Rewritten, rewrite
from steepest.runtime.cache import Entry, ObjectCache, default_folder, key_of
from steepest.runtime.executable import NativeProgram, compile_program
from steepest.runtime.plan import Placements, Plan, Values, assemble
from steepest.runtime.processor import Processor, this_processor
from steepest.schedule.kernels import Buffer
from steepest.schedule.plan import InputRole, Schedule, schedule

__all__ = [
    "Source",
    "Stages",
    "compiled",
    "stages",
]


@final
@dataclass(frozen=True)
class Source:
    """What is compiled: one step of a graph, and what its inputs are.

    Args:
        graph: the step.
        roles: of each input: ``table`` (the user's array, read in place), ``stepped`` (a row of an
            array for each step), ``whole`` (one value for all steps) or ``state``.
        state_offsets: bytes from the arena's beginning, for each input that is state, in order.
        state_bytes: how large the arena is at least.
        guarded: whether a first output that is not finite ends the run before state changes.
    """

    graph: Graph
    roles: tuple[InputRole, ...]
    state_offsets: tuple[int, ...] = ()
    state_bytes: int = 0
    guarded: bool = False

    @property
    def key(self) -> bytes:
        """Tells apart any two sources whose programs might differ."""
        digest = sha256()
        number: dict[Node, int] = {}
        for node in self.graph.nodes:
            number[node] = len(number)
            inputs = [number[each] for each in node.inputs]
            digest.update(f"{node.op.name} {inputs} {node.type} ".encode())
            if node.op is CONSTANT:
                digest.update(node.attributes["value"].tobytes())
            else:
                digest.update(repr(sorted(node.attributes.items())).encode())
        inputs = [number[node] for node in self.graph.inputs]
        outputs = [number[node] for node in self.graph.outputs]
        updates = [(number[a], number[b]) for a, b in self.graph.updates]
        rest = (inputs, outputs, updates, self.roles, self.state_offsets, self.guarded)
        digest.update(f"{rest} {self.state_bytes}".encode())
        return digest.digest()


@final
@dataclass(frozen=True)
class Stages:
    """What each stage made of a source; printed, it shows them all.

    Args:
        traced: the graph as it was written.
        rewritten: simplified, with every rule that fired.
        scheduled: kernels and memory.
        codes: the text of each kernel.
        text: the whole module.
        plan: the calls, and the values that go in and out.
    """

    traced: Graph
    rewritten: Rewritten
    scheduled: Schedule
    codes: tuple[Code, ...]
    text: str
    plan: Plan


def stages(source: Source, target: Target) -> Stages:
    """All stages up to LLVM's text.

    Raises:
        CannotSchedule: an op runs on the reference only.
    """
    with not_collecting():
        rewritten = rewrite(source.graph)
        scheduled = schedule(rewritten.graph, source.roles, guarded=source.guarded)
        codes = emit_all(scheduled.kernels, target)
        text, plan = assemble(
            codes,
            [kernel.name for kernel in scheduled.kernels],
            _placements(source, scheduled),
            _values(scheduled),
            state_bytes=source.state_bytes,
            scratch_bytes=scheduled.scratch.size,
            guard=scheduled.guard,
        )
    return Stages(source.graph, rewritten, scheduled, codes, text, plan)


def compiled(
    source: Source, processor: Processor | None = None, cache: ObjectCache | None = None
) -> NativeProgram:
    """The native program of a source: from the cache, or made and put there.

    Args:
        source: what to compile.
        processor: what to compile for; this machine by default.
        cache: by default the one in the folder for caches of this system.

    Raises:
        CannotSchedule: an op runs on the reference only.
        CompilationError: LLVM does not serve.
    """
    processor = processor or this_processor()
    cache = cache or ObjectCache(default_folder())
    key = key_of(source.key, processor)
    found = cache.get(key)
    if found is None:
        if not processor.is_tested:
            _check_known_answer(processor, cache)
        found = _made(source, processor)
        cache.put(key, found)
    return _loaded(found, processor)


def _made(source: Source, processor: Processor) -> Entry:
    made = stages(source, processor.target)
    return Entry(made.plan.to_bytes(), compile_program(made.text, processor))


@lru_cache(64)  # linking takes milliseconds; what is linked has no memory of its own and is shared
def _loaded(entry: Entry, processor: Processor) -> NativeProgram:
    return NativeProgram(Plan.from_bytes(entry.description), entry.content, processor)


def _check_known_answer(processor: Processor, cache: ObjectCache) -> None:
    """A product, a function and a sum must be right before any program is trusted.

    Kept in the cache, the program says that it was right here.
    """
    types = [TensorType(shape, float32) for shape in ((5, 300), (300, 19), (19,))]
    x, weight, bias = inputs = tuple(placeholder(each, "") for each in types)
    output = sum(exp(relu(matmul(x, weight) + bias)), axis=1)
    source = Source(Graph(inputs, (output,)), ("whole",) * 3)
    key = key_of(source.key, processor)
    if cache.get(key) is not None:
        return
    made = _made(source, processor)
    values = [np.cos(np.arange(each.size)).reshape(each.shape).astype(float32) for each in types]
    ((found,),) = _loaded(made, processor).bind().run(1, whole=values).outputs
    (right,) = Program(inputs, (output,))(*values)
    if not np.allclose(found, right, rtol=1e-4):
        raise CompilationError(f"machine code for {processor} computes wrong numbers")
    cache.put(key, made)


def _placements(source: Source, scheduled: Schedule) -> Placements:
    """The arena and offset of every buffer that is not a table."""
    found: dict[Buffer, Any] = {
        buffer: ("scratch", offset) for buffer, offset in scheduled.scratch.offsets.items()
    }
    states = _with_role(scheduled, "state")
    for buffer, offset in zip(states, source.state_offsets, strict=True):
        found[buffer] = ("state", offset)
    for buffer, _ in scheduled.outputs:
        found.setdefault(buffer, ("scratch", 0))  # without elements
    return found


def _with_role(scheduled: Schedule, role: InputRole) -> Sequence[Buffer]:
    pairs = zip(scheduled.inputs, scheduled.roles, strict=True)
    return tuple(buffer for buffer, its in pairs if its == role)


def _values(scheduled: Schedule) -> Values:
    return Values(
        whole=tuple(_with_role(scheduled, "whole")),
        stepped=tuple(_with_role(scheduled, "stepped")),
        outputs=scheduled.outputs,
        tables=tuple(_with_role(scheduled, "table")),
        constants=scheduled.constants,
    )
