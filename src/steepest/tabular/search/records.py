"""What came of each trial, and the whole of them as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Literal, TypeAlias, final

from msgspec import Struct

from steepest.tabular.options import Plain

State: TypeAlias = Literal["complete", "pruned", "failed", "running"]


@final
class Trial(Struct, frozen=True, kw_only=True):
    """One trial.

    Attributes:
        number: its place in the search, from 0.
        state: "complete"; "pruned", stopped since it fell behind; "failed", its loss was not
            finite from the first epoch on; "running", here or in another process.
        value: the score searched for, of rows that it was not trained on; None unless complete.
        options: the values drawn for it, by name.
        epochs: that were trained.
        seconds: that it took.
        message: why it failed.
    """

    number: int
    state: State
    value: float | None
    options: dict[str, Plain]
    epochs: int = 0
    seconds: float = 0.0
    message: str = ""


def best_trial(trials: Sequence[Trial], *, rising: bool) -> Trial | None:
    """The complete trial with the best value; of equals the first."""
    sign = -1.0 if rising else 1.0
    complete = [
        (sign * trial.value, trial.number, trial)
        for trial in trials
        if trial.state == "complete" and trial.value is not None
    ]
    return min(complete, key=lambda each: each[:2])[2] if complete else None


def trials_csv(trials: Sequence[Trial], metric: str) -> str:
    """A line per trial: number, state, the metric, epochs, seconds, and a column per option."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.options))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", metric, "epochs", "seconds", *names, "message"])
    for trial in trials:
        options = [_cell(trial.options[name]) if name in trial.options else "" for name in names]
        value = "" if trial.value is None else repr(trial.value)
        row = [trial.number, trial.state, value, trial.epochs, f"{trial.seconds:.3f}", *options]
        writer.writerow([*row, trial.message])
    return text.getvalue()


def _cell(value: Plain) -> str:
    return value if isinstance(value, str) else json.dumps(value)
