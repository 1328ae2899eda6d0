"""Columns of numbers: scaled, a missing one filled in beside an indicator."""

from __future__ import annotations

from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data.kinds.kind import Fitting, Inputs, Kind, Layout, Sight
from steepest.data.kinds.wording import plain, quoted
from steepest.data.scaling import scaling_named
from steepest.data.schema import Feature
from steepest.data.table import Table, TextColumn
from steepest.data.written import Sign, sign_of, written_numbers
from steepest.errors import ConfigurationError, DataError, clipped

MOSTLY_NUMBERS = 0.95
"""From this share of numbers on, text in a column is taken for a mistake and not for a level."""

_ROW_NAMES = {"id", "index", "row", "row_id", "rowid", "row_number", "rownames", "unnamed: 0"}

_LARGEST = 1e300  # differences of such numbers still are numbers
BOUND = 3e38  # float32 has no larger ones


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
        written: what stands before decimals where numbers are written for people, `Sign`.
    """

    name: str
    centre: float
    scale: float
    scaling: str
    fill: float
    indicator: bool
    written: Sign = ""

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
        """Where a point may stand between groups: "1.609" is no number of the file's then."""
        return bool(self.written)

    def transform(self, table: Table) -> Inputs:
        """Scale the numbers.

        Raises:
            DataError: text or an infinite value, with row and column.
        """
        return {
            "numeric": scaled_with_indicator(self, feature_numbers(table, self.name, self.written))
        }

    def unseen(self, table: Table) -> tuple[str, ...]:
        """No number is new."""
        return ()


def scaled_with_indicator(
    column: NumericColumn, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scale numbers as a numeric column does: float64 (rows, 1 or 2)."""
    absent = np.isnan(values)
    values = np.where(absent, column.fill, values)
    with np.errstate(over="ignore"):  # the clip takes an infinite value to its bound
        scaled = (values - column.centre) * column.scale
    found = np.empty((len(values), 1 + column.indicator))
    found[:, 0] = np.clip(scaling_named(column.scaling).clip(scaled), -BOUND, BOUND)
    if column.indicator:
        found[:, 1] = absent
    return found


def fit_numbers(
    name: str, values: NDArray[np.float64], scaling: str, written: Sign = ""
) -> NumericColumn:
    """Fit a scaling to numbers, NaN where missing.

    Args:
        name: of the column.
        values: of the training rows; may all be missing, then nothing can be learnt from them.
        scaling: its name.
        written: how the column writes them.
    """
    absent = np.isnan(values)
    present = values[~absent]
    how = scaling_named(scaling)
    if not len(present):
        return NumericColumn(
            name=name,
            centre=0.0,
            scale=0.0,
            scaling=how.name,
            fill=0.0,
            indicator=False,
            written=written,
        )
    centre, scale = how.fit(present)
    return NumericColumn(
        name=name,
        centre=centre,
        scale=scale,
        scaling=how.name,
        fill=float(np.median(present)),
        indicator=bool(absent.any()),
        written=written,
    )


def feature_numbers(table: Table, name: str, written: Sign = "") -> NDArray[np.float64]:
    """Read a numeric feature: float64 with NaN where missing.

    Args:
        table: that has it.
        name: of the column.
        written: how it writes numbers, if for people.

    Raises:
        DataError: text or an infinite value, with row and column.
    """
    column = table.column(name)
    if isinstance(column, TextColumn):
        values, wrong = written_numbers(column, written) if written else column.as_numbers()
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
    written: Sign = ""
    if isinstance(column, TextColumn):
        _, wrong = column.as_numbers()
        mistakes = int(wrong.sum())
        if mistakes:
            written = sign_of(sight.table, sight.name, column, _remedy(sight))
        if not written and mistakes > (1 - MOSTLY_NUMBERS) * sight.present:
            return None
        if mistakes and not written:
            row = int(np.flatnonzero(wrong)[0])
            raise DataError(
                f"{sight.table.place(row, sight.name)}: {_value(column, row)} stands in a column "
                f"where {sight.present - mistakes} of {sight.present} values are numbers; if it "
                "marks a missing value name it (--missing), or say that the column is text "
                f"(--types {quoted(sight.name)}=categorical)"
            )
    return _describe(sight, written)


def _take(sight: Sight) -> Feature | str:
    if sight.how:
        return _describe(sight, _sign(sight))
    column = sight.column
    if isinstance(column, TextColumn) and column.as_numbers()[1].any():
        return _describe(sight, sign_of(sight.table, sight.name, column, _remedy(sight)))
    return _describe(sight, "")


def _sign(sight: Sight) -> Sign:
    for sign in ("point", "comma"):
        if sight.how == (sign,):
            return sign
    raise ConfigurationError(
        f"types: {sight.name!r}: numeric:{'<'.join(sight.how)} is not possible; say numeric:point "
        "or numeric:comma, whichever stands before decimals"
    )


def _remedy(sight: Sight) -> str:
    given = quoted(sight.name)
    return f"say --types {given}=categorical or --drop {given}"


def _describe(sight: Sight, written: Sign) -> Feature | str:
    values = feature_numbers(sight.table, sight.name, written)
    present = values[~np.isnan(values)]
    low, high = float(present.min()), float(present.max())
    if low == high and len(present) == len(values):
        return f"the same value in every row ({plain(low)})"
    if sight.name.strip().lower() in _ROW_NAMES and len(present) > 2 and not sight.asked:
        steps = np.diff(values)
        if np.all(steps == 1):
            return f"only counts the rows ({plain(low)} to {plain(high)})"
    detail = f"{plain(low)} to {plain(high)}, median {plain(float(np.median(present)))}"
    if not written or not isinstance(sight.column, TextColumn):
        return sight.feature("numeric", "all values are numbers", detail)
    row = int(np.argmax(np.nan_to_num(np.abs(values), nan=-1.0)))
    detail += f"; {sight.text.levels[sight.text.codes[row]]!r} is read as {plain(values[row])}"
    reason = "all values are numbers as people write them"
    return sight.feature("numeric", reason, detail, (written,))


def _fit(table: Table, feature: Feature, fitting: Fitting) -> NumericColumn:
    written: Sign = "" if not feature.how else "point" if feature.how == ("point",) else "comma"
    values = feature_numbers(table, feature.name, written)
    return fit_numbers(feature.name, values, fitting.scaling, written)


def _value(column: TextColumn, row: int) -> str:
    return repr(clipped(column.levels[column.codes[row]]))


NUMERIC = Kind(
    name="numeric",
    meaning="a number, scaled",
    how="point|comma",
    recognise=_recognise,
    take=_take,
    fit=_fit,
    fitted=NumericColumn,
)
