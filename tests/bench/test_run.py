"""A whole benchmark of small workloads: what is reported, and that it adds up."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from steepest.bench.peers import Peer
from steepest.bench.pinning import pinned
from steepest.bench.results import OURS, Result
from steepest.bench.run import Settings, bench
from steepest.bench.workloads import WORKLOADS

QUICK = Settings(rounds=2, seconds=0.01)
TINY = replace(WORKLOADS["tiny"], batches=4)


@pytest.fixture(scope="module")
def result() -> Result:
    with Peer(Path(sys.executable), "scikit-learn", threads=1) as peer:
        return bench(TINY, [peer], QUICK)


def test_everybody_is_timed(result: Result) -> None:
    assert set(result.times.seconds) == {OURS, "scikit-learn"}
    for name, seconds in result.times.seconds.items():
        low, high = result.times.spread[name]
        assert 0 < low <= seconds <= high
        assert result.times.processor[name] > 0
    assert set(result.times.ratios) == {"scikit-learn"}
    ratio = result.times.seconds["scikit-learn"] / result.times.seconds[OURS]
    assert result.times.ratios["scikit-learn"] == pytest.approx(ratio)


def test_operations_and_bytes_are_counted(result: Result) -> None:
    assert result.operations == TINY.operations
    assert result.rate == pytest.approx(TINY.operations / result.times.seconds[OURS])
    assert 1e8 < result.peak < 1e13
    assert 0 < result.share_of_peak < 1
    x, weights = 32 * 2, 2 * 50 + 50 + 50 + 1
    assert result.bytes > 4 * (2 * x + 4 * weights)  # rows, and all state read and written
    assert result.bytes == sum(kernel.bytes for kernel in result.kernels)


def test_the_start_and_the_memory_are_told(result: Result) -> None:
    start = result.start
    assert 0 < start.trace < start.cold
    assert 0 < start.warm < start.cold
    scratch = result.scratch
    assert 0 < scratch.peak_unpadded <= scratch.peak <= scratch.size
    assert all(kernel.seconds >= 0 for kernel in result.kernels)


def test_a_document_is_json(result: Result) -> None:
    document = json.loads(json.dumps(result.document()))
    assert document["workload"] == "tiny"
    assert document["ratios"] == result.times.ratios
    assert document["share_of_peak"] == result.share_of_peak


def test_a_step_that_somebody_disturbed_is_marked(result: Result) -> None:
    own = dict(result.times.seconds)
    assert not replace(result.times, processor=own).is_disturbed
    assert replace(result.times, processor=own | {OURS: 0.8 * own[OURS]}).is_disturbed


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system cannot pin")
def test_processes_are_pinned_for_a_while() -> None:
    before = os.sched_getaffinity(0)
    with pinned(1):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
