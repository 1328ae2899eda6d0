"""The Trainer: a model, a loss and an optimiser; and ``fit``."""

from __future__ import annotations

import math
import reprlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast, final, overload

import numpy as np

from steepest.errors import ConfigurationError, nearest
from steepest.ir.graph import Graph
from steepest.ir.types import Array, uint32
from steepest.losses import LossFunction, loss as loss_of
from steepest.methods import implements
from steepest.nn import Module
from steepest.optim import Driver, Rule, optimizer as optimizer_of
from steepest.tensor.random import make_key
from steepest.tensor.state import State
from steepest.train.alone import Alone
from steepest.train.arrays import rows_of
from steepest.train.averages import Averages, Raw
from steepest.train.batches import batches
from steepest.train.blocks import Blocks
from steepest.train.callbacks import Callback, callbacks_of
from steepest.train.checkpoint import Checkpoint, Place, store
from steepest.train.early_stopping import EarlyStopping, Watch
from steepest.train.examples import Checked
from steepest.train.history import History
from steepest.train.interruption import stop_on_interrupt
from steepest.train.keeping import keeping
from steepest.train.metrics import Asked, Metric, metrics_of
from steepest.train.optimising import optimising
from steepest.train.own_loss import check_if_own
from steepest.train.plan import Plan, Validation
from steepest.train.predict import SAMPLES, Predictor, predict
from steepest.train.recorded import Recorded
from steepest.train.rows import Examples, ResidentRows, RowSource
from steepest.train.samplers import Draw, Sampler, sampler as sampler_of
from steepest.train.step import Objective, Step, step_roles, trace_step
from steepest.train.streamed import row_source
from steepest.train.surface import Driven
from steepest.train.watching import Watching
from steepest.transform.executable import BACKENDS, Backend
from steepest.transform.memory import Memory
from steepest.transform.stages import Explanation, explain


