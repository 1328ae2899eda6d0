"""`steepest bench --table`: an epoch on a table as `steepest fit` trains it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from steepest.cli.flags import table_path
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError

if TYPE_CHECKING:
    from steepest.bench.run import Settings
    from steepest.bench.table import TableResult
    from steepest.tabular.configuration import Configuration

_WIDTH = 160


def bench_table(
    table: str,
    configuration: Configuration,
    peers: Path | None,
    settings: Settings,
    threads: int,
    terminal: Terminal,
    *,
    json_: bool,
) -> None:
    """Time it, beside scikit-learn if an interpreter is given that has it, and print."""
    from steepest import __version__
    from steepest.bench.peers import Peer
    from steepest.bench.pinning import pinned
    from steepest.bench.table import PEER, bench_table as timed
    from steepest.runtime.processor import this_processor
    from steepest.tabular.prepare import prepare

    with table_path(table) as path:
        parts = prepare(path, configuration)
    with pinned(threads), ExitStack() as processes:
        peer = None if peers is None else processes.enter_context(Peer(peers, PEER, threads))
        result = timed(parts, peer, settings, terminal.say)
    if result.times.is_disturbed:
        terminal.say("others used the processor meanwhile: the figures may be wrong")
    if json_:
        document = {
            "steepest": __version__,
            "processor": this_processor().name,
            "threads": threads,
            "peers": {} if peer is None else {peer.name: peer.version},
            "settings": asdict(settings),
            **result.document(),
        }
        print(json.dumps(document))
    else:
        _show(result)


def refuse_beside_table(**given: object) -> None:
    """Refuse what belongs to the benchmark of fixed networks.

    Raises:
        ConfigurationError: something is given that says nothing about a table.
    """
    for name, value in given.items():
        if value:
            raise ConfigurationError(f"--table is a benchmark of its own: leave out --{name}")


def _show(result: TableResult) -> None:
    from rich.console import Console
    from rich.table import Table

    from steepest.bench.results import OURS

    sizes = ", ".join(str(size) for size in result.sizes)
    times = result.times
    console = Console(width=_WIDTH, highlight=False)
    console.print(f"{result.table}: {result.rows:,} rows in batches of {result.batch}, {sizes}")
    shown = Table(box=None, pad_edge=False, header_style="none")
    for heading in ("seconds an epoch", "median", "lowest", "highest", f"÷ {OURS}"):
        shown.add_column(heading, justify="left" if not shown.columns else "right")
    for name, seconds in times.seconds.items():
        spread = [f"{each:.4f}" for each in (seconds, *times.spread[name])]
        ratio = f"{times.ratios[name]:.2f}" if name in times.ratios else ""
        shown.add_row(name, *spread, ratio)
    console.print(shown)
    if times.ratios:
        console.print(
            f"the peer's network has {result.peer_columns} inputs: the code of an embedded "
            "category is one"
        )
