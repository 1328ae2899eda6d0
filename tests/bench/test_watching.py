"""What watching costs: that it is measured, and that the watched training is."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from steepest.bench.clock import Turn
from steepest.bench.results import OURS
from steepest.bench.run import Settings
from steepest.bench.watching import WATCHED, FittedWorkload, bench_watching
from steepest.bench.workloads import WORKLOADS
from steepest.errors import ConfigurationError

pytestmark = pytest.mark.row("W2")

TINY = replace(WORKLOADS["tiny"], batches=4)


def test_watched_and_plain_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = {None: iter([1.0, 2.0, 5.0]), 4: iter([1.5, 2.0, 20.0])}
    asked: list[int | None] = []

    def measure(self: FittedWorkload, seconds: float) -> Turn:
        asked.append(self.watch)
        each = next(turns[self.watch])
        return Turn(2 * each, each)

    monkeypatch.setattr(FittedWorkload, "measure", measure)
    result = bench_watching(TINY, 4, Settings(3, 1.0))
    assert asked == [None, 4, None, 4, None, 4]
    assert result.cost == 1.5  # the median of 1.5, 1 and 4
    assert result.times.seconds == {OURS: 4.0, WATCHED: 4.0}
    assert json.loads(json.dumps(result.document()))["cost"] == 1.5


def test_a_turn_is_the_mean_of_its_steps() -> None:
    turn = FittedWorkload(TINY, 3).measure(0.02)
    assert 0 < turn.seconds < 0.1
    assert math.isfinite(turn.processor)


def test_what_has_no_layers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing to watch"):
        bench_watching(WORKLOADS["regular"], 50, Settings(1, 0.01))
