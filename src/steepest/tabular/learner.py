"""What a fit trains, and on which arrays: made from a table's parts before the first step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data import Preprocessor, Table
from steepest.losses import CrossEntropy, HalfSquaredError
from steepest.tabular.configuration import Configuration, Resolved, resolve
from steepest.tabular.network import TableNetwork, build_network, network_inputs
from steepest.tabular.parts import Parts, row_weights
from steepest.tabular.recipe import make_optimizer
from steepest.tabular.threads import suitable_threads
from steepest.train.batches import Batches
from steepest.train.callbacks import Callback
from steepest.train.early_stopping import EarlyStopping
from steepest.train.history import History
from steepest.train.metrics import Metric, accuracy, mse
from steepest.train.trainer import Trainer
from steepest.transform.executable import Backend


@final
class Rows(Struct, frozen=True, kw_only=True):
    """Preprocessed rows; `scale` is a regression target's deviation, None for classes."""

    inputs: dict[str, NDArray[Any]]
    targets: NDArray[Any]
    weights: NDArray[np.float64] | None
    scale: float | None


@final
class Learner(Struct, frozen=True, kw_only=True):
    """A network that is not trained yet, its trainer, and the rows to train on."""

    configuration: Configuration
    resolved: Resolved
    preprocessor: Preprocessor
    network: TableNetwork
    rows: Rows
    trainer: Trainer

    @property
    def metrics(self) -> dict[str, Metric]:
        """Accuracy, or the root mean squared error in the target's units."""
        scale = self.rows.scale
        if scale is None:
            return {"accuracy": accuracy}
        return {"rmse": lambda prediction, target: math.sqrt(mse(prediction, target)) * scale}

    def prepared(self, table: Table) -> Rows:
        """Other rows, as the training rows were prepared.

        Raises:
            DataError: A value that the columns' kinds do not allow; names row and column.
        """
        return _rows(table, self.preprocessor, self.configuration)

    def train(self, held_out: Rows | None, callbacks: Sequence[Callback]) -> History:
        """Train as the configuration says, watching the rows held out."""
        rows, training = self.rows, self.configuration.training
        with suitable_threads(self.network, self.resolved.batch_size, self.trainer.backend):
            return self.trainer.fit(
                rows.inputs,
                rows.targets,
                epochs=training.max_epochs,
                batch_size=self.resolved.batch_size,
                sample_weight=rows.weights,
                validation_data=None
                if held_out is None
                else (held_out.inputs, held_out.targets, held_out.weights),
                metrics=self.metrics,
                callbacks=callbacks,
                early_stopping=None if held_out is None else _stopping(training.patience),
                time_limit=training.time_limit,
            )


def learner(parts: Parts, backend: Backend = "native") -> Learner:
    """Fit the preprocessing to the training rows, and make the network and its trainer.

    Raises:
        DataError: A value that the columns' kinds do not allow; names row and column.
    """
    configuration = parts.configuration
    resolved = resolve(configuration, parts.schema.target.task, len(parts.training))
    preprocessor = Preprocessor.fit(
        parts.training,
        parts.schema,
        scaling=configuration.preprocessing.numeric,
        one_hot_levels=configuration.preprocessing.one_hot_levels,
    )
    rows = _rows(parts.training, preprocessor, configuration)
    network = build_network(preprocessor, configuration, resolved)
    training = configuration.training
    batches = Batches(len(rows.targets), resolved.batch_size)
    return Learner(
        configuration=configuration,
        resolved=resolved,
        preprocessor=preprocessor,
        network=network,
        rows=rows,
        trainer=Trainer(
            network,
            CrossEntropy() if rows.scale is None else HalfSquaredError(),
            make_optimizer(configuration, resolved, len(batches.extents) * training.max_epochs),
            l2=training.l2,
            seed=training.seed,
            backend=backend,
        ),
    )


def _rows(table: Table, preprocessor: Preprocessor, configuration: Configuration) -> Rows:
    targets = preprocessor.transform_target(table)
    scale = preprocessor.target_scale
    return Rows(
        inputs=network_inputs(preprocessor.transform(table)),
        targets=targets,
        weights=row_weights(table, configuration, targets if scale is None else None),
        scale=None if scale is None else scale.scale,
    )


def _stopping(patience: int) -> EarlyStopping:
    """Restore the best epoch's weights in any case; 0 means: train to the end all the same."""
    return EarlyStopping(patience=patience or None)
