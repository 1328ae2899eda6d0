"""Other libraries, each in a process of its own that another Python interpreter runs."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

from steepest.bench.clock import Turn
from steepest.bench.peer_process import PEERS
from steepest.bench.workloads import Workload
from steepest.errors import ConfigurationError, nearest

PROGRAM = Path(__file__).with_name("peer_process.py")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def peer_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names of peers, checked.

    Raises:
        ConfigurationError: an unknown one.
    """
    for name in names:
        if name not in PEERS:
            raise ConfigurationError(f"there is no peer {name!r}; {nearest(name, PEERS)}")
    return tuple(names)


@final
class Peer:
    """A library that runs in another process, and waits there between requests.

    Args:
        python: the interpreter that has it.
        name: one of :data:`steepest.bench.peer_process.PEERS`.
        threads: that it may use.

    Raises:
        ConfigurationError: the interpreter does not start, or does not have the library.
    """

    def __init__(self, python: Path, name: str, threads: int) -> None:
        self.name = name
        self._python = python
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed in close)
        environment = os.environ | dict.fromkeys(_THREADS, str(threads))
        environment.pop("PYTHONPATH", None)
        try:
            self._process = subprocess.Popen(
                [str(python), "-P", str(PROGRAM), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                text=True,
                env=environment,
            )
        except OSError as error:
            self._complaints.close()
            raise ConfigurationError(
                f"--peers {python}: cannot be run ({(error.strerror or str(error)).lower()}); give "
                "the path of a Python interpreter that has the peers"
            ) from error
        try:
            self.version: str = self._heard()["version"]
        except BaseException:
            self.close()
            raise

    def prepare(self, workload: Workload) -> float | None:
        """Make a workload ready; the seconds to the end of its first call, None where it cannot."""
        return self._asked({"workload": workload.document()})["first"]

    def measure(self, seconds: float) -> Turn:
        """Seconds per step."""
        answer = self._asked({"seconds": seconds})
        return Turn(answer["seconds"], answer["processor"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended: what it had to say is read next
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            raise ConfigurationError(
                f"{self.name} does not run in {self._python}: {self._last_words() or 'it ended'}"
            ) from None

    def _last_words(self) -> str:
        """The last line that the process wrote to stderr."""
        self._process.wait(timeout=10)
        self._complaints.seek(0)
        lines = [line.strip() for line in self._complaints if line.strip()]
        return lines[-1] if lines else ""
