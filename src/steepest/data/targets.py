"""All targets of a table: one column, several labels of two classes, or several numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.schema import Target, Task
from steepest.data.table import Table
from steepest.data.target import codes_of_classes, infer_target, present_numbers
from steepest.data.target_scale import TargetScale, Transform
from steepest.errors import DataError


def named_targets(given: str | Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """The columns that an option means: one, or several in a list or with commas between.

    A name with a comma in it is meant where the table has such a column.

    Args:
        given: the option.
        names: of the table's columns.

    >>> named_targets("a,b", ["a", "b"]), named_targets("a,b", ["a,b", "x"])
    (('a', 'b'), ('a,b',))
    """
    if not isinstance(given, str):
        return tuple(dict.fromkeys(given))
    parts = [part.strip() for part in given.split(",")]
    if given in names or not any(part in names for part in parts):
        return (given,)
    return tuple(dict.fromkeys(part for part in parts if part))


def possible_targets(given: str | Sequence[str]) -> tuple[str, ...]:
    """All columns that an option may mean, before the table's are known.

    >>> possible_targets("a,b")
    ('a,b', 'a', 'b')
    """
    if not isinstance(given, str):
        return tuple(given)
    return tuple(dict.fromkeys([given, *(part.strip() for part in given.split(","))]))


def infer_targets(
    table: Table, names: Sequence[str], task: Task | None = None
) -> tuple[Target, ...]:
    """Decide what the targets ask; of several, all must be numbers, or all of two classes.

    Rows count that have a value in each target.

    Raises:
        DataError: as `infer_target`; also targets that ask different things, or one of several
            with more than two classes.
    """
    if len(names) == 1:
        return (infer_target(table, names[0], task),)
    missing = {name: int(table.column(name).missing.sum()) for name in names}
    whole, _ = drop_rows_without(table, *names)
    if not len(whole):
        where = f"{table.source}: " if table.source else ""
        raise DataError(
            f"{where}no row has a value in all {len(names)} targets; fit them one by one"
        )
    found = [replace(infer_target(whole, name, task), missing=missing[name]) for name in names]
    _check_alike(found)
    return tuple(found)


def _check_alike(targets: Sequence[Target]) -> None:
    first = targets[0]
    other = next((each for each in targets if each.task != first.task), None)
    if other is not None:
        raise DataError(
            f"the targets ask different things: {first.name!r} is for {first.task} "
            f"({first.reason}), {other.name!r} for {other.task} ({other.reason}); fit them one by "
            "one, or say --task where that misleads"
        )
    several = next((each for each in targets if len(each.classes) > 2), None)
    if several is not None:
        shown = ", ".join(map(repr, several.classes[:3]))
        remedy = ", or say --task regression" if several.reason.startswith("it holds whole") else ""
        raise DataError(
            f"of several targets each is a label of two classes, and {several.name!r} has "
            f"{len(several.classes)} ({shown} …); fit it alone{remedy}"
        )


def drop_rows_without(table: Table, *names: str) -> tuple[Table, int]:
    """Leave out the rows that miss a value in one of these columns; return the rest, and how many.

    >>> from steepest.data import read_table
    >>> kept, dropped = drop_rows_without(read_table({"y": ["a", None, "b"]}), "y")
    >>> len(kept), dropped
    (2, 1)
    """
    missing = np.zeros(len(table), dtype=bool)
    for name in names:
        missing |= table.column(name).missing
    dropped = int(missing.sum())
    return (table.take(np.flatnonzero(~missing)) if dropped else table), dropped


def read_targets(table: Table, targets: Sequence[Target]) -> NDArray[Any]:
    """Read what is to be predicted, as it is: codes of classes, or numbers in their own units.

    Returns:
        Of one target (rows,), of several (rows, targets): int32 codes of classes in their order,
        or float64.

    Raises:
        DataError: a missing value, a label that is no class (nearest told), or no finite number;
            with row.
    """
    columns = [_read(table, each) for each in targets]
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def fit_target_scales(
    table: Table, targets: Sequence[Target], transform: Transform = "none"
) -> tuple[TargetScale, ...]:
    """How each number among the targets is trained, by the training rows; none for classes."""
    if targets[0].task == "classification":
        return ()
    return tuple(
        TargetScale.fit(_logarithms_exist(table, each, transform), transform) for each in targets
    )


def _logarithms_exist(table: Table, target: Target, transform: Transform) -> NDArray[np.float64]:
    """The numbers of a target, positive if their logarithms are wanted."""
    values = present_numbers(table, target.name, target.written)
    wrong = np.flatnonzero(values <= 0) if transform == "log" else np.empty(0, np.intp)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(no_logarithm(table.place(row, target.name), float(values[row])))
    return values


def no_logarithm(place: str, value: float) -> str:
    """Say that a number has no logarithm.

    Args:
        place: where it stands.
        value: the number.
    """
    return (
        f"{place}: {value:g} has no logarithm, which preprocessing.target = 'log' learns; leave "
        "the row out, or the option"
    )


def _read(table: Table, target: Target) -> NDArray[Any]:
    if target.task == "classification":
        return codes_of_classes(table, target.name, target.classes)
    return present_numbers(table, target.name, target.written)
