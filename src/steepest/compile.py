"""The pipeline: from a graph to a native program, in named stages."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, final

import numpy as np

from steepest.codegen.code import Code
from steepest.codegen.emit import emit_all
from steepest.codegen.target import Target
from steepest.ir.graph import Graph
from steepest.ir.node import CONSTANT, Node
from steepest.ir.types import Array
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
        state_bytes: the arena's size.
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

    Errors:
        CannotSchedule: an op runs on the reference only.
    """
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
    )
    return Stages(source.graph, rewritten, scheduled, codes, text, plan)


@final
@dataclass(frozen=True)
class Compiled:
    """A native program, and what its caller must know of it.

    Args:
        program: the machine code and the plan of its calls.
        constants: arrays that are given to it after the values that are ``whole``.
        guard: the call that fails where the first output is not finite.
    """

    program: NativeProgram
    constants: tuple[Array, ...]
    guard: int | None


def compiled(
    source: Source, processor: Processor | None = None, cache: ObjectCache | None = None
) -> Compiled:
    """The native program of a source: from the cache, or made and put there.

    Args:
        source: what to compile.
        processor: what to compile for; this machine by default.
        cache: by default the one in the folder for caches of this system.

    Errors:
        CannotSchedule: an op runs on the reference only.
        CompilationError: LLVM does not serve.
    """
    processor = processor or this_processor()
    cache = cache or ObjectCache(default_folder())
    key = key_of(source.key, processor)
    found = cache.get(key)
    if found is None:
        made = stages(source, processor.target)
        found = Entry(_described(made), compile_program(made.text, processor))
        cache.put(key, found)
    document = json.loads(found.description)
    plan = Plan.from_bytes(document["plan"].encode())
    return Compiled(
        NativeProgram(plan, found.content, processor),
        tuple(_array(*each) for each in document["constants"]),
        document["guard"],
    )


def _described(made: Stages) -> bytes:
    """What the cache keeps beside the machine code."""
    constants = [
        (str(array.dtype), array.shape, b64encode(array.tobytes()).decode())
        for _, array in made.scheduled.constants
    ]
    document = {
        "plan": made.plan.to_bytes().decode(),
        "constants": constants,
        "guard": made.scheduled.guard,
    }
    return json.dumps(document).encode()


def _array(dtype: str, shape: list[int], content: str) -> Array:
    return np.frombuffer(b64decode(content), dtype).reshape(shape)


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
    constants = tuple(buffer for buffer, _ in scheduled.constants)
    return Values(
        whole=(*_with_role(scheduled, "whole"), *constants),
        stepped=tuple(_with_role(scheduled, "stepped")),
        outputs=scheduled.outputs,
        tables=tuple(_with_role(scheduled, "table")),
    )
