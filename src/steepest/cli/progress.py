"""How training goes, while it goes: one line that is rewritten, or plain lines in a log."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, final

from steepest.cli.terminal import Terminal
from steepest.train.callbacks import Callback, EverySteps, Snapshot

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_UNSHOWN = ("epoch", "step", "penalty", "learning_rate", "seconds")


@final
class TrainingProgress:
    """Shows each epoch on stderr; a context manager, so that the line is gone at the end."""

    def __init__(self, terminal: Terminal, max_epochs: int) -> None:
        """Prepare; nothing is written before the first epoch."""
        self._terminal = terminal
        self._max_epochs = max_epochs
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> TrainingProgress:
        """Open the line."""
        if self._terminal.is_interactive:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                BarColumn(bar_width=10),
                TextColumn("{task.fields[figures]}"),
                TextColumn("{task.fields[left]}", style="dim"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                "", total=self._max_epochs, figures="first epoch", left=""
            )
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

    def callbacks(self) -> list[Callback]:
        """What the Trainer is to call."""
        if self._terminal.quiet:
            return []
        often = [EverySteps(10, self._after_steps)] if self._bar is not None else []
        return [self._after_epoch, *often]

    def _after_epoch(self, now: Snapshot) -> None:
        if self._bar is not None and self._task is not None:
            shown = figures(now.metrics).replace("validation loss", "validation")
            self._bar.update(self._task, figures=shown.replace("validation accuracy", "accuracy"))
            return
        self._terminal.say(f"epoch {now.epoch}/{now.epochs}  {figures(now.metrics)}")

    def _after_steps(self, now: Snapshot) -> None:
        if self._bar is None or self._task is None:
            return
        done = now.step / now.steps_per_epoch
        left = now.seconds / done * (now.epochs - done)
        self._bar.update(self._task, completed=done, left=f"{_clock(left)} left")


def figures(row: Mapping[str, float]) -> str:
    """Write an epoch's losses and metrics in one line.

    >>> figures({"epoch": 1, "loss": 0.51234, "validation_loss": 0.5, "validation_accuracy": 0.75})
    'loss 0.5123  validation loss 0.5000  validation accuracy 0.7500'
    """
    validated = "validation_loss" in row
    shown = {
        name: value
        for name, value in row.items()
        if name not in _UNSHOWN and (name == "loss" or name.startswith("validation_") == validated)
    }
    return "  ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in shown.items())


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
