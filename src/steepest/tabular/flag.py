"""The flag that the command has for an option: a part of the option's definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Flag:
    """Of a field: the command has a flag for it.

    Args:
        help: what ``--help`` says of it.
        metavar: what stands there for the value; by default its type.
        name: without the dashes; by default the field's. One that starts with ``no-`` takes no
            value and means false.
        short: one letter that stands for it.
        several: it may be given more than once, and commas separate: ``--drop a,b --drop c``.
        or_table: in place of a share of the rows it takes a table, which is no option.
    """

    help: str
    metavar: str | None = None
    name: str = ""
    short: str = ""
    several: bool = False
    or_table: bool = False
