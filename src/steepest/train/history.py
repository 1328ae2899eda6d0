"""The history of a training run: a row for each epoch, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal, TypeAlias, final

import numpy as np

Stopped: TypeAlias = Literal[
    "finished", "early stopping", "time limit", "interrupted", "callback", "non-finite loss"
]
Row: TypeAlias = dict[str, Any]
_WIDTH, _HEIGHT, _SHOWN = 420, 140, 12


@final
class History:
    """What happened in a call of ``fit``.

    Attributes:
        rows: A dict for each epoch: ``epoch`` (from 1), ``step``, ``loss`` (mean over the epoch's
            batches as trained, weighted by their sizes, without the penalty), ``penalty``
            (likewise), metrics as trained, ``validation_loss`` and ``validation_<metric>`` (at the
            end of the epoch, without dropout), ``learning_rate`` (of the last step), ``seconds``
            (since ``fit`` began).
        best_epoch: The epoch with the best watched value (validation loss; training loss without
            validation data); None before the end of the first epoch.
        stopped: Why it ended: "finished", "early stopping", "time limit", "interrupted", "callback"
            or "non-finite loss".
        message: More about the end, where there is more to say.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.best_epoch: int | None = None
        self.stopped: Stopped = "finished"
        self.message = ""

    def column(self, name: str) -> list[float]:
        """One column of the rows."""
        return [row[name] for row in self.rows]

    def to_json_lines(self) -> str:
        r"""The rows as JSON, one object a line.

        >>> import steepest as st
        >>> history = st.History()
        >>> history.rows.append({"epoch": 1, "loss": 0.5})
        >>> history.to_json_lines()
        '{"epoch": 1, "loss": 0.5}\n'
        """
        return "".join(json.dumps(_plain(row)) + "\n" for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        best = "" if self.best_epoch is None else f", best epoch {self.best_epoch}"
        return f"<history: {len(self.rows)} epochs, {self.stopped}{best}>"

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{escape(repr(self))}</p>"
        names = [name for name in self.rows[-1] if name not in ("step", "seconds")]
        shown = self.rows[-_SHOWN:]
        head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
        body = "".join(
            f"<tr{_bold(row, self.best_epoch)}>"
            + "".join(f"<td>{_number(row.get(name))}</td>" for name in names)
            + "</tr>"
            for row in shown
        )
        left_out = len(self.rows) - len(shown)
        note = f"<p>{left_out} earlier epochs not shown</p>" if left_out else ""
        end = f"{self.stopped}{': ' + self.message if self.message else ''}"
        return f"{_curves(self.rows)}{note}<table><tr>{head}</tr>{body}</table><p>{escape(end)}</p>"


def _plain(row: Row) -> Row:
    """Numbers that JSON lacks become null."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in row.items()
    }


def _bold(row: Row, best: int | None) -> str:
    return ' style="font-weight:bold"' if row["epoch"] == best else ""


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _curves(rows: Sequence[Mapping[str, Any]]) -> str:
    """Training loss and validation loss over the epochs, as a small picture."""
    curves = {
        name: [row[name] for row in rows if np.isfinite(row[name])]
        for name in ("loss", "validation_loss")
        if name in rows[-1]
    }
    values = [value for curve in curves.values() for value in curve]
    if len(rows) < 2 or not values:
        return ""
    low, high = min(values), max(values)
    colours = {"loss": "#0072b2", "validation_loss": "#d55e00"}
    drawn = "".join(
        f'<polyline fill="none" stroke="{colours[name]}" stroke-width="2" '
        f'points="{_points(curve, low, high)}"/>'
        for name, curve in curves.items()
    )
    labels = "".join(
        f'<text x="{_WIDTH - 6}" y="{16 + 16 * i}" text-anchor="end" font-size="12" '
        f'fill="{colours[name]}">{name.replace("_", " ")}</text>'
        for i, name in enumerate(curves)
    )
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{drawn}{labels}</svg>'


def _points(curve: Sequence[float], low: float, high: float) -> str:
    across = (_WIDTH - 12) / max(len(curve) - 1, 1)
    up = (_HEIGHT - 12) / ((high - low) or 1.0)
    return " ".join(
        f"{6 + i * across:.1f},{_HEIGHT - 6 - (value - low) * up:.1f}"
        for i, value in enumerate(curve)
    )
