"""The learning curves of a training run as a picture."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from steepest.errors import ConfigurationError
from steepest.methods import implements

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

FORMATS = ("png", "svg", "pdf")
_NO_METRICS = frozenset(
    {"member", "epoch", "step", "loss", "penalty", "learning_rate", "seconds", "evaluations"}
)
Rows: TypeAlias = Sequence[Mapping[str, float | int | str | None]]

# Okabe and Ito's palette: told apart by people with any kind of colour vision, and in grey.
_TRAINING, _VALIDATION, _BEST, INK = "#0072B2", "#D55E00", "#009E73", "#333333"
STYLE: dict[RcKeyType, Any] = {
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "steepest",
}


def picture_format(path: Path) -> str:
    """Tell the picture's format from its file name.

    >>> picture_format(Path("curves.svg"))
    'svg'
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in FORMATS:
        raise ConfigurationError(
            f"cannot draw to {str(path)!r}: name it .png, .svg or .pdf, and it is written as such"
        )
    return suffix


@implements("W1", option="--plot FILE")
def draw_curves(rows: Rows, *, best_epoch: int | None, title: str, format: str) -> bytes:
    """Draw loss and metrics over the epochs, the epoch whose weights were kept marked.

    Args:
        rows: One mapping an epoch, with "epoch", "loss", and where known "validation_loss" and
            pairs such as "accuracy", "validation_accuracy".
        best_epoch: The epoch whose weights were kept.
        title: Above the figure.
        format: "png", "svg" or "pdf".

    Returns:
        The picture's bytes; equal input gives equal bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    metrics = _metrics(rows)
    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(5.2 * (1 + len(metrics)) if metrics else 6.4, 4.0), layout="constrained"
        )
        panels = figure.subplots(1, 1 + len(metrics), squeeze=False)[0]
        _panel(panels[0], rows, "loss", best_epoch)
        for axes, metric in zip(panels[1:], metrics, strict=True):
            _panel(axes, rows, metric, best_epoch)
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        _legend(figure, panels)
        output = io.BytesIO()
        figure.savefig(output, format=format, dpi=150, metadata=undated(format))
    return output.getvalue()


def undated(format: str) -> dict[str, Any]:
    """What keeps the date out of a picture, so that equal pictures are equal bytes."""
    return {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format, {})


def _metrics(rows: Rows) -> list[str]:
    known = {name.removeprefix("validation_") for row in rows for name in row}
    return sorted(known - _NO_METRICS)


def _panel(axes: Axes, rows: Rows, name: str, best_epoch: int | None) -> None:
    from matplotlib.ticker import MaxNLocator

    words = name.replace("_", " ")
    epochs: list[int] = []
    validation: list[float] = []
    for run in _runs(rows):
        marker = "o" if len(run) <= 30 and len(run) == len(rows) else ""
        width = 2.0 if len(run) == len(rows) else 1.0
        epochs, training = _series(run, name)
        if training:
            axes.plot(
                epochs, training, color=_TRAINING, label="training", lw=width, marker=marker, ms=4
            )
        epochs, validation = _series(run, f"validation_{name}")
        if validation:
            axes.plot(
                epochs, validation, color=_VALIDATION, label="validation", lw=width,
                ls=(0, (5, 1.5)), marker=marker, ms=4,
            )  # fmt: skip
    axes.set_title(words, loc="left")
    if best_epoch is not None and best_epoch in epochs:
        value = validation[epochs.index(best_epoch)]
        axes.axvline(best_epoch, color=_BEST, lw=1.2, ls=":", zorder=1)
        axes.plot(
            [best_epoch], [value], marker="o", ms=9, mfc="white", mec=_BEST, mew=2, ls="", zorder=5,
            label=f"kept: epoch {best_epoch}",
        )  # fmt: skip
        axes.set_title(f"{value:.4g}", loc="right", color=_BEST)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.02, y=0.08)


def _runs(rows: Rows) -> list[Rows]:
    """The rows of each member of an ensemble; otherwise all."""
    members = dict.fromkeys(row.get("member") for row in rows)
    return [[row for row in rows if row.get("member") == member] for member in members]


def _legend(figure: Figure, panels: Iterable[Axes]) -> None:
    """Say once for all panels, above them, which line is which: inside it would hide lines."""
    found: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        figure.legend(found.values(), found.keys(), loc="outside upper right", ncols=len(found))


def _series(rows: Rows, name: str) -> tuple[list[int], list[float]]:
    points = [(row["epoch"], row.get(name)) for row in rows]
    kept = [
        (int(epoch), float(value))
        for epoch, value in points
        if isinstance(epoch, int) and isinstance(value, float)
    ]
    return [epoch for epoch, _ in kept], [value for _, value in kept]
