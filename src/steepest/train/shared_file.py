"""One checkpoint file for several fits that run at once: the members of an ensemble."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from steepest.errors import ConfigurationError, SteepestError
from steepest.train.checkpoint import (
    NO_PLACE,
    Checkpoint,
    CheckpointFile,
    Moment,
    read_moments,
    say_unwritten,
    write_moments,
)


@final
class SharedFile:
    """A file that holds the last moment of each of several fits.

    It is written when all have a new one, or one of them has its second. Fits do not depend on each
    other, so they need not be equally far.

    Args:
        path: of the file.
        names: of the fits, one each.
        begun: an earlier file of the same fits, which these ones go on from.
    """

    def __init__(
        self, path: Path, names: Sequence[str], *, begun: SharedFile | None = None
    ) -> None:
        self.path = path
        self._names = tuple(names)
        self._moments: dict[str, Moment | None] = dict.fromkeys(names)
        if begun is not None:
            self._moments.update(begun._moments)
        self._new: set[str] = set()
        self._lock = threading.Lock()

    @classmethod
    def read(cls, path: Path, names: Sequence[str]) -> SharedFile:
        """A file that was written before.

        Raises:
            CheckpointError: there is none, it is damaged, or of other fits.
        """
        file = cls(path, names)
        file._moments = read_moments(path, names)
        return file

    def part(self, name: str) -> SharedPart:
        """The place of one of the fits."""
        return SharedPart(self, name)

    def moment(self, name: str) -> Moment | None:
        """The last one of a fit."""
        return self._moments[name]

    def put(self, name: str, moment: Moment) -> None:
        """Take the moment of a fit, and write the file if it is time."""
        with self._lock:
            is_second = name in self._new
            self._moments[name] = moment
            self._new.add(name)
            if is_second or len(self._new) == len(self._names):
                self._write()

    def flush(self) -> None:
        """Write what is new, if anything is."""
        with self._lock:
            if self._new:
                self._write()

    def _write(self) -> None:
        write_moments(self.path, self._moments)
        self._new.clear()


@final
@dataclass(frozen=True)
class SharedPart:
    """A fit's place in a :class:`SharedFile`."""

    file: SharedFile
    name: str

    def check(self) -> None:
        """See :class:`steepest.train.checkpoint.Store`."""
        CheckpointFile(self.file.path).check()

    def write(self, moment: Moment) -> None:
        """See :class:`steepest.train.checkpoint.Store`."""
        self.file.put(self.name, moment)

    def read(self) -> Moment | None:
        """See :class:`steepest.train.checkpoint.Store`."""
        return self.file.moment(self.name)

    def __str__(self) -> str:
        return str(self.file.path)


@final
class KeptTogether:
    """What each of several fits is told about checkpoints, so that they share a file.

    Args:
        checkpoint: where and how often; None: not at all.
        resume: the file to go on from; None: from the beginning.
        names: of the fits.
    """

    def __init__(
        self,
        checkpoint: Checkpoint | None,
        resume: str | os.PathLike[str] | None,
        names: Sequence[str],
    ) -> None:
        self._checkpoint = checkpoint
        self._written: SharedFile | None = None
        self._read = None if resume is None else SharedFile.read(Path(resume), names)
        if checkpoint is not None:
            # Until the first is written again, a fit that goes on keeps what it goes on from.
            self._written = SharedFile(_path(checkpoint), names, begun=self._read)

    def of(self, name: str) -> dict[str, Any]:
        """The arguments ``checkpoint`` and ``resume`` of one of the fits."""
        checkpoint, written = self._checkpoint, self._written
        if checkpoint is not None and written is not None:
            checkpoint = replace(checkpoint, path=written.part(name))
        return {
            "checkpoint": checkpoint,
            "resume": None if self._read is None else self._read.part(name),
        }

    def flush(self) -> None:
        """Write what the fits kept last."""
        if self._written is None:
            return
        try:
            self._written.flush()
        except SteepestError as error:
            say_unwritten(error)


def _path(checkpoint: Checkpoint) -> Path:
    if not isinstance(checkpoint.path, str | os.PathLike):
        raise ConfigurationError(NO_PLACE.format(checkpoint.path))
    return Path(checkpoint.path)