@implements("O1", "O6", option="--sample-weight COL, --set training.l2=L")
@final
class Trainer:
    """Trains a model: makes (1/B) Σ wᵢ ℓᵢ + l2/2 Σ w² small, batch by batch.

    A second call of :meth:`fit` goes on where the first ended: optimiser state, steps and epochs
    count on. Parameters whose cell's ``trainable`` is False by then stay as they are. Equal data,
    options and seed give equal bits.

    Args:
        model: a :class:`steepest.nn.Module`.
        loss: a loss of ``st.losses``, its name, or a function of (prediction, target) to one number
            per example, whose gradient is checked before the first step.
        optimizer: a rule or a driver of ``st.optim``, or its name. A driver such as ``LBFGS`` works
            on the whole training set: an iteration is a step and an epoch.
        l2: λ of the penalty λ/2 Σ w² over weights (not biases); its gradient is λ w.
        seed: of the order of the rows and of the dropout masks.
        member: which member of an ensemble this is: each has draws of its own from one seed.
        backend: ``native`` compiles the step; ``reference`` interprets it with NumPy, to compare.

    Raises:
        ConfigurationError: an unknown name, a negative ``l2``, a model without parameters.

    >>> import steepest as st
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> with st.random.stream(0):
    ...     model = st.nn.MLP(2, [16], 2, activation="tanh")
    >>> trainer = st.Trainer(model, "cross_entropy", st.optim.Adam(0.02))
    >>> history = trainer.fit(x, y, epochs=40, batch_size=20)
    >>> history.rows[-1]["loss"] < history.rows[0]["loss"]
    True
    >>> bool(st.metrics.accuracy(trainer.predict(x), y) > 0.9)
    True
    """

    def __init__(
        self,
        model: Module,
        loss: str | LossFunction,
        optimizer: str | Rule | Driver,
        *,
        l2: float = 0.0,
        seed: int = 0,
        member: int = 0,
        backend: Backend = "native",
    ) -> None:
        if not 0 <= l2 < math.inf:
            raise ConfigurationError(f"Trainer: l2 is a number from 0 on, not {l2!r}")
        if backend not in BACKENDS:
            raise ConfigurationError(
                f"Trainer: there is no backend {backend!r}; {nearest(str(backend), BACKENDS)}"
            )
        make_key(seed, member)
        self.backend: Backend = backend
        self.model = model
        self.loss: LossFunction = loss_of(loss)
        self.optimizer: Rule | Driver = (
            optimizer_of(optimizer)() if isinstance(optimizer, str) else optimizer
        )
        _check_parts(model, self.loss, self.optimizer)
        self.l2 = float(l2)
        self.seed = seed
        self.member = member
        self.epochs = 0
        self._counter = State(np.zeros((), uint32), trainable=False, name="step")
        self._optimising = optimising(self.optimizer, _parameters_of(model))
        self._raw: Raw | None = None
        self._alone = Alone(
            "this Trainer is in a call of fit already, of another thread or a callback: give each "
            "a Trainer and a model of its own (copy.deepcopy(trainer), say)"
        )

    @property
    def steps(self) -> int:
        """Steps taken in all calls of ``fit``."""
        return int(self._counter.value.item())

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int,
        batch_size: int | None,
        sampler: str | Sampler = "disjoint",
        sample_weight: Any = None,
        validation_data: tuple[Any, ...] | None = None,
        metrics: Asked = None,
        callbacks: Sequence[Callback] = (),
        early_stopping: EarlyStopping | None = None,
        time_limit: float | None = None,
        watch: int | None = None,
        checkpoint: Checkpoint | None = None,
        resume: Place | None = None,
    ) -> History:
        """Train.

        Floating-point data is cast to the model's element type, integers stay. Ctrl-C stops within
        a batch and returns; a second one leaves at once.

        Args:
            x: an array, or a dict, list or tuple of arrays, with equal first axes: what the model
                is called with. Or :class:`steepest.Blocks`, which are read as training goes on and
                have their targets and weights in them.
            y: one target per example, as the loss wants them.
            epochs: how many more; with ``resume`` counted from where the fit that was kept began.
            batch_size: rows per step; None for all at once. A last batch of one row joins the one
                before.
            sampler: how the rows of each step are drawn: one of ``st.samplers`` or its name,
                "disjoint" (each row once an epoch, in a new order), "fresh_subsets",
                "with_replacement" or "in_order".
            sample_weight: one per example; normalised to mean 1 over the training set, not in a
                batch.
            validation_data: (x, y) or (x, y, sample_weight).
            metrics: names of ``st.metrics`` such as ["accuracy"], or a dict: name to function of
                (prediction, target) arrays. Computed of the training rows as trained (of each of
                several blocks, and averaged over rows), and of the validation data at the end of
                the epoch.
            callbacks: :class:`EveryEpoch`, :class:`EverySteps`, or functions called every epoch.
            early_stopping: when to stop; then the best epoch's weights are restored, else the last
                kept.
            time_limit: seconds, looked at after every batch.
            watch: keep what every layer and parameter does in the first step and every so many
                after it, as ``history.watched``; see :class:`steepest.Watched`.
            checkpoint: where and how often the running fit is kept in a file.
            resume: such a file: goes on from there, as if that fit had never been interrupted, with
                equal bits. Whatever this Trainer had learnt is given up for it.

        Returns:
            The :class:`History`; its ``stopped`` says how it ended.

        Raises:
            DataError, DTypeError, ShapeError: data that does not fit; names row and column.
            ConfigurationError: options out of range.
            TrainingError: the loss is not finite before an epoch is finished.
            CheckpointError: a checkpoint of another fit: other data, options, version; names the
                difference.
        """
        _check_options(epochs, time_limit)
        with self._alone.entered():
            moment = None if resume is None else store(resume).read()
            before = self.epochs if moment is None else moment.first_epoch - 1
            functions, called = metrics_of(metrics), callbacks_of(callbacks)
            monitor = _monitor(early_stopping, validation_data is not None)
            chosen = sampler_of(sampler)
            source = self._source(x, y, sample_weight, batch_size, chosen)
            if not self.steps:
                check_if_own(self.model, self.loss, source.some)
            self._optimising.begin(is_first=not self.steps)
            step = self._step
            memory = Memory(step.cells)
            averages = Averages(step.averages, self.model, memory, source.some.x, self.backend)
            averages.go_on(self._raw)
            validation = self._validation(validation_data, functions, memory)
            plan = Plan(
                step=step,
                source=source,
                batches=batches(source.rows, batch_size),
                sampler=chosen,
                seed=self.seed,
                member=self.member,
                first_epoch=before + 1,
                last_epoch=before + epochs,
                validation=validation,
                metrics=functions,
                callbacks=called,
                watch=Watch(monitor, early_stopping),
                restores_best=early_stopping is not None,
                time_limit=time_limit,
                backend=self.backend,
                watching=Watching(watch),
                averages=averages,
            )
            keeper = keeping(plan, self.optimizer, checkpoint, resume, moment)
            with stop_on_interrupt() as request:
                loop = self._optimising.loop(plan, memory, request, keeper)
                if moment is not None:
                    loop.restore(moment.state)
                try:
                    return loop.run()
                finally:
                    memory.store()
                    self._optimising.end(loop)
                    self._raw = averages.raw
                    self.epochs = before + len(loop.history.rows)

    def can_go_on_with(self, optimizer: Rule | Driver) -> bool:
        """Whether it keeps the same numbers for each parameter as the one until now."""
        return self._optimising.is_like(optimizer)

    def go_on_with(self, optimizer: Rule | Driver) -> None:
        """Take another optimiser that keeps the same numbers, with another schedule say.

        Steps count on: a schedule that shall begin now is
        ``Concatenated([0.0, schedule], boundaries=[trainer.steps])``.

        Raises:
            ConfigurationError: it keeps others; make a new Trainer of the model for it.

        >>> import steepest as st
        >>> trainer = st.Trainer(st.nn.Linear(2, 1), "half_squared_error", st.optim.Adam(0.1))
        >>> trainer.go_on_with(st.optim.Adam(0.01))
        >>> trainer.optimizer.rate
        0.01
        """
        if not self.can_go_on_with(optimizer):
            raise ConfigurationError(
                f"go_on_with: {type(optimizer).__name__} keeps other numbers for each parameter "
                f"than {type(self.optimizer).__name__}: make a new Trainer of the model for it"
            )
        self._optimising.go_on_with(optimizer)
        self.optimizer = optimizer

    def graph(self, x: Any, y: Any, *, batch_size: int | None) -> Graph:
        """The training step itself, one pure graph: forward, backward, and the state's next values.

        Its inputs are the tables, the numbers of the batch's rows, the random key, the epoch, and
        the state; ``updates`` are the next parameters, the rule's slots and the step counter.

        >>> import steepest as st
        >>> trainer = st.Trainer(st.nn.Linear(2, 1), "half_squared_error", st.optim.SGD(0.1))
        >>> graph = trainer.graph(np.ones((8, 2)), np.ones(8), batch_size=4)
        >>> [state.name for state, _ in graph.updates]
        ['step', 'weight', 'bias']
        """
        examples = self._examples(x, y)
        size = batches(rows_of(examples.x), batch_size).extents[0]
        return trace_step(self._rule_step, examples.x, examples.y, None, size).graph

    def show_stages(self, x: Any, y: Any, *, batch_size: int | None) -> Explanation:
        """What the compiler makes of the training step, stage by stage; see ``st.show_stages``.

        >>> import steepest as st
        >>> trainer = st.Trainer(st.nn.Linear(2, 1), "half_squared_error", st.optim.SGD(0.1))
        >>> shown = trainer.show_stages(np.ones((8, 2)), np.ones(8), batch_size=4)
        >>> print(shown.scheduled.splitlines()[0])
        kernel 0: position
        """
        examples = self._examples(x, y)
        size = batches(rows_of(examples.x), batch_size).extents[0]
        trace = trace_step(self._rule_step, examples.x, examples.y, None, size, outputs=3)
        return explain(trace, step_roles(examples.x, None), guarded=True)

    @overload
    def predict(
        self, x: Any, *, return_std: Literal[False] = False, samples: int = SAMPLES, seed: int = 0
    ) -> Array: ...
    @overload
    def predict(
        self, x: Any, *, return_std: Literal[True], samples: int = SAMPLES, seed: int = 0
    ) -> tuple[Array, Array]: ...
    def predict(
        self, x: Any, *, return_std: bool = False, samples: int = SAMPLES, seed: int = 0
    ) -> Array | tuple[Array, Array]:
        """The model's raw outputs for each row; see ``st.predict``.

        >>> import steepest as st
        >>> model = st.nn.MLP(3, [4], 2, dropout=0.5)
        >>> trainer = st.Trainer(model, "cross_entropy", "adam")
        >>> mean, deviation = trainer.predict(np.ones((10, 3)), return_std=True, samples=20)
        """
        return predict(
            self.model, x, return_std=return_std, samples=samples, seed=seed, backend=self.backend
        )

    # --------------------------------------------------------------------------------- the pieces

    @property
    def _step(self) -> Step | Driven:
        """What is trained are the model's parameters of today, which may be fewer than at first."""
        objective = Objective(self.model, self.loss, self.l2)
        return self._optimising.step(objective, _parameters_of(self.model), self._counter)

    @property
    def _rule_step(self) -> Step:
        """The step as a graph, which only a rule has."""
        self._optimising.begin(is_first=False)
        step = self._step
        if isinstance(step, Driven):
            raise ConfigurationError(
                f"{type(self.optimizer).__name__} is a loop around compiled functions, so there is "
                "no graph of its step; take a rule such as st.optim.SGD() to see the model's"
            )
        return step

    def _examples(self, x: Any, y: Any, weights: Any = None) -> Examples:
        return Checked(self.model, self.loss).whole(x, y, weights)

    def _source(
        self, x: Any, y: Any, weights: Any, batch_size: int | None, sampler: Sampler
    ) -> RowSource:
        """The rows to train on: arrays, or blocks that are read."""
        if not isinstance(x, Blocks):
            return ResidentRows(self._examples(x, y, weights))
        _check_blocks(x, y, weights, batch_size)
        first = Draw(self.seed, self.member, 0)
        size = batches(x.rows, batch_size).size
        source = row_source(x, Checked(self.model, self.loss).part, size, first)
        if isinstance(source, ResidentRows):
            return source
        if isinstance(self.optimizer, Driver) or not sampler.takes_each_row_once:
            of = self.optimizer if isinstance(self.optimizer, Driver) else sampler
            raise ConfigurationError(
                f"{type(of).__name__} needs all rows at hand, and only {x.block_rows:,} of "
                f"{x.rows:,} are in memory at a time: take a rule such as st.optim.AdamW and the "
                "sampler 'disjoint', or larger blocks"
            )
        return source

    def _validation(
        self, data: tuple[Any, ...] | None, metrics: Mapping[str, Metric], memory: Memory
    ) -> Validation | None:
        if data is None:
            return None
        _check_validation(data)
        weights = data[2] if len(data) == 3 else None
        checked = Checked(self.model, self.loss)
        examples = checked.whole(data[0], data[1], weights, "validation x", "validation y")
        began = time.perf_counter()
        run = Predictor(self.model, examples.x, memory, self.backend)
        seconds = time.perf_counter() - began
        return Validation(examples, run, Recorded(self.loss), metrics, seconds)


