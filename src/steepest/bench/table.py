"""An epoch on a table as `steepest fit` trains it, beside scikit-learn's on the same rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from steepest.bench.clock import Turn
from steepest.bench.peers import Peer
from steepest.bench.results import OURS, Times
from steepest.bench.run import Contestant, Settings, rounds
from steepest.ir.types import Array, float32
from steepest.tabular.learner import Learner
from steepest.tabular.network import TableNetwork
from steepest.tabular.parts import Parts
from steepest.tabular.prepared import prepare_table
from steepest.tabular.resolved import explicit
from steepest.train.callbacks import Snapshot, Stop

PEER = "scikit-learn"
_ENDLESS = 1_000_000


@final
class Laps:
    """A callback that notes how long epochs take, and stops training after so many seconds.

    The first epoch is not counted: before it programs are made ready.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = 0.0
        self._before: tuple[float, float] | None = None
        self._laps: list[tuple[float, float]] = []

    def __call__(self, now: Snapshot) -> Stop | None:
        """See :class:`Laps`."""
        wall, processor = time.perf_counter(), time.process_time()
        if self._before is None:
            self._end = wall + self._seconds
        else:
            self._laps.append((wall - self._before[0], processor - self._before[1]))
        self._before = wall, processor
        return Stop("the turn is over") if self._laps and wall >= self._end else None

    @property
    def turn(self) -> Turn:
        """The medians."""
        wall, processor = np.median(self._laps, axis=0)
        return Turn(float(wall), float(processor))


@final
class TableTraining:
    """Training as the command does it: its Trainer, metrics, a callback; no rows are validated.

    Args:
        parts: of the table; its configuration says what is trained.
    """

    def __init__(self, parts: Parts) -> None:
        self.learner: Learner[TableNetwork] = prepare_table(parts).learner

    def measure(self, seconds: float) -> Turn:
        """Seconds of an epoch."""
        laps = Laps(seconds)
        rows = self.learner.rows
        self.learner.trainer.fit(
            rows.inputs,
            rows.targets,
            epochs=_ENDLESS,
            batch_size=self.learner.resolved.batch_size,
            sample_weight=rows.weights,
            metrics=self.learner.metrics,
            callbacks=[laps],
        )
        return laps.turn

    def columns(self) -> Array:
        """The inputs for a library without embeddings: a category's code is one column, (n, m)."""
        inputs = self.learner.rows.inputs
        return np.concatenate([each.astype(float32) for each in inputs.values()], axis=1)


@final
@dataclass(frozen=True)
class TableResult:
    """How long an epoch takes.

    Args:
        table: its name.
        rows: that are trained on.
        batch: rows in a mini-batch.
        sizes: inputs, embedded numbers among them, units of each hidden layer, outputs.
        peer_columns: inputs of scikit-learn's network.
        times: of an epoch.
    """

    table: str
    rows: int
    batch: int
    sizes: tuple[int, ...]
    peer_columns: int
    times: Times

    def document(self) -> dict[str, Any]:
        """For JSON."""
        flat = {name: value for name, value in asdict(self).items() if name != "times"}
        return flat | self.times.document()


def bench_table(
    parts: Parts,
    peer: Peer | None,
    settings: Settings,
    say: Callable[[str], None] = lambda text: None,
) -> TableResult:
    """Time epochs on a table, ours and scikit-learn's in turn.

    scikit-learn trains the same hidden layers on the same batches, with Adam and ReLU, without
    penalty, dropout and row weights.

    Args:
        parts: of the table.
        peer: scikit-learn, or nobody.
        settings: how long.
        say: gets a line before each part.
    """
    ours = TableTraining(parts)
    learns = ours.learner
    hidden = explicit(learns.configuration.network, learns.resolved).hidden_layer_sizes
    inputs = ours.columns()
    contestants: dict[str, Contestant] = {OURS: ours}
    if peer is not None:
        say(f"{peer.name} prepares")
        classes = len(parts.schema.target.classes)
        request = {"hidden": hidden, "batch": learns.resolved.batch_size, "classes": classes}
        _hand_over(peer, inputs, learns.rows.targets, request)
        contestants[peer.name] = peer
    weights = [cell.shape for cell in learns.networks[0].perceptron.parameters().values()]
    matrices = [shape for shape in weights if len(shape) == 2]
    return TableResult(
        table=Path(parts.training.source).name,
        rows=len(learns.rows.targets),
        batch=learns.resolved.batch_size,
        sizes=(matrices[0][1], *(shape[0] for shape in matrices)),
        peer_columns=inputs.shape[1],
        times=Times.of(rounds(contestants, settings, say)),
    )


def _hand_over(peer: Peer, inputs: Array, targets: Array, request: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="steepest-") as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, x=inputs, y=targets)
        peer.prepare_table({"file": str(path), **request})
