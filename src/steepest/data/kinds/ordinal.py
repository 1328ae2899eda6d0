"""Levels in an order: one column, the rank."""

from __future__ import annotations

from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data.kinds.kind import Fitting, Inputs, Kind, Layout, Sight
from steepest.data.kinds.numeric import NumericColumn, fit_numbers, scaled_with_indicator
from steepest.data.levels import match_levels
from steepest.data.schema import Feature
from steepest.data.table import Table, TextColumn
from steepest.errors import ConfigurationError, DataError, clipped, nearest


@final
class OrdinalColumn(Struct, frozen=True, kw_only=True, tag_field="kind", tag="ordinal"):
    """The rank of each level, 0 for the lowest, scaled as numbers are.

    A level that is not in the order counts as a missing one.

    Attributes:
        levels: the lowest first.
        number: how ranks are scaled; has the column's name.
    """

    levels: tuple[str, ...]
    number: NumericColumn

    @property
    def name(self) -> str:
        """The column's."""
        return self.number.name

    @property
    def layout(self) -> Layout:
        """One column, or two with the indicator of missing ones."""
        return self.number.layout

    @property
    def keeps_text(self) -> bool:
        """Levels stay as they are written."""
        return True

    def transform(self, table: Table) -> Inputs:
        """Scale the ranks."""
        return {
            "numeric": scaled_with_indicator(self.number, _ranks(table, self.name, self.levels))
        }

    def unseen(self, table: Table) -> tuple[str, ...]:
        """Find the levels that have no rank."""
        text = table.column(self.name).as_text()
        unknown = (match_levels(text, self.levels) < 0) & ~text.missing
        return tuple(text.levels[code] for code in np.unique(text.codes[unknown]))


def _ranks(table: Table, name: str, levels: tuple[str, ...]) -> NDArray[np.float64]:
    """NaN where missing or not in the order."""
    codes = match_levels(table.column(name), levels)
    return np.where(codes < 0, np.nan, codes)


def _recognise(sight: Sight) -> Feature | str | None:
    column = sight.column
    if not isinstance(column, TextColumn) or not column.order:
        return None
    return _describe(sight, column.order, "the table says that its levels are ordered")


def _take(sight: Sight) -> Feature | str:
    if sight.how:
        return _describe(sight, sight.how, "")
    if sight.text.order:
        return _describe(sight, sight.text.order, "")
    raise ConfigurationError(
        f"types: {sight.name!r}: ordinal needs the levels, the lowest first: "
        f"{sight.name}=ordinal:{'<'.join(sight.levels[:3])}"
    )


def _describe(sight: Sight, levels: tuple[str, ...], reason: str) -> Feature | str:
    if "" in levels or len(set(levels)) < len(levels):
        raise ConfigurationError(
            f"types: {sight.name!r}: ordinal:{'<'.join(levels)} names a level twice, or none "
            "between two signs; levels that hold a < need an ordered column of a data frame"
        )
    found = match_levels(sight.column, levels)
    unknown = np.flatnonzero((found < 0) & ~sight.column.missing)
    if len(unknown):
        row = int(unknown[0])
        level = sight.text.levels[sight.text.codes[row]]
        raise DataError(
            f"{sight.table.place(row, sight.name)}: {clipped(level)!r} is not in the order "
            f"{'<'.join(levels)}; {nearest(level, levels)}"
        )
    used = np.unique(found[found >= 0])
    if len(used) == 1 and not sight.missing:
        return f"the same value in every row ({levels[used[0]]})"
    shown = list(levels) if len(levels) < 7 else [*levels[:3], "…", *levels[-2:]]
    return sight.feature("ordinal", reason, " < ".join(clipped(each, 24) for each in shown), levels)


def _fit(table: Table, feature: Feature, fitting: Fitting) -> OrdinalColumn:
    ranks = _ranks(table, feature.name, feature.how)
    number = fit_numbers(feature.name, ranks, fitting.scaling)
    return OrdinalColumn(levels=feature.how, number=number)


ORDINAL = Kind(
    name="ordinal",
    meaning="levels in an order, as one number",
    how="a<b<c",
    keeps_text=True,
    recognise=_recognise,
    take=_take,
    fit=_fit,
    fitted=OrdinalColumn,
)
