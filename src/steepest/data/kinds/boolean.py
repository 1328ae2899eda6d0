"""Truth in words, yes and no: one column of 1 and −1."""

from __future__ import annotations

from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data.kinds.kind import Fitting, Inputs, Kind, Layout, Sight
from steepest.data.schema import Feature
from steepest.data.table import Table, TextColumn
from steepest.errors import DataError, clipped

TRUE = frozenset({"true", "t", "yes", "y", "ja", "j", "oui", "sí", "on", "wahr", "1", "1.0"})
FALSE = frozenset({"false", "f", "no", "n", "nein", "non", "off", "falsch", "0", "0.0"})


@final
class BooleanColumn(Struct, frozen=True, kw_only=True, tag_field="kind", tag="boolean"):
    """1 for what is true, −1 for what is not, 0 where the value is missing or another word.

    Attributes:
        name: of the column.
        indicator: one more column, 1 where the value is missing.
    """

    name: str
    indicator: bool

    @property
    def layout(self) -> Layout:
        """One column, or two."""
        return Layout(numeric=(self.name, *[f"{self.name} is missing"] * self.indicator))

    @property
    def keeps_text(self) -> bool:
        """0 and 1 mean the same as numbers."""
        return False

    def transform(self, table: Table) -> Inputs:
        """Make 1, −1 and 0; an indicator beside them."""
        column = table.column(self.name).as_text()
        truth = _truth(column)[column.codes]
        if not self.indicator:
            return {"numeric": truth[:, None]}
        return {"numeric": np.stack([truth, column.missing.astype(np.float32)], axis=1)}

    def unseen(self, table: Table) -> tuple[str, ...]:
        """Find the words that are neither."""
        column = table.column(self.name).as_text()
        used = np.flatnonzero((_truth(column)[:-1] == 0) & (column.counts() > 0))
        return tuple(column.levels[code] for code in used)


def _truth(column: TextColumn) -> NDArray[np.float32]:
    """1, −1 or 0 for each level, and 0 for a missing one."""
    words = [level.casefold() for level in column.levels]
    return np.array([*((word in TRUE) - (word in FALSE) for word in words), 0], np.float32)


def _recognise(sight: Sight) -> Feature | str | None:
    words = {level.casefold() for level in sight.levels[:20]}
    if not (words & TRUE and words & FALSE and words <= TRUE | FALSE):
        return None
    true = next(level for level in sight.levels if level.casefold() in TRUE)
    false = next(level for level in sight.levels if level.casefold() in FALSE)
    return sight.feature("boolean", "true or false, in words", f"{true} (1) or {false} (-1)")


def _take(sight: Sight) -> Feature | str:
    odd = [level for level in sight.levels if level.casefold() not in TRUE | FALSE]
    if odd:
        raise DataError(
            f"{sight.table.place(sight.first_row(odd[0]), sight.name)}: {clipped(odd[0])!r} is "
            "neither true nor false; words for them are yes and no, true and false, y and n, "
            "ja and nein, 1 and 0; if it marks a missing value, name it (--missing)"
        )
    if len({level.casefold() in TRUE for level in sight.levels}) == 1 and not sight.missing:
        return f"the same value in every row ({sight.levels[0]})"
    shown = [f"{level} ({1 if level.casefold() in TRUE else -1})" for level in sight.levels[:4]]
    return sight.feature("boolean", "", " or ".join(shown))


def _fit(table: Table, feature: Feature, fitting: Fitting) -> BooleanColumn:
    del fitting
    missing = bool(table.column(feature.name).missing.any())
    return BooleanColumn(name=feature.name, indicator=missing)


BOOLEAN = Kind(
    name="boolean",
    meaning="true or false in words, one column",
    recognise=_recognise,
    take=_take,
    fit=_fit,
    fitted=BooleanColumn,
)