def _check_blocks(blocks: Blocks, y: Any, weights: Any, batch_size: int | None) -> None:
    if y is not None or weights is not None:
        raise ConfigurationError(
            "st.Blocks have targets and weights in their chunks: leave y and sample_weight out"
        )
    if batch_size is None and blocks.rows > blocks.block_rows:
        raise ConfigurationError(
            f"batch_size=None means all {blocks.rows:,} rows at once, and st.Blocks have "
            f"{blocks.block_rows:,} in memory at a time: give a number, such as 256"
        )


def _parameters_of(model: Module) -> dict[str, State]:
    parameters = model.parameters()
    if not parameters:
        raise ConfigurationError("Trainer: the model has no trainable parameters")
    return parameters


def _check_options(epochs: Any, time_limit: float | None) -> None:
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise ConfigurationError(f"epochs is a whole number from 1 on, not {epochs!r}")
    if time_limit is not None and not time_limit > 0:
        raise ConfigurationError(f"time_limit is a number of seconds above 0, not {time_limit!r}")


def _check_validation(data: Any) -> None:
    what = "validation_data is (x, y) or (x, y, sample_weight)"
    if not isinstance(data, tuple | list):
        raise ConfigurationError(
            f"{what}, not {reprlib.repr(data)}; the rows are yours to hold back: "
            "x[:800], y[:800] to train on, (x[800:], y[800:]) to validate, say"
        )
    if len(cast("list[Any]", data)) not in (2, 3):
        raise ConfigurationError(what)


