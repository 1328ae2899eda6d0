"""How a search goes, while it goes: the best so far and what is running, or a line per trial."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, final

from steepest.cli.terminal import Terminal
from steepest.tabular.summary import plain

if TYPE_CHECKING:
    from rich.live import Live

    from steepest.tabular.search import SearchNow, Trial

_OFTEN = 0.1  # seconds


@final
class SearchProgress:
    """Shows a search on stderr; a context manager, so that what is rewritten is gone at the end."""

    def __init__(self, terminal: Terminal) -> None:
        """Prepare; nothing is written before the first trial."""
        self._terminal = terminal
        self._live: Live | None = None
        self._began = time.monotonic()
        self._last = 0.0

    def __enter__(self) -> SearchProgress:
        """Open the lines."""
        if self._terminal.is_interactive:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True)
            self._live = Live(console=console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take them away."""
        if self._live is not None:
            self._live.stop()

    def see(self, now: SearchNow) -> None:
        """Show it; called by one thread at a time."""
        if self._live is None:
            if now.ended is not None:
                self._terminal.say(ended_line(now, now.ended))
            return
        if now.ended is None and time.monotonic() - self._last < _OFTEN:
            return
        self._last = time.monotonic()
        from rich.text import Text

        width = self._live.console.width - 1
        lines = progress_lines(now, self._last - self._began)
        self._live.update(Text("\n".join(line[:width] for line in lines)), refresh=True)


def ended_line(now: SearchNow, trial: Trial) -> str:
    """What came of a trial, in a line of a log."""
    came = f"{now.metric} {plain(trial.value)}" if trial.value is not None else trial.state
    if trial.message:
        came += f": {trial.message.splitlines()[0]}"
    is_best = now.best is not None and now.best.number == trial.number
    best = "the best so far" if is_best else _best(now)
    epochs = "1 epoch" if trial.epochs == 1 else f"{trial.epochs} epochs"
    return f"trial {trial.number} ({len(now.done)}/{now.trials}): {came}, {epochs}; {best}"


def progress_lines(now: SearchNow, seconds: float) -> list[str]:
    """The state of a search: a line for all of it, and one for each trial that runs here."""
    pruned = sum(trial.state == "pruned" for trial in now.done)
    failed = sum(trial.state == "failed" for trial in now.done)
    words = [f"{len(now.done)}/{now.trials} trials"]
    words += [f"{pruned} pruned"] if pruned else []
    words += [f"{failed} failed"] if failed else []
    minutes, left = divmod(round(seconds), 60)
    lines = [f"{', '.join(words)}; {_best(now)}; {minutes}:{left:02}"]
    for each in now.running:
        fold = f"fold {each.fold + 1}, " if each.fold else ""
        loss = "" if each.loss is None else f", loss {plain(each.loss)}"
        far = f"{fold}epoch {each.epoch}/{each.epochs}{loss}" if each.epochs else "starts"
        lines.append(f"  trial {each.number}: {far}")
    return lines


def _best(now: SearchNow) -> str:
    if now.best is None:
        return "none ended yet"
    return f"best {now.metric} {plain(now.best.value)} (trial {now.best.number})"
