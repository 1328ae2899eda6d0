"""The learning curves of a training run as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from steepest.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

FORMATS = ("png", "svg", "pdf")
Rows: TypeAlias = Sequence[Mapping[str, float | int | str | None]]

# Okabe and Ito's palette: told apart by people with any kind of colour vision, and in grey.
_TRAINING, _VALIDATION, _BEST, _INK = "#0072B2", "#D55E00", "#009E73", "#333333"
_STYLE: dict[RcKeyType, Any] = {
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": True,
    "legend.framealpha": 1.0,
    "legend.edgecolor": "none",
    "legend.facecolor": "white",
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


def draw_curves(
    rows: Rows, *, best_epoch: int | None, title: str, format: str, scale: float = 1.0
) -> bytes:
    """Draw loss and metrics over the epochs, the epoch whose weights were kept marked.

    Args:
        rows: One mapping an epoch, with "epoch", "loss", and where known "validation_loss" and
            pairs such as "accuracy", "validation_accuracy".
        best_epoch: The epoch whose weights were kept.
        title: Above the figure.
        format: "png", "svg" or "pdf".
        scale: Multiplies the losses and metrics' "rmse": the target's deviation, for its units.

    Returns:
        The picture's bytes; equal input gives equal bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    metrics = _metrics(rows)
    with mpl.rc_context(_STYLE):
        figure = Figure(
            figsize=(5.2 * (1 + len(metrics)) if metrics else 6.4, 4.0), layout="constrained"
        )
        panels = figure.subplots(1, 1 + len(metrics), squeeze=False)[0]
        _panel(panels[0], rows, "loss", best_epoch, 1.0)
        for axes, metric in zip(panels[1:], metrics, strict=True):
            _panel(axes, rows, metric, best_epoch, scale)
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        output = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format, {})
        figure.savefig(output, format=format, dpi=150, metadata=undated)
    return output.getvalue()


def _metrics(rows: Rows) -> list[str]:
    known = {name for row in rows for name in row}
    return sorted(
        name.removeprefix("validation_")
        for name in known
        if name.startswith("validation_") and name != "validation_loss"
    )


def _panel(axes: Axes, rows: Rows, name: str, best_epoch: int | None, scale: float) -> None:
    from matplotlib.ticker import MaxNLocator

    words = name.replace("_", " ")
    epochs, training = _series(rows, name, scale)
    marker = "o" if len(rows) <= 30 else ""
    if training:
        axes.plot(epochs, training, color=_TRAINING, label="training", lw=2, marker=marker, ms=4)
    epochs, validation = _series(rows, f"validation_{name}", scale)
    if validation:
        axes.plot(
            epochs, validation, color=_VALIDATION, label="validation", lw=2, ls=(0, (5, 1.5)),
            marker=marker, ms=4,
        )  # fmt: skip
    if best_epoch is not None and best_epoch in epochs:
        value = validation[epochs.index(best_epoch)]
        axes.axvline(best_epoch, color=_BEST, lw=1.2, ls=":", zorder=1)
        axes.plot(
            [best_epoch], [value], marker="o", ms=9, mfc="white", mec=_BEST, mew=2, ls="", zorder=5,
            label=f"kept: epoch {best_epoch}, {value:.4g}",
        )  # fmt: skip
    axes.set(xlabel="epoch", title=words)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.02, y=0.08)
    if training or validation:
        axes.legend()


def _series(rows: Rows, name: str, scale: float) -> tuple[list[int], list[float]]:
    points = [(row["epoch"], row.get(name)) for row in rows]
    kept = [
        (int(epoch), float(value) * scale)
        for epoch, value in points
        if isinstance(epoch, int) and isinstance(value, float)
    ]
    return [epoch for epoch, _ in kept], [value for _, value in kept]
