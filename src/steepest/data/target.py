"""The target: which task it asks for, its classes, its values; and sample weights."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steepest.data.dates import looks_like_dates
from steepest.data.levels import in_order, match_levels
from steepest.data.schema import Target
from steepest.data.table import Column, NumberColumn, Table, TextColumn, parse_number
from steepest.data.written import Sign, sign_of, written_numbers
from steepest.errors import DataError, clipped, nearest

MOST_CLASSES_OF_NUMBERS = 20
"""Whole numbers with more different values than this are a quantity, not labels."""
BY_OPTION = "by option"
"""The reason of a task that was asked for."""


def infer_target(
    table: Table, name: str, task: Literal["classification", "regression"] | None = None
) -> Target:
    """Decide what the target asks: text, booleans and few whole numbers are classes.

    Raises:
        DataError: the column is missing from the table, or has no value, one value only, a class
            with one row, or (regression) text or an infinite value; with row and remedy.
    """
    column = table.column(name)
    missing = int(column.missing.sum())
    where = f"{table.source}: " if table.source else ""
    if missing == len(column):
        raise DataError(f"{where}the target {name!r} has no value in any row")
    text = column.as_text()
    values, wrong = text.as_numbers()
    written: Sign = ""
    if task != "classification" and wrong.any():
        written = sign_of(table, name, text, "say --task classification")
    if task is not None:
        reason = BY_OPTION
    elif written:
        task, reason = "regression", "it holds numbers as people write them"
    else:
        task, reason = _infer_task(table, name, text, values, wrong)
    if task == "regression":
        return _regression(table, name, reason, missing, written)
    return _classification(table, name, text, reason, missing)


def _infer_task(
    table: Table,
    name: str,
    text: TextColumn,
    values: NDArray[np.float64],
    wrong: NDArray[np.bool_],
) -> tuple[Literal["classification", "regression"], str]:
    present = ~text.missing
    used = int(np.count_nonzero(text.counts()))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        if wrong.sum() <= 0.05 * present.sum():
            raise DataError(
                f"{table.place(row, name)}: {clipped(text.levels[text.codes[row]])!r} stands in a "
                f"target where {int(present.sum() - wrong.sum())} of {int(present.sum())} values "
                "are numbers; if it marks a missing value name it (--missing), or say --task "
                "classification"
            )
        levels = {text.levels[code].lower() for code in np.flatnonzero(text.counts())}
        kind = "true or false" if levels <= {"true", "false"} else "text"
        dates = "; looks like dates" if looks_like_dates(text) else ""
        return "classification", f"it holds {kind}, {used} classes{dates}"
    numbers = values[present]
    whole = bool(np.all(np.isfinite(numbers)) and np.all(numbers == np.floor(numbers)))
    if whole and used <= MOST_CLASSES_OF_NUMBERS:
        return "classification", (
            f"it holds whole numbers with {used} values (at most {MOST_CLASSES_OF_NUMBERS})"
        )
    if whole:
        return "regression", (
            f"it holds whole numbers with {used} values (more than {MOST_CLASSES_OF_NUMBERS})"
        )
    return "regression", "it holds numbers with decimals"


def _classification(table: Table, name: str, text: TextColumn, reason: str, missing: int) -> Target:
    counts = text.counts()
    used = np.flatnonzero(counts)
    if len(used) == 1:
        raise DataError(
            f"the target {name!r} has one class only ({clipped(text.levels[used[0]])!r}): there is "
            "nothing to learn"
        )
    alone = np.flatnonzero(counts == 1)
    if len(alone) and reason != BY_OPTION:  # who asks for classes by name is taken at their word
        code = int(alone[0])
        row = int(np.flatnonzero(text.codes == code)[0])
        others = f" (and {len(alone) - 1} more such classes)" if len(alone) > 1 else ""
        numeric = parse_number(text.levels[code], text.decimal) is not None
        remedy = ", or --task regression" if numeric else ""
        raise DataError(
            f"{table.place(row)}: the class {clipped(text.levels[code])!r} of the target {name!r} "
            f"has one row only{others}; each class should have two or more: add rows, merge "
            f"classes or leave the row out; or say --task classification if it is meant{remedy}"
        )
    classes = in_order([text.levels[code] for code in used])
    count_of = {text.levels[code]: int(counts[code]) for code in used}
    return Target(
        name=name,
        task="classification",
        reason=reason,
        classes=classes,
        counts=tuple(count_of[label] for label in classes),
        missing=missing,
    )


def _regression(table: Table, name: str, reason: str, missing: int, written: Sign) -> Target:
    values = target_numbers(table, name, written)
    present = values[~np.isnan(values)]
    if present.min() == present.max():
        raise DataError(
            f"the target {name!r} is {present[0]:g} in every row: there is nothing to learn"
        )
    column = table.column(name)
    if written and isinstance(column, TextColumn):
        row = int(np.argmax(np.nan_to_num(np.abs(values), nan=-1.0)))
        reason += f"; {clipped(column.levels[column.codes[row]])!r} is read as {values[row]:.10g}"
    return Target(
        name=name,
        task="regression",
        reason=reason,
        classes=(),
        counts=(),
        missing=missing,
        written=written,
    )


def target_labels(table: Table, name: str) -> list[str]:
    """Give the labels of a column as the file writes them, "" where missing."""
    return table.column(name).texts()


def target_numbers(table: Table, name: str, written: Sign = "") -> NDArray[np.float64]:
    """Read a target as numbers, float64 with NaN where missing, in its own units.

    Args:
        table: that has it.
        name: of the column.
        written: how it writes numbers, if for people.

    Raises:
        DataError: text or an infinite value, with row and column.
    """
    values = _numbers(table, name, table.column(name), "regression needs a number", written)
    return _finite(table, name, values)


def present_numbers(table: Table, name: str, written: Sign = "") -> NDArray[np.float64]:
    """Read a target as numbers where none may be missing; arguments as in `target_numbers`.

    Raises:
        DataError: a missing value, text or an infinite value, with row and column.
    """
    values = target_numbers(table, name, written)
    absent = np.flatnonzero(np.isnan(values))
    if len(absent):
        raise DataError(f"{table.place(int(absent[0]), name)}: the target is missing")
    return values


def sample_weights(table: Table, name: str) -> NDArray[np.float64]:
    """Read a column of sample weights: numbers ≥ 0, none missing, not all zero.

    Raises:
        DataError: the first row where it is not so.
    """
    values = _numbers(table, name, table.column(name), "a sample weight is a number of 0 or more")
    _finite(table, name, values)
    wrong = np.flatnonzero(np.isnan(values) | (values < 0))
    if len(wrong):
        row = int(wrong[0])
        found = "the value is missing" if np.isnan(values[row]) else f"{values[row]:g} is negative"
        raise DataError(
            f"{table.place(row, name)}: {found}; a sample weight is a number of 0 or more"
        )
    if not values.any():
        raise DataError(
            f"all sample weights in column {name!r} of these {len(table)} rows are zero"
        )
    with np.errstate(over="ignore"):
        total = values.sum()
    if not np.isfinite(total):
        raise DataError(
            f"the sample weights in column {name!r} add up to infinity; scale them down"
        )
    return values


def codes_of_classes(table: Table, name: str, classes: tuple[str, ...]) -> NDArray[np.int32]:
    """Number the labels of a column by their place in `classes`, int32.

    "1" and "1.0" are one label if both are not classes themselves.

    Raises:
        DataError: a missing label, or one that is no class (row, nearest class).
    """
    column = table.column(name)
    codes = match_levels(column, classes)
    wrong = np.flatnonzero(codes < 0)
    if len(wrong):
        row = int(wrong[0])
        label = column.take(slice(row, row + 1)).texts()[0]
        if not label:
            raise DataError(f"{table.place(row, name)}: the label is missing")
        raise DataError(
            f"{table.place(row, name)}: {clipped(label)!r} is not a class the model was trained "
            f"on; {nearest(label, classes)}"
        )
    return codes


def _numbers(
    table: Table, name: str, column: Column, need: str, written: Sign = ""
) -> NDArray[np.float64]:
    if isinstance(column, NumberColumn):
        return column.values
    values, wrong = written_numbers(column, written) if written else column.as_numbers()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        label = column.levels[column.codes[row]]
        raise DataError(f"{table.place(row, name)}: {clipped(label)!r} is not a number, and {need}")
    return values


def _finite(table: Table, name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        row = int(infinite[0])
        raise DataError(f"{table.place(row, name)}: the value is infinite; mend or drop the row")
    return values
