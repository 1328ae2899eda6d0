"""What values of several options may be."""

from __future__ import annotations

from typing import Literal, TypeAlias

Auto: TypeAlias = Literal["auto"]
# What a method's own options may be, as TOML and JSON write them: nested, but not endlessly.
Plainest: TypeAlias = bool | int | float | str
Listed: TypeAlias = Plainest | list[Plainest | list[Plainest]]
OwnOptions: TypeAlias = dict[str, Listed | dict[str, Listed]]
