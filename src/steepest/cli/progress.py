"""How training goes, while it goes: one line that is rewritten, or plain lines in a log."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, final

from steepest.cli.terminal import Terminal

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@final
class TrainingProgress:
    """Shows each epoch on stderr; a context manager, so that the line is gone at the end."""

    def __init__(self, terminal: Terminal, max_epochs: int) -> None:
        """Prepare; nothing is written before the first epoch."""
        self._terminal = terminal
        self._max_epochs = max_epochs
        self._started = monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> TrainingProgress:
        """Open the line."""
        if self._terminal.is_interactive:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[figures]}"),
                TextColumn("{task.fields[left]}", style="dim"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=self._max_epochs, figures="starting", left="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line away."""
        if self._bar is not None:
            self._bar.stop()

    def epoch(self, row: Mapping[str, object]) -> None:
        """Show what one epoch came to."""
        number = row.get("epoch")
        assert isinstance(number, int)
        left = (monotonic() - self._started) / number * (self._max_epochs - number)
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                completed=number,
                figures=figures(row),
                left=f"at most {_clock(left)} left" if number < self._max_epochs else "",
            )
            return
        self._terminal.say(f"epoch {number}/{self._max_epochs}  {figures(row)}")


def figures(row: Mapping[str, object]) -> str:
    """Write an epoch's losses and metrics in one line.

    >>> figures({"epoch": 1, "loss": 0.51234, "validation_loss": 0.5, "validation_accuracy": 0.75})
    'loss 0.5123  validation loss 0.5000  validation accuracy 0.7500'
    """
    names = ["loss", "validation_loss"]
    names += [n for n in row if n.startswith("validation_") and n != "validation_loss"]
    shown = [(name, row.get(name)) for name in names]
    return "  ".join(
        f"{name.replace('_', ' ')} {value:.4f}" for name, value in shown if isinstance(value, float)
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
