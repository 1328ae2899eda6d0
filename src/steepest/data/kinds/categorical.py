"""Categories: columns of 0 and 1 for few levels, codes of an embedding for many."""

from __future__ import annotations

from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data.dates import looks_like_dates
from steepest.data.kinds.kind import Fitting, Inputs, Kind, Layout, Sight
from steepest.data.kinds.wording import listed
from steepest.data.levels import in_order, match_levels
from steepest.data.schema import Feature
from steepest.data.table import Column, NumberColumn, Table, parse_number
from steepest.errors import DataError


@final
class CategoricalColumn(Struct, frozen=True, kw_only=True, tag_field="kind", tag="categorical"):
    """The levels that training had; `missing` makes one more, the last.

    One-hot: one column of 0 and 1 for each. Embedded: codes 1 to `size`, and 0 for a level that
    nobody trained.

    Attributes:
        name: of the column.
        levels: in order.
        missing: rows without a value were among those of training.
        one_hot: or else embedded.
    """

    name: str
    levels: tuple[str, ...]
    missing: bool
    one_hot: bool

    @property
    def size(self) -> int:
        """How many levels there are, the missing one included."""
        return len(self.levels) + self.missing

    @property
    def layout(self) -> Layout:
        """A column for each level, or one code."""
        if not self.one_hot:
            return Layout(levels=self.size)
        named = [f"{self.name}={level}" for level in self.levels]
        return Layout(numeric=(*named, *[f"{self.name} is missing"] * self.missing))

    @property
    def keeps_text(self) -> bool:
        """Where a level is written with digits: "01" stays "01".

        Others are read as what they are, so that one that has become numbers is noticed.
        """
        return any(parse_number(level) is not None for level in self.levels)

    def transform(self, table: Table) -> Inputs:
        """Make columns of 0 and 1, or codes.

        Raises:
            DataError: the column holds numbers, where training had text that is not one.
        """
        codes = self.codes(table)
        if not self.one_hot:
            return {"categories": codes[:, None]}
        found = np.zeros((len(codes), self.size), dtype=np.float32)
        known = np.flatnonzero(codes)
        found[known, codes[known] - 1] = 1.0
        return {"numeric": found}

    def codes(self, table: Table) -> NDArray[np.int32]:
        """Number each row's level from 1, 0 where training had no such level: int32 (rows,).

        Raises:
            DataError: the column holds numbers, where training had text that is not one.
        """
        column = table.column(self.name)
        self._check_type(table, column)
        codes = match_levels(column, self.levels) + 1
        if self.missing:
            codes[column.missing] = self.size
        return codes.astype(np.int32)

    def unseen(self, table: Table) -> tuple[str, ...]:
        """Find the levels that training did not have."""
        column = table.column(self.name).as_text()
        unknown = column.codes[(self.codes(table) == 0) & ~column.missing]
        return tuple(column.levels[code] for code in np.unique(unknown))

    def _check_type(self, table: Table, column: Column) -> None:
        """Refuse a column that is all numbers where no level of training is one."""
        present = np.flatnonzero(~column.missing)
        if not self.levels or not len(present) or not _starts_with_number(column, present[0]):
            return
        if not np.isnan(_as_numbers(column)[present]).any() and not self.keeps_text:
            row = int(present[0])
            example = column.take(slice(row, row + 1)).texts()[0]
            raise DataError(
                f"{table.place(row, self.name)}: {example} is a number, as are all "
                "values read with it; this column was text in training "
                f"({', '.join(repr(level) for level in self.levels[:3])} …)"
            )


def _starts_with_number(column: Column, row: int) -> bool:
    """Look at one value before all of them are: most columns of text do not begin with a number."""
    if isinstance(column, NumberColumn):
        return True
    return parse_number(column.levels[column.codes[row]], column.decimal) is not None


def _as_numbers(column: Column) -> NDArray[np.float64]:
    return column.values if isinstance(column, NumberColumn) else column.as_numbers()[0]


def _recognise(sight: Sight) -> Feature | str | None:
    return _take(sight)


def _take(sight: Sight) -> Feature | str:
    levels = sight.levels
    if len(levels) == 1 and not sight.missing:
        return f"the same value in every row ({levels[0]})"
    dates = "; looks like dates" if looks_like_dates(sight.text) else ""
    if len(levels) == sight.present > 2 and not sight.asked:
        return f"an identifier: each of {sight.present} values stands in one row only{dates}"
    reason = "text that looks like dates" if dates else "text"
    return sight.feature("categorical", reason, f"{listed(levels)}{dates}")


def _fit(table: Table, feature: Feature, fitting: Fitting) -> CategoricalColumn:
    column = table.column(feature.name).as_text()
    levels = in_order([column.levels[code] for code in np.flatnonzero(column.counts())])
    missing = bool(column.missing.any())
    one_hot = len(levels) + missing <= fitting.one_hot_levels
    return CategoricalColumn(name=feature.name, levels=levels, missing=missing, one_hot=one_hot)


CATEGORICAL = Kind(
    name="categorical",
    meaning="levels without order",
    keeps_text=True,
    recognise=_recognise,
    take=_take,
    fit=_fit,
    fitted=CategoricalColumn,
)
