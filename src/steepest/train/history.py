"""The history of a training run: a row for each epoch, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal, TypeAlias, final

import numpy as np

from steepest.methods import implements
from steepest.train.watched import Watched

Stopped: TypeAlias = Literal[
    "finished",
    "converged",
    "early stopping",
    "time limit",
    "interrupted",
    "callback",
    "non-finite loss",
]
Row: TypeAlias = dict[str, Any]
_SHOWN = 12  # rows of a table
_WIDTH, _HEIGHT = 420, 160
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 412, 10, 136  # the axes, within the picture
_COLOURS = {"loss": "#0072b2", "validation_loss": "#d55e00"}


@implements("W1", option="--history FILE")
@final
class History:
    """What happened in a call of ``fit``.

    Attributes:
        rows: A dict for each epoch: ``epoch`` (from 1), ``step``, ``loss`` (mean over the epoch's
            batches as trained, weighted by their sizes, without the penalty), ``penalty``
            (likewise), metrics as trained, ``validation_loss`` and ``validation_<metric>`` (at the
            end of the epoch, without dropout), ``learning_rate`` (of the last step; of a
            driver the length of its step), ``seconds`` (since ``fit`` began), and of a driver
            ``evaluations`` (of the objective, since ``fit`` began).
        best_epoch: The epoch with the best watched value (validation loss; training loss without
            validation data); None before the end of the first epoch.
        stopped: Why it ended: "finished", "converged", "early stopping", "time limit",
            "interrupted", "callback" or "non-finite loss".
        message: More about the end, where there is more to say.
        compiling: Seconds in which the programs for training and validation were made ready.
        watched: What layers and parameters did in the steps that ``fit(…, watch=n)`` watched.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.best_epoch: int | None = None
        self.stopped: Stopped = "finished"
        self.message = ""
        self.compiling = 0.0
        self.watched = Watched()

    def state(self) -> dict[str, Any]:
        """What of it was found so far, to be kept in a file."""
        return {
            "rows": [dict(row) for row in self.rows],
            "best_epoch": self.best_epoch,
            "watched": self.watched.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.rows = [dict(row) for row in state["rows"]]
        self.best_epoch = state["best_epoch"]
        self.watched.restore(state["watched"])

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
        return f"<history: {self._extent}, {self.stopped}{best}>"

    def __str__(self) -> str:
        r"""A table of the last epochs, the best one marked with a star.

        >>> import steepest as st
        >>> history = st.History()
        >>> history.rows.append({"epoch": 1, "loss": 0.25})
        >>> print(history)
          epoch  loss
              1  0.25
        finished
        """
        if not self.rows:
            return repr(self)
        names, shown, note = self._table()
        texts = [[name.replace("_", " ") for name in names]]
        texts += [[_number(row.get(name)) for name in names] for row in shown]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        marks = ["  ", *("* " if row["epoch"] == self.best_epoch else "  " for row in shown)]
        lines = [
            mark + "  ".join(f"{text:>{width}}" for text, width in zip(line, widths, strict=True))
            for mark, line in zip(marks, texts, strict=True)
        ]
        return "\n".join([*([f"({note})"] if note else []), *lines, self._end])

    @property
    def _extent(self) -> str:
        """How many epochs; and which, where an earlier call of ``fit`` had the first ones."""
        n = len(self.rows)
        count = "1 epoch" if n == 1 else f"{n} epochs"
        if not n or self.rows[0]["epoch"] == 1:
            return count
        first, last = self.rows[0]["epoch"], self.rows[-1]["epoch"]
        return f"{count} ({first})" if n == 1 else f"{count} ({first}–{last})"

    @property
    def _end(self) -> str:
        return f"{self.stopped}{': ' + self.message if self.message else ''}"

    def _table(self) -> tuple[list[str], list[Row], str]:
        """What a table shows: columns, the last rows, and a note on the others."""
        names = [name for name in self.rows[-1] if name not in ("step", "seconds")]
        left_out = len(self.rows) - _SHOWN
        note = f"{left_out} earlier epoch{'s' * (left_out > 1)} not shown" if left_out > 0 else ""
        return names, self.rows[-_SHOWN:], note

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{escape(repr(self))}</p>"
        names, shown, note = self._table()
        head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
        body = "".join(
            f"<tr{_bold(row, self.best_epoch)}>"
            + "".join(f"<td>{escape(_number(row.get(name)))}</td>" for name in names)
            + "</tr>"
            for row in shown
        )
        above = f"<p>{note}</p>" if note else ""
        table = f"<table><tr>{head}</tr>{body}</table>"
        return f"{_curves(self.rows)}{above}{table}<p>{escape(self._end)}</p>"


def _plain(row: Row) -> Row:
    """Numbers that JSON lacks become null."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in row.items()
    }


def _bold(row: Row, best: int | None) -> str:
    return ' style="font-weight:bold"' if row["epoch"] == best else ""


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _curves(rows: Sequence[Mapping[str, Any]]) -> str:
    """Training loss and validation loss over the epochs, as a small picture."""
    names = [name for name in ("loss", "validation_loss") if name in rows[-1]]
    values = [row[name] for row in rows for name in names if np.isfinite(row[name])]
    if len(rows) < 2 or not values:
        return ""
    low, high = min(values), max(values)
    first, last = rows[0]["epoch"], rows[-1]["epoch"]
    drawn = "".join(
        f'<polyline fill="none" stroke="{_COLOURS[name]}" stroke-width="2" '
        f'points="{_points(rows, name, low, high)}"/>'
        for name in names
    )
    labels = "".join(
        _text(_RIGHT, _TOP + 4 + 16 * i, "end", name.replace("_", " "), _COLOURS[name])
        for i, name in enumerate(names)
    )
    axes = (
        f'<path d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}" fill="none" stroke="#888"/>'
        + _text(_LEFT - 6, _TOP + 8, "end", f"{high:.3g}")
        + _text(_LEFT - 6, _BOTTOM, "end", f"{low:.3g}")
        + _text(_LEFT, _BOTTOM + 16, "start", str(first))
        + _text((_LEFT + _RIGHT) // 2, _BOTTOM + 16, "middle", "epoch")
        + _text(_RIGHT, _BOTTOM + 16, "end", str(last))
    )
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    font = 'font-family="system-ui, sans-serif" font-size="12"'
    title = f"<title>loss over epochs {first} to {last}</title>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} {font}>'
        f"{title}{axes}{drawn}{labels}</svg>"
    )


def _text(x: int, y: int, anchor: str, text: str, colour: str = "#777") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _points(rows: Sequence[Mapping[str, Any]], name: str, low: float, high: float) -> str:
    """The curve; an epoch without a finite value is left out, the others stay in their places."""
    across = (_RIGHT - _LEFT) / (len(rows) - 1)
    up = (_BOTTOM - _TOP) / ((high - low) or 1.0)
    return " ".join(
        f"{_LEFT + i * across:.1f},{_BOTTOM - (row[name] - low) * up:.1f}"
        for i, row in enumerate(rows)
        if np.isfinite(row[name])
    )
