"""What a benchmark came to, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self, final

import numpy as np

from steepest.bench.clock import Turn


@final
@dataclass(frozen=True)
class KernelTime:
    """A kernel of a step.

    Args:
        name: for people.
        seconds: per step.
        bytes: read and written, without padding.
    """

    name: str
    seconds: float
    bytes: int


@final
@dataclass(frozen=True)
class Start:
    """Seconds from data and a network to the end of the first step.

    Args:
        trace: from Python to a graph; a part of both below.
        cold: with nothing kept of earlier runs.
        warm: with the machine code kept on disk.
    """

    trace: float
    cold: float
    warm: float


@final
@dataclass(frozen=True)
class Scratch:
    """Bytes of memory that a step needs beside state and tables.

    Args:
        size: in all.
        peak: of the values that are alive at once, with padded rows.
        peak_unpadded: the same without padding.
    """

    size: int
    peak: int
    peak_unpadded: int


@final
@dataclass(frozen=True)
class Times:
    """Of the same work, by contestant; ours is ``steepest``.

    Args:
        seconds: medians of all rounds.
        spread: the lowest and the highest round.
        processor: the seconds that the contestant's process was running.
    """

    seconds: Mapping[str, float]
    spread: Mapping[str, tuple[float, float]]
    processor: Mapping[str, float]

    @classmethod
    def of(cls, turns: Mapping[str, Sequence[Turn]]) -> Self:
        """What the turns of all rounds come to."""
        walls = {name: [turn.seconds for turn in of] for name, of in turns.items()}
        processors = {name: [turn.processor for turn in of] for name, of in turns.items()}
        return cls(
            seconds={name: float(np.median(each)) for name, each in walls.items()},
            spread={name: (min(each), max(each)) for name, each in walls.items()},
            processor={name: float(np.median(each)) for name, each in processors.items()},
        )

    @property
    def is_disturbed(self) -> bool:
        """Whether somebody else had the processor for more than a tenth of somebody's time."""
        return any(self.processor[name] < 0.9 * each for name, each in self.seconds.items())

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as ours each peer takes."""
        ours = self.seconds[OURS]
        return {name: each / ours for name, each in self.seconds.items() if name != OURS}

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"ratios": self.ratios}


@final
@dataclass(frozen=True)
class Result:
    """Of one workload.

    Args:
        workload: its name.
        times: per step.
        first: seconds to the end of the first call, by peer: it compiles then, if it does.
        operations: floating-point operations of a step's matrix products.
        peak: operations a second that the processor can do, measured in the same rounds.
        start: until the first step.
        scratch: memory.
        kernels: of a step, in order.
    """

    workload: str
    times: Times
    first: Mapping[str, float]
    operations: int
    peak: float
    start: Start
    scratch: Scratch
    kernels: tuple[KernelTime, ...]

    @property
    def rate(self) -> float:
        """Our operations a second."""
        return self.operations / self.times.seconds[OURS]

    @property
    def share_of_peak(self) -> float:
        """Our rate as a part of what the processor can do."""
        return self.rate / self.peak

    @property
    def bytes(self) -> int:
        """Moved per step."""
        return sum(kernel.bytes for kernel in self.kernels)

    def document(self) -> dict[str, Any]:
        """For JSON."""
        derived = {
            "operations_per_second": self.rate,
            "share_of_peak": self.share_of_peak,
            "bytes": self.bytes,
        }
        flat = {name: value for name, value in asdict(self).items() if name != "times"}
        return flat | self.times.document() | derived


OURS = "steepest"
