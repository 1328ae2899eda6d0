"""How training goes, while it goes: one line that is rewritten, or plain lines in a log."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, final

from steepest.cli.terminal import Terminal
from steepest.train.callbacks import Callback, EverySteps, Snapshot

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


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
                TextColumn("epoch {task.completed:.0f} of {task.total:.0f}"),
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

    def callbacks(self) -> list[Callback]:
        """What the Trainer is to call."""
        return [self._after_epoch, EverySteps(10, self._after_steps)]

    def _after_epoch(self, now: Snapshot) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, figures=figures(now.metrics))
            return
        self._terminal.say(f"epoch {now.epoch}/{now.epochs}  {figures(now.metrics)}")

    def _after_steps(self, now: Snapshot) -> None:
        if self._bar is None or self._task is None:
            return
        done = now.step / now.steps_per_epoch
        left = now.seconds / done * (now.epochs - done)
        self._bar.update(self._task, completed=done, left=f"at most {_clock(left)} left")


def figures(row: Mapping[str, float]) -> str:
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
