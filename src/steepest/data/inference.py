"""Infer a schema: what each column means, and what kind of question the target asks.

Every decision carries its reason, and none is silent: a column that is almost a number is refused
rather than turned into hundreds of categories.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from steepest.data.kinds import KINDS, Kind, Sight
from steepest.data.schema import Feature, LeftOut, Schema, Target
from steepest.data.table import Table, parse_number
from steepest.data.targets import drop_rows_without, infer_targets, named_targets
from steepest.errors import ConfigurationError, DataError, clipped, nearest

DROP = "drop"
"""In place of a kind: the column is left out."""


def infer_schema(
    table: Table,
    target: str | Sequence[str],
    *,
    types: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
    features: Collection[str] | None = None,
    sample_weight: str | None = None,
    apart: Mapping[str, str] | None = None,
    task: Literal["classification", "regression"] | None = None,
    known: tuple[Target, ...] = (),
) -> Schema:
    """Decide for each column which kind it is of, or that it is left out, and for the task.

    A column is offered to each of `KINDS` in their order. Left out: columns with one value or none,
    and identifiers (text that differs in every row and is no free text; whole numbers that count
    the rows, if the column's name says so). Rows without a target do not count.

    Args:
        table: with the target columns.
        target: the name of one, or several; see `infer_targets`.
        types: column → a kind of `KINDS`, with what may follow it behind a colon, or "drop";
            against inference.
        drop: columns to leave out.
        features: use these only.
        sample_weight: a column of weights, which is then no feature.
        apart: option → a column that divides the rows, and is a feature only where `features` or
            `types` ask for it.
        task: against inference.
        known: the targets, where the table is a sample of one of which more is known.

    Raises:
        DataError: a target or a column that cannot be learnt from, with row and column.
        ConfigurationError: an option names no column of the table, or the target.

    >>> from steepest.data import read_table
    >>> table = read_table({"x": [0.5, 1, 2, 4], "y": ["a", "b", "a", "b"]})
    >>> infer_schema(table, "y").target.task
    'classification'
    """
    wanted = dict(types or {})
    targets = named_targets(target, table.names)
    _check_names(table, targets, wanted, drop, features, sample_weight, apart or {})
    asked = {*wanted, *(features or ())}
    dividing = {name: option for option, name in (apart or {}).items() if name not in asked}
    found_targets = known or infer_targets(table, targets, task)
    table, _ = drop_rows_without(table, *targets)
    reasons: dict[str, str] = {}
    for name in table.names:
        reason = _left_out_by_option(name, wanted, drop, features, sample_weight)
        if reason is None and name in dividing:
            reason = f"divides the rows (--{dividing[name]}); a feature where --types says its kind"
        if reason is not None:
            reasons[name] = reason
    kept, left_out = infer_features(table, targets, wanted, reasons)
    if not kept:
        why = "; ".join(f"{each.name!r}: {each.reason}" for each in left_out[:5])
        raise DataError(
            "no column is left to learn from"
            + (f" ({why})" if why else "")
            + "; a table needs at least one feature beside its target"
        )
    return Schema(features=tuple(kept), left_out=tuple(left_out), targets=found_targets)


def infer_features(
    table: Table, targets: Collection[str], types: Mapping[str, str], reasons: Mapping[str, str]
) -> tuple[list[Feature], list[LeftOut]]:
    """Decide for each column that is no target what it is, or that it says nothing.

    Args:
        table: rows that count.
        targets: columns that are none of the features.
        types: kinds, against inference.
        reasons: why a column is left out that is left out in any case.
    """
    kept: list[Feature] = []
    left_out: list[LeftOut] = []
    for name in table.names:
        if name in targets:
            continue
        found = reasons[name] if name in reasons else _infer_feature(table, name, types.get(name))
        if isinstance(found, Feature):
            kept.append(found)
        else:
            left_out.append(LeftOut(name=name, reason=found))
    return kept, left_out


def _check_names(
    table: Table,
    targets: Sequence[str],
    types: Mapping[str, str],
    drop: Collection[str],
    features: Collection[str] | None,
    sample_weight: str | None,
    apart: Mapping[str, str],
) -> None:
    options = [("target", list(targets)), ("types", list(types)), ("drop", list(drop))]
    options += [("features", list(features or ()))]
    options += [("sample_weight", [sample_weight] if sample_weight is not None else [])]
    options += [(option, [name]) for option, name in apart.items()]
    for option, names in options:
        for name in names:
            if name not in table.columns:
                where = table.source or "the table"
                raise DataError(
                    f"{option}: {where} has no column {clipped(name)!r}; "
                    + nearest(name, table.names, called="its columns")
                    + _header_hint(table)
                )
            if name in targets and option not in {"target", "features"}:
                told = "; for the kind of task there is the option task" * (option == "types")
                raise ConfigurationError(f"{option}: {name!r} is the target{told}")
    check_types(types)


def check_types(types: Mapping[str, str]) -> None:
    """Refuse what is no kind of column.

    Raises:
        ConfigurationError: names the column, and the nearest kind.
    """
    for name, kind in types.items():
        if kind != DROP:
            try:
                parse_kind(kind)
            except ConfigurationError as error:
                raise ConfigurationError(f"types: {name!r}: {error}") from None


def kept_as_text(types: Mapping[str, str]) -> list[str]:
    """The columns that must be read as the file writes them, as their kinds want it.

    >>> kept_as_text({"zip": "categorical", "age": "numeric", "name": "drop"})
    ['zip']
    """
    return [name for name, kind in types.items() if kind != DROP and parse_kind(kind)[0].keeps_text]


def parse_kind(text: str) -> tuple[Kind, tuple[str, ...]]:
    """Read what `--types` says of a column: a kind, and behind a colon more about it.

    Raises:
        ConfigurationError: there is no such kind, or there is nothing more to say about it.

    >>> kind, how = parse_kind("numeric")
    >>> kind.name, how
    ('numeric', ())
    """
    name, colon, how = text.partition(":")
    if name not in KINDS:
        raise ConfigurationError(
            f"there is no kind {clipped(name)!r}; {nearest(name, [*KINDS, DROP])}"
        )
    kind = KINDS[name]
    if colon and not kind.how:
        raise ConfigurationError(f"nothing is said behind {name!r}: write {name}, not {text}")
    return kind, tuple(part.strip() for part in how.split("<")) if colon else ()


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


def _infer_feature(table: Table, name: str, asked: str | None) -> Feature | str:
    """Return the feature, or the reason why it is left out."""
    if table.column(name).missing.all():
        return "no value in any row"
    if asked is not None:
        kind, how = parse_kind(asked)
        return kind.take(Sight(table, name, how, asked=True))
    sight = Sight(table, name)
    found = (kind.recognise(sight) for kind in KINDS.values())
    return next(each for each in found if each is not None)
