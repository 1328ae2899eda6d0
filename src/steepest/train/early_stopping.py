"""Early stopping: when validation stops improving, go back to the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from steepest.errors import ConfigurationError, nearest
from steepest.ir.types import Array
from steepest.methods import implements
from steepest.train.fingerprint import described
from steepest.train.metrics import RISING
from steepest.train.resumable import Kept


@implements("N8", option="--set training.patience=N")
@final
@dataclass(frozen=True)
class EarlyStopping:
    """Stop after ``patience`` epochs without improvement; the best epoch's weights are restored.

    They are restored however training ends: when patience never fires, at the time limit, on
    Ctrl-C.

    Args:
        patience: epochs without improvement that are waited for; None: never stop, only restore.
        minimum_improvement: by how much the best value must be beaten to count as improvement. (The
            weights kept are those of the best value all the same.)
        monitor: the history's column that is watched.
        rising: whether more is better; by default it is for accuracy and r2, and not for the
            others.

    Raises:
        ConfigurationError: a patience below 1, a negative improvement.

    >>> import steepest as st
    >>> st.EarlyStopping(patience=10).monitor
    'validation_loss'
    """

    patience: int | None = 10
    minimum_improvement: float = 0.0
    monitor: str = "validation_loss"
    rising: bool | None = None

    def __post_init__(self) -> None:
        if self.patience is not None and self.patience < 1:
            raise ConfigurationError(
                f"EarlyStopping: patience is a number of epochs from 1 on, not {self.patience}"
            )
        if not 0 <= self.minimum_improvement < math.inf:
            raise ConfigurationError(
                "EarlyStopping: minimum_improvement is a number from 0 on, "
                f"not {self.minimum_improvement}"
            )


@final
class Watch:
    """The best epoch so far, and how long it has not been beaten."""

    def __init__(self, monitor: str, stopping: EarlyStopping | None) -> None:
        rising = stopping.rising if stopping is not None else None
        plain = monitor.removeprefix("validation_")
        self._sign = -1.0 if (plain in RISING if rising is None else rising) else 1.0
        self._monitor = monitor
        self._stopping = stopping
        self._reference = math.inf
        self._waited = 0
        self.best = math.inf
        self.best_epoch: int | None = None
        self.snapshot: dict[str, Array] | None = None

    def see(self, row: Mapping[str, float], snapshot: Callable[[], dict[str, Array]]) -> None:
        """Take note of an epoch; ``snapshot`` is taken of the best ones only."""
        if self._monitor not in row:
            raise ConfigurationError(
                f"early stopping watches {self._monitor!r}, which the history does not have; "
                + (
                    "give validation_data"
                    if self._monitor == "validation_loss"
                    else nearest(self._monitor, row)
                )
            )
        value = self.value(row)
        if value < self.best or self.best_epoch is None:
            self.best, self.best_epoch, self.snapshot = value, int(row["epoch"]), snapshot()
        least = 0.0 if self._stopping is None else self._stopping.minimum_improvement
        if value < self._reference - least:
            self._reference, self._waited = value, 0
        else:
            self._waited += 1

    def value(self, row: Mapping[str, float]) -> float:
        """What is watched in a row, small being good; NaN is the worst."""
        value = self._sign * row[self._monitor]
        return math.inf if math.isnan(value) else value

    @property
    def about(self) -> dict[str, str]:
        """What it does, as text by name."""
        named = described("early_stopping", self._stopping)
        return {**named, "best by": f"{'-' if self._sign < 0 else ''}{self._monitor}"}

    def state(self) -> Kept:
        """See :class:`Resumable`."""
        return {
            "reference": self._reference,
            "waited": self._waited,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "snapshot": self.snapshot,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """See :class:`Resumable`."""
        self._reference, self._waited = state["reference"], state["waited"]
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.snapshot = state["snapshot"]

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        patience = None if self._stopping is None else self._stopping.patience
        return patience is not None and self._waited >= patience
