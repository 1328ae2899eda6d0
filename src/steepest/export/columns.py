"""What columns become before the network sees them, written in ops: each kind of column once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, final

import numpy as np

from steepest.data.kinds import (
    BooleanColumn,
    CategoricalColumn,
    DatetimeColumn,
    FittedColumn,
    FreeTextColumn,
    NumericColumn,
    OrdinalColumn,
)
from steepest.data.kinds.boolean import FALSE, TRUE
from steepest.data.kinds.datetime import CYCLES
from steepest.data.kinds.numeric import BOUND
from steepest.errors import ConfigurationError
from steepest.export.stage import Rows
from steepest.ir.types import Array, float64, int64
from steepest.ops.composite import clip
from steepest.ops.elementwise import cos, equal, floor, isnan, maximum, sin, sqrt, square, where
from steepest.ops.index import take
from steepest.ops.joins import concat
from steepest.ops.rows import converted
from steepest.tensor.state import State
from steepest.tensor.tensor import Tensor

Place: TypeAlias = tuple[str, int]
"""A column of an array: the table's column that it is of, and which of its columns there."""

Cell: TypeAlias = Literal["number", "point", "comma", "moment", "text", "word", "grams"]
"""What stands in a cell: a number, plain or written for people with a point or a comma before
decimals; a date or time; a level; a word for a level, in small letters or capitals; free text."""

