"""The watched steps of a training run as a picture: a row for each layer with weights."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from steepest.errors import DataError
from steepest.methods import implements
from steepest.report.curves import INK, STYLE, undated
from steepest.train.watched import Watched

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

_MOST_ROWS = 16
_OUTPUTS, _SATURATED, _DEAD, _LENGTH, _BAD = "#0072B2", "#D55E00", "#333333", "#0072B2", "#D55E00"
_TITLES = ("outputs: mean ± deviation", "share of units", "gradient norm", "update ÷ weights")
_LENGTHS = {2: "gradient_norm", 3: "update_ratio"}  # by column
_USUAL_RATIO = 1e-3
_STYLE: dict[RcKeyType, Any] = {**STYLE, "font.size": 9.0, "axes.titlesize": 10.0}


@final
@dataclass(frozen=True)
class Block:
    """A layer with weights, and the layers after it up to the next one with weights.

    Args:
        name: of the layer with weights.
        parts: its name and those of the others, in order.
    """

    name: str
    parts: tuple[str, ...]

    def shown(self, watched: Watched) -> str:
        """The layer whose outputs are shown: the last activation, or else the first part."""
        acting = [part for part in self.parts if watched.has(part, "dead")]
        return acting[-1] if acting else self.name

    def acts(self, watched: Watched) -> bool:
        """Whether there is an activation."""
        return watched.has(self.shown(watched), "dead")


def blocks(watched: Watched) -> list[Block]:
    """The rows of the picture.

    >>> import steepest as st
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(64, 3))
    >>> trainer = st.Trainer(st.nn.MLP(3, [8], 1), "half_squared_error", st.optim.SGD(0.1))
    >>> watched = trainer.fit(x, x[:, 0], epochs=1, batch_size=16, watch=5).watched
    >>> [block.parts for block in blocks(watched)]
    [('layers.0', 'layers.1'), ('layers.2',)]
    """
    changed = [name for name in watched.layers if watched.has(name, "gradient_norm")]
    starts = [name for name in changed if name in watched.weighted] or changed
    found: list[list[str]] = []
    for name in watched.layers:
        if name in starts:
            found.append([name])
        elif found:
            found[-1].append(name)
    return [Block(parts[0], tuple(parts)) for parts in found]


@implements("W2", option="--watch-plot FILE")
def draw_watched(watched: Watched, *, title: str, format: str) -> bytes:
    """Draw what layers did over the watched steps: outputs, flat and dead units, gradient, ratio.

    A row for each layer with weights, with the outputs of the activation after it; a column has one
    scale, so that what vanishes or explodes from row to row is seen. Of more than 16 layers every
    other one (or fewer) is shown. What stands out is written beside its row.

    Args:
        watched: ``history.watched``.
        title: above the figure.
        format: "png", "svg" or "pdf".

    Returns:
        The picture's bytes; equal input gives equal bytes.

    Raises:
        DataError: no step was watched.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = blocks(watched)
    if not rows or not watched.steps:
        raise DataError("no step was watched: train with watch=50, say")
    findings = watched.findings
    rows = rows[:: math.ceil(len(rows) / _MOST_ROWS)]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(11.0, 1.0 + 1.35 * len(rows)), layout="constrained")
        grid = figure.subplots(len(rows), len(_TITLES), squeeze=False, sharex=True)
        for axes, block in zip(grid, rows, strict=True):
            found = [each.name for each in findings if not set(block.parts).isdisjoint(each.layers)]
            _row(axes, watched, block, found)
        for axes, heading in zip(grid[0], _TITLES, strict=True):
            axes.set_title(heading, loc="left")
        for axes in grid[-1]:
            axes.set_xlabel("step")
        _one_scale(grid, watched, rows)
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        figure.legend(*_keys(), loc="outside upper right", ncols=3)
        output = io.BytesIO()
        figure.savefig(output, format=format, dpi=120, metadata=undated(format))
    return output.getvalue()


def _row(axes: Sequence[Axes], watched: Watched, block: Block, found: Sequence[str]) -> None:
    steps, shown = watched.steps, block.shown(watched)
    style: dict[str, Any] = {"lw": 1.6, "marker": "o" if len(steps) <= 30 else "", "ms": 3}
    if watched.has(shown, "mean"):
        mean, spread = watched.column(shown, "mean"), watched.column(shown, "deviation")
        low, high = ([m + sign * d for m, d in zip(mean, spread, strict=True)] for sign in (-1, 1))
        axes[0].fill_between(steps, low, high, color=_OUTPUTS, alpha=0.18, lw=0)
        axes[0].plot(steps, mean, color=_OUTPUTS, **style)
    if not block.acts(watched):
        axes[1].set_axis_off()
    for what, colour in (("saturated", _SATURATED), ("dead", _DEAD)):
        if watched.has(shown, what):
            axes[1].plot(steps, watched.column(shown, what), color=colour, **style)
    for column, what in _LENGTHS.items():
        values = [value if value > 0 else math.nan for value in watched.column(block.name, what)]
        axes[column].plot(steps, values, color=_LENGTH, **style)
    axes[3].axhline(_USUAL_RATIO, color=INK, lw=0.9, ls=(0, (2, 2)), zorder=1)
    kinds = watched.layers
    axes[0].set_ylabel(
        "\n".join([block.name, " → ".join(kinds[part] for part in block.parts[:3]), *found]),
        rotation=0, ha="right", va="center", color=_BAD if found else INK,
    )  # fmt: skip


def _one_scale(grid: Any, watched: Watched, rows: Sequence[Block]) -> None:  # noqa: ANN401  (an array of Axes)
    """Let a column have one scale; in the first one only the activations."""
    acting = [axes for axes, row in zip(grid, rows, strict=True) if row.acts(watched)]
    limits = [axes[0].get_ylim() for axes in acting]
    for axes in acting:
        axes[0].set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        axes[1].set_ylim(-0.03, 1.03)
    for column, what in _LENGTHS.items():
        low, high = _decades([value for row in rows for value in watched.column(row.name, what)])
        for axes in grid:
            axes[column].set_yscale("log")
            axes[column].set_ylim(low, high)


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Limits of a logarithmic axis, at least two decades, so that what hardly changes looks so."""
    positive = [value for value in values if 0 < value < math.inf] or [_USUAL_RATIO]
    low, high = math.log10(min(positive)), math.log10(max(positive))
    room = max(0.15, (2 - (high - low)) / 2)
    return 10 ** (low - room), 10 ** (high + room)


def _keys() -> tuple[list[Any], list[str]]:
    """What the lines are that have no panel of their own."""
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=_SATURATED, lw=2),
        Line2D([], [], color=_DEAD, lw=2),
        Line2D([], [], color=INK, lw=0.9, ls=(0, (2, 2))),
    ]
    return lines, ["saturated", "dead", "the usual ratio, 0.001"]
