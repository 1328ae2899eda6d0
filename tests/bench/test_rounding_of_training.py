"""Training in float32 beside the same in float64: same rows, same start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steepest.bench.training import Training
from steepest.bench.workloads import WORKLOADS
from steepest.ir.interpret import Program
from steepest.ir.types import Array, DType, float32, float64, uint32
from steepest.runtime.cache import ObjectCache
from steepest.tensor import random

STEPS = 20


def losses(name: str, dtype: DType) -> Array:
    training = Training(replace(WORKLOADS[name], batches=STEPS), dtype)
    found = training.step().program(ObjectCache(None)).run(STEPS)[0]
    assert found.dtype == dtype
    assert {cell.dtype for cell in training.trained.cells} == {np.dtype(dtype), np.dtype(uint32)}
    assert found.shape == (STEPS,)
    return found


def interpreted(name: str) -> Array:
    """The losses of all steps by the reference, in float64."""
    training = Training(replace(WORKLOADS[name], batches=STEPS), float64)
    trace = training.step().task.trace
    graph = trace.graph
    program = Program(graph.inputs, graph.results)
    state = {
        node: cell.value.data for node, cell in zip(graph.inputs[5:], trace.cells, strict=False)
    }
    found: list[Array] = []
    for rows in training.rows:
        given = [training.x, training.y, rows, random.make_key(0).data, np.zeros((), uint32)]
        loss, _, _, *following = program(*given, *state.values(), *trace.captured)
        found.append(loss)
        updated = [node for node, _ in graph.updates]
        state |= dict(zip(updated, following, strict=True))
    return np.array(found)


@pytest.mark.parametrize("name", ["tiny", "digits", "mlp"])
def test_losses_of_twenty_steps_are_those_of_float64(name: str) -> None:
    found, exact = losses(name, float32), losses(name, float64)
    assert exact[-1] != exact[0]
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-5)
    assert not np.array_equal(found, exact), "these are two computations"


@pytest.mark.parametrize("name", ["tiny", "digits"])
def test_compiled_float64_is_the_references(name: str) -> None:
    np.testing.assert_allclose(losses(name, float64), interpreted(name), rtol=1e-12)
