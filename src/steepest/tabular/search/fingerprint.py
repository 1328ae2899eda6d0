"""What a study is about, so that another search does not go on in it by mistake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, final

from msgspec import Struct

from steepest.data import NumberColumn, Table

_LONGEST = 60


@final
class Fingerprint(Struct, frozen=True, kw_only=True):
    """Everything that a trial's value follows from, besides what is drawn for it.

    Attributes:
        rows: of the table, those for the test included.
        table: a digest of the columns.
        target: its name.
        metric: what is searched for.
        folds: of cross-validation; 1 for one validation part.
        sampler: the layout's name.
        options: all options by name, without those that the search decides on.
        space: what is searched, by name.
    """

    rows: int
    table: str
    target: str
    metric: str
    folds: int
    sampler: str
    options: dict[str, Any]
    space: dict[str, Any]


def digest(*tables: Table | None) -> str:
    """Sixteen letters that are others when a value, a name or the order of rows is."""
    sum_ = hashlib.blake2b(digest_size=8)
    for table in tables:
        for name in () if table is None else table.names:
            column = table.column(name) if table is not None else None
            sum_.update(f"{name}\0".encode())
            if isinstance(column, NumberColumn):
                sum_.update(column.values.tobytes())
            elif column is not None:
                sum_.update(column.codes.tobytes())
                sum_.update("\0".join(column.levels).encode())
        sum_.update(b"|")
    return sum_.hexdigest()


def differences(before: Fingerprint, now: Fingerprint) -> list[str]:
    """In what the two differ, in words, the most telling first."""
    found = list(_different(before, now))
    if not found and before.table != now.table:
        found.append(f"of another table of {now.rows:,} rows")
    return found


def _different(before: Fingerprint, now: Fingerprint) -> Iterator[str]:
    if before.rows != now.rows:
        yield f"of another table: {before.rows:,} rows, now {now.rows:,}"
    names = {"target": "target", "metric": "metric", "folds": "--cv", "sampler": "sampler"}
    for name, word in names.items():
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"with {word} {old}, now {new}"
    for what, old, new in (
        ("space", before.space, now.space),
        ("options", before.options, now.options),
    ):
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                place = "in the space " if what == "space" else ""
                yield f"with {place}{name} = {_shown(old, name)}, now {_shown(new, name)}"


def _shown(options: dict[str, Any], name: str) -> str:
    value: Any = options.get(name)
    text = json.dumps(value) if name in options else "nothing"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
