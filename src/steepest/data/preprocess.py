"""From tables to the arrays that a network takes, fitted to the training rows only.

>>> from steepest.data import infer_schema, read_table
>>> table = read_table({"size": [1, 2, None, 4], "sort": ["a", "b", "b", "a"], "y": [0, 1, 1, 0]})
>>> preprocessor = Preprocessor.fit(table, infer_schema(table, "y"))
>>> preprocessor.numeric_names
('size', 'size is missing', 'sort=a', 'sort=b')
>>> preprocessor.transform(table)["numeric"][2].tolist()
[0.0, 1.0, 0.0, 1.0]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.inference import feature_numbers
from steepest.data.scaling import scaling_named, standard
from steepest.data.schema import Feature, Schema
from steepest.data.table import Column, NumberColumn, Table, TextColumn, parse_number
from steepest.data.target import codes_of_classes, in_order, match_levels, target_numbers
from steepest.errors import ConfigurationError, DataError, ModelFileError

Inputs = dict[str, NDArray[Any]]
"""{"numeric": float32 (rows, numeric columns), "categories": int32 (rows, embedded columns)}."""


@dataclass(frozen=True, kw_only=True)
class NumericInput:
    """How one numeric feature is read: (x − centre) · scale, `fill` in place of a missing x.

    `indicator` adds a column that is 1 where the value is missing.
    """

    name: str
    centre: float
    scale: float
    fill: float
    indicator: bool


@dataclass(frozen=True, kw_only=True)
class CategoricalInput:
    """The levels of one categorical feature in training; `missing` makes one more, the last.

    One-hot: one column of 0 and 1 for each. Embedded: codes 1 to `size`, and 0 for a level that
    nobody trained.
    """

    name: str
    levels: tuple[str, ...]
    missing: bool
    one_hot: bool

    @property
    def size(self) -> int:
        """How many levels there are, the missing one included."""
        return len(self.levels) + self.missing

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

    def _check_type(self, table: Table, column: Column) -> None:
        """Refuse a column that is all numbers where no level of training is one."""
        if not self.levels or any(parse_number(level) is not None for level in self.levels):
            return
        present = np.flatnonzero(~column.missing)
        if len(present) and not np.isnan(_as_numbers(column)[present]).any():
            row = int(present[0])
            example = column.take(slice(row, row + 1)).texts()[0]
            raise DataError(
                f"{table.place(row, self.name)}: {example} is a number, as are all "
                "values read with it; this column was text in training "
                f"({', '.join(repr(level) for level in self.levels[:3])} …)"
            )


@dataclass(frozen=True, kw_only=True)
class TargetScale:
    """A regression target is trained as (y − centre) / scale."""

    centre: float
    scale: float


@dataclass(frozen=True, kw_only=True)
class Preprocessor:
    """Everything needed to turn rows into inputs and targets; no training data in it.

    Numeric features are scaled; a missing value becomes the training median, with an indicator
    column if training had missing values. Categorical features are one-hot up to `one_hot_levels`
    levels (missing is a level), else codes for an embedding; a level that nobody trained
    contributes exactly zero: a row of zeros, or code 0. Columns of "numeric" stand in the order of
    `numeric_names`.

    Attributes:
        schema: the table's.
        scaling: "robust", "standard", "minmax" or "none".
        numeric: fitted numeric features.
        categorical: fitted categorical features.
        target_scale: mean and 1/N deviation of a regression target, None for classes.
    """

    schema: Schema
    scaling: str
    numeric: tuple[NumericInput, ...]
    categorical: tuple[CategoricalInput, ...]
    target_scale: TargetScale | None

    @classmethod
    def fit(
        cls, table: Table, schema: Schema, *, scaling: str = "robust", one_hot_levels: int = 8
    ) -> Preprocessor:
        """Fit to training rows, which must have targets.

        Raises:
            ConfigurationError: no such scaling; a negative number of levels.
            DataError: a column that does not fit the schema, with row and column.
        """
        if one_hot_levels < 0:
            raise ConfigurationError(f"one_hot_levels must be 0 or more, not {one_hot_levels}")
        schema.check_columns(table)
        of_kind: dict[str, list[Feature]] = {"numeric": [], "categorical": []}
        for feature in schema.features:
            of_kind[feature.kind].append(feature)
        target_scale = None
        if schema.target.task == "regression":
            centre, inverse = standard(_present_numbers(table, schema.target.name))
            target_scale = TargetScale(centre=centre, scale=1.0 / inverse if inverse else 1.0)
        return cls(
            schema=schema,
            scaling=scaling,
            numeric=tuple(_fit_numeric(table, each.name, scaling) for each in of_kind["numeric"]),
            categorical=tuple(
                _fit_categorical(table, each.name, one_hot_levels)
                for each in of_kind["categorical"]
            ),
            target_scale=target_scale,
        )

    @property
    def numeric_names(self) -> tuple[str, ...]:
        """The columns of the array "numeric"."""
        scaled = [each.name for each in self.numeric]
        indicators = [f"{each.name} is missing" for each in self.numeric if each.indicator]
        one_hot: list[str] = []
        for each in self.categorical:
            if each.one_hot:
                one_hot += [f"{each.name}={level}" for level in each.levels]
                one_hot += [f"{each.name} is missing"] * each.missing
        return (*scaled, *indicators, *one_hot)

    @property
    def embedded(self) -> tuple[CategoricalInput, ...]:
        """The features behind the columns of the array "categories"."""
        return tuple(each for each in self.categorical if not each.one_hot)

    def transform(self, table: Table) -> Inputs:
        """Make the input arrays, one row for each row of the table, in its order.

        Raises:
            DataError: a missing column, text or an infinite value in a numeric one, numbers in one
                that was text; with row and column.
        """
        self.schema.check_columns(table)
        rows = len(table)
        clip = scaling_named(self.scaling).clip
        numeric = np.zeros((rows, len(self.numeric_names)), dtype=np.float32)
        place = len(self.numeric)
        for index, each in enumerate(self.numeric):
            values = feature_numbers(table, each.name, table.column(each.name))
            absent = np.isnan(values)
            values = np.where(absent, each.fill, values)
            with np.errstate(over="ignore"):  # the clip takes an infinite value to its bound
                scaled = (values - each.centre) * each.scale
            numeric[:, index] = clip(scaled)
            if each.indicator:
                numeric[:, place] = absent
                place += 1
        for each in self.categorical:
            if each.one_hot:
                codes = each.codes(table)
                known = np.flatnonzero(codes)
                numeric[known, place + codes[known] - 1] = 1.0
                place += each.size
        embedded = self.embedded
        categories = np.zeros((rows, len(embedded)), dtype=np.int32)
        for index, each in enumerate(embedded):
            categories[:, index] = each.codes(table)
        return {"numeric": numeric, "categories": categories}

    def transform_target(self, table: Table) -> NDArray[Any]:
        """Make the targets: classes as int32 codes, or standardised float64, of shape (rows,).

        Raises:
            DataError: missing, not a known class (nearest told), or no finite number; with row.
        """
        target = self.schema.target
        if self.target_scale is None:
            return codes_of_classes(table, target.name, target.classes)
        values = _present_numbers(table, target.name)
        return (values - self.target_scale.centre) / self.target_scale.scale

    def inverse_target(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Take regression outputs back into the target's units: centre + scale · value."""
        if self.target_scale is None:
            raise DataError(f"the target {self.schema.target.name!r} has classes, not units")
        return self.target_scale.centre + self.target_scale.scale * values.astype(np.float64)

    def unseen_levels(self, table: Table) -> dict[str, tuple[str, ...]]:
        """Find the levels, column → levels, that training did not have; they contribute zero."""
        found: dict[str, tuple[str, ...]] = {}
        for each in self.categorical:
            column = table.column(each.name)
            column = column if isinstance(column, TextColumn) else column.as_text()
            unknown = column.codes[(each.codes(table) == 0) & ~column.missing]
            if len(unknown):
                found[each.name] = tuple(column.levels[code] for code in np.unique(unknown))
        return found

    def to_json(self) -> dict[str, Any]:
        """Give plain dicts, lists, numbers and strings; `from_json` rebuilds exactly this."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preprocessor:
        """Rebuild what `to_json` gave.

        Raises:
            ModelFileError: the data do not describe a preprocessor.
        """
        try:
            scale = data["target_scale"]
            return cls(
                schema=Schema.from_json(data["schema"]),
                scaling=scaling_named(data["scaling"]).name,
                numeric=tuple(NumericInput(**each) for each in data["numeric"]),
                categorical=tuple(
                    CategoricalInput(
                        name=each["name"],
                        levels=tuple(each["levels"]),
                        missing=each["missing"],
                        one_hot=each["one_hot"],
                    )
                    for each in data["categorical"]
                ),
                target_scale=None if scale is None else TargetScale(**scale),
            )
        except (KeyError, TypeError, ConfigurationError) as error:
            raise ModelFileError(
                f"the preprocessing in this file cannot be read: {error!r}"
            ) from None


def _as_numbers(column: Column) -> NDArray[np.float64]:
    return column.values if isinstance(column, NumberColumn) else column.as_numbers()[0]


def _present_numbers(table: Table, name: str) -> NDArray[np.float64]:
    values = target_numbers(table, name)
    absent = np.flatnonzero(np.isnan(values))
    if len(absent):
        raise DataError(f"{table.place(int(absent[0]), name)}: the target is missing")
    return values


def _fit_numeric(table: Table, name: str, scaling: str) -> NumericInput:
    values = feature_numbers(table, name, table.column(name))
    absent = np.isnan(values)
    present = values[~absent]
    if not len(present):
        # All values stand in rows kept for validation or test: nothing can be learnt from it.
        return NumericInput(name=name, centre=0.0, scale=0.0, fill=0.0, indicator=False)
    centre, scale = scaling_named(scaling).fit(present)
    return NumericInput(
        name=name,
        centre=centre,
        scale=scale,
        fill=float(np.median(present)),
        indicator=bool(absent.any()),
    )


def _fit_categorical(table: Table, name: str, one_hot_levels: int) -> CategoricalInput:
    column = table.column(name)
    column = column if isinstance(column, TextColumn) else column.as_text()
    levels = in_order([column.levels[code] for code in np.flatnonzero(column.counts())])
    missing = bool(column.missing.any())
    one_hot = len(levels) + missing <= one_hot_levels
    return CategoricalInput(name=name, levels=levels, missing=missing, one_hot=one_hot)
