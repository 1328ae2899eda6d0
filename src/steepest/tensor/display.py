"""How a Tensor looks in a notebook: its type, and a table with shaded numbers."""

from __future__ import annotations

from html import escape

import numpy as np

from steepest.ir.types import Array, TensorType

_ROWS, _COLUMNS = 12, 12


def html(value: Array | None, type: TensorType, text: str) -> str:
    """A small table for up to two axes; the text form otherwise."""
    title = f"<small>Tensor {escape(str(type))}</small>"
    if value is None or not 1 <= value.ndim <= 2 or value.size == 0:
        return f"{title}<pre>{escape(text)}</pre>"
    values = np.atleast_2d(value)
    shown = values[:_ROWS, :_COLUMNS]
    largest = float(np.nanmax(np.abs(shown.astype(float)), initial=0.0)) or 1.0
    more_columns = values.shape[1] > _COLUMNS
    rows = [
        "<tr>"
        + "".join(_cell(value, largest) for value in row)
        + ("<td>…</td>" if more_columns else "")
        for row in shown
    ]
    more_rows = "<tr><td>⋮</td></tr>" if values.shape[0] > _ROWS else ""
    return f"{title}<table>{''.join(rows)}{more_rows}</table>"


def _cell(value: np.generic, largest: float) -> str:
    number = float(value)
    strength = min(abs(number) / largest, 1.0) * 0.35 if np.isfinite(number) else 0.0
    colour = "26,127,55" if number >= 0 else "207,34,46"
    text = f"{value:.4g}" if isinstance(value, np.floating) else str(value)
    return f'<td style="background:rgba({colour},{strength:.2f})">{escape(text)}</td>'
