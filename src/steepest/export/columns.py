"""What columns become before the network sees them, written in ops: each kind of column once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, final

import numpy as np

from steepest.data.kinds import CategoricalColumn, FittedColumn, NumericColumn
from steepest.data.table import number_text, parse_number
from steepest.errors import ConfigurationError
from steepest.export.stage import Rows
from steepest.ir.types import Array, float32, float64, int32, int64
from steepest.ops.composite import clip
from steepest.ops.elementwise import equal, isnan, sqrt, square, where
from steepest.ops.index import take
from steepest.ops.joins import concat
from steepest.ops.rows import converted
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor

Place: TypeAlias = tuple[str, int]
"""A column of an array: the table's column that it is of, and which of its columns there."""

Cell: TypeAlias = Literal["number", "text"]
"""What stands in a cell, before anything is made of it: a float64 with NaN, or text."""


@final
@dataclass(frozen=True)
class Part:
    """Some columns of one of the network's arrays.

    Args:
        array: its name.
        values: (rows, columns).
        places: what each column is.
    """

    array: str
    values: Tensor
    places: Sequence[Place]


@final
@dataclass(frozen=True, kw_only=True)
class Export:
    """How columns of one kind are exported.

    Args:
        cell: what is read of each.
        codes: of a column, text → the whole number that stands for it, 0 for all other text; ""
            is a missing value. None where cells are numbers.
        parts: of some columns and their cells (rows, columns), float64 numbers or int64 codes.
        alike: columns are computed together where this is equal.
    """

    cell: Cell
    codes: Callable[[Any], Mapping[str, int]] | None = None
    parts: Callable[[Sequence[Any], Tensor], list[Part]]
    alike: Callable[[Any], str] = lambda _: ""


@final
@dataclass(frozen=True)
class Group:
    """Columns that are computed together.

    Args:
        name: among the groups of a model.
        export: how.
        columns: in the order of the table.
    """

    name: str
    export: Export
    columns: tuple[FittedColumn, ...]

    @property
    def rows(self) -> Rows:
        """What the stage takes for it."""
        dtype = float64 if self.export.cell == "number" else int64
        return Rows(dtype, (len(self.columns),))


def groups_of(columns: Sequence[FittedColumn]) -> tuple[Group, ...]:
    """Put columns together that are computed alike, in the order of their first ones.

    Errors:
        ConfigurationError: a kind that cannot be exported; says why and what to do.
    """
    found: dict[tuple[str, str], list[FittedColumn]] = {}
    for column in columns:
        kind = kind_of(column)
        if kind not in EXPORTS:
            raise ConfigurationError(
                f"column {column.name!r} is of kind {kind!r}, which cannot be exported; fit again "
                f"without it (--drop {column.name}) or as another kind (--types)"
            )
        found.setdefault((kind, EXPORTS[kind].alike(column)), []).append(column)
    return tuple(
        Group("_".join(filter(None, key)), EXPORTS[key[0]], tuple(each))
        for key, each in found.items()
    )


def kind_of(column: FittedColumn) -> str:
    """The name of its kind."""
    return str(column.__struct_config__.tag)


