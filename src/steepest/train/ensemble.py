"""Ensembles: several models, trained independently and at once, whose outputs are averaged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Literal, Self, cast, final, overload

from steepest.errors import ConfigurationError, TrainingError
from steepest.ir.types import Array
from steepest.losses import LossFunction
from steepest.methods import implements
from steepest.nn import Ensemble, Module
from steepest.optim.rule import Rule
from steepest.tensor import random
from steepest.train.arrays import array_of, tables
from steepest.train.averaging import mean_and_deviation_of_models, mean_for
from steepest.train.blocks import Blocks
from steepest.train.callbacks import Callback, EveryEpoch, EverySteps, callbacks_of
from steepest.train.checkpoint import Checkpoint, check_checkpoint
from steepest.train.history import History
from steepest.train.interruption import stop_on_interrupt
from steepest.train.shared_file import KeptTogether
from steepest.train.trainer import Trainer
from steepest.train.turns import Turns, available_processors, run_in_threads
from steepest.transform.executable import Backend, sharing_programs

_MOST = 100_000  # members that can be meant


@implements("E1", option="--ensemble-size K")
@final
class EnsembleTrainer:
    """Trains k models independently and averages what they predict: f̄(x) = (1/k) Σᵢ fᵢ(x).

    The members differ in their initial weights, their order of rows and their dropout masks, all
    drawn from (seed, i): member i is, bit by bit, what ``Trainer(model, …, member=i)`` makes of a
    model drawn under ``st.random.stream(seed, member=i)``. They share one compiled program, run on
    as many threads as there are processors, and take turns epoch by epoch, so that wherever
    training is cut short they are equally far. Each stops early at its own best epoch.

    What is averaged are probabilities for losses of classes (after the softmax or the sigmoid), and
    the outputs themselves for others.

    Args:
        make_model: gives a new model at each call.
        loss: as the Trainer's.
        optimizer: as the Trainer's.
        size: k, the number of members, from 1 to 100,000.
        l2: as the Trainer's.
        seed: of all that is drawn.
        threads: how many members train at a time; by default one on each processor that this
            process may use (one in all with ``reference``).
        backend: as the Trainer's.

    Attributes:
        members: a :class:`Trainer` each.

    Raises:
        ConfigurationError: a size or a number of threads below 1, a model that is given twice.

    Source: L2, "Model ensembles"; Hansen and Salamon, Neural network ensembles, 1990.

    Differs from scikit-learn's ``BaggingClassifier``: members see all rows, not bootstrap samples.

    >>> import numpy as np
    >>> import steepest as st
    >>> x = np.random.default_rng(0).uniform(-1, 1, size=(200, 2))
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> ensemble = st.EnsembleTrainer(
    ...     lambda: st.nn.MLP(2, [16], 2, activation="tanh"),
    ...     "cross_entropy",
    ...     st.optim.Adam(0.02),
    ...     size=3,
    ... )
    >>> histories = ensemble.fit(x, y, epochs=40, batch_size=20)
    >>> mean, deviation = ensemble.predict(x, return_std=True)  # of the probabilities
    >>> bool(np.mean(mean.argmax(axis=1) == y) > 0.9)
    True
    """

    def __init__(
        self,
        make_model: Callable[[], Module],
        loss: str | LossFunction,
        optimizer: str | Rule,
        *,
        size: int,
        l2: float = 0.0,
        seed: int = 0,
        threads: int | None = None,
        backend: Backend = "native",
    ) -> None:
        _check_count("size", size)
        if size > _MOST:
            raise ConfigurationError(f"EnsembleTrainer: size is at most {_MOST:,}, not {size:,}")
        if not callable(make_model) or isinstance(make_model, Module):
            raise ConfigurationError(
                "EnsembleTrainer: make_model is a function that gives a new model at each call: "
                "lambda: st.nn.MLP(…)"
            )
        members: list[Trainer] = []
        for member in range(size):
            with random.stream(seed, member):
                model = make_model()
            trainer = Trainer(
                model, loss, optimizer, l2=l2, seed=seed, member=member, backend=backend
            )
            members.append(trainer)
        self._set(members, threads)

    @classmethod
    def of(cls, members: Sequence[Trainer], *, threads: int | None = None) -> Self:
        """An ensemble of Trainers that were made one by one.

        Args:
            members: with models of their own, and one number ``member`` each.
            threads: as above.

        >>> import steepest as st
        >>> def member(i):
        ...     with st.random.stream(7, member=i):
        ...         model = st.nn.Linear(2, 1)
        ...     return st.Trainer(model, "half_squared_error", "sgd", seed=7, member=i)
        >>> len(st.EnsembleTrainer.of([member(i) for i in range(4)]).members)
        4
        """
        made = cls.__new__(cls)
        made._set(list(members), threads)
        return made

    def _set(self, members: list[Trainer], threads: int | None) -> None:
        _check_members(members)
        if threads is not None:
            _check_count("threads", threads)
        self.members: tuple[Trainer, ...] = tuple(members)
        # The interpreter has many threads of its own for products, and Python's lock besides.
        alone = any(each.backend == "reference" for each in members)
        self.threads = 1 if alone else min(len(members), threads or available_processors())

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        epochs: int,
        batch_size: int | None,
        callbacks: Sequence[Callback] = (),
        checkpoint: Checkpoint | None = None,
        resume: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> list[History]:
        """Train all members.

        A member whose loss is not finite keeps its best epoch; one that had none is left out of
        the average, and its history says so. Ctrl-C stops all.

        Args:
            x: as in :meth:`Trainer.fit`.
            y: likewise.
            epochs: how many more, for each.
            batch_size: rows per step.
            callbacks: called for each member, one at a time; ``snapshot.member`` says which.
                ``Stop`` stops that member.
            checkpoint: as in :meth:`Trainer.fit`; one file holds all members.
            resume: likewise.
            options: the others of :meth:`Trainer.fit`.

        Returns:
            A history for each member.

        Raises:
            TrainingError: no member has finished an epoch, as no loss was finite.
        """
        if isinstance(x, Blocks):
            raise ConfigurationError(
                "EnsembleTrainer: each member would read the st.Blocks, with two blocks of its own "
                "in memory: train the members one after the other, or give arrays"
            )
        functions = _one_at_a_time(callbacks_of(callbacks))
        turns = Turns(self.threads)
        check_checkpoint(checkpoint)
        kept = KeptTogether(checkpoint, resume, [str(place) for place in range(len(self.members))])
        x, y = tables(x, self.members[0].model.dtype), array_of(y, "y")

        def train(member: Trainer) -> History:
            with turns.taken():
                return _fitted(
                    member,
                    x,
                    y,
                    epochs=epochs,
                    batch_size=batch_size,
                    callbacks=[*functions, EveryEpoch(lambda _: turns.pass_on())],
                    **kept.of(str(self.members.index(member))),
                    **options,
                )

        with stop_on_interrupt() as request, sharing_programs():
            works = [lambda member=member: train(member) for member in self.members]
            try:
                histories = run_in_threads(works, request.set)
            finally:
                kept.flush()
        if not any(member.epochs for member in self.members):
            for history in histories:
                if history.stopped == "non-finite loss":
                    raise TrainingError(history.message)
        return histories

    @property
    def voters(self) -> tuple[Trainer, ...]:
        """The members that are averaged: those which have finished an epoch, if any has."""
        return tuple(each for each in self.members if each.epochs) or self.members

    @property
    def network(self) -> Ensemble:
        """Those members' models as one network, for ``st.predict`` and to be saved."""
        voters = self.voters
        return Ensemble([each.model for each in voters], mean_for(voters[0].loss))

    @overload
    def predict(self, x: Any, *, return_std: Literal[False] = False) -> Array: ...
    @overload
    def predict(self, x: Any, *, return_std: Literal[True]) -> tuple[Array, Array]: ...
    def predict(self, x: Any, *, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The mean of what the members predict: of probabilities for losses of classes.

        Args:
            x: as in :meth:`fit`.
            return_std: also give the members' standard deviation (divided by k) at each output.

        Returns:
            Array (n, …), or two of them.
        """
        voters = self.voters
        with sharing_programs():
            outputs = [member.predict(x) for member in voters]
        mean, deviation = mean_and_deviation_of_models(voters[0].loss, outputs)
        return (mean, deviation) if return_std else mean

    def __repr__(self) -> str:
        return f"<ensemble of {len(self.members)}: {type(self.members[0].model).__name__}>"


def _fitted(member: Trainer, x: Any, y: Any, **options: Any) -> History:
    """A member's history; one that diverged at once has an empty one, which says so."""
    try:
        return member.fit(x, y, **options)
    except TrainingError as error:
        history = History()
        history.stopped = "non-finite loss"
        history.message = f"left out: {error}"
        return history


def _one_at_a_time(callbacks: Sequence[Callback]) -> list[Callback]:
    """The same callbacks, which members in several threads do not call at once."""
    lock = threading.RLock()

    def locked(function: Any) -> Any:
        @wraps(function)
        def called(snapshot: Any) -> Any:
            with lock:
                return function(snapshot)

        return called

    return [
        EverySteps(each.n, locked(each.function))
        if isinstance(each, EverySteps)
        else EveryEpoch(locked(each.function if isinstance(each, EveryEpoch) else each))
        for each in callbacks
    ]


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"EnsembleTrainer: {name} is a whole number from 1 on, not {value!r}"
        )


def _check_members(members: list[Any]) -> None:
    if not members or not all(isinstance(each, Trainer) for each in members):
        raise ConfigurationError("EnsembleTrainer.of takes a list of Trainers, at least one")
    trainers = cast("list[Trainer]", members)
    cells = [cell for each in trainers for cell in each.model.states().values()]
    if len(set(cells)) < len(cells):
        raise ConfigurationError(
            "EnsembleTrainer: two members have the same model, or share cells; make_model should "
            "make a new one at each call: lambda: st.nn.MLP(…)"
        )
    if len({(each.seed, each.member) for each in trainers}) < len(trainers):
        raise ConfigurationError(
            "EnsembleTrainer: two members have the same seed and member number, so they would draw "
            "the same; give each Trainer its own: member=i"
        )