def _check_parts(model: Any, loss: Any, optimizer: Any) -> None:
    """A model, a loss and a rule; not their classes, nor something else."""
    if not isinstance(model, Module):
        raise ConfigurationError(f"Trainer: the model is an st.nn.Module, not {_kind(model)}")
    if isinstance(loss, type) or not callable(loss):
        raise ConfigurationError(
            f"Trainer: the loss is one of st.losses, its name or a function, not {_kind(loss)}"
        )
    if not isinstance(optimizer, Rule | Driver):
        raise ConfigurationError(
            "Trainer: the optimizer is a rule such as st.optim.Adam(0.001) or a driver such as "
            f"st.optim.LBFGS(), not {_kind(optimizer)}"
        )


def _kind(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}; write {value.__name__}(…)"
    return reprlib.repr(value)


def _monitor(early_stopping: Any, validates: bool) -> str:
    if early_stopping is None:
        return "validation_loss" if validates else "loss"
    if not isinstance(early_stopping, EarlyStopping):
        raise ConfigurationError(
            f"early_stopping is st.EarlyStopping(patience=10), say, or None; not {early_stopping!r}"
        )
    if early_stopping.monitor.startswith("validation_") and not validates:
        raise ConfigurationError(
            f"early stopping watches {early_stopping.monitor!r}: give validation_data, "
            "or watch 'loss'"
        )
    return early_stopping.monitor
