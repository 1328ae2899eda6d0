"""Training steps: what losses, gradients and parameters in float32 are away from float64.

Each first step is taken from the same start on a batch of its own; then come some steps in a row.
Gradients are read from what the optimiser makes of them at its first step, which is a multiple.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from steepest.bench.conversation import Conversation
from steepest.bench.regular import Block
from steepest.bench.results import OURS
from steepest.bench.rounding import Compared, Error, Numbers, asked
from steepest.bench.training import Plain, Program, Regular, Trained, Training
from steepest.bench.workloads import Workload
from steepest.ir.types import Array, DType, bool_, float32, float64, uint32
from steepest.runtime.cache import ObjectCache
from steepest.tensor import random
from steepest.tensor.random import Stream
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor
from steepest.transform.memory import Memory

STEPS = 20
_RUNS = 5
_MARGIN = 1e-5  # of a layer's root mean square: far more than rounding in float32 moves anything


@final
@dataclass(frozen=True)
class Taken:
    """What some steps in a row gave.

    Args:
        losses: of each step.
        gradients: as the optimiser's first slot holds them after the last step.
        parameters: after the last step.
    """

    losses: Array
    gradients: list[Array]
    parameters: list[Array]


def steps(
    peers: Sequence[Conversation], workload: Workload, batches: int = STEPS, runs: int = _RUNS
) -> Iterator[Compared]:
    """The errors of one workload's steps.

    Args:
        peers: to compare with.
        workload: what is trained.
        batches: on each of which a first step is taken, and then as many steps in a row.
        runs: in a row, each beginning with another batch.
    """
    # A unit whose input is 0 but for rounding is on or off by chance; such rows are left out.
    more = replace(workload, batches=batches + batches // 8 + 1)
    ours, exact = (Stepper(more, each) for each in _TYPES)
    rows = clear_rows(ours.training)[:batches]
    ours.training.rows = exact.training.rows = rows
    name = workload.name
    order = [*range(len(rows))]
    with Numbers(**ours.given(batches)) as numbers:
        contestants = _Contestants(peers, numbers, ours, exact)
        firsts = contestants.errors([[batch] for batch in order])
        yield firsts.losses(name, "losses of first steps")
        yield firsts.middle(name, "gradients", 1)
        yield firsts.middle(name, "parameters after a step", 2)
        starts = [len(rows) * run // runs for run in range(runs)]
        many = contestants.errors([[*order[start:], *order[:start]] for start in starts])
        yield many.middle(name, f"losses of {len(rows)} steps", 0)
        yield many.middle(name, f"parameters after {len(rows)}", 2)


@final
@dataclass(frozen=True)
class _Contestants:
    """Who takes the same steps."""

    peers: Sequence[Conversation]
    numbers: Numbers
    ours: Stepper
    exact: Stepper

    def errors(self, runs: Sequence[Sequence[int]]) -> _Errors:
        """Of runs, each on some batches in order."""
        taken: dict[str, list[Array]] = {}
        errors: dict[str, list[tuple[Error, Error, Error]]] = {}
        exact: list[Array] = []
        for batches in runs:
            true = self.exact.take(batches)
            exact.append(true.losses)
            for who, each in self._taken(batches):
                taken.setdefault(who, []).append(each.losses)
                errors.setdefault(who, []).append(_of_steps(each, true))
        true_losses = np.concatenate(exact)
        together = {
            who: Error.of([np.concatenate(each)], [true_losses]) for who, each in taken.items()
        }
        return _Errors(together, errors)

    def _taken(self, batches: Sequence[int]) -> Iterator[tuple[str, Taken]]:
        yield OURS, self.ours.take(batches)
        for peer in self.peers:
            theirs = _their(peer, self.numbers, self.exact, batches)
            if theirs is not None:
                yield peer.name, theirs


@final
@dataclass(frozen=True)
class _Errors:
    """By contestant: of all losses together; and of each run's losses, gradients, parameters."""

    together: dict[str, Error]
    runs: dict[str, list[tuple[Error, Error, Error]]]

    def losses(self, group: str, case: str) -> Compared:
        """Of one number for each run, all together."""
        others = dict(self.together)
        return Compared(group, case, others.pop(OURS), others)

    def middle(self, group: str, case: str, position: int) -> Compared:
        """Of many numbers for each run, the median run."""
        others = {
            who: Error.median([each[position] for each in runs]) for who, runs in self.runs.items()
        }
        return Compared(group, case, others.pop(OURS), others)


