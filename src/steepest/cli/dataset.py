"""`steepest dataset`: a real table to try things on, without a network."""

from __future__ import annotations

from typing import Annotated

import typer

from steepest.cli.flags import Quiet
from steepest.cli.terminal import Terminal


def dataset(
    name: Annotated[str, typer.Argument(help="digits, breast-cancer, wine, iris or diabetes.")],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Write to FILE instead of stdout.")
    ] = "-",
    quiet: Quiet = False,
) -> None:
    r"""Write a real data set as CSV to try things on.

    It comes with scikit-learn; the target is the last column.

    \b
    Examples:
      steepest dataset digits --out digits.csv
      steepest dataset wine | steepest fit - --target target
    """
    from steepest.data import bundled_table, write_table

    table = bundled_table(name)
    write_table(out, table)
    if out != "-":
        terminal = Terminal(quiet=quiet)
        terminal.say(f"wrote {len(table):,} rows to {out}; the target is {table.names[-1]!r}")
        terminal.say(f"next: steepest fit {out} --target {table.names[-1]}")