TEXTS = ("text", "word")
"""Cells whose text stands for a whole number. Of others a float64 is read, NaN where missing: of a
moment the seconds since 1970, of free text the codes of its grams, all −1 where missing."""


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
        cell: what is read of a column.
        codes: of a column of texts: text → the whole number that stands for it, 0 for all other
            text; "" is a missing value.
        parts: of some columns and their cells (rows, columns), float64 numbers or int64 codes.
        alike: columns with equal cells are computed together where this is equal.
        width: numbers that are read of a cell.
    """

    cell: Callable[[Any], Cell]
    parts: Callable[[Sequence[Any], Tensor], list[Part]]
    codes: Callable[[Any], Mapping[str, int]] = lambda _: {}
    alike: Callable[[Any], str] = lambda _: ""
    width: Callable[[Any], int] = lambda _: 1


@final
@dataclass(frozen=True)
class Group:
    """Columns that are computed together.

    Args:
        name: among the groups of a model.
        cell: what is read of them.
        export: how.
        columns: in the order of the table.
    """

    name: str
    cell: Cell
    export: Export
    columns: tuple[FittedColumn, ...]

    @property
    def rows(self) -> Rows:
        """What the stage takes for it."""
        whole = self.cell in (*TEXTS, "grams")
        return Rows(int64 if whole else float64, (sum(map(self.export.width, self.columns)),))

    @property
    def codes(self) -> dict[str, dict[str, int]]:
        """Of columns of texts, by name: text → the whole number that stands for it."""
        return {each.name: {**self.export.codes(each)} for each in self.columns}


def groups_of(columns: Sequence[FittedColumn]) -> tuple[Group, ...]:
    """Put columns together that are computed alike, in the order of their first ones.

    Raises:
        ConfigurationError: a kind that cannot be exported; says why and what to do.
    """
    found: dict[tuple[str, str, Cell], list[FittedColumn]] = {}
    for column in columns:
        kind = kind_of(column)
        if kind not in EXPORTS:
            raise ConfigurationError(
                f"column {column.name!r} is of kind {kind!r}, which cannot be exported; fit again "
                f"without it (--drop {column.name}) or as another kind (--types)"
            )
        export = EXPORTS[kind]
        found.setdefault((kind, export.alike(column), export.cell(column)), []).append(column)
    return tuple(
        Group(_group_name(*key), key[2], EXPORTS[key[0]], tuple(each))
        for key, each in found.items()
    )


def _group_name(kind: str, alike: str, cell: Cell) -> str:
    written = cell if cell in ("point", "comma") else ""
    return "_".join(filter(None, (kind, alike, written)))


def kind_of(column: FittedColumn) -> str:
    """The name of its kind."""
    return str(column.__struct_config__.tag)


def prepared(group: Group, cells: Tensor) -> dict[str, tuple[Tensor, list[Place]]]:
    """What a group adds to the network's arrays, by their names: columns, and what each is.

    Args:
        group: of columns.
        cells: (rows, columns).
    """
    found: dict[str, list[Part]] = {}
    for part in group.export.parts(group.columns, cells):
        found.setdefault(part.array, []).append(part)
    return {
        name: (
            parts[0].values if len(parts) == 1 else concat([part.values for part in parts], axis=1),
            [place for part in parts for place in part.places],
        )
        for name, parts in found.items()
    }


def joined(
    values: Sequence[Tensor], places: Sequence[Place], columns: Sequence[FittedColumn]
) -> Tensor:
    """Columns side by side, in the order of the table's.

    Args:
        values: of each group.
        places: what each column of theirs is.
        columns: of the table.
    """
    whole = values[0] if len(values) == 1 else concat(values, axis=1)
    order = {column.name: place for place, column in enumerate(columns)}
    ranks = [(order[name], which) for name, which in places]
    ranked = sorted(range(len(ranks)), key=ranks.__getitem__)
    if ranked == [*range(len(ranks))]:
        return whole
    return take(whole, named("order", np.array(ranked, np.int64)), axis=1)


def named(name: str, values: Array) -> Tensor:
    """Numbers of the model, with the name that they shall have in what is exported.

    A cell and no plain Tensor: a trace would stretch that for the rows of the day at once.
    """
    return State(values, trainable=False, name=name).value


# ----------------------------------------------------------------------------------------- numbers


def _numbers(columns: Sequence[NumericColumn], values: Tensor) -> list[Part]:
    absent = isnan(values)
    scaled = _scaled(columns, values, absent)
    parts = [Part("numeric", scaled, [(each.name, 0) for each in columns])]
    return parts + _indicators([(each.name, each.indicator) for each in columns], absent, 1)


def _scaled(columns: Sequence[NumericColumn], values: Tensor, absent: Tensor) -> Tensor:
    """Numbers of alike scalings, each by its own centre and scale."""
    filled = where(absent, named("fill", _each(columns, "fill")), values)
    centred = filled - named("centre", _each(columns, "centre"))
    return CLIPS[columns[0].scaling](centred * named("scale", _each(columns, "scale")))


def _indicators(columns: Sequence[tuple[str, bool]], absent: Tensor, which: int) -> list[Part]:
    """For each column that has an indicator, whether the value is missing."""
    marked = [place for place, (_, indicator) in enumerate(columns) if indicator]
    if not marked:
        return []
    if len(marked) < len(columns):
        absent = take(absent, named("marked", np.array(marked, np.int64)), axis=1)
    places = [(columns[place][0], which) for place in marked]
    return [Part("numeric", converted(absent, float64), places)]


def _each(columns: Iterable[Any], name: str) -> Array:
    return np.array([getattr(column, name) for column in columns], np.float64)


def _smooth_clip(scaled: Tensor) -> Tensor:
    bounded = clip(scaled, -1e150, 1e150)  # whose square still is a number
    return bounded / sqrt(1.0 + square(bounded / 3.0))


def _bounded(scaled: Tensor) -> Tensor:
    return clip(scaled, -BOUND, BOUND)


CLIPS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"robust": _smooth_clip, "standard": _bounded, "minmax": _bounded, "none": _bounded}
)
"""What is done to scaled numbers, by the name of the scaling."""


# -------------------------------------------------------------------------------------- categories


def numbered(levels: Sequence[str], missing: int) -> dict[str, int]:
    """Number levels from 1, "" as the missing value's number says.

    >>> numbered(["a", "b"], 3)
    {'': 3, 'a': 1, 'b': 2}
    """
    return {"": missing, **{level: code for code, level in enumerate(levels, 1)}}


def _categories(column: CategoricalColumn) -> dict[str, int]:
    return numbered(column.levels, column.size if column.missing else 0)


def _zeros_and_ones(columns: Sequence[CategoricalColumn], codes: Tensor) -> list[Part]:
    """Each level a column: 1 where the row's code is the level's."""
    owners = [place for place, each in enumerate(columns) for _ in range(each.size)]
    levels = [code + 1 for each in columns for code in range(each.size)]
    spread = codes
    if owners != [*range(len(columns))]:
        spread = take(codes, named("owner", np.array(owners, np.int64)), axis=1)
    found = equal(spread, named("level", np.array(levels, np.int64)))
    places = [(each.name, code) for each in columns for code in range(each.size)]
    return [Part("numeric", converted(found, float64), places)]


def _embedded(columns: Sequence[CategoricalColumn], codes: Tensor) -> list[Part]:
    return [Part("categories", codes, [(each.name, 0) for each in columns])]


def _coded(columns: Sequence[CategoricalColumn], codes: Tensor) -> list[Part]:
    return (_zeros_and_ones if columns[0].one_hot else _embedded)(columns, codes)


def _way(column: CategoricalColumn) -> str:
    return "one_hot" if column.one_hot else "embedded"


# ------------------------------------------------------------------------- booleans, ordered levels

_TRUE, _FALSE, _ABSENT = 1, 2, 3


def _words(_: BooleanColumn) -> dict[str, int]:
    true, false = dict.fromkeys(sorted(TRUE), _TRUE), dict.fromkeys(sorted(FALSE), _FALSE)
    return {"": _ABSENT, **true, **false}


def _truth(columns: Sequence[BooleanColumn], codes: Tensor) -> list[Part]:
    """1 for true, −1 for false, 0 for what is neither."""
    values = converted(equal(codes, _TRUE), float64) - converted(equal(codes, _FALSE), float64)
    parts = [Part("numeric", values, [(each.name, 0) for each in columns])]
    absent = equal(codes, _ABSENT)
    return parts + _indicators([(each.name, each.indicator) for each in columns], absent, 1)


def _ranks(columns: Sequence[OrdinalColumn], codes: Tensor) -> list[Part]:
    """Codes count from 1, ranks from 0; a level that has none is missing."""
    ranks = where(equal(codes, 0), math.nan, converted(codes, float64) - 1.0)
    return _numbers([each.number for each in columns], ranks)


# ----------------------------------------------------------------------------------------- moments

_DAY, _HOUR = 86400.0, 3600.0  # seconds


def _moments(columns: Sequence[DatetimeColumn], seconds: Tensor) -> list[Part]:
    return [
        part
        for place, column in enumerate(columns)
        for part in _moment(column, seconds[:, place : place + 1])
    ]


def _moment(column: DatetimeColumn, seconds: Tensor) -> list[Part]:
    """One column's numbers, its cycles, and whether it is missing."""
    absent = isnan(seconds)
    days = floor(seconds / _DAY)
    hour = (seconds - days * _DAY) / _HOUR
    year, month = year_and_month(days)
    read = {
        "days": days + hour / 24.0,
        "year": year,
        "month": month,
        "weekday": (days + 3.0) - 7.0 * floor((days + 3.0) / 7.0),
        "hour": hour,
    }
    values: list[Tensor] = []
    for number in column.numbers:
        part = read[number.name.removeprefix(f"{column.name} ")]
        values.append(_scaled([number], part, absent))
    for cycle in column.cycles:
        angle = read[cycle] * (2.0 * math.pi / CYCLES[cycle])
        values += [where(absent, 0.0, sin(angle)), where(absent, 0.0, cos(angle))]
    parts = [Part("numeric", each, [(column.name, which)]) for which, each in enumerate(values)]
    return parts + _indicators([(column.name, column.indicator)], absent, len(values))


