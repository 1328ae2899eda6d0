"""`steepest rounding`: how far float32 is from float64 here, and in other libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steepest.cli.flags import Json, Quiet, columns
from steepest.cli.terminal import Terminal
from steepest.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from steepest.bench.conversation import Conversation
    from steepest.bench.rounding import Compared

_WIDTH = 160


def rounding(
    peers: Annotated[
        Path | None,
        typer.Option("--peers", metavar="PYTHON", help="An interpreter that has other libraries."),
    ] = None,
    against: Annotated[
        str, typer.Option("--against", help="Which of them: torch, numpy.")
    ] = "torch",
    parts: Annotated[
        list[str] | None,
        typer.Option(
            "--parts",
            help="products, reductions, tiny, digits, mlp, wide, regular; by default all.",
        ),
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Measure the rounding errors of products, reductions and training steps in float32.

    Everybody gets the same numbers, and is compared with float64. An error is the root mean square
    of x − exact, by the largest exact number; of each group the case is shown where ours is worst
    beside the peer's.

    \b
    Examples:
      steepest rounding --parts reductions
      steepest rounding --peers ~/peers/bin/python
    """
    from steepest.bench.peer_rounding import PEERS
    from steepest.bench.peers import peer_names
    from steepest.bench.rounding import PROGRAM

    chosen = _chosen(columns(parts or []))
    names = peer_names(columns([against]), PEERS) if peers is not None else ()
    terminal = Terminal(quiet=quiet)
    with ExitStack() as processes:
        from steepest.bench.conversation import Conversation

        opponents = [
            processes.enter_context(Conversation(peers, PROGRAM, name, threads=1))
            for name in names
            if peers is not None
        ]
        compared: list[Compared] = []
        for part in chosen:
            terminal.say(f"{part}: computing")
            compared += _compared(part, opponents)
        versions = {peer.name: peer.version for peer in opponents}
    if json_:
        cases = [each.document() for each in compared]
        print(json.dumps({"peers": versions, "cases": cases}))
    else:
        _show(compared, names)


_CASES = ("products", "reductions")


def _chosen(names: Sequence[str]) -> Sequence[str]:
    from steepest.bench.workloads import WORKLOADS

    known = (*_CASES, *WORKLOADS)
    for name in names:
        if name not in known:
            raise ConfigurationError(f"there is no part {name!r}; {nearest(name, known)}")
    return names or known


def _compared(part: str, peers: Sequence[Conversation]) -> Iterator[Compared]:
    from steepest.bench import rounding_cases, rounding_steps
    from steepest.bench.workloads import WORKLOADS

    if part == "products":
        return rounding_cases.products(peers, rounding_cases.PRODUCTS)
    if part == "reductions":
        return rounding_cases.reductions(peers, rounding_cases.REDUCED)
    return rounding_steps.steps(peers, WORKLOADS[part])


def _show(compared: Sequence[Compared], peers: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    from steepest.bench.rounding import groups

    table = Table(box=None, pad_edge=False, header_style="none")
    for heading in ("of", "worst of", "case", "error"):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "error" else "left")
    for peer in peers:
        for heading in (peer, f"÷ {peer}", "largest ÷", "median ÷"):
            table.add_column(heading, no_wrap=True, justify="right")
    for group, cases in groups(compared).items():
        # Each case of a training step is another quantity.
        apart = [[each] for each in cases] if group in _workloads() else [cases]
        for some in apart:
            table.add_row(*_row(group, some, peers))
    Console(width=_WIDTH, highlight=False).print(table)


def _workloads() -> Sequence[str]:
    from steepest.bench.workloads import WORKLOADS

    return tuple(WORKLOADS)


def _row(group: str, cases: Sequence[Compared], peers: Sequence[str]) -> list[str]:
    """The case that is worst beside the first peer, or in itself."""
    first = [each for each in cases if peers and peers[0] in each.peers]
    worst = (
        max(first, key=lambda each: each.ratio(peers[0]))
        if first
        else max(cases, key=lambda each: each.ours.rms)
    )
    row = [group, str(len(cases)), worst.case, f"{worst.ours.rms:.2e}"]
    for peer in peers:
        if peer not in worst.peers:
            row += ["–"] * 4
            continue
        ratios = sorted(each.ratio(peer) for each in cases)
        row += [f"{worst.peers[peer].rms:.2e}"]
        row += [f"{worst.ratio(peer):.2f}", f"{worst.largest_ratio(peer):.2f}"]
        row += [f"{ratios[len(ratios) // 2]:.2f}"]
    return row