def prepared(
    groups: Sequence[Group], columns: Sequence[FittedColumn], cells: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The network's arrays, as `Preprocessor.transform` makes them.

    Args:
        groups: of the columns.
        columns: in the order of the table.
        cells: of each group, by its name.
    """
    parts: dict[str, list[Part]] = {}
    for group in groups:
        for part in group.export.parts(group.columns, cells[group.name]):
            parts.setdefault(part.array, []).append(part)
    order = {column.name: place for place, column in enumerate(columns)}
    return {name: _in_order(order, each) for name, each in sorted(parts.items())}


def _in_order(order: Mapping[str, int], parts: Sequence[Part]) -> Tensor:
    """The parts side by side, their columns in the order of the table's."""
    values = parts[0].values
    if len(parts) > 1:
        values = concat([part.values for part in parts], axis=1)
    places = [(order[name], which) for part in parts for name, which in part.places]
    ranked = sorted(range(len(places)), key=places.__getitem__)
    if ranked == [*range(len(places))]:
        return values
    return take(values, named("order", np.array(ranked, np.int64)), axis=1)


def named(name: str, values: Array) -> Tensor:
    """Numbers of the model, with the name that they shall have in what is exported.

    A cell and no plain Tensor: a trace would stretch that for the rows of the day at once.
    """
    return State(values, trainable=False, name=name).value


# ----------------------------------------------------------------------------------------- numbers


def _numbers(columns: Sequence[NumericColumn], values: Tensor) -> list[Part]:
    absent = isnan(values)
    filled = where(absent, named("fill", _each(columns, "fill")), values)
    scaled = (filled - named("centre", _each(columns, "centre"))) * named(
        "scale", _each(columns, "scale")
    )
    clipped = CLIPS[columns[0].scaling](scaled)
    parts = [Part("numeric", converted(clipped, float32), [(each.name, 0) for each in columns])]
    marked = [place for place, each in enumerate(columns) if each.indicator]
    if marked:
        known = absent
        if len(marked) < len(columns):
            known = take(absent, named("marked", np.array(marked, np.int64)), axis=1)
        places = [(columns[place].name, 1) for place in marked]
        parts.append(Part("numeric", converted(known, float32), places))
    return parts


def _each(columns: Iterable[Any], name: str) -> Array:
    return np.array([getattr(column, name) for column in columns], np.float64)


def _smooth_clip(scaled: Tensor) -> Tensor:
    bounded = clip(scaled, -1e150, 1e150)  # whose square still is a number
    return bounded / sqrt(1.0 + square(bounded / 3.0))


def _keep(scaled: Tensor) -> Tensor:
    return scaled


CLIPS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"robust": _smooth_clip, "standard": _keep, "minmax": _keep, "none": _keep}
)
"""What is done to scaled numbers, by the name of the scaling."""


# -------------------------------------------------------------------------------------- categories


def spellings(levels: Sequence[str], missing: int) -> dict[str, int]:
    """Each text that is one of the levels, with its code; levels are numbered from 1.

    A number is written with or without a point, a truth value in small letters or capitals, as
    `match_levels` reads them alike.

    Args:
        levels: in the order of their codes.
        missing: the code of a missing value.

    >>> spellings(["1", "true"], 0)
    {'': 0, '1': 1, 'true': 2, '1.0': 1, 'True': 2, 'TRUE': 2}
    """
    exact = {"": missing, **{level: code for code, level in enumerate(levels, 1)}}
    loose: dict[str, int] = {}
    for code, level in enumerate(levels, 1):
        number = parse_number(level)
        if number is not None:
            wholes = [True, False] if number.is_integer() else [False]
            texts = [number_text(number, whole) for whole in wholes]
        elif level.lower() in {"true", "false"}:
            texts = [level.lower(), level.capitalize(), level.upper()]
        else:
            continue
        for text in texts:
            loose.setdefault(text, code)
    return {**exact, **{text: code for text, code in loose.items() if text not in exact}}


def _codes(column: CategoricalColumn) -> dict[str, int]:
    return spellings(column.levels, column.size if column.missing else 0)


def _zeros_and_ones(columns: Sequence[CategoricalColumn], codes: Tensor) -> list[Part]:
    """Each level a column: 1 where the row's code is the level's."""
    owners = [place for place, each in enumerate(columns) for _ in range(each.size)]
    levels = [code + 1 for each in columns for code in range(each.size)]
    spread = codes
    if owners != [*range(len(columns))]:
        spread = take(codes, named("owner", np.array(owners, np.int64)), axis=1)
    found = equal(spread, named("level", np.array(levels, np.int64)))
    places = [(each.name, code) for each in columns for code in range(each.size)]
    return [Part("numeric", converted(found, float32), places)]


def _embedded(columns: Sequence[CategoricalColumn], codes: Tensor) -> list[Part]:
    return [Part("categories", converted(codes, int32), [(each.name, 0) for each in columns])]


def _categories(columns: Sequence[CategoricalColumn], codes: Tensor) -> list[Part]:
    return (_zeros_and_ones if columns[0].one_hot else _embedded)(columns, codes)


def _way(column: CategoricalColumn) -> str:
    return "one_hot" if column.one_hot else "embedded"


EXPORTS: Mapping[str, Export] = MappingProxyType(
    {
        "numeric": Export(cell="number", parts=_numbers, alike=lambda column: column.scaling),
        "categorical": Export(cell="text", codes=_codes, parts=_categories, alike=_way),
    }
)
"""By kind of column. A kind that is not here is refused."""
