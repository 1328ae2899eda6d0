"""Training steps of many kinds as graphs, with what their inputs are and hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

import steepest as st
from steepest.ir.graph import Graph
from steepest.ir.types import Array, DType, float32, float64, uint8, uint32
from steepest.nn import Module
from steepest.optim.rule import Rule, convert_slots, make_slots
from steepest.schedule.plan import InputRole
from steepest.tensor.state import State
from steepest.train.arrays import leaves_of, tables
from steepest.train.step import Objective, Step, step_roles, trace_step
from steepest.transform.trace import Trace, record

ROWS = 40


@final
@dataclass(frozen=True)
class Workload:
    """A step that is run some times.

    Args:
        graph: the step.
        roles: of its inputs.
        values: of its inputs; what is ``stepped`` has a leading axis of the steps.
    """

    graph: Graph
    roles: list[InputRole]
    values: list[Array]


Maker: TypeAlias = Callable[[int], Workload]


def joined(workloads: Sequence[Workload]) -> Workload:
    """Several, which have nothing in common, as one step: that is compiled sooner."""
    graphs = [each.graph for each in workloads]
    return Workload(
        Graph(
            tuple(node for graph in graphs for node in graph.inputs),
            tuple(node for graph in graphs for node in graph.outputs),
            tuple(pair for graph in graphs for pair in graph.updates),
        ),
        [role for each in workloads for role in each.roles],
        [value for each in workloads for value in each.values],
    )


# ------------------------------------------------------------------------------- steps of a trainer


def trained(
    model: Callable[[], Module],
    loss: Any,
    rule: Callable[[], Rule],
    *,
    batch: int = 8,
    l2: float = 0.0,
    weighted: bool = False,
    dtype: DType = float32,
    x: Callable[[np.random.Generator], Any] | None = None,
) -> Maker:
    """A step as the Trainer takes it; a model of four features, unless ``x`` says otherwise."""

    def make(steps: int) -> Workload:
        random = np.random.default_rng(7)
        with st.random.stream(3):
            network = model().astype(dtype)
        objective = Objective(network, st.losses.loss(loss), l2)
        given = tables(random.normal(size=(ROWS, 4)) if x is None else x(random), dtype)
        y = _targets(objective, given, random, dtype)
        weights = random.uniform(0.5, 1.5, ROWS).astype(dtype) if weighted else None
        step = _step(objective, rule())
        trace = trace_step(step, given, y, weights, batch, outputs=3)
        rows = random.integers(0, ROWS, (steps, batch)).astype(uint32)
        own = [y] if weights is None else [y, weights]
        numbers = [st.random.make_key(5).data, np.asarray(2, uint32)]
        return _workload(
            trace, list(step_roles(given, weights)), [*leaves_of(given), *own, rows, *numbers]
        )

    return make


def _step(objective: Objective, rule: Rule) -> Step:
    slots = make_slots(rule, objective.model.parameters())
    convert_slots(slots)
    return Step(objective, rule, slots, State(np.zeros((), uint32), trainable=False, name="step"))


def _targets(objective: Objective, x: Any, random: np.random.Generator, dtype: DType) -> Array:
    """Labels for losses of classes, else numbers."""
    with st.no_grad():
        outputs = objective.model(
            st.tensor(x) if isinstance(x, np.ndarray) else {k: st.tensor(v) for k, v in x.items()}
        ).shape[-1]
    if isinstance(objective.loss, st.losses.CrossEntropy):
        return random.integers(0, outputs, ROWS)
    if isinstance(objective.loss, st.losses.BinaryLogistic):
        return random.integers(0, 2, ROWS)
    return random.normal(size=(ROWS, outputs)).astype(dtype)


def _workload(trace: Trace, roles: list[InputRole], values: list[Array]) -> Workload:
    """The cells and captured values of a trace come after the arguments."""
    cells = [cell.value.data for cell in trace.cells]
    state: list[InputRole] = ["state" for _ in cells]
    captured: list[InputRole] = ["whole" for _ in trace.captured]
    return Workload(trace.graph, [*roles, *state, *captured], [*values, *cells, *trace.captured])


def network(*sizes: int, **options: Any) -> Callable[[], Module]:
    """A multilayer perceptron."""
    return lambda: st.nn.MLP(sizes[0], list(sizes[1:-1]), sizes[-1], **options)


@final
class OfCategories(Module):
    """Numbers beside embedded codes, as in tables."""

    def __init__(self) -> None:
        self.embedding = st.nn.Embedding(5, 3)
        self.rest = st.nn.MLP(3 * 2 + 2, [9], 3)

    def forward(self, x: dict[str, st.Tensor]) -> st.Tensor:
        codes = self.embedding(x["codes"])
        flat = st.reshape(codes, (codes.shape[0], 6))
        return self.rest(st.concat([x["numbers"], flat], axis=1))


def codes_and_numbers(random: np.random.Generator) -> dict[str, Array]:
    return {
        "numbers": random.normal(size=(ROWS, 2)),
        "codes": random.integers(0, 6, (ROWS, 2)).astype(np.int32),
    }


@final
class OfPixels(Module):
    """Bytes brought to numbers in the step."""

    def __init__(self) -> None:
        self.rest = st.nn.MLP(6, [17], 3)

    def forward(self, x: st.Tensor) -> st.Tensor:
        return self.rest(x.astype(float32) / 255.0)


@final
class Normalised(Module):
    """Batch statistics, which training keeps a running mean of."""

    def __init__(self) -> None:
        self.first = st.nn.Linear(4, 18)
        self.second = st.nn.Linear(18, 3)
        self.scale = State(np.ones(18, float32))
        self.mean = State(np.zeros(18, float32), trainable=False)

    def forward(self, x: st.Tensor) -> st.Tensor:
        h = self.first(x)
        mean = st.mean(h, axis=0)
        spread = st.sqrt(st.mean(st.square(h - mean), axis=0) + 1e-3)
        self.mean.assign(0.9 * self.mean.value + 0.1 * mean.detach())
        return self.second(st.tanh((h - mean) / spread * self.scale.value))


def small_rate() -> Rule:
    return st.optim.SGD(0.05)


LOSSES: dict[str, Maker] = {
    "half squared error": trained(network(4, 7, 1), "half_squared_error", small_rate),
    "squared error": trained(network(4, 7, 2), "squared_error", small_rate),
    "binary logistic": trained(network(4, 7, 1), "binary_logistic", small_rate),
    "cross entropy": trained(network(4, 17, 3), "cross_entropy", small_rate),
    "many classes": trained(network(4, 5, 33), "cross_entropy", small_rate, batch=17),
}
ACTIVATIONS: dict[str, Maker] = {
    name: trained(network(4, 17, 3, activation=name), "cross_entropy", small_rate)
    for name in st.nn.ACTIVATIONS
}
RULES: dict[str, Maker] = {
    "momentum": trained(network(4, 7, 3), "cross_entropy", lambda: st.optim.Momentum(0.05)),
    "nesterov": trained(network(4, 7, 3), "cross_entropy", lambda: st.optim.Nesterov(0.05)),
    "looks ahead": trained(
        network(4, 7, 3), "cross_entropy", lambda: st.optim.NesterovLookAhead(0.05)
    ),
    "adam": trained(network(4, 20, 17, 3), "cross_entropy", lambda: st.optim.Adam(0.01)),
    "adamw": trained(network(4, 7, 3), "cross_entropy", lambda: st.optim.AdamW(0.01)),
    "cosine": trained(
        network(4, 7, 3),
        "cross_entropy",
        lambda: st.optim.Momentum(st.optim.schedules.CosineAnnealing(0.05, 9)),
    ),
    "warm-up": trained(
        network(4, 7, 3),
        "cross_entropy",
        lambda: st.optim.SGD(st.optim.schedules.WarmUp(0.05, 3)),
    ),
    "l2": trained(network(4, 7, 3), "cross_entropy", small_rate, l2=0.1),
}
KINDS: dict[str, Maker] = {
    "dropout": trained(network(4, 18, 18, 3, dropout=0.5), "cross_entropy", small_rate),
    "weights": trained(network(4, 7, 3), "cross_entropy", small_rate, weighted=True, l2=0.1),
    "batch of 1": trained(network(4, 7, 3), "cross_entropy", st.optim.Adam, batch=1),
    "one neuron": trained(lambda: st.nn.Linear(4, 1), "binary_logistic", st.optim.Adam),
    "one feature": trained(
        network(1, 1, 1), "half_squared_error", small_rate, x=lambda r: r.normal(size=(ROWS, 1))
    ),
    "tail": trained(network(4, 7, 3), "cross_entropy", st.optim.Adam, batch=3),
    "larger than a vector": trained(
        network(4, 40, 35, 3), "cross_entropy", st.optim.Adam, batch=37
    ),
    "more than a block of products": trained(
        network(300, 270, 3),
        "cross_entropy",
        small_rate,
        batch=33,
        x=lambda r: r.normal(size=(ROWS, 300)),
    ),
    "embedding": trained(OfCategories, "cross_entropy", st.optim.Adam, x=codes_and_numbers),
    "bytes": trained(
        OfPixels,
        "cross_entropy",
        small_rate,
        x=lambda r: r.integers(0, 256, (ROWS, 6)).astype(uint8),
    ),
    "batch statistics": trained(Normalised, "cross_entropy", small_rate, batch=17),
}
DOUBLE: dict[str, Maker] = {
    "cross entropy": trained(network(4, 17, 3), "cross_entropy", st.optim.Adam, dtype=float64),
    "gelu": trained(
        network(4, 9, 1, activation="gelu"), "binary_logistic", small_rate, dtype=float64
    ),
    "dropout": trained(
        network(4, 18, 2, dropout=0.3), "squared_error", st.optim.Momentum, dtype=float64, l2=0.1
    ),
}


# --------------------------------------------------------------------------------------- ensembles


def ensemble(steps: int, members: int = 3) -> Workload:
    """A step for each of several networks at once, with draws of their own, by vmap."""
    random = np.random.default_rng(9)
    x = random.normal(size=(ROWS, 4)).astype(float32)
    y = random.integers(0, 3, ROWS)
    first = random.normal(size=(members, 4, 17)).astype(float32)
    second = random.normal(size=(members, 17, 3)).astype(float32)
    keys = random.integers(0, 99, (members, 2)).astype(uint32)

    def loss(parameters: list[st.Tensor], x: st.Tensor, y: st.Tensor, key: st.Tensor) -> st.Tensor:
        with st.random.stream(st.random.Stream(key, st.tensor(np.asarray(1, uint32)))):
            kept = st.random.bernoulli(0.8, (8, 17)).astype(float32)
        hidden = st.tanh(x @ parameters[0]) * kept
        return st.mean(st.losses.CrossEntropy()(hidden @ parameters[1], y))

    def member(w: st.Tensor, v: st.Tensor, key: st.Tensor, x: Any, y: Any) -> list[st.Tensor]:
        value, (dw, dv) = st.value_and_grad(loss)([w, v], x, y, key)
        return [value, w - 0.1 * dw, v - 0.1 * dv, key]

    def step(x: Any, y: Any, rows: Any, w: Any, v: Any, keys: Any) -> Any:
        chosen = st.take(x, rows, axis=0), st.take(y, rows, axis=0)
        return st.vmap(member, (0, 0, 0, None, None))(w, v, keys, *chosen)

    rows = random.integers(0, ROWS, (steps, 8)).astype(uint32)
    values = [x, y, rows, first, second, keys]
    trace = record(step, *(st.tensor(each if i != 2 else each[0]) for i, each in enumerate(values)))
    loss_each, *following = trace.graph.outputs
    inputs = trace.graph.inputs
    graph = Graph(inputs, (loss_each,), tuple(zip(inputs[3:6], following, strict=True)))
    roles: list[InputRole] = ["table", "table", "stepped", "state", "state", "state"]
    return _workload(Trace(graph, trace.arguments, trace.result, (), trace.captured), roles, values)
