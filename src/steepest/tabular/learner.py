"""What a fit trains, and on which arrays: a network, its trainer, and rows that are numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from steepest.nn import Module
from steepest.optim import Driver, Rule
from steepest.tabular.configuration import Configuration
from steepest.tabular.heads import Head
from steepest.tabular.recipe import make_optimizer
from steepest.tabular.resolved import Resolved
from steepest.tabular.threads import suitable_threads
from steepest.train.arrays import Tables
from steepest.train.batches import Batches
from steepest.train.blocks import Blocks
from steepest.train.callbacks import Callback
from steepest.train.checkpoint import Checkpoint
from steepest.train.early_stopping import EarlyStopping
from steepest.train.ensemble import EnsembleTrainer
from steepest.train.history import History
from steepest.train.metrics import Metric
from steepest.train.rate_finder import find_learning_rate
from steepest.train.trainer import Trainer
from steepest.transform.executable import Backend

N = TypeVar("N", bound=Module)


@final
class Rows(Struct, frozen=True, kw_only=True):
    """Rows as the network takes them; `head` reads its outputs."""

    inputs: Tables
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None
    head: Head


@final
class Learner(Struct, Generic[N], frozen=True, kw_only=True):
    """Networks that are not trained yet, one or an ensemble, and the rows to train on.

    `blocks` are these where memory does not hold them; `rows` are some of them then.
    """

    configuration: Configuration
    resolved: Resolved
    networks: tuple[N, ...]
    rows: Rows
    trainers: tuple[Trainer, ...]
    blocks: Blocks | None = None

    @property
    def trainer(self) -> Trainer:
        """The first network's, or the only one's."""
        return self.trainers[0]

    @property
    def network(self) -> Module:
        """What predicts: the network, or the mean of those that have been trained."""
        return self.networks[0] if len(self.networks) == 1 else self._ensemble.network

    @property
    def _ensemble(self) -> EnsembleTrainer:
        return EnsembleTrainer.of(self.trainers)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Accuracy, or the root mean squared error in the target's units."""
        return self.rows.head.metrics

    def train(
        self,
        held_out: Rows | None,
        callbacks: Sequence[Callback],
        *,
        checkpoint: Checkpoint | None = None,
        resume: Path | None = None,
        watch: int | None = None,
    ) -> list[History]:
        """Train as the configuration says, watching the rows held out; a history each."""
        rows, training = self.rows, self.configuration.training
        options: dict[str, Any] = {
            "epochs": self.resolved.max_epochs,
            "batch_size": self.resolved.batch_size,
            "sampler": training.sampler,
            "validation_data": None
            if held_out is None
            else (held_out.inputs, held_out.targets, held_out.weights),
            "metrics": self.metrics,
            "callbacks": callbacks,
            "early_stopping": None if held_out is None else _stopping(training.patience),
            "time_limit": training.time_limit,
            "checkpoint": checkpoint,
            "resume": resume,
            "watch": watch,
        }
        with suitable_threads(self.networks[0], self.resolved.batch_size, self.trainer.backend):
            if self.blocks is not None:
                return [self.trainer.fit(self.blocks, **options)]
            options["sample_weight"] = rows.weights
            if len(self.trainers) == 1:
                return [self.trainer.fit(rows.inputs, rows.targets, **options)]
            return self._ensemble.fit(rows.inputs, rows.targets, **options)


def learner(
    networks: Sequence[N],
    rows: Rows,
    configuration: Configuration,
    resolved: Resolved,
    backend: Backend = "native",
    blocks: Blocks | None = None,
) -> Learner[N]:
    """Make the trainers that a configuration asks for, of networks and rows that fit together."""
    training = configuration.training
    count = len(rows.targets) if blocks is None else blocks.rows
    batches = Batches(count, resolved.batch_size)
    steps = len(batches.extents) * resolved.max_epochs

    def trainer(member: int, optimizer: Rule | Driver) -> Trainer:
        options: dict[str, Any] = {"l2": training.l2, "seed": training.seed, "backend": backend}
        return Trainer(networks[member], rows.head.loss, optimizer, member=member, **options)

    optimizer = make_optimizer(configuration, resolved, steps)
    if configuration.optimizer.learning_rate == "auto":
        size = min(resolved.batch_size, len(rows.targets))
        found = find_learning_rate(
            trainer(0, optimizer),
            rows.inputs,
            rows.targets,
            batch_size=size,
            sample_weight=rows.weights,
        )
        resolved = structs.replace(resolved, learning_rate=found.proposal)
        optimizer = make_optimizer(configuration, resolved, steps)
    return Learner(
        configuration=configuration,
        resolved=resolved,
        networks=tuple(networks),
        rows=rows,
        trainers=tuple(trainer(member, optimizer) for member in range(len(networks))),
        blocks=blocks,
    )


def _stopping(patience: int) -> EarlyStopping:
    """Restore the best epoch's weights in any case; 0 means: train to the end all the same."""
    return EarlyStopping(patience=patience or None)
