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

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from steepest.data.first_format import columns_of_format_1
from steepest.data.kinds import ARRAYS, KINDS, Bag, FittedColumn, Fitting, Inputs
from steepest.data.scaling import scaling_named
from steepest.data.schema import Schema
from steepest.data.table import Table
from steepest.data.target_scale import TargetScale, Transform, scaled, target_scales_of
from steepest.data.targets import fit_target_scales, read_targets
from steepest.errors import ConfigurationError, DataError, ModelFileError


@dataclass(frozen=True, kw_only=True)
class Preprocessor:
    """Everything needed to turn rows into inputs and targets; no training data in it.

    What each column becomes, its kind says (`steepest.data.KINDS`). The arrays are the columns'
    parts side by side, in the order of `columns`.

    Attributes:
        schema: the table's.
        columns: fitted features, in the order of the schema.
        target_scales: how each regression target is standardised; empty for classes.
    """

    schema: Schema
    columns: tuple[FittedColumn, ...]
    target_scales: tuple[TargetScale, ...]

    @classmethod
    def fit(
        cls,
        table: Table,
        schema: Schema,
        *,
        scaling: str = "robust",
        one_hot_levels: int = 8,
        text_buckets: int = 16_384,
        text_length: int = 256,
        target: Transform = "none",
    ) -> Preprocessor:
        """Fit to training rows, which must have targets.

        Args:
            table: the rows.
            schema: the table's.
            scaling: of numbers.
            one_hot_levels: categories with more levels get codes.
            text_buckets: the words of a text share so many codes.
            text_length: codes of a text, at most.
            target: what is done to regression targets before they are standardised.

        Raises:
            ConfigurationError: no such scaling; a negative number of levels.
            DataError: a column that does not fit the schema, with row and column.
        """
        if one_hot_levels < 0:
            raise ConfigurationError(f"one_hot_levels must be 0 or more, not {one_hot_levels}")
        schema.check_columns(table)
        fitting = Fitting(
            scaling=scaling_named(scaling).name,
            one_hot_levels=one_hot_levels,
            text_buckets=text_buckets,
            text_length=text_length,
        )
        return cls(
            schema=schema,
            columns=tuple(KINDS[each.kind].fit(table, each, fitting) for each in schema.features),
            target_scales=fit_target_scales(table, schema.targets, target),
        )

    @property
    def numeric_names(self) -> tuple[str, ...]:
        """The columns of the array "numeric"."""
        return tuple(name for each in self.columns for name in each.layout.numeric)

    @property
    def continuous(self) -> tuple[int, ...]:
        """The places in "numeric" of numbers that take more values than two."""
        found: list[int] = []
        place = 0
        for each in self.columns:
            found += range(place, place + each.layout.continuous)
            place += each.layout.width("numeric")
        return tuple(found)

    @property
    def levels(self) -> tuple[int, ...]:
        """For each column of the array "categories", how many codes it has besides 0."""
        return tuple(each.layout.levels for each in self.columns if each.layout.levels)

    @property
    def bags(self) -> tuple[Bag, ...]:
        """The bags that stand side by side in the array "bags"."""
        return tuple(each.layout.bag for each in self.columns if each.layout.bag is not None)

    @property
    def text_columns(self) -> frozenset[str]:
        """The columns to read as the file writes them: labels, and where the text matters."""
        targets = [
            each.name
            for each in self.schema.targets
            if each.task == "classification" or each.written
        ]
        return frozenset({*targets, *(each.name for each in self.columns if each.keeps_text)})

    def transform(self, table: Table, dtype: DTypeLike = np.float32) -> Inputs:
        """Make the input arrays, one row for each row of the table, in its order.

        Args:
            table: with the features.
            dtype: of numbers, float32 or float64.

        Raises:
            DataError: a missing column, or a value that the kind of its column has no number for;
                with row and column.
        """
        self.schema.check_columns(table)
        layouts = [each.layout for each in self.columns]
        arrays = {
            name: np.zeros(
                (len(table), sum(each.width(name) for each in layouts)),
                dtype=dtype if np.issubdtype(usual, np.floating) else usual,
            )
            for name, usual in ARRAYS.items()
        }
        places = dict.fromkeys(ARRAYS, 0)
        for column in self.columns:
            for name, part in column.transform(table).items():
                place = places[name]
                places[name] = place + part.shape[1]
                arrays[name][:, place : places[name]] = part
        return arrays

    def transform_target(self, table: Table) -> NDArray[Any]:
        """Make the targets: classes as int32 codes, or standardised float64.

        Returns:
            Of one target (rows,), of several (rows, targets).

        Raises:
            DataError: missing, not a known class (nearest told), or no finite number; with row.
        """
        values = read_targets(table, self.schema.targets)
        return scaled(self.target_scales, TargetScale.standardised, values)

    def inverse_target(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Take regression outputs back into the target's units: centre + scale · value."""
        if not self.target_scales:
            names = ", ".join(map(repr, self.schema.target_names))
            raise DataError(f"the target {names} has classes, not units")
        return scaled(self.target_scales, TargetScale.original, values)

    def unseen_levels(self, table: Table) -> dict[str, tuple[str, ...]]:
        """Find the levels, column → levels, that training did not have; they contribute zero."""
        found = {each.name: each.unseen(table) for each in self.columns}
        return {name: levels for name, levels in found.items() if levels}

    def to_json(self) -> dict[str, Any]:
        """Give plain dicts, lists, numbers and strings; `from_json` rebuilds exactly this."""
        return {
            "schema": self.schema.to_json(),
            "columns": [msgspec.to_builtins(each) for each in self.columns],
            "target_scales": [asdict(each) for each in self.target_scales],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preprocessor:
        """Rebuild what `to_json` gave, or what earlier versions did.

        Raises:
            ModelFileError: the data do not describe a preprocessor.
        """
        try:
            schema = Schema.from_json(data["schema"])
            written = data["columns"] if "columns" in data else columns_of_format_1(data)
            columns = [_rebuilt(each) for each in written]
            _check_order(schema, columns)
            scales = target_scales_of(data)
            if len(scales) != (len(schema.targets) if schema.task == "regression" else 0):
                raise ValueError("the targets are not those that are scaled")
            return cls(schema=schema, columns=tuple(columns), target_scales=scales)
        except (KeyError, TypeError, AttributeError, ValueError, ConfigurationError) as error:
            raise ModelFileError(
                f"the preprocessing in this file cannot be read: {error!r}"
            ) from None


def _rebuilt(data: Mapping[str, Any]) -> FittedColumn:
    """A fitted column, its types checked."""
    return cast("FittedColumn", msgspec.convert(data, KINDS[data["kind"]].fitted))


def _check_order(schema: Schema, columns: Sequence[FittedColumn]) -> None:
    if [each.name for each in schema.features] != [each.name for each in columns]:
        raise ValueError("the columns are not those of the schema")
