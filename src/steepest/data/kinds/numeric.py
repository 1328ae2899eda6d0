"""Columns of numbers: scaled, a missing one filled in beside an indicator."""

from __future__ import annotations

from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data.kinds.kind import Fitting, Inputs, Kind, Layout, Sight
from steepest.data.kinds.wording import clipped, plain, quoted
from steepest.data.lookalikes import refuse_written_numbers
from steepest.data.scaling import scaling_named
from steepest.data.schema import Feature
from steepest.data.table import Table, TextColumn
from steepest.errors import DataError

MOSTLY_NUMBERS = 0.95
"""From this share of numbers on, text in a column is taken for a mistake and not for a level."""

_ROW_NAMES = {"id", "index", "row", "row_id", "rowid", "row_number", "rownames", "unnamed: 0"}

_LARGEST = 1e300  # differences of such numbers still are numbers


@final
class NumericColumn(Struct, frozen=True, kw_only=True, tag_field="kind", tag="numeric"):
    """How numbers are read: clip((x − centre) · scale), `fill` in place of a missing x.

    Attributes:
        name: of the column.
        centre: in the column's units.
        scale: likewise.
        scaling: whose clip it is.
        fill: in the column's units; the training rows' median.
        indicator: one more column, 1 where the value is missing.
    """

    name: str
    centre: float
    scale: float
    scaling: str
    fill: float
    indicator: bool

    def __post_init__(self) -> None:
        """Refuse a scaling that there is not."""
        scaling_named(self.scaling)

    @property
    def layout(self) -> Layout:
        """One column, or two."""
        return Layout(
            numeric=(self.name, *[f"{self.name} is missing"] * self.indicator), continuous=1
        )

    @property
    def keeps_text(self) -> bool:
        """Numbers are numbers."""
        return False

    def transform(self, table: Table) -> Inputs:
        """Scale the numbers.

        Raises:
            DataError: text or an infinite value, with row and column.
        """
        return {"numeric": scaled_with_indicator(self, feature_numbers(table, self.name))}

    def unseen(self, table: Table) -> tuple[str, ...]:
        """No number is new."""
        return ()


def scaled_with_indicator(
    column: NumericColumn, values: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Scale numbers as a numeric column does: float32 (rows, 1 or 2)."""
    absent = np.isnan(values)
    values = np.where(absent, column.fill, values)
    with np.errstate(over="ignore"):  # the clip takes an infinite value to its bound
        scaled = (values - column.centre) * column.scale
    found = np.empty((len(values), 1 + column.indicator), dtype=np.float32)
    found[:, 0] = scaling_named(column.scaling).clip(scaled)
    if column.indicator:
        found[:, 1] = absent
    return found


def fit_numbers(name: str, values: NDArray[np.float64], scaling: str) -> NumericColumn:
    """Fit a scaling to numbers, NaN where missing.

    Args:
        name: of the column.
        values: of the training rows; may all be missing, then nothing can be learnt from them.
        scaling: its name.
    """
    absent = np.isnan(values)
    present = values[~absent]
    how = scaling_named(scaling)
    if not len(present):
        return NumericColumn(
            name=name, centre=0.0, scale=0.0, scaling=how.name, fill=0.0, indicator=False
        )
    centre, scale = how.fit(present)
    return NumericColumn(
        name=name,
        centre=centre,
        scale=scale,
        scaling=how.name,
        fill=float(np.median(present)),
        indicator=bool(absent.any()),
    )


def feature_numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Read a numeric feature: float64 with NaN where missing.

    Raises:
        DataError: text or an infinite value, with row and column.
    """
    column = table.column(name)
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
            f"out (--drop {quoted(name)})"
        )
    return values


def _recognise(sight: Sight) -> Feature | str | None:
    column = sight.column
    if isinstance(column, TextColumn):
        _, wrong = column.as_numbers()
        mistakes = int(wrong.sum())
        if mistakes:
            _refuse_written(sight, column)
        if mistakes > (1 - MOSTLY_NUMBERS) * sight.present:
            return None
        if mistakes:
            row = int(np.flatnonzero(wrong)[0])
            raise DataError(
                f"{sight.table.place(row, sight.name)}: {_value(column, row)} stands in a column "
                f"where {sight.present - mistakes} of {sight.present} values are numbers; if it "
                "marks a missing value name it (--missing), or say that the column is text "
                f"(--types {quoted(sight.name)}=categorical)"
            )
    return _describe(sight)


def _take(sight: Sight) -> Feature | str:
    if isinstance(sight.column, TextColumn) and sight.column.as_numbers()[1].any():
        _refuse_written(sight, sight.column)
    return _describe(sight)


def _refuse_written(sight: Sight, column: TextColumn) -> None:
    given = quoted(sight.name)
    remedy = f"say --types {given}=categorical or --drop {given}"
    refuse_written_numbers(sight.table, sight.name, column, remedy)


def _describe(sight: Sight) -> Feature | str:
    values = feature_numbers(sight.table, sight.name)
    present = values[~np.isnan(values)]
    low, high = float(present.min()), float(present.max())
    if low == high and len(present) == len(values):
        return f"the same value in every row ({plain(low)})"
    if sight.name.strip().lower() in _ROW_NAMES and len(present) > 2 and not sight.asked:
        steps = np.diff(values)
        if np.all(steps == 1):
            return f"only counts the rows ({plain(low)} to {plain(high)})"
    detail = f"{plain(low)} to {plain(high)}, median {plain(float(np.median(present)))}"
    return sight.feature("numeric", "all values are numbers", detail)


def _fit(table: Table, feature: Feature, fitting: Fitting) -> NumericColumn:
    return fit_numbers(feature.name, feature_numbers(table, feature.name), fitting.scaling)


def _value(column: TextColumn, row: int) -> str:
    return repr(clipped(column.levels[column.codes[row]], 60))


NUMERIC = Kind(
    name="numeric",
    meaning="a number, scaled",
    recognise=_recognise,
    take=_take,
    fit=_fit,
    fitted=NumericColumn,
)
