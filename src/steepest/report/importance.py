"""What mattered in a search: its value against each option that was searched, as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from steepest.report.curves import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRIAL, _BEST, _INK = "#0072B2", "#D55E00", "#333333"
_COLUMNS = 4
_FAR = 3.0  # times the distance of the median from the best


@final
@dataclass(frozen=True)
class Searched:
    """One option's values in the trials, in their order.

    Args:
        name: the option's.
        values: numbers, or words of choices.
        log: whether they were drawn on a logarithmic scale.
        ends: the least and the greatest number that could be drawn.
        choices: the order of words; empty for numbers.
        share: of the variance of the value, if it is known.
    """

    name: str
    values: Sequence[float | str]
    log: bool
    ends: tuple[float, float]
    choices: Sequence[str]
    share: float | None


def draw_importance(
    searched: Sequence[Searched],
    values: Sequence[float],
    *,
    metric: str,
    rising: bool,
    title: str,
    format: str,
) -> bytes:
    """Draw the value of each trial against each option, the most important option first.

    Trials that are far worse than the median stand at the edge as triangles.

    Args:
        searched: the options; a panel each.
        values: of the trials.
        metric: what they are.
        rising: whether more is better.
        title: above the figure.
        format: "png", "svg" or "pdf".

    Returns:
        The picture's bytes; equal input gives equal bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(searched))
    rows = math.ceil(len(searched) / columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.1 * columns + 0.4, 2.6 * rows + 0.5), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
        places = [panel for row in panels for panel in row]
        shown, edge = _within(values, rising=rising)
        for panel, option in zip(places, searched, strict=False):
            _panel(panel, option, shown, edge, values, rising=rising)
        for panel in places[len(searched) :]:
            panel.set_visible(False)
        for row in panels:
            row[0].set_ylabel(metric.replace("_", " "))
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        known = any(option.share is not None for option in searched)
        figure.supxlabel(
            "ring: the best trial"
            + ("; triangles: far worse than the median" if edge is not None else "")
            + ("; %: share of the variance that the option makes by itself" if known else ""),
            x=0.01, ha="left", fontsize=9, color=_INK,
        )  # fmt: skip
        output = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format, {})
        figure.savefig(output, format=format, dpi=150, metadata=undated)
    return output.getvalue()


def _within(values: Sequence[float], *, rising: bool) -> tuple[list[float], float | None]:
    """The values with far ones put on the edge, and the edge if there are any."""
    ordered = sorted(values, reverse=rising)
    best, median = ordered[0], ordered[len(ordered) // 2]
    edge = best + _FAR * (median - best)
    worse = [value < edge if rising else value > edge for value in values]
    if median == best or not any(worse):
        return [*values], None
    return [edge if far else value for value, far in zip(values, worse, strict=True)], edge


def _panel(
    axes: Axes,
    option: Searched,
    shown: Sequence[float],
    edge: float | None,
    values: Sequence[float],
    *,
    rising: bool,
) -> None:
    places = _places(option)
    near = [each for each in zip(places, shown, strict=True) if each[1] != edge]
    far = [each for each in zip(places, shown, strict=True) if each[1] == edge]
    axes.plot(*_columns(near), ls="", marker="o", ms=5, color=_TRIAL, alpha=0.65, mew=0)
    pointing = "v" if rising else "^"
    axes.plot(*_columns(far), ls="", marker=pointing, ms=6, color=_TRIAL, alpha=0.35, mew=0)
    best = values.index(max(values) if rising else min(values))
    axes.plot(
        [places[best]], [values[best]], marker="o", ms=10, mfc="none", mec=_BEST, mew=2, ls=""
    )
    if option.choices:
        axes.set_xticks(range(len(option.choices)), [_short(each) for each in option.choices])
        axes.set_xlim(-0.6, len(option.choices) - 0.4)
    else:
        _scale(axes, option)
    axes.set_title(option.name.replace("_", " "), loc="left", fontsize=11)
    if option.share is not None:
        axes.set_title(f"{option.share:.0%}", loc="right", fontsize=11, color=_INK)


def _scale(axes: Axes, option: Searched) -> None:
    """An axis over all that could be drawn, a little more on either side."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

    low, high = option.ends
    if not option.log:
        margin = 0.04 * (high - low)
        axes.set_xlim(low - margin, high + margin)
        whole = isinstance(low, int) and isinstance(high, int)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        return
    axes.set_xscale("log")
    factor = (high / low) ** 0.04
    axes.set_xlim(low / factor, high * factor)
    if high / low < 1_000:  # powers of ten alone would be too few to read
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())


def _places(option: Searched) -> list[float]:
    """Where on the axis each trial is; equal choices are spread a little, evenly."""
    if not option.choices:
        return [float(value) for value in option.values]
    seen: dict[Any, int] = {}
    places: list[float] = []
    for value in option.values:
        count = seen[value] = seen.get(value, 0) + 1
        spread = (count * 0.6180339887 % 1 - 0.5) * 0.5  # the golden ratio fills a line evenly
        places.append(option.choices.index(str(value)) + spread)
    return places


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _short(text: str) -> str:
    return text if len(text) <= 9 else text[:8] + "…"


def by_share(shares: Mapping[str, float], names: Sequence[str]) -> list[str]:
    """Names with the largest share first; those without one as they were, at the end.

    >>> by_share({"b": 0.9, "a": 0.1}, ["a", "b", "c"])
    ['b', 'a', 'c']
    """
    return sorted(names, key=lambda name: -shares.get(name, 0.0))
