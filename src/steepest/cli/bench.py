"""`steepest bench`: how long a training step takes here, and beside other libraries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steepest.cli.flags import Config, Json, Quiet, Set, columns, combined
from steepest.cli.option_flags import Given, option_values, with_options
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from steepest.bench.growth import Compiling
    from steepest.bench.peers import Peer
    from steepest.bench.results import Result
    from steepest.bench.workloads import Workload

_WIDTH = 160
_PEERS = "jax,torch"


@with_options("data.target")
def bench(
    peers: Annotated[
        Path | None,
        typer.Option("--peers", metavar="PYTHON", help="An interpreter that has other libraries."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", help="Which of them: jax, torch, scikit-learn.  [jax,torch]"),
    ] = None,
    workloads: Annotated[
        list[str] | None,
        typer.Option("--workloads", help="tiny, digits, mlp, wide, regular; by default all."),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Rounds; in each, everybody has a turn.")
    ] = 5,
    seconds: Annotated[float, typer.Option("--seconds", help="How long a turn takes.")] = 0.5,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Processors that everybody may use.")
    ] = 1,
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Show the time of each part of the step.")
    ] = False,
    growth: Annotated[
        bool, typer.Option("--growth", help="Time the compiler on deep networks and long graphs.")
    ] = False,
    watching: Annotated[
        int | None,
        typer.Option(
            "--watching", min=1, metavar="N", help="Time what watching every N steps costs.  [mlp]"
        ),
    ] = None,
    optimizers: Annotated[
        bool,
        typer.Option(
            "--optimizers", help="Iterations and time of Newton, L-BFGS, GD, SGD instead."
        ),
    ] = False,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="TABLE",
            help="Time an epoch on a table instead, as fit trains it, beside scikit-learn.",
        ),
    ] = None,
    set_: Set = None,
    config: Config = None,
    json_: Json = False,
    quiet: Quiet = False,
    **options: Given,
) -> None:
    r"""Time a training step of some networks, on one processor.

    An epoch runs natively: rows gathered, forward, backward, update. With --peers the same networks
    are trained by other libraries, in turn with ours, each in a process of its own; PyTorch gets
    one batch that stays, JAX an epoch in lax.scan. Figures are medians of all rounds; only those of
    one run compare.

    \b
    Examples:
      steepest bench --workloads mlp --kernels
      steepest bench --peers ~/peers/bin/python --json
      steepest bench --watching 50 --repeats 15
      steepest bench --optimizers
      steepest bench --table income.csv --target income --peers ~/peers/bin/python
    """
    from steepest.bench.peers import Peer, peer_names
    from steepest.bench.pinning import pinned
    from steepest.bench.run import Settings, bench as timed

    if not seconds > 0:
        raise ConfigurationError(f"--seconds is a number above 0, not {seconds}")
    settings, terminal = Settings(repeats, seconds), Terminal(quiet=quiet)
    if optimizers:
        from steepest.cli.bench_optimizers import bench_optimizers

        if workloads or table or peers is not None or kernels or growth or watching is not None:
            raise ConfigurationError(
                "--optimizers is a benchmark of its own: leave out --workloads, --table, --peers, "
                "--kernels, --growth and --watching"
            )
        bench_optimizers(seconds, threads, terminal, json_=json_)
        return
    if table is not None:
        from steepest.cli.bench_table import bench_table, refuse_beside_table

        refuse_beside_table(
            workloads=workloads, against=against, kernels=kernels, growth=growth, watching=watching
        )
        configuration = combined(config, option_values(options), set_ or [])
        bench_table(table, configuration, peers, settings, threads, terminal, json_=json_)
        return
    if options["target"] is not None or set_ or config is not None:
        raise ConfigurationError("--target, --set and --config are about a table: give --table")
    chosen = _chosen(columns(workloads or ([] if watching is None else ["mlp"])))
    if watching is not None:
        from steepest.cli.bench_watching import bench_watching

        if peers is not None or kernels or growth:
            raise ConfigurationError(
                "--watching is a benchmark of its own: leave out --peers, --kernels and --growth"
            )
        bench_watching(chosen, watching, settings, threads, terminal, json_=json_)
        return
    names = peer_names(columns([against or _PEERS])) if peers is not None else ()
    with pinned(threads), ExitStack() as processes:
        opponents = [processes.enter_context(Peer(peers, name, threads)) for name in names if peers]
        results = [timed(each, opponents, settings, terminal.say) for each in chosen]
        compiling = _growth(terminal) if growth else []
    disturbed = [result.workload for result in results if result.times.is_disturbed]
    if disturbed:
        terminal.say(f"others used the processor meanwhile: {', '.join(disturbed)} may be wrong")
    if json_:
        document = _document(results, opponents, threads)
        document["settings"] = asdict(settings)
        if compiling:
            document["growth"] = [asdict(each) for each in compiling]
        print(json.dumps(document))
    else:
        _show(results, opponents, with_kernels=kernels)
        _show_growth(compiling)


def _chosen(names: Sequence[str]) -> list[Workload]:
    from steepest.bench.workloads import WORKLOADS

    for name in names:
        if name not in WORKLOADS:
            raise ConfigurationError(f"there is no workload {name!r}; {nearest(name, WORKLOADS)}")
    return [WORKLOADS[name] for name in names or WORKLOADS]


def _growth(terminal: Terminal) -> list[Compiling]:
    from steepest.bench.growth import deep, long

    deep(1)  # what is loaded and made once
    found: list[Compiling] = []
    for make, size in ((deep, 8), (deep, 64), (long, 10_000)):
        found.append(make(size))
        terminal.say(f"compiled: {found[-1].name}")
    return found


def _document(results: Sequence[Result], peers: Sequence[Peer], threads: int) -> dict[str, Any]:
    from steepest import __version__
    from steepest.runtime.processor import this_processor

    processor = this_processor()
    return {
        "steepest": __version__,
        "processor": processor.name,
        "lanes": processor.target.lanes,
        "threads": threads,
        "peers": {peer.name: peer.version for peer in peers},
        "workloads": [result.document() for result in results],
    }


def _show(results: Sequence[Result], peers: Sequence[Peer], *, with_kernels: bool) -> None:
    from rich.console import Console

    from steepest.runtime.processor import this_processor

    console = Console(width=_WIDTH, highlight=False)  # a narrower terminal wraps lines itself
    names = [peer.name for peer in peers]
    headings = ["µs a step", *(f"{name} µs" for name in names), *(f"÷ {name}" for name in names)]
    console.print(
        _table("workload", headings, [(each.workload, *_times(each, names)) for each in results])
    )
    headings = ["GFLOP/s", "% of peak", "MB moved", "cold s", "warm s", "scratch MB", "÷ alive"]
    console.print()
    console.print(_table("workload", headings, [(each.workload, *_work(each)) for each in results]))
    peaks = [result.peak / 1e9 for result in results]
    if peaks:
        console.print()
        console.print(
            f"peak {min(peaks):.0f} to {max(peaks):.0f} GFLOP/s on a processor {this_processor()}"
        )
    for result in results if with_kernels else ():
        headings = ["µs", "%", "kB moved", "GB/s"]
        console.print()
        console.print(_table(f"{result.workload}: kernel", headings, _kernel_rows(result)))


def _show_growth(compiling: Sequence[Compiling]) -> None:
    if not compiling:
        return
    from rich.console import Console

    headings = ["nodes", "kernels", "functions", "trace s", "text s", "machine code s"]
    rows = [
        (
            each.name,
            *(f"{count:,}" for count in (each.nodes, each.kernels, each.functions)),
            *(f"{seconds:.3f}" for seconds in (each.trace, each.text, each.machine)),
        )
        for each in compiling
    ]
    console = Console(width=_WIDTH, highlight=False)
    console.print()
    console.print(_table("compiling", headings, rows))


def _table(name: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:  # noqa: ANN401  (of rich's, which is loaded late)
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="none")
    table.add_column(name, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _times(result: Result, names: Sequence[str]) -> list[str]:
    """Ours, the peers', and how many times as long as ours these are."""
    from steepest.bench.results import OURS

    seconds, ratios = result.times.seconds, result.times.ratios
    return [
        _microseconds(seconds[OURS]),
        *(_microseconds(seconds[name]) if name in ratios else "–" for name in names),
        *(f"{ratios[name]:.2f}" if name in ratios else "–" for name in names),
    ]


def _work(result: Result) -> list[str]:
    """Operations, bytes, seconds until the first step, memory."""
    return [
        f"{result.rate / 1e9:.1f}",
        f"{100 * result.share_of_peak:.0f}",
        f"{result.bytes / 1e6:.2f}",
        f"{result.start.cold:.3f}",
        f"{result.start.warm:.3f}",
        f"{result.scratch.size / 1e6:.2f}",
        f"{result.scratch.size / result.scratch.peak:.2f}",
    ]


def _kernel_rows(result: Result) -> list[tuple[str, ...]]:
    total = sum(kernel.seconds for kernel in result.kernels)
    return [
        (
            kernel.name,
            _microseconds(kernel.seconds),
            f"{100 * kernel.seconds / total:.1f}",
            f"{kernel.bytes / 1e3:.1f}",
            f"{kernel.bytes / max(kernel.seconds, 1e-9) / 1e9:.1f}",
        )
        for kernel in result.kernels
    ]


def _microseconds(seconds: float) -> str:
    """As many digits as mean something.

    >>> _microseconds(9.184e-7), _microseconds(0.0466712)
    ('0.918', '46671')
    """
    value = 1e6 * seconds
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"
