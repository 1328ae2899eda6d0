"""How training goes, while it goes: one line that is rewritten, or plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, final

from steepest.cli.terminal import Terminal
from steepest.tabular.summary import figures
from steepest.train.callbacks import Callback, EverySteps, Snapshot

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_BAR = 10
_LATER = 3  # epochs


@final
class TrainingProgress:
    """Shows each epoch on stderr; a context manager, so that the line is gone at the end."""

    def __init__(self, terminal: Terminal, members: int = 1) -> None:
        """Prepare; nothing is written before the first epoch.

        Args:
            terminal: where it is written.
            members: of an ensemble, which are shown together by their means.
        """
        self._terminal = terminal
        self._count = members
        self._done: dict[int, float] = {}
        self._metrics: dict[int, Mapping[str, float]] = {}
        self._epochs: dict[int, list[Snapshot]] = {}
        self._said = 0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> TrainingProgress:
        """Open the line."""
        if self._terminal.is_interactive:
            from rich.console import Console
            from rich.progress import Progress, TextColumn

            console = Console(stderr=True)
            self._bar = Progress(
                TextColumn("{task.fields[line]}", markup=False), console=console, transient=True
            )
            self._bar.start()
            self._task = self._bar.add_task("", line="first epoch")
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
        self._say_epochs(sys.maxsize)

    def callbacks(self) -> list[Callback]:
        """What the Trainer is to call."""
        if self._terminal.quiet:
            return []
        often = [EverySteps(10, self._after_steps)] if self._bar is not None else []
        return [self._after_epoch, *often]

    def _after_epoch(self, now: Snapshot) -> None:
        self._metrics[now.member] = now.metrics
        if self._bar is not None:
            return
        self._epochs.setdefault(now.epoch, []).append(now)
        # Members take turns: those that an epoch still lacks later have stopped.
        is_complete = len(self._epochs[now.epoch]) == self._count
        self._say_epochs(now.epoch if is_complete else now.epoch - _LATER)

    def _say_epochs(self, last: int) -> None:
        """Write a line for each epoch up to this one that has none yet."""
        for epoch in sorted(each for each in self._epochs if each <= last):
            ended = self._epochs.pop(epoch)
            if epoch <= self._said:
                continue
            self._said = epoch
            count = f"  {len(ended)} members" if self._count > 1 else ""
            shown = figures(_means([each.metrics for each in ended]))
            self._terminal.say(f"epoch {epoch}/{ended[0].epochs}{count}  {shown}")

    def _after_steps(self, now: Snapshot) -> None:
        if self._bar is None or self._task is None:
            return
        self._done[now.member] = now.step / now.steps_per_epoch
        done = sum(self._done.values()) / self._count
        left = f"{_clock(now.seconds / done * (now.epochs - done))} left"
        console = self._bar.console
        line = progress_line(
            console.width - 1,
            done=done,
            epochs=now.epochs,
            metrics=_means(list(self._metrics.values())),
            left=left,
        )
        signs = str.maketrans("━─", "#.") if console.options.ascii_only else {}
        self._bar.update(self._task, line=line.translate(signs))


def _means(metrics: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Of one row itself."""
    if len(metrics) < 2:
        return metrics[0] if metrics else {}
    return {name: sum(each[name] for each in metrics) / len(metrics) for name in metrics[0]}


def progress_line(
    width: int, *, done: float, epochs: int, metrics: Mapping[str, float], left: str
) -> str:
    """Write as much as fits in `width` columns; epoch and validation loss stay longest.

    >>> metrics = {"loss": 0.25, "validation_loss": 0.5}
    >>> progress_line(60, done=5, epochs=10, metrics=metrics, left="0:09 left")
    '5/10 ━━━━━───── loss 0.25000  validation 0.50000 0:09 left'
    >>> progress_line(30, done=5, epochs=10, metrics=metrics, left="0:09 left")
    '5/10 validation 0.50000'
    """
    count = f"{int(done)}/{epochs}"
    filled = min(_BAR, int(_BAR * done / epochs))
    bar = "━" * filled + "─" * (_BAR - filled)
    loss = "validation_loss" if "validation_loss" in metrics else "loss"
    every = _in_short(metrics) or "first epoch"
    least = _in_short({name: metrics[name] for name in (loss,) if name in metrics})
    lines = [f"{count} {bar} {every} {left}", f"{count} {every} {left}", f"{count} {every}"]
    return next((line for line in lines if len(line) <= width), f"{count} {least}".rstrip())


def _in_short(metrics: Mapping[str, float]) -> str:
    shown = figures(metrics).replace("validation loss", "validation")
    return shown.replace("validation accuracy", "accuracy").replace("validation rmse", "rmse")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
