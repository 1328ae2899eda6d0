"""Snapshot ensembles: one model at several moments of its training, averaged."""

from __future__ import annotations

import copy
from collections import deque
from typing import Any, Literal, final, overload

from steepest.errors import ConfigurationError, TrainingError
from steepest.ir.types import Array
from steepest.methods import implements
from steepest.nn import Ensemble, Module
from steepest.train.averaging import mean_and_deviation_of_models, mean_for
from steepest.train.callbacks import Snapshot
from steepest.train.predict import predict
from steepest.train.trainer import Trainer


@implements("E2")
@final
class SnapshotEnsemble:
    """Averages what one model predicts at several moments: f̄(x) = (1/m) Σₜ f(x; wₜ).

    A callback that keeps the weights at the end of every ``every``-th epoch, the last ``last`` of
    them. With a cosine schedule that restarts every so many epochs these are the ends of its
    cycles, where the model has settled; with ``every=1`` the last epochs.

    Args:
        trainer: whose model it is.
        every: epochs between two snapshots.
        last: how many are kept, m.

    Attributes:
        epochs: of the snapshots that are kept.

    Raises:
        ConfigurationError: ``every`` or ``last`` below 1.

    Source: L2, "Model ensembles"; Huang et al., Snapshot ensembles: train 1, get M for free, 2017.

    >>> import numpy as np
    >>> import steepest as st
    >>> x = np.random.default_rng(0).uniform(-1, 1, size=(200, 2))
    >>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> trainer = st.Trainer(st.nn.MLP(2, [16], 2), "cross_entropy", st.optim.Adam(0.02))
    >>> ensemble = st.SnapshotEnsemble(trainer, every=10, last=3)
    >>> history = trainer.fit(x, y, epochs=40, batch_size=20, callbacks=[ensemble])
    >>> ensemble.epochs
    (20, 30, 40)
    >>> ensemble.predict(x).shape  # probabilities
    (200, 2)
    """

    def __init__(self, trainer: Trainer, *, every: int = 1, last: int = 5) -> None:
        for name, value in (("every", every), ("last", last)):
            if isinstance(value, bool) or value < 1:
                raise ConfigurationError(
                    f"SnapshotEnsemble: {name} is a whole number from 1 on, not {value!r}"
                )
        self._trainer = trainer
        self._every = every
        self._kept: deque[tuple[int, dict[str, Array]]] = deque(maxlen=last)

    def __call__(self, now: Snapshot) -> None:
        """Keep the weights, if it is their epoch."""
        if now.epoch % self._every == 0:
            self._kept.append((now.epoch, now.weights()))

    @property
    def epochs(self) -> tuple[int, ...]:
        """Of the snapshots that are kept."""
        return tuple(epoch for epoch, _ in self._kept)

    @property
    def network(self) -> Ensemble:
        """The snapshots as one network, for ``st.predict`` and to be saved.

        Raises:
            TrainingError: there are none yet.
        """
        if not self._kept:
            raise TrainingError(
                f"no snapshot was taken: train for at least {self._every} epochs, with this as one "
                "of the callbacks"
            )
        members = [_with(self._trainer.model, weights) for _, weights in self._kept]
        return Ensemble(members, mean_for(self._trainer.loss))

    @overload
    def predict(self, x: Any, *, return_std: Literal[False] = False) -> Array: ...
    @overload
    def predict(self, x: Any, *, return_std: Literal[True]) -> tuple[Array, Array]: ...
    def predict(self, x: Any, *, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The mean of what the snapshots predict: of probabilities for losses of classes.

        Args:
            x: as in :meth:`Trainer.fit`.
            return_std: also give their standard deviation (divided by their number).

        Returns:
            Array (n, …), or two of them.
        """
        members = self.network.members
        outputs = [predict(each, x, backend=self._trainer.backend) for each in members]
        mean, deviation = mean_and_deviation_of_models(self._trainer.loss, outputs)
        return (mean, deviation) if return_std else mean


def _with(model: Module, weights: dict[str, Array]) -> Module:
    """A copy of the model with other weights."""
    copied = copy.deepcopy(model)
    for name, cell in copied.states().items():
        cell.assign(weights[name])
    return copied
