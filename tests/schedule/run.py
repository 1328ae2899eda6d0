"""A schedule run by the interpreter of kernels, for some steps."""

from collections.abc import Sequence

import numpy as np

from schedule.simulate import Memory, simulate
from steepest.ir.graph import Graph
from steepest.ir.interpret import Program
from steepest.ir.types import Array, is_floating
from steepest.schedule.kernels import Finite, Kernel
from steepest.schedule.plan import InputRole, Schedule, schedule


def by_reference(graph: Graph, values: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """The outputs, and the next values of all inputs."""
    results = Program(graph.inputs, graph.results)(*values)
    following = list(values)
    for (state, _), value in zip(graph.updates, results[len(graph.outputs) :], strict=True):
        following[graph.inputs.index(state)] = value
    return results[: len(graph.outputs)], following


def by_kernels(plan: Schedule, memory: Memory, stepped: Sequence[Array]) -> list[Array] | None:
    """The outputs of one step; None where a check stops it."""
    given = iter(stepped)
    for buffer, role in zip(plan.inputs, plan.roles, strict=True):
        if role == "stepped":
            memory.put(buffer, next(given))
    for kernel in plan.kernels:
        if simulate(kernel, memory):
            return None
    return [memory.get(buffer).reshape(shape) for buffer, shape in plan.outputs]


def memory_of(plan: Schedule, values: Sequence[Array]) -> Memory:
    """Everything that is in memory before the first step."""
    memory = Memory(offsets=plan.scratch.offsets)
    for buffer, role, value in zip(plan.inputs, plan.roles, values, strict=True):
        if role != "stepped":
            memory.put(buffer, value)
    for buffer, value in plan.constants:
        memory.put(buffer, value)
    return memory


def check_steps(
    graph: Graph,
    roles: Sequence[InputRole],
    values: Sequence[Array],
    steps: int = 2,
    *,
    guarded: bool = False,
) -> Schedule:
    """Kernels and reference agree on outputs and state, step after step."""
    plan = schedule(graph, roles, guarded=guarded)
    check_gates(plan)
    memory = memory_of(plan, values)
    current = list(values)
    for _ in range(steps):
        stepped = [v for v, role in zip(current, roles, strict=True) if role == "stepped"]
        found = by_kernels(plan, memory, stepped)
        assert found is not None, "a check failed"
        expected, current = by_reference(graph, current)
        check_close(found, expected)
        for buffer, role, value in zip(plan.inputs, roles, current, strict=True):
            if role == "state":
                check_close([memory.get(buffer)], [value])
    return plan


def check_gates(plan: Schedule) -> None:
    """No state is written before all that may end the run has run."""
    writes = [
        number
        for number, kernel in enumerate(plan.kernels)
        if isinstance(kernel, Kernel)
        and any(store.access.buffer.role == "state" for store in kernel.stores)
    ]
    gates = [
        number
        for number, kernel in enumerate(plan.kernels)
        if isinstance(kernel, Finite) or (isinstance(kernel, Kernel) and kernel.checks)
    ]
    assert max(gates, default=-1) < min(writes, default=len(plan.kernels)), (gates, writes)


def check_close(found: Sequence[Array], expected: Sequence[Array]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        if not is_floating(ours.dtype):
            np.testing.assert_array_equal(ours, theirs)
            continue
        digits = 1e-5 if ours.dtype == np.float32 else 1e-12
        some = np.isfinite(theirs)
        scale = np.max(np.abs(theirs), where=some, initial=1.0)
        np.testing.assert_allclose(ours, theirs, rtol=digits, atol=digits * scale)
