"""`steepest bench --optimizers`: L1's table of methods, measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from steepest.cli.terminal import Terminal

if TYPE_CHECKING:
    from steepest.bench.optimizers import Measured

_WIDTH = 120


def bench_optimizers(seconds: float, threads: int, terminal: Terminal, *, json_: bool) -> None:
    """Measure, and print a table or JSON."""
    from steepest.bench.optimizers import Sizes, compare_optimizers
    from steepest.bench.pinning import pinned

    with pinned(threads):
        rows = compare_optimizers(seconds=seconds, say=terminal.say)
    if json_:
        document = {"sizes": asdict(Sizes()), "methods": [asdict(row) for row in rows]}
        print(json.dumps(document))
        return
    _show(rows)


def _show(rows: Sequence[Measured]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="none")
    table.add_column("method", no_wrap=True)
    for heading in ("iterations", "µs each", "ms in all", "grows as", "L1"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        count = row.iterations
        table.add_row(
            row.name,
            "–" if count is None else f"{count:,}",
            f"{1e6 * row.seconds:.1f}",
            "–" if count is None else f"{1e3 * count * row.seconds:.1f}",
            " ".join(f"{size}^{exponent:.1f}" for size, exponent in row.exponents.items()),
            row.theory,
        )
    console = Console(width=_WIDTH, highlight=False)
    console.print(table)
    console.print(
        "grows as: measured; L1: of the lecture. n rows, d weights, m pairs that L-BFGS keeps, "
        "k rows of a mini-batch",
        soft_wrap=True,
    )
