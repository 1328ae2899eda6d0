"""Event files that TensorBoard reads: losses, metrics, the rate, and what was watched."""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from steepest.errors import ConfigurationError, extra
from steepest.methods import implements
from steepest.train.callbacks import Snapshot

_NEITHER = ("epoch", "step", "seconds")
_SINGLE = ("penalty", "learning_rate")  # what has no counterpart in validation


@implements("W1", "W2", option="--tensorboard FOLDER")
@final
class TensorBoard:
    """A callback that writes event files: ``callbacks=[st.TensorBoard("runs/first")]``.

    At the end of each epoch it adds the scalars ``loss/training`` and ``loss/validation``, the same
    of each metric, ``penalty``, ``learning_rate``, and for the steps that were watched
    ``gradient_norm/layers.0`` and so on, against the number of the step. Nothing stays open: the
    file is whole after every epoch. Each object writes one file of its own. Of an ensemble the
    first member is in the folder itself, others in ``member-1`` and so on.

    Args:
        folder: made if it is not there. ``tensorboard --logdir`` of it, or of the folder around it.

    Raises:
        ConfigurationError: the package tensorboard is missing; there is a file of this name.

    Differs from PyTorch's ``SummaryWriter``, which takes values one by one: here ``fit`` has them.

    Source: TensorBoard's event files, records of tensorboard.summary.writer.

    >>> import tempfile
    >>> import numpy as np
    >>> import steepest as st
    >>> x = np.ones((8, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trainer = st.Trainer(st.nn.Linear(2, 1), "half_squared_error", st.optim.SGD(0.1))
    ...     history = trainer.fit(
    ...         x, x[:, 0], epochs=2, batch_size=4, callbacks=[st.TensorBoard(folder)]
    ...     )
    ...     [file.name[:20] for file in Path(folder).iterdir()]
    ['events.out.tfevents.']
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        with extra("tensorboard"):
            import tensorboard.summary.writer.record_writer as _  # noqa: F401
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigurationError(
                f"{self.folder} is a file; TensorBoard wants a folder: give another name"
            )
        self._files: dict[int, Path] = {}
        self._written: dict[int, int] = {}

    def __call__(self, now: Snapshot) -> None:
        """Add what is new."""
        events = [(now.step, tag, value) for tag, value in _scalars(now)]
        rows = now.watched.rows_from(self._written.get(now.member, 0))
        events += [(row["step"], f"{row['what']}/{row['layer']}", row["value"]) for row in rows]
        self._append(now.member, [each for each in events if not math.isnan(each[2])])
        self._written[now.member] = len(now.watched)

    def _append(self, member: int, events: list[tuple[int, str, float]]) -> None:
        with extra("tensorboard"):
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer import record_writer

        of_events: Any = event_pb2  # made when they are imported: no type checker knows what is in
        of_summaries: Any = summary_pb2
        is_new = member not in self._files
        if is_new:
            self._files[member] = self._new_file(member)
        with self._files[member].open("ab") as file:
            writer: Any = record_writer.RecordWriter(file)
            if is_new:
                head = of_events.Event(wall_time=time.time(), file_version="brain.Event:2")
                writer.write(head.SerializeToString())
            for step, tag, value in events:
                scalar = of_summaries.Summary.Value(tag=tag, simple_value=value)
                summary = of_summaries.Summary(value=[scalar])
                event = of_events.Event(wall_time=time.time(), step=step, summary=summary)
                writer.write(event.SerializeToString())

    def _new_file(self, member: int) -> Path:
        """A name that nobody has; TensorBoard wants tfevents and the time in it."""
        folder = self.folder / f"member-{member}" if member else self.folder
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        while True:
            name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
            path = folder / f"{name}.{number}"
            try:
                path.open("xb").close()
            except FileExistsError:
                number += 1
            else:
                return path


def _scalars(now: Snapshot) -> Iterator[tuple[str, float]]:
    """The row of the epoch: training and validation of a metric side by side."""
    for name, value in now.metrics.items():
        if name in _NEITHER:
            continue
        if name.startswith("validation_"):
            yield f"{name.removeprefix('validation_')}/validation", value
        elif name in _SINGLE:
            yield name, value
        else:
            yield f"{name}/training", value
