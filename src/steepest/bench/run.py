"""Rounds in which we and the peers take turns, so that all see the same machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

import numpy as np

from steepest.bench.clock import Turn
from steepest.bench.peak import Peak
from steepest.bench.peers import Peer
from steepest.bench.results import OURS, KernelTime, Result, Scratch, Start, Times
from steepest.bench.traffic import bytes_moved
from steepest.bench.training import Program, Training, TrainingStep
from steepest.bench.workloads import Workload
from steepest.compile import Stages
from steepest.runtime.cache import ObjectCache

PEAK = "peak"


class Contestant(Protocol):
    """Something that is timed."""

    def measure(self, seconds: float) -> Turn:
        """What a turn of so many seconds gives, per step."""
        ...


@final
@dataclass(frozen=True)
class Settings:
    """How long to measure.

    Args:
        rounds: in each, all contestants have a turn.
        seconds: of each turn.
    """

    rounds: int = 5
    seconds: float = 0.5


def bench(
    workload: Workload,
    peers: Sequence[Peer],
    settings: Settings,
    say: Callable[[str], None] = lambda text: None,
) -> Result:
    """Time one workload.

    Args:
        workload: what is trained.
        peers: to compare with; those that cannot do it are left out.
        settings: how long.
        say: gets a line before each part.
    """
    say(f"{workload.name}: compiling")
    step, program, start = _started(workload)
    made = step.stages()
    first = _first_calls(workload, peers, say)
    able = {peer.name: peer for peer in peers if peer.name in first}
    contestants: dict[str, Contestant] = {OURS: program, **able, PEAK: Peak()}
    turns = rounds(contestants, settings, lambda text: say(f"{workload.name}: {text}"))
    peak = 1 / float(np.median([each.seconds for each in turns.pop(PEAK)]))
    times = Times.of(turns)
    scratch = made.scheduled.scratch
    return Result(
        workload=workload.name,
        times=times,
        first=first,
        operations=workload.operations,
        peak=peak,
        start=start,
        scratch=Scratch(scratch.size, scratch.peak, scratch.peak_unpadded),
        kernels=_kernels(program, made, settings),
    )


def _started(workload: Workload) -> tuple[TrainingStep, Program, Start]:
    """The program, and how long it took to its first step: without and with a cache that has it."""
    with tempfile.TemporaryDirectory(prefix="steepest-") as folder:
        kept = ObjectCache(Path(folder))
        step, _, trace, cold = _start(workload, ObjectCache(None))
        step.program(kept)
        step, program, again, warm = _start(workload, kept)
    return step, program, Start(min(trace, again), cold, warm)


def _start(workload: Workload, cache: ObjectCache) -> tuple[TrainingStep, Program, float, float]:
    training = Training(workload)
    start = time.perf_counter()
    step = training.step()
    traced = time.perf_counter()
    program = step.program(cache)
    program.run(1)
    return step, program, traced - start, time.perf_counter() - start


def _first_calls(
    workload: Workload, peers: Sequence[Peer], say: Callable[[str], None]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for peer in peers:
        say(f"{workload.name}: {peer.name} prepares")
        seconds = peer.prepare(workload)
        if seconds is not None:
            found[peer.name] = seconds
    return found


def rounds(
    contestants: Mapping[str, Contestant], settings: Settings, say: Callable[[str], None]
) -> dict[str, list[Turn]]:
    """What each contestant measured in each round."""
    found: dict[str, list[Turn]] = {name: [] for name in contestants}
    for number in range(settings.rounds):
        say(f"round {number + 1} of {settings.rounds}")
        for name, contestant in contestants.items():
            found[name].append(contestant.measure(settings.seconds))
    return found


def _kernels(program: Program, made: Stages, settings: Settings) -> tuple[KernelTime, ...]:
    times = program.profile(settings.seconds)
    moved = map(bytes_moved, made.scheduled.kernels)
    return tuple(
        KernelTime(name, seconds, size) for (name, seconds), size in zip(times, moved, strict=True)
    )
