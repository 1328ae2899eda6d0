"""What to doubt of a table's parts before a network learns them: leaks, repeats, absent classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from steepest.data import Schema, Table, target_labels
from steepest.data.leaks import suspected_leaks
from steepest.data.repeats import repeated

__all__ = ["doubts", "repeats"]


def doubts(schema: Schema, training: Table, held_out: Mapping[str, Table | None]) -> Iterator[str]:
    """Lines for a person, most of the time none.

    Args:
        schema: features and targets.
        training: the rows to train on.
        held_out: "validation" and "test" → their rows.
    """
    for name, rows in held_out.items():
        if rows is not None:
            yield from _repeats(name, rows, repeats(schema, training, rows))
    yield from _absent_classes(schema, training)
    yield from map(str, suspected_leaks(training, schema))


def repeats(schema: Schema, training: Table, rows: Table) -> NDArray[np.bool_]:
    """Which rows have all their features in common with a training row."""
    return repeated(training, rows, [each.name for each in schema.features])


def _repeats(name: str, rows: Table, known: NDArray[np.bool_]) -> Iterator[str]:
    count = int(known.sum())
    if count:
        have = "rows has" if count == 1 else "rows have"
        yield (
            f"{count:,} of {len(rows):,} {name} {have} the same features as a row to train on "
            f"({_percent(count / len(rows))})"
        )


def _percent(share: float) -> str:
    """With two digits that count, and all of a whole number.

    >>> _percent(1.0), _percent(0.996), _percent(0.034)
    ('100 %', '99.6 %', '3.4 %')
    """
    return f"{100 * share:.{3 if share > 0.99 else 2}g} %"


def _absent_classes(schema: Schema, training: Table) -> Iterator[str]:
    if schema.task != "classification":
        return
    for target in schema.targets:
        present = set(target_labels(training, target.name))
        absent = [label for label in target.classes if label not in present]
        if absent and len(present) > 0:
            told = ", ".join(map(repr, absent[:5])) + (", …" if len(absent) > 5 else "")
            yield (
                f"no row to train on has {target.name!r} {told}: it cannot be learnt, and each "
                "row that has it will be wrong"
            )
