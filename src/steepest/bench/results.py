"""What a benchmark came to, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final


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
class Result:
    """Of one workload.

    Args:
        workload: its name.
        seconds: per step, by contestant; ours is ``steepest``. Medians of all rounds.
        spread: by contestant, the lowest and the highest round.
        processor: by contestant, the seconds per step that its process was running.
        first: seconds to the end of the first call, by peer: it compiles then, if it does.
        operations: floating-point operations of a step's matrix products.
        peak: operations a second that the processor can do, measured in the same rounds.
        start: until the first step.
        scratch: memory.
        kernels: of a step, in order.
    """

    workload: str
    seconds: Mapping[str, float]
    spread: Mapping[str, tuple[float, float]]
    processor: Mapping[str, float]
    first: Mapping[str, float]
    operations: int
    peak: float
    start: Start
    scratch: Scratch
    kernels: tuple[KernelTime, ...]

    @property
    def rate(self) -> float:
        """Our operations a second."""
        return self.operations / self.seconds[OURS]

    @property
    def share_of_peak(self) -> float:
        """Our rate as a part of what the processor can do."""
        return self.rate / self.peak

    @property
    def is_disturbed(self) -> bool:
        """Whether somebody else had the processor for more than a tenth of somebody's time."""
        return any(self.processor[name] < 0.9 * each for name, each in self.seconds.items())

    @property
    def bytes(self) -> int:
        """Moved per step."""
        return sum(kernel.bytes for kernel in self.kernels)

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as ours each peer's step takes."""
        ours = self.seconds[OURS]
        return {name: each / ours for name, each in self.seconds.items() if name != OURS}

    def document(self) -> dict[str, Any]:
        """For JSON."""
        derived = {
            "operations_per_second": self.rate,
            "share_of_peak": self.share_of_peak,
            "bytes": self.bytes,
            "ratios": self.ratios,
        }
        return asdict(self) | derived


OURS = "steepest"
