"""`steepest bench --watching`: what watching costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from steepest.cli.terminal import Terminal

if TYPE_CHECKING:
    from steepest.bench.run import Settings
    from steepest.bench.watching import WatchingResult
    from steepest.bench.workloads import Workload

_WIDTH = 160


def bench_watching(
    workloads: Sequence[Workload],
    every: int,
    settings: Settings,
    threads: int,
    terminal: Terminal,
    *,
    json_: bool,
) -> None:
    """Time them, and print."""
    from steepest import __version__
    from steepest.bench.pinning import pinned
    from steepest.bench.watching import bench_watching as timed
    from steepest.runtime.processor import this_processor

    with pinned(threads):
        results = [timed(each, every, settings, terminal.say) for each in workloads]
    if json_:
        document = {
            "steepest": __version__,
            "processor": this_processor().name,
            "threads": threads,
            "settings": asdict(settings),
            "watching": [result.document() for result in results],
        }
        print(json.dumps(document))
    else:
        _show(results)


def _show(results: Sequence[WatchingResult]) -> None:
    from rich.console import Console
    from rich.table import Table

    from steepest.bench.results import OURS
    from steepest.bench.watching import WATCHED

    shown = Table(box=None, pad_edge=False, header_style="none")
    for heading in ("workload", "µs a step", "watched µs", "every", "cost"):
        shown.add_column(heading, justify="left" if not shown.columns else "right")
    for result in results:
        shown.add_row(
            result.workload,
            *(f"{1e6 * result.times.processor[name]:.1f}" for name in (OURS, WATCHED)),
            str(result.every),
            f"{100 * (result.cost - 1):+.1f} %",
        )
    Console(width=_WIDTH, highlight=False).print(shown)
