"""A program in another Python interpreter, asked and answering in lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, final

from steepest.errors import ConfigurationError

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@final
class Conversation(AbstractContextManager["Conversation"]):
    """A library that works in another process, and waits there between requests.

    Args:
        python: the interpreter that has it.
        program: what runs there, with the library's name as its argument; it says its version
            first, and then answers each line with one.
        name: of the library.
        threads: that it may use.

    Raises:
        ConfigurationError: the interpreter does not start, or does not have the library.
    """

    def __init__(self, python: Path, program: Path, name: str, threads: int) -> None:
        self.name = name
        self._python = python
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed in close)
        environment = os.environ | dict.fromkeys(_THREADS, str(threads))
        environment.pop("PYTHONPATH", None)
        try:
            self._process = subprocess.Popen(
                [str(python), "-P", str(program), name],
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

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises:
            ConfigurationError: the program has ended, with its last words.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended: what it had to say is read next
        return self._heard()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()

    def __exit__(self, *_: object) -> None:
        self.close()

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
