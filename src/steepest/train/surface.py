"""The objective of a training set as a surface: a vector of all parameters in, a value out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from steepest.autodiff import gradients
from steepest.errors import ConfigurationError
from steepest.ir.types import Array, uint32
from steepest.nn import training
from steepest.ops.movement import reshape
from steepest.optim.drivers import Driver, Point, Surface
from steepest.schedule.plan import InputRole
from steepest.tensor import random
from steepest.tensor.creation import ones_like, zeros_like
from steepest.tensor.modes import enable_grad
from steepest.tensor.random import Stream
from steepest.tensor.state import Bound, State, scope
from steepest.tensor.tensor import Tensor
from steepest.train.arrays import leaves_of, mapped
from steepest.train.rows import Examples
from steepest.train.step import Objective, constant, gathered
from steepest.transform.executable import Backend, Executable, Task, executable
from steepest.transform.grad import hvp
from steepest.transform.memory import Memory
from steepest.transform.trace import record
from steepest.transform.vmap import vmap

_MOST_DIRECTIONS = 64
_VALUES = 2**25  # of a layer, for all directions of a block at once


@final
@dataclass(frozen=True)
class Driven:
    """What a driver trains.

    Args:
        objective: what is made small.
        driver: how.
        parameters: the cells that make up x, in this order.
        counter: the number of iterations taken, a uint32 cell.
        length: of the last step, as the driver measures it; a float64 cell.
    """

    objective: Objective
    driver: Driver
    parameters: tuple[State, ...]
    counter: State
    length: State

    @property
    def cells(self) -> list[State]:
        """All state that is read and changed."""
        return [*self.objective.model.states().values(), self.counter, self.length]

    @property
    def averages(self) -> dict[State, State]:
        """None are kept."""
        return {}

    def rate(self, memory: Memory, epoch: int) -> float:
        """The length of the step just taken."""
        return float(memory.read(self.length))

    def end_epoch(self, memory: Memory, watched: float) -> None:
        """Nothing depends on it."""


@final
@dataclass(frozen=True)
class Value:
    """What the model made of a batch at a point."""

    x: Array
    loss: float
    penalty: float
    prediction: Array


@final
class TrainingSurface(Surface):
    """(1/B) Σ wᵢ ℓᵢ + l2/2 Σ w² of a batch, as a function of all parameters.

    Args:
        driven: what is trained.
        examples: the training set.
        memory: holds the model's cells; running averages are those from before the iteration, once
            more averaged.
        key: of the random draws.
        backend: ``native`` or ``reference``.

    Attributes:
        compiling: Seconds in which programs were made ready.

    Raises:
        ConfigurationError: the model draws random numbers, which the driver does not bear.
    """

    def __init__(
        self, driven: Driven, examples: Examples, memory: Memory, key: Array, backend: Backend
    ) -> None:
        self._driven = driven
        self._examples = examples
        self._memory = memory
        self._backend: Backend = backend
        self._shapes = _Shapes(driven.parameters)
        self._given = [
            *leaves_of(examples.x),
            examples.y,
            *([] if examples.weights is None else [examples.weights]),
        ]
        self._programs: dict[tuple[str, int | None], Executable] = {}
        self._averages: Mapping[State, Array] = {}
        self._batch: list[Array] = []
        self._key = key
        self.evaluations = 0
        self.compiling = 0.0
        self.last: Value | None = None

    @property
    def precision(self) -> float:
        """That of the parameters."""
        return float(np.finfo(self._shapes.dtype).eps)

    @property
    def x(self) -> Array:
        """Where the model is now."""
        return self._shapes.flat([self._memory.read(cell) for cell in self._shapes.cells])

    def begin(self, step: int, rows: Array | None) -> None:
        """Take up an iteration.

        Args:
            step: its number, which random draws depend on.
            rows: the numbers of the batch's rows; None for all.
        """
        own = set(self._shapes.cells)
        cells = self._driven.objective.model.states().values()
        self._averages = self._memory.snapshot([cell for cell in cells if cell not in own])
        self._batch = [*([] if rows is None else [rows]), self._key, np.asarray(step, uint32)]

    def at(self, x: Array) -> Point:
        """See :class:`Surface`."""
        self.evaluations += 1
        given = self._shapes.rounded(x)
        for cell, value in self._averages.items():
            self._memory.write(cell, value)
        outputs = self._run("value", [given])
        total, loss, penalty, prediction, gradient = outputs
        rounded = given.astype(np.float64)
        self.last = Value(rounded, float(loss), float(penalty), prediction)
        return Point(rounded, float(total), gradient.astype(np.float64))

    def arrive(self, point: Point) -> Value:
        """Leave the model at a point, with what it made of the batch there."""
        if self.last is None or not np.array_equal(self.last.x, point.x):
            self.at(point.x)
            self.evaluations -= 1  # not for the driver
        assert self.last is not None
        for cell, part in zip(self._shapes.cells, self._shapes.parts(point.x), strict=True):
            self._memory.write(cell, part)
        return self.last

    def hessian(self, x: Array) -> Array:
        """See :class:`Surface`; some directions at a time."""
        given = self._shapes.rounded(x)
        size, block = len(given), self._directions
        rows: list[Array] = []
        for first in range(0, size, block):
            directions = np.eye(block, size, first, dtype=given.dtype)
            rows.append(self._run("products", [given, directions])[0])
        return np.concatenate(rows)[:size].astype(np.float64)

    # ---------------------------------------------------------------------------------- programs

    @property
    def _directions(self) -> int:
        """As many at a time as memory bears."""
        size = self._shapes.size
        most = int(_VALUES / (len(self._examples.y) * math.sqrt(size)))
        return max(1, min(_MOST_DIRECTIONS, size, most))

    def _run(self, what: str, values: Sequence[Array]) -> list[Array]:
        size = len(self._batch[0]) if len(self._batch) == 3 else None
        if (what, size) not in self._programs:
            began = time.perf_counter()
            self._programs[what, size] = self._program(what, values, gathers=size is not None)
            self.compiling += time.perf_counter() - began
        run = self._programs[what, size].run(1, [*self._given, *values, *self._batch])
        return [output[0] for output in run.outputs]

    def _program(self, what: str, values: Sequence[Array], *, gathers: bool) -> Executable:
        data, draws = self._examples, list[bool]()

        def traced(x: Any, y: Tensor, *rest: Tensor) -> list[Tensor]:
            weights = None if data.weights is None else rest[0]
            flat, *others = rest[0 if weights is None else 1 :]
            directions = others[:-2][:1] if what == "products" else []
            batch = x, y, weights
            if gathers:
                batch = gathered(*batch, others[-3])
            stream = Stream(others[-2], others[-1])
            function = _Function(self._driven.objective, self._shapes, batch, stream)
            results = function.products(flat, *directions) if directions else function.value(flat)
            draws.append(stream.has_drawn)
            return results

        given = [mapped(data.x, constant), *map(constant, self._given[self._tables :])]
        others = [constant(each) for each in (*values, *self._batch)]
        trace = record(traced, *given, *others)
        if any(draws) and not self._driven.driver.bears_noise:
            raise ConfigurationError(_NOISE.format(type(self._driven.driver).__name__))
        tables: tuple[InputRole, ...] = ("table",) * len(self._given)
        wholes: tuple[InputRole, ...] = ("whole",) * len(others)
        return executable(Task(trace, tables + wholes, self._memory), self._backend)

    @property
    def _tables(self) -> int:
        """How many arrays x consists of."""
        return len(list(leaves_of(self._examples.x)))


_NOISE = (
    "{0} evaluates the objective again and again and needs equal values for equal weights, but "
    "this model draws random numbers while it trains: set dropout to 0, or take st.optim.AdamW"
)


@final
@dataclass(frozen=True)
class _Function:
    """The objective of a batch, of a traced vector of all parameters."""

    objective: Objective
    shapes: _Shapes
    batch: tuple[Any, Tensor, Tensor | None]
    stream: Stream

    def value(self, x: Tensor) -> list[Tensor]:
        """Objective, loss, penalty, predictions and gradient."""
        total, loss, penalty, prediction = self._forward(x, {})
        (gradient,) = gradients([total.node], [ones_like(total).node], [x.node])
        slope = zeros_like(x) if gradient is None else Tensor(None, gradient)
        return [total, loss, penalty, prediction, slope]

    def products(self, x: Tensor, directions: Tensor) -> list[Tensor]:
        """The Hessian times each direction."""
        cells = self.objective.model.states().values()
        rest = {cell: cell.value for cell in cells if cell not in self.shapes.cells}

        def total(x: Tensor) -> Tensor:
            return self._forward(x, rest)[0]

        def product(along: Tensor) -> Tensor:
            return hvp(total, [x], [along])

        return [vmap(product)(directions)]

    def _forward(self, x: Tensor, bound: Mapping[State, Tensor]) -> tuple[Tensor, ...]:
        """Objective, loss, penalty and predictions; what is assigned to bound cells is dropped."""
        points = Bound({**bound, **self.shapes.points(x)})
        with training(), random.stream(self.stream), enable_grad(), scope(points):
            loss, prediction = self.objective.forward(*self.batch)
            penalty = self.objective.penalty()
        if penalty is None:
            return loss, loss, zeros_like(loss), prediction
        return loss + penalty, loss, penalty, prediction


@final
class _Shapes:
    """How all parameters make up one vector, of the most exact of their element types."""

    def __init__(self, cells: Sequence[State]) -> None:
        self.cells = tuple(cells)
        self.dtype = np.result_type(*(cell.dtype for cell in cells))
        sizes = [cell.type.size for cell in cells]
        self.size = sum(sizes)
        self._ends = np.cumsum(sizes)[:-1].tolist()

    def flat(self, values: Sequence[Array]) -> Array:
        """One vector, float64."""
        return np.concatenate([value.ravel() for value in values]).astype(np.float64)

    def parts(self, x: Array) -> list[Array]:
        """Each parameter's, in its shape and element type."""
        parts = np.split(x, self._ends)
        return [
            part.reshape(cell.shape).astype(cell.dtype)
            for cell, part in zip(self.cells, parts, strict=True)
        ]

    def rounded(self, x: Array) -> Array:
        """To what the cells can hold."""
        with np.errstate(over="ignore"):
            return self.flat(self.parts(x)).astype(self.dtype)

    def points(self, x: Tensor) -> dict[State, Tensor]:
        """Each parameter's part of a traced vector."""
        starts = [0, *self._ends]
        return {
            cell: reshape(x[start : start + cell.type.size], shape=cell.shape).astype(cell.dtype)
            for cell, start in zip(self.cells, starts, strict=True)
        }
