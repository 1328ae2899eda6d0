"""Other libraries, each in a process of its own that another Python interpreter runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, final

from steepest.bench.clock import Turn
from steepest.bench.conversation import Conversation
from steepest.bench.peer_process import PEERS
from steepest.bench.workloads import Workload
from steepest.errors import ConfigurationError, nearest

PROGRAM = Path(__file__).with_name("peer_process.py")


def peer_names(names: Sequence[str], known: Iterable[str] = PEERS) -> tuple[str, ...]:
    """The names of peers, checked.

    Raises:
        ConfigurationError: an unknown one.
    """
    for name in names:
        if name not in known:
            raise ConfigurationError(f"there is no peer {name!r}; {nearest(name, known)}")
    return tuple(names)


@final
class Peer(AbstractContextManager["Peer"]):
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
        self._process = Conversation(python, PROGRAM, name, threads)

    @property
    def version(self) -> str:
        """The library's."""
        return self._process.version

    def prepare(self, workload: Workload) -> float | None:
        """Make a workload ready; the seconds to the end of its first call, None where it cannot."""
        return self._process.ask({"workload": workload.document()})["first"]

    def prepare_table(self, table: Mapping[str, Any]) -> float:
        """Make a table's rows ready, as :func:`steepest.bench.peer_process.scikit_learn_table`."""
        return self._process.ask({"table": table})["first"]

    def measure(self, seconds: float) -> Turn:
        """Seconds per step; of a table, per epoch."""
        answer = self._process.ask({"seconds": seconds})
        return Turn(answer["seconds"], answer["processor"])

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def __exit__(self, *_: object) -> None:
        self.close()
