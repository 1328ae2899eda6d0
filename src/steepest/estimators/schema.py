"""The schema of X and y: what the command would infer, but that y was said to be what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from steepest.data import Feature, LeftOut, Schema, Table, Target
from steepest.data.inference import check_types, infer_features
from steepest.data.table import NumberColumn
from steepest.errors import ConfigurationError, DataError, nearest
from steepest.tabular.parts import dividing_columns
from steepest.tabular.sections.data import Data

_WEIGHTS = "holds the sample weights"


def schema_of(
    table: Table, targets: Sequence[Target], data: Data, *, keeps_constants: bool
) -> Schema:
    """Infer what each column of X is.

    Args:
        table: X, y and weights.
        targets: what y is.
        data: options: kinds of columns, columns to leave out, the column of weights.
        keeps_constants: numbers that are equal in all rows stay, as later rows may differ; they
            stay in any case where nothing else is left.

    Raises:
        DataError: no column says anything.
        ConfigurationError: kinds that there are not.
    """
    check_types(data.types)
    for name, kind in data.types.items():
        if name not in table.names and kind != "drop":
            raise ConfigurationError(
                f"types: X has no column {name!r}; {nearest(name, table.names)}"
            )
    reasons = dict.fromkeys(data.drop, "dropped by option")
    reasons |= {name: "dropped by option" for name, kind in data.types.items() if kind == "drop"}
    for option, name in dividing_columns(data).items():
        if name not in data.types:
            reasons[name] = f"divides the rows ({option})"
    if data.sample_weight:
        reasons[data.sample_weight] = _WEIGHTS
    names = [each.name for each in targets]
    kept, left_out = infer_features(table, names, data.types, reasons)
    if keeps_constants or not kept:
        kept, left_out = _with_constants(table, kept, left_out, reasons)
    if not kept:
        told = "; ".join(f"{each.name!r}: {each.reason}" for each in left_out[:5])
        raise DataError(f"no column of X says anything ({told})")
    return Schema(features=tuple(kept), left_out=tuple(left_out), targets=tuple(targets))


def _with_constants(
    table: Table,
    kept: Sequence[Feature],
    left_out: Sequence[LeftOut],
    reasons: Mapping[str, str],
) -> tuple[list[Feature], list[LeftOut]]:
    """Numbers among what was left out, if not by option, stay after all; in the table's order."""
    features = {each.name: each for each in kept}
    others = {each.name: each for each in left_out}
    for name in [*others]:
        column = table.column(name)
        if name not in reasons and isinstance(column, NumberColumn):
            features[name] = Feature(
                name=name,
                kind="numeric",
                reason=f"a number; {others.pop(name).reason}",
                detail="says nothing in these rows",
                missing=int(np.count_nonzero(column.missing)),
            )
    order = {name: place for place, name in enumerate(table.names)}
    return (
        sorted(features.values(), key=lambda each: order[each.name]),
        sorted(others.values(), key=lambda each: order[each.name]),
    )