_TYPES: tuple[DType, DType] = (float32, float64)


def _of_steps(found: Taken, exact: Taken) -> tuple[Error, Error, Error]:
    return (
        Error.of([found.losses], [exact.losses]),
        Error.of(found.gradients, exact.gradients),
        Error.of(found.parameters, exact.parameters),
    )


def _their(
    peer: Conversation, numbers: Numbers, stepper: Stepper, batches: Sequence[int]
) -> Taken | None:
    workload = stepper.training.workload.document()
    found = asked(peer, numbers, compute="step", workload=workload, batches=list(batches))
    if found is None:
        return None
    losses, *rest = found
    half = len(rest) // 2
    factor = 1.0 / (1.0 - 0.9) if stepper.training.workload.optimizer == "adam" else 1.0
    return Taken(losses, [factor * each.astype(float64) for each in rest[:half]], rest[half:])


@final
class Stepper:
    """A workload's compiled step in one element type, taken from its start as often as asked."""

    def __init__(self, workload: Workload, dtype: DType) -> None:
        self.training = Training(workload, dtype)
        step = self.training.step()
        self._memory: Memory = step.task.memory
        self._program: Program = step.program(ObjectCache(None))
        self._slots, self._factor = _slots(self.training.trained)

    def take(self, batches: Sequence[int]) -> Taken:
        """Steps from the start on some of the batches."""
        self._memory.load()
        losses = self._program.run_on(self.training.rows[list(batches)])[0]
        read = self._memory.read
        gradients = [self._factor * read(slot).astype(float64) for slot in self._slots.values()]
        return Taken(losses, gradients, [read(cell) for cell in self._slots])

    def given(self, most: int) -> dict[str, Array]:
        """All numbers that so many steps start with, for another interpreter."""
        training = self.training
        _, classes, _ = training.workload.data()
        arrays = {"x": training.x, "classes": classes, "rows": training.rows.astype(np.int64)}
        arrays |= {f"parameter{i}": cell.value.data for i, cell in enumerate(self._slots)}
        if training.workload.is_regular:
            arrays |= {f"masks{step}": _masks(training.workload, step) for step in range(most)}
        return arrays


def _slots(trained: Trained) -> tuple[dict[State, State], float]:
    """By parameter the slot that holds a multiple of the first gradient, and what undoes that."""
    match trained:
        case Plain(step):
            first = {cell: next(iter(slots.values())) for cell, slots in step.slots.items()}
            adam = "mean" in next(iter(step.slots.values()))
            return first, 1.0 / (1.0 - 0.9) if adam else -1e3
        case Regular(step):
            last = step.model.last
            cells = [
                *(each for block in step.model.blocks for each in _parameters(block)),
                *(last.weight, last.bias),
            ]
            return {cell: step.velocities[cell] for cell in cells if cell is not None}, 1.0
        case _:
            raise TypeError(f"no gradients of {trained}")


def _parameters(block: Block) -> tuple[State, State, State]:
    return block.linear.weight, block.norm.scale, block.norm.shift


def _masks(workload: Workload, step: int) -> Array:
    """What dropout keeps at a step, layers side by side, drawn as the step draws it."""
    number = Tensor(np.asarray(step + 1, uint32), None)
    with random.stream(Stream(random.make_key(0), number)):
        masks = [random.bernoulli(0.7, (workload.batch, size)) for size in workload.sizes[1:-1]]
    return np.concatenate([mask.data for mask in masks], axis=1, dtype=bool_)


def clear_rows(training: Training) -> Array:
    """Batches of rows at which no unit of a perceptron is as good as 0; of others, all."""
    rows = training.rows.reshape(-1)
    if isinstance(training.trained, Plain):
        states = list(training.trained.step.slots)
        rows = rows[_is_clear(training.x[rows].astype(float64), states)]
    batch = training.workload.batch
    return rows[: len(rows) // batch * batch].reshape(-1, batch)


def _is_clear(z: Array, parameters: Sequence[State]) -> Array:
    clear = np.ones(len(z), bool_)
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        a = z @ weight.value.data.T.astype(float64) + bias.value.data
        clear &= (np.abs(a) > _MARGIN * np.sqrt(np.mean(np.square(a)))).all(axis=1)
        z = np.maximum(a, 0)
    return clear
