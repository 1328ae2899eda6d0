"""Infer a schema: what each column means, and what kind of question the target asks.

Every decision carries its reason, and none is silent: a column that is almost a number is refused
rather than turned into hundreds of categories.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from steepest.data.lookalikes import looks_like_dates, refuse_written_numbers
from steepest.data.schema import Feature, Kind, LeftOut, Schema
from steepest.data.table import Column, NumberColumn, Table, TextColumn, parse_number
from steepest.data.target import infer_target
from steepest.errors import ConfigurationError, DataError, nearest

MOSTLY_NUMBERS = 0.95
"""From this share of numbers on, text in a column is taken for a mistake and not for a level."""

_ROW_NAMES = {"id", "index", "row", "row_id", "rowid", "row_number", "rownames", "unnamed: 0"}

_LARGEST = 1e300  # differences of such numbers still are numbers

TypeName = Literal["numeric", "categorical", "drop"]


def infer_schema(
    table: Table,
    target: str,
    *,
    types: Mapping[str, TypeName] | None = None,
    drop: Collection[str] = (),
    features: Collection[str] | None = None,
    sample_weight: str | None = None,
    task: Literal["classification", "regression"] | None = None,
) -> Schema:
    """Decide for each column whether it is numeric, categorical or left out, and for the task.

    Numeric: all values are numbers. Categorical: text and booleans. Left out: columns with one
    value, and identifiers (text that differs in every row; whole numbers that count the rows, if
    the column's name says so). Rows without a target do not count.

    Args:
        table: with the target column.
        target: its name.
        types: column → "numeric", "categorical" or "drop", against inference.
        drop: columns to leave out.
        features: use these only.
        sample_weight: a column of weights, which is then no feature.
        task: against inference.

    Raises:
        DataError: a target or a column that cannot be learnt from, with row and column.
        ConfigurationError: an option names no column of the table, or the target.

    >>> from steepest.data import read_table
    >>> table = read_table({"x": [0.5, 1, 2, 4], "y": ["a", "b", "a", "b"]})
    >>> infer_schema(table, "y").target.task
    'classification'
    """
    wanted = dict(types or {})
    _check_names(table, target, wanted, drop, features, sample_weight)
    found_target = infer_target(table, target, task)
    table = table.take(np.flatnonzero(~table.column(target).missing))
    kept: list[Feature] = []
    left_out: list[LeftOut] = []
    for name in table.names:
        if name == target:
            continue
        reason = _left_out_by_option(name, wanted, drop, features, sample_weight)
        if reason is None:
            found = _infer_feature(table, name, cast("Kind | None", wanted.get(name)))
            if isinstance(found, Feature):
                kept.append(found)
                continue
            reason = found
        left_out.append(LeftOut(name=name, reason=reason))
    if not kept:
        reasons = "; ".join(f"{each.name!r}: {each.reason}" for each in left_out[:5])
        raise DataError(
            "no column is left to learn from"
            + (f" ({reasons})" if reasons else "")
            + "; a table needs at least one feature beside its target"
        )
    return Schema(features=tuple(kept), left_out=tuple(left_out), target=found_target)


def _check_names(
    table: Table,
    target: str,
    types: Mapping[str, str],
    drop: Collection[str],
    features: Collection[str] | None,
    sample_weight: str | None,
) -> None:
    options = [("target", [target]), ("types", list(types)), ("drop", list(drop))]
    options += [("features", list(features or ()))]
    options += [("sample_weight", [sample_weight] if sample_weight is not None else [])]
    for option, names in options:
        for name in names:
            if name not in table.columns:
                where = table.source or "the table"
                raise DataError(
                    f"{option}: {where} has no column {name!r}; {nearest(name, table.names)}"
                    + _header_hint(table)
                )
            if name == target and option not in {"target", "features"}:
                told = "; for the kind of task there is the option task" * (option == "types")
                raise ConfigurationError(f"{option}: {name!r} is the target{told}")
    for name, kind in types.items():
        if kind not in {"numeric", "categorical", "drop"}:
            raise ConfigurationError(
                f"types: {name!r} cannot be {kind!r}; valid: numeric, categorical, drop"
            )


def _header_hint(table: Table) -> str:
    """Say that the header looks like a row, where a third of the names are numbers."""
    numbers = sum(parse_number(name) is not None for name in table.names)
    if table.unit != "line" or numbers < 2 or 3 * numbers < len(table.names):
        return ""
    return (
        f"\nthe first line holds numbers ({numbers} of {len(table.names)} names): if it is a row "
        "and no header, say --no-header; the columns are column_1, column_2 … then"
    )


def _left_out_by_option(
    name: str,
    types: Mapping[str, str],
    drop: Collection[str],
    features: Collection[str] | None,
    sample_weight: str | None,
) -> str | None:
    if name == sample_weight:
        return "holds the sample weights"
    if name in drop or types.get(name) == "drop":
        return "dropped by option"
    if features is not None and name not in features:
        return "not among the features asked for"
    return None


def _infer_feature(table: Table, name: str, kind: Kind | None) -> Feature | str:
    """Return the feature, or the reason why it is left out."""
    column = table.column(name)
    if column.missing.all():
        where = table.source or "the table"
        raise DataError(
            f"{where}: column {name!r} has no value in any row; leave it out "
            f"(--drop {_quoted(name)})"
        )
    if kind != "categorical" and isinstance(column, TextColumn):
        given = _quoted(name)
        remedy = f"say --types {given}=categorical or --drop {given}"
        if np.any(column.as_numbers()[1]):
            refuse_written_numbers(table, name, column, remedy)
    if kind is None:
        kind, reason = _infer_kind(table, name, column)
    else:
        reason = "by option"
    if kind == "numeric":
        return _numeric(table, name, column, reason)
    return _categorical(name, column, reason, forced=reason == "by option")


def _infer_kind(table: Table, name: str, column: Column) -> tuple[Kind, str]:
    if isinstance(column, NumberColumn):
        return "numeric", "all values are numbers"
    _, wrong = column.as_numbers()
    present = int((~column.missing).sum())
    mistakes = int(wrong.sum())
    if mistakes == 0:
        return "numeric", "all values are numbers"
    if mistakes <= (1 - MOSTLY_NUMBERS) * present:
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{table.place(row, name)}: {_value(column, row)} stands in a column where "
            f"{present - mistakes} of {present} values are numbers; if it marks a missing value "
            "name it (--missing), or say that the column is text "
            f"(--types {_quoted(name)}=categorical)"
        )
    return "categorical", "text that looks like dates" if looks_like_dates(column) else "text"


def _numeric(table: Table, name: str, column: Column, reason: str) -> Feature | str:
    values = feature_numbers(table, name, column)
    present = values[~np.isnan(values)]
    low, high = float(present.min()), float(present.max())
    if low == high and len(present) == len(values):
        return f"the same value in every row ({_plain(low)})"
    if name.strip().lower() in _ROW_NAMES and len(present) > 2 and reason != "by option":
        steps = np.diff(values)
        if np.all(steps == 1):
            return f"only counts the rows ({_plain(low)} to {_plain(high)})"
    detail = f"{_plain(low)} to {_plain(high)}, median {_plain(float(np.median(present)))}"
    missing = len(values) - len(present)
    return Feature(name=name, kind="numeric", reason=reason, detail=detail, missing=missing)


def feature_numbers(table: Table, name: str, column: Column) -> NDArray[np.float64]:
    """Read a numeric feature: float64 with NaN where missing.

    Raises:
        DataError: text or an infinite value, with row and column.
    """
    if isinstance(column, TextColumn):
        values, wrong = column.as_numbers()
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise DataError(
                f"{table.place(row, name)}: {_value(column, row)} is not a number, and the column "
                "is numeric; if it marks a missing value, name it (--missing)"
            )
    else:
        values = column.values
    infinite = np.flatnonzero(np.abs(values) > _LARGEST)  # NaN is not: it is missing
    if len(infinite):
        row = int(infinite[0])
        size = "infinite" if np.isinf(values[row]) else f"larger than {_LARGEST:g}"
        raise DataError(
            f"{table.place(row, name)}: the value is {size}; mend the row, or leave the column "
            f"out (--drop {_quoted(name)})"
        )
    return values


def _categorical(name: str, column: Column, reason: str, *, forced: bool) -> Feature | str:
    text = column if isinstance(column, TextColumn) else column.as_text()
    counts = text.counts()
    used = np.flatnonzero(counts)
    present = int(counts.sum())
    missing = len(text) - present
    if len(used) == 1 and missing == 0:
        return f"the same value in every row ({text.levels[used[0]]})"
    dates = "; looks like dates" if looks_like_dates(text) else ""
    if len(used) == present and present > 2 and not forced:
        return f"an identifier: each of {present} values stands in one row only{dates}"
    ranked = used[np.argsort(-counts[used], kind="stable")]
    shown = [_clipped(text.levels[code]) for code in ranked[:4]]
    more = ", …" if len(used) > 4 else ""
    detail = f"{len(used)} level{'s' * (len(used) > 1)}: {', '.join(shown)}{more}{dates}"
    return Feature(name=name, kind="categorical", reason=reason, detail=detail, missing=missing)


def _value(column: TextColumn, row: int) -> str:
    return repr(_clipped(column.levels[column.codes[row]], 60))


def _clipped(text: str, width: int = 24) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _quoted(name: str) -> str:
    return repr(name) if " " in name else name


def _plain(value: float) -> str:
    return f"{value:.0f}" if value == np.floor(value) and abs(value) < 1e12 else f"{value:.6g}"
