"""The regularised step against the formulas written out in NumPy, in float64."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from steepest.bench.regular import RegularStep
from steepest.bench.training import Regular, Training
from steepest.bench.workloads import WORKLOADS
from steepest.ir.interpret import Program
from steepest.ir.types import Array, uint32
from steepest.runtime.cache import ObjectCache
from steepest.tensor import random
from steepest.tensor.random import Stream
from steepest.tensor.tensor import Tensor

SMALL = replace(WORKLOADS["regular"], sizes=(20, 24, 16, 5), batch=32, batches=4)
STEPS = 3
DONE = 4000  # steps before, so that the schedule shows


def step_of(training: Training) -> RegularStep:
    assert isinstance(training.trained, Regular)
    return training.trained.step


def masks(step: int) -> list[Array]:
    """What is kept in each layer, drawn as a step draws it."""
    number = Tensor(np.asarray(step + 1, uint32), None)
    with random.stream(Stream(random.make_key(0), number)):
        return [random.bernoulli(0.7, (SMALL.batch, size)).data for size in SMALL.sizes[1:-1]]


class ByHand:
    """The same network in NumPy, with its derivatives as in the books."""

    def __init__(self, step: RegularStep) -> None:
        self.weights = {cell.name: cell.value.data.astype(np.float64) for cell in step.cells}
        self.trained = [cell.name for cell in step.velocities]
        self.norms: list[float] = []

    def forward(self, x: Array, kept: list[Array]) -> tuple[Array, list[tuple[Array, ...]]]:
        w, notes = self.weights, []
        for layer, mask in enumerate(kept):
            name = f"blocks.{layer}."
            a = x @ w[name + "linear.weight"].T
            mean, variance = a.mean(0), a.var(0)
            n = len(a)
            w[name + "norm.mean"] = 0.9 * w[name + "norm.mean"] + 0.1 * mean
            w[name + "norm.variance"] = 0.9 * w[name + "norm.variance"] + 0.1 * variance * n / (
                n - 1
            )
            normal = (a - mean) / np.sqrt(variance + 1e-5)
            z = normal * w[name + "norm.scale"] + w[name + "norm.shift"]
            notes.append((x, normal, np.sqrt(variance + 1e-5), z, mask))
            x = np.where(mask, np.maximum(z, 0) / 0.7, 0)
        notes.append((x,))
        return x @ w["last.weight"].T + w["last.bias"], notes

    def gradients(self, x: Array, y: Array, kept: list[Array]) -> tuple[float, dict[str, Array]]:
        scores, notes = self.forward(x, kept)
        n = len(y)
        scores = scores - scores.max(1, keepdims=True)
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        loss = -np.log(shares[np.arange(n), y]).mean()
        g = (shares - np.eye(shares.shape[1])[y]) / n
        w, found = self.weights, {}
        found["last.weight"], found["last.bias"] = g.T @ notes[-1][0], g.sum(0)
        g = g @ w["last.weight"]
        for layer in reversed(range(len(kept))):
            name, (inputs, normal, deviation, z, mask) = f"blocks.{layer}.", notes[layer]
            g = np.where(mask, g / 0.7, 0) * (z > 0)
            found[name + "norm.scale"], found[name + "norm.shift"] = (g * normal).sum(0), g.sum(0)
            g = g * w[name + "norm.scale"]
            g = (g - g.mean(0) - normal * (g * normal).mean(0)) / deviation
            found[name + "linear.weight"] = g.T @ inputs
            g = g @ w[name + "linear.weight"]
        return loss, found

    def train(self, x: Array, y: Array, step: int) -> float:
        loss, slopes = self.gradients(x, y, masks(step))
        w = self.weights
        penalised = [name for name in self.trained if name.endswith("weight")]
        penalty = 0.5e-4 * sum((w[name] ** 2).sum() for name in penalised)
        for name in penalised:
            slopes[name] = slopes[name] + 1e-4 * w[name]
        norm = math.sqrt(sum((slope**2).sum() for slope in slopes.values()))
        self.norms.append(norm)
        rate = 0.025 * (1 + math.cos(math.pi * step / 10_000))
        for name in self.trained:
            slot = f"{name}/velocity"
            w[slot] = 0.9 * w[slot] + slopes[name] * min(1, 1 / norm)
            w[name] = w[name] - rate * w[slot]
        return loss + penalty


@pytest.fixture
def training() -> Training:
    training = Training(SMALL)
    step_of(training).counter.assign(np.asarray(DONE, uint32))
    return training


def test_native_steps_are_those_of_the_formulas(training: Training) -> None:
    by_hand = ByHand(step_of(training))
    step = training.step()
    program = step.program(ObjectCache(None))
    objectives = program.run(STEPS)[0]
    expected = [
        by_hand.train(training.x[rows], training.y[rows], DONE + number)
        for number, rows in enumerate(training.rows[:STEPS])
    ]
    np.testing.assert_allclose(objectives, expected, rtol=2e-6)
    assert max(by_hand.norms) > 1.2, "the gradient is clipped"


def test_state_after_steps_is_that_of_the_formulas(training: Training) -> None:
    by_hand = ByHand(step_of(training))
    step = training.step()
    step.program(ObjectCache(None)).run(STEPS)
    for number, rows in enumerate(training.rows[:STEPS]):
        by_hand.train(training.x[rows], training.y[rows], DONE + number)
    for cell in step_of(training).cells:
        if cell.name != "step" and not cell.name.endswith("norm.batches"):
            found = step.task.memory.read(cell)
            expected = by_hand.weights[cell.name]
            np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6, err_msg=cell.name)


def test_the_reference_agrees(training: Training) -> None:
    step = training.step()
    trace = step.task.trace
    given = [
        training.x,
        training.y,
        training.rows[0],
        random.make_key(0).data,
        np.zeros((), uint32),
    ]
    cells = [cell.value.data for cell in trace.cells]
    graph = trace.graph
    outputs = Program(graph.inputs, graph.outputs)(*given, *cells, *trace.captured)
    native = step.program(ObjectCache(None)).run(1)
    for mine, expected in zip(native, outputs, strict=True):
        np.testing.assert_allclose(mine[0], expected, rtol=1e-6)
