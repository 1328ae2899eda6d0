"""The command `steepest`: what its subcommands have in common, and what errors become."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence

from steepest.cli.exit_codes import BUG, FINISHED, INTERRUPTED, MISTAKE

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: What follows the program's name; by default what the shell passed.

    Returns:
        0, or 2 for the user's mistake, 130 after Ctrl-C, 1 for a bug of ours.

    >>> main(["--version"])
    steepest ...
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    show_traceback = arguments[:1] == ["--traceback"]
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]  (closed by the shell)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        return _run(arguments[show_traceback:])
    except KeyboardInterrupt:
        _complain("interrupted; nothing was saved")
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return FINISHED
    except Exception as error:
        message = _explain(error)
        if show_traceback:
            raise
        if message is not None:
            _complain(message)
            return MISTAKE
        _complain(
            f"this is a bug in steepest ({type(error).__name__}: {error}); please report it with "
            "the output of the same command written 'steepest --traceback ...'"
        )
        return BUG


def _run(arguments: list[str]) -> int:
    from typer import Exit

    from steepest.cli.application import command

    # Not command().main(), which has its own idea of Ctrl-C and closed pipes.
    group = command()
    try:
        with warnings.catch_warnings(), group.make_context("steepest", arguments) as context:
            warnings.showwarning = _say_once()
            code = group.invoke(context)
    except Exit as leave:
        code = leave.exit_code
    sys.stdout.flush()
    return code if isinstance(code, int) else FINISHED


def _say_once() -> Callable[..., None]:
    """Write warnings as the command writes everything, without a line of Python, once each."""
    said: set[str] = set()

    def say(message: Warning | str, *_: object) -> None:
        if str(message) not in said:
            said.add(str(message))
            _complain(str(message))

    return say


def _explain(error: Exception) -> str | None:
    """Say what the user can do about an error; None for a bug of ours."""
    from typer import Abort, TyperException

    from steepest.errors import SteepestError

    if isinstance(error, SteepestError):
        return str(error)
    if isinstance(error, TyperException):
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "steepest"
        message = error.format_message().rstrip(".")
        if "unexpected extra argument" in message:
            message += "; a pattern of several files stands in quotes, as in 'logs/*.csv'"
        return f"{message}\n'{path} -h' shows what it takes"
    if isinstance(error, Abort):
        return "aborted"
    if isinstance(error, MemoryError):
        return "out of memory; try fewer columns (--features), or training.batch_size smaller"
    if isinstance(error, OSError):
        _silence_stdout()
        where = f" {error.filename}" if error.filename else ""
        return f"cannot read or write{where}: {(error.strerror or str(error)).lower()}"
    return None


def _complain(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(f"steepest: {message}", file=sys.stderr)


def _silence_stdout() -> None:
    """Point stdout nowhere, or Python complains about it once more on its way out."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
