"""Scratch memory: little more than the values that are alive at once."""

from __future__ import annotations

from functools import cache

import pytest

from steepest.bench.training import Training
from steepest.bench.workloads import WORKLOADS
from steepest.rewrite import rewrite
from steepest.schedule.memory import bytes_of
from steepest.schedule.plan import Schedule, schedule

NAMES = ("mlp", "wide", "regular")


@cache
def scheduled(name: str) -> Schedule:
    source = Training(WORKLOADS[name]).step().task.source
    return schedule(rewrite(source.graph).graph, source.roles, guarded=True)


@pytest.mark.parametrize("name", NAMES)
def test_scratch_is_little_more_than_what_is_alive(name: str) -> None:
    scratch = scheduled(name).scratch
    assert scratch.peak <= scratch.size <= 1.15 * scratch.peak


@pytest.mark.parametrize("name", NAMES)
def test_padding_is_little(name: str) -> None:
    scratch = scheduled(name).scratch
    assert scratch.peak_unpadded <= scratch.peak <= 1.15 * scratch.peak_unpadded


def test_memory_is_used_again() -> None:
    scratch = scheduled("regular").scratch
    assert scratch.size < 0.7 * sum(map(bytes_of, scratch.offsets))


@pytest.mark.parametrize("name", NAMES)
def test_state_is_updated_in_place(name: str) -> None:
    # Only the step counter, which later kernels read, may be copied.
    copies = [kernel for kernel in scheduled(name).kernels if kernel.name == "copy"]
    assert len(copies) <= 1
