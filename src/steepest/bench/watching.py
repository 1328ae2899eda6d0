"""What watching costs: training that is watched every n steps beside training that is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from steepest.bench.clock import Turn
from steepest.bench.results import OURS, Times
from steepest.bench.run import Contestant, Settings, rounds
from steepest.bench.workloads import Workload
from steepest.errors import ConfigurationError
from steepest.nn import MLP
from steepest.optim import Adam, Momentum
from steepest.tensor import random
from steepest.train.callbacks import Snapshot, Stop
from steepest.train.trainer import Trainer

WATCHED = "watched"
_ENDLESS = 1_000_000


@final
class Stretch:
    """A callback that stops training after so many seconds, and knows what a step took on average.

    The mean and no median: few steps are watched. Epochs are counted when programs are ready.

    Args:
        seconds: how long.
        ready: the step by which all programs have run.
    """

    def __init__(self, seconds: float, ready: int) -> None:
        self._seconds = seconds
        self._ready = ready
        self._first: tuple[int, float, float] | None = None
        self._last = (0, 0.0, 0.0)

    def __call__(self, now: Snapshot) -> Stop | None:
        """See :class:`Stretch`."""
        self._last = (now.step, time.perf_counter(), time.process_time())
        if now.step < self._ready:
            return None
        if self._first is None:
            self._first = self._last
            return None
        over = self._last[1] - self._first[1] >= self._seconds
        return Stop("the turn is over") if over else None

    @property
    def turn(self) -> Turn:
        """Seconds per step."""
        assert self._first is not None, "there was an epoch"
        steps, wall, processor = np.subtract(self._last, self._first).tolist()
        return Turn(wall / steps, processor / steps)


@final
class FittedWorkload:
    """A workload trained by the Trainer, as users do it.

    Args:
        workload: what is trained.
        watch: every so many steps, or None.
    """

    def __init__(self, workload: Workload, watch: int | None) -> None:
        sizes = workload.sizes
        with random.stream(0):
            model = MLP(sizes[0], sizes[1:-1], sizes[-1])
        loss = "binary_logistic" if sizes[-1] == 1 else "cross_entropy"
        rule = Adam(1e-3) if workload.optimizer == "adam" else Momentum(1e-3)
        self._trainer = Trainer(model, loss, rule)
        self._x, self._y, _ = workload.data()
        self._batch = workload.batch
        self.watch = watch

    def measure(self, seconds: float) -> Turn:
        """Seconds of a step."""
        stretch = Stretch(seconds, self._trainer.steps + (self.watch or 1))
        self._trainer.fit(
            self._x,
            self._y,
            epochs=_ENDLESS,
            batch_size=self._batch,
            callbacks=[stretch],
            watch=self.watch,
        )
        return stretch.turn


@final
@dataclass(frozen=True)
class WatchingResult:
    """How long a step takes, watched and not.

    Args:
        workload: its name.
        every: how many steps from one that is watched to the next.
        times: of a step on average.
        cost: how many times as long training takes when it is watched: the median over rounds, in
            each of which the two follow each other; of the processor's time, which others on the
            machine disturb less.
    """

    workload: str
    every: int
    times: Times
    cost: float

    def document(self) -> dict[str, Any]:
        """For JSON."""
        own = {"workload": self.workload, "every": self.every, "cost": self.cost}
        return own | self.times.document()


def bench_watching(
    workload: Workload,
    every: int,
    settings: Settings,
    say: Callable[[str], None] = lambda text: None,
) -> WatchingResult:
    """Time training with and without watching, in turn.

    Args:
        workload: what is trained.
        every: steps from one that is watched to the next.
        settings: how long.
        say: gets a line before each part.

    Raises:
        ConfigurationError: a workload that the Trainer does not train.
    """
    if workload.is_regular:
        raise ConfigurationError(f"{workload.name} is no network of layers: nothing to watch")
    contestants: dict[str, Contestant] = {
        OURS: FittedWorkload(workload, None),
        WATCHED: FittedWorkload(workload, every),
    }
    turns = rounds(contestants, settings, lambda text: say(f"{workload.name}: {text}"))
    return WatchingResult(workload.name, every, Times.of(turns), _cost(turns))


def _cost(turns: Mapping[str, Sequence[Turn]]) -> float:
    pairs = zip(turns[WATCHED], turns[OURS], strict=True)
    return float(np.median([watched.processor / plain.processor for watched, plain in pairs]))
