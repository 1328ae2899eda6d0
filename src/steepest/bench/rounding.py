"""How far what is computed in float32 is from float64, here and in other libraries."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from steepest.bench.conversation import Conversation
from steepest.ir.types import Array

PROGRAM = Path(__file__).with_name("peer_rounding.py")


@final
@dataclass(frozen=True)
class Error:
    """Of an array x beside the exact x̂, relative to the largest |x̂|.

    Args:
        rms: the root of the mean of (x − x̂)².
        largest: the largest |x − x̂|.
    """

    rms: float
    largest: float

    @classmethod
    def of(cls, found: Sequence[Array], exact: Sequence[Array]) -> Error:
        """Of several arrays at once, each relative to its own largest."""
        squares, count, largest = 0.0, 0, 0.0
        for mine, true in zip(found, exact, strict=True):
            scale = float(np.max(np.abs(true))) or 1.0
            away = np.abs(mine - true) / scale
            squares += float(np.sum(np.square(away)))
            count += away.size
            largest = max(largest, float(np.max(away)))
        return cls(math.sqrt(squares / count), largest)

    @classmethod
    def median(cls, errors: Sequence[Error]) -> Error:
        """Of several errors of the same thing."""
        rms, largest = ([getattr(each, name) for each in errors] for name in ("rms", "largest"))
        return cls(float(np.median(rms)), float(np.median(largest)))


@final
@dataclass(frozen=True)
class Compared:
    """One thing that was computed.

    Args:
        group: what it is one of.
        case: which of them.
        ours: our error.
        peers: the others', by name; those that do not compute it are left out.
    """

    group: str
    case: str
    ours: Error
    peers: Mapping[str, Error]

    def ratio(self, peer: str) -> float:
        """Our error by a peer's, as root mean squares; 1 where nobody errs."""
        theirs = self.peers[peer].rms
        return self.ours.rms / theirs if theirs else math.inf if self.ours.rms else 1.0

    def largest_ratio(self, peer: str) -> float:
        """The same of the largest errors."""
        theirs = self.peers[peer].largest
        return self.ours.largest / theirs if theirs else math.inf if self.ours.largest else 1.0

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "group": self.group,
            "case": self.case,
            "steepest": vars(self.ours),
            "peers": {name: vars(error) for name, error in self.peers.items()},
        }


def groups(compared: Iterable[Compared]) -> dict[str, list[Compared]]:
    """By group, in order."""
    found: dict[str, list[Compared]] = {}
    for each in compared:
        found.setdefault(each.group, []).append(each)
    return found


@final
class Numbers(AbstractContextManager["Numbers"]):
    """Arrays in a file, for other processes; the file lasts as long as the block."""

    def __init__(self, **arrays: Array) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="steepest-")
        self.path = Path(self._folder.name) / "given.npz"
        self.found = Path(self._folder.name) / "found.npz"
        np.savez(self.path, allow_pickle=False, **arrays)

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def asked(peer: Conversation, numbers: Numbers, **request: Any) -> list[Array] | None:  # noqa: ANN401
    """What a peer computes from numbers; None where it does not do that."""
    files = {"given": str(numbers.path), "found": str(numbers.found)}
    if not peer.ask({**request, **files})["able"]:
        return None
    with np.load(numbers.found) as found:
        return [found[name] for name in found.files]
