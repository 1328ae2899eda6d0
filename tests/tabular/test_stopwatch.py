"""The stopwatch against a clock that the test moves."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from steepest.tabular import stopwatch
from steepest.tabular.fit import fit_parts
from steepest.tabular.options import Plain, from_plain
from steepest.tabular.prepare import prepare
from steepest.tabular.stopwatch import Stopwatch


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    return clock


def test_a_moment_belongs_to_the_innermost_part(clock: Clock) -> None:
    watch = Stopwatch({"importing": 0.5})
    clock.now += 1
    with watch.part("preparing"):
        clock.now += 2
        with watch.part("reading"):
            clock.now += 4
        clock.now += 8
    clock.now += 16
    with watch.part("reading"):
        clock.now += 32
    found = {"importing": 0.5, "preparing": 10, "reading": 36, "rest": 17}
    assert watch.seconds == found
    assert list(watch.seconds) == list(found)
    assert sum(watch.seconds.values()) == clock.now - 100 + 0.5


def test_time_may_be_counted_as_another_part(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.part("training"):
        clock.now += 8
        watch.count_as("compiling", 3)
        clock.now += 1
    assert watch.seconds == {"training": 6, "compiling": 3, "rest": 0}


def test_a_part_ends_with_an_error(clock: Clock) -> None:
    watch = Stopwatch()
    with suppress(ValueError), watch.part("reading"):
        clock.now += 2
        raise ValueError
    clock.now += 1
    assert watch.seconds == {"reading": 2, "rest": 1}


def test_the_parts_of_a_fit(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("size,label\n" + "".join(f"{row % 7},{'ab'[row % 2]}\n" for row in range(40)))
    plain: dict[str, Plain] = {
        "data": {"target": "label", "validation": 0.25},
        "network": {"hidden_layer_sizes": [4]},
        "training": {"max_epochs": 2},
    }
    watch = Stopwatch()
    with watch.part("preparing"):
        parts = prepare(path, from_plain(plain), stopwatch=watch)
    fit_parts(parts, stopwatch=watch)
    seconds = watch.seconds
    assert list(seconds) == [
        "preparing",
        "reading",
        "training",
        "compiling",
        "scoring",
        "rest",
    ]
    assert all(each > 0 for each in seconds.values())