def year_and_month(days: Tensor) -> tuple[Tensor, Tensor]:
    """Of days since 1970: the year, and the months since January.

    Years are taken to begin in March, so that a leap day is a year's last.

    Source: Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    """
    shifted = days + 719468.0  # since the 1st of March of the year 0
    era = floor(shifted / 146097.0)  # of 400 years
    day = shifted - era * 146097.0
    leaps = floor(day / 1460.0) - floor(day / 36524.0) + floor(day / 146096.0)
    year = floor((day - leaps) / 365.0)
    day_of_year = day - (365.0 * year + floor(year / 4.0) - floor(year / 100.0))
    month = floor((5.0 * day_of_year + 2.0) / 153.0)  # since March
    turned = month < 10.0
    since_january = where(turned, month + 2.0, month - 10.0)
    return year + era * 400.0 + where(turned, 0.0, 1.0), since_january


# ---------------------------------------------------------------------------------------- free text


def _bags(columns: Sequence[FreeTextColumn], codes: Tensor) -> list[Part]:
    """Each column's codes, 0 for none; a missing text has −1."""
    parts = [
        Part(
            "bags",
            maximum(codes, 0),
            [(each.name, which) for each in columns for which in range(each.length)],
        )
    ]
    firsts = np.cumsum([0, *(each.length for each in columns)])[:-1].astype(np.int64)
    absent = take(codes, named("first", firsts), axis=1) < 0
    return parts + _indicators([(each.name, each.indicator) for each in columns], absent, 0)


EXPORTS: Mapping[str, Export] = MappingProxyType(
    {
        "numeric": Export(
            cell=lambda column: column.written or "number",
            parts=_numbers,
            alike=lambda column: column.scaling,
        ),
        "categorical": Export(cell=lambda _: "text", codes=_categories, parts=_coded, alike=_way),
        "boolean": Export(cell=lambda _: "word", codes=_words, parts=_truth),
        "ordinal": Export(
            cell=lambda _: "text",
            codes=lambda column: numbered(column.levels, 0),
            parts=_ranks,
            alike=lambda column: column.number.scaling,
        ),
        "datetime": Export(cell=lambda _: "moment", parts=_moments),
        "text": Export(
            cell=lambda _: "grams",
            parts=_bags,
            alike=lambda column: f"{column.buckets}_{column.length}",
            width=lambda column: column.length,
        ),
    }
)
"""By kind of column. A kind that is not here is refused."""
