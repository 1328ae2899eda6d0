"""An epoch on a table: who is timed, on which rows; the peer is this interpreter's scikit-learn."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steepest.bench import table
from steepest.bench.peers import Peer
from steepest.bench.results import OURS
from steepest.bench.run import Settings
from steepest.bench.table import PEER, Laps, TableTraining, bench_table
from steepest.tabular.options import from_plain
from steepest.tabular.parts import Parts
from steepest.tabular.prepare import prepare
from steepest.train.callbacks import Snapshot

QUICK = Settings(rounds=2, seconds=0.01)
LEVELS = [f"level {number}" for number in range(12)]


def parts(target: str) -> Parts:
    """80 rows: a number, a category of two levels, one of twelve; 60 to train on."""
    rows = np.arange(80)
    columns = {
        "size": (rows * 7 % 20) / 7,
        "sort": ["ab"[row % 2] for row in rows],
        "place": [LEVELS[row % 12] for row in rows],
        "label": ["yes" if row * 7 % 20 > 9 else "no" for row in rows],
        "price": (rows * 37 % 101) / 3,
    }
    plain = from_plain(
        {
            "data": {"target": target, "validation": 0.25},
            "network": {"hidden_layer_sizes": [7, 5]},
            "training": {"max_epochs": 1},
        }
    )
    del columns["price" if target == "label" else "label"]
    return prepare(columns, plain)


@pytest.fixture(scope="module")
def peer() -> Generator[Peer]:
    with Peer(Path(sys.executable), PEER, threads=1) as peer:
        yield peer


@pytest.mark.parametrize(("target", "outputs"), [("label", 2), ("price", 1)])
def test_everybody_trains_the_same_table(peer: Peer, target: str, outputs: int) -> None:
    said: list[str] = []
    result = bench_table(parts(target), peer, QUICK, said.append)
    assert said == ["scikit-learn prepares", "round 1 of 2", "round 2 of 2"]
    assert (result.rows, result.batch) == (60, 32)
    assert result.sizes == (1 + 2 + 8, 7, 5, outputs)  # the number, two columns, a vector of 8
    assert result.peer_columns == 1 + 2 + 1
    times = result.times
    assert set(times.seconds) == {OURS, PEER}
    assert times.ratios == {PEER: times.seconds[PEER] / times.seconds[OURS]}
    document = json.loads(json.dumps(result.document()))
    assert document["ratios"] == times.ratios
    assert "times" not in document


def test_the_peer_gets_the_rows_that_we_train_on(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def note(peer: Peer, given: Mapping[str, Any]) -> float:
        with np.load(given["file"]) as arrays:
            seen.update(arrays)
        seen.update(given)
        return 0.0

    monkeypatch.setattr(Peer, "prepare_table", note)
    monkeypatch.setattr(table, "rounds", lambda *_: {OURS: [table.Turn(1.0, 1.0)]})
    source = parts("label")
    bench_table(source, peer, QUICK)
    assert (seen["hidden"], seen["batch"], seen["classes"]) == ((7, 5), 32, 2)
    assert not Path(seen["file"]).exists()
    labels = source.training.columns["label"].texts()
    codes = {int(code): label for code, label in zip(seen["y"], labels, strict=True)}
    assert [codes[int(code)] for code in seen["y"]] == list(labels)
    places = source.training.columns["place"].texts()
    pairs = set(zip(seen["x"][:, -1].tolist(), places, strict=True))
    assert len(pairs) == len({code for code, _ in pairs}) == len({place for _, place in pairs}) > 8


def snapshot() -> Snapshot:
    return Snapshot(1, 2, 3, 4, 5.0, 0.1, {}, {})


def test_laps_leave_out_the_first_and_end_with_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        now = 50.0

        def perf_counter(self) -> float:
            return self.now

        def process_time(self) -> float:
            return self.now / 2

    clock = Clock()
    monkeypatch.setattr(table, "time", clock)
    laps = Laps(10)
    stops: list[bool] = []
    for seconds in (9, 3, 1, 6):
        clock.now += seconds
        stops.append(laps(snapshot()) is not None)
    assert stops == [False, False, False, True]
    assert laps.turn == (3.0, 1.5)
    shortest = Laps(0)
    assert [shortest(snapshot()) is None for _ in range(2)] == [True, False]


def test_a_turn_may_have_more_epochs_than_a_fit_and_at_least_one() -> None:
    training = TableTraining(parts("label"))
    assert training.measure(1e-9).seconds > 0
    assert training.learner.trainer.epochs == 2
    training.measure(0.05)
    assert training.learner.trainer.epochs > 4
