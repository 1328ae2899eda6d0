"""A kind of column: how it is recognised, described, fitted to rows, and turned into arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from steepest.data.schema import Feature
from steepest.data.table import Column, Table, TextColumn

Inputs = dict[str, NDArray[Any]]
"""The arrays of a network by name, see `ARRAYS`; each has a row for each row of the table."""

ARRAYS = {"numeric": np.float32, "categories": np.int32, "bags": np.int32}
"""Element types: numbers; codes, each of an embedding of its own; codes that share one, in bags."""


@final
@dataclass(frozen=True)
class Bag:
    """Codes 1 to `buckets` that share an embedding, `length` to a row, 0 where there are fewer."""

    buckets: int
    length: int


@final
@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a fitted column adds to each array.

    Attributes:
        numeric: names of its columns in "numeric", for a person.
        continuous: how many of these, the first ones, take more values than two.
        levels: codes 1 to `levels` stand in one column of "categories"; 0 for no such column.
        bag: its columns in "bags", if it has any.
    """

    numeric: tuple[str, ...] = ()
    continuous: int = 0
    levels: int = 0
    bag: Bag | None = None

    def width(self, array: str) -> int:
        """How many columns it adds to an array.

        >>> Layout(numeric=("age", "age is missing")).width("numeric")
        2
        """
        widths = {
            "numeric": len(self.numeric),
            "categories": int(self.levels > 0),
            "bags": self.bag.length if self.bag else 0,
        }
        return widths[array]


class FittedColumn(Protocol):
    """A column as the training rows left it: a frozen msgspec Struct tagged with its kind."""

    __struct_config__: ClassVar[Any]

    @property
    def name(self) -> str:
        """The column's."""
        ...

    @property
    def layout(self) -> Layout:
        """What it adds to each array."""
        ...

    @property
    def keeps_text(self) -> bool:
        """Whether it must be read as the file writes it, even where that is all numbers."""
        ...

    def transform(self, table: Table) -> Inputs:
        """Make its part of each array that its layout names: (rows, width).

        Raises:
            DataError: a value that this kind has no number for; with row and column.
        """
        ...

    def unseen(self, table: Table) -> tuple[str, ...]:
        """Find the values that training did not have, and that contribute nothing."""
        ...


@final
@dataclass(frozen=True, kw_only=True)
class Fitting:
    """Options of preprocessing, for every kind to take what concerns it.

    Attributes:
        scaling: of numbers: "robust", "standard", "minmax" or "none".
        one_hot_levels: categories with more get an embedding.
        text_buckets: the words of a text share so many codes.
        text_length: codes of a text, at most.
    """

    scaling: str = "robust"
    one_hot_levels: int = 8
    text_buckets: int = 16_384
    text_length: int = 256


@final
@dataclass(frozen=True)
class Sight:
    """A column that has some value, as kinds look at it to see whether it is theirs.

    Attributes:
        table: the rows that have a target.
        name: of the column.
        how: what the user said of it behind the kind's colon, split at "<".
        asked: the kind was asked for and not found out.
    """

    table: Table
    name: str
    how: tuple[str, ...] = ()
    asked: bool = False

    @cached_property
    def column(self) -> Column:
        """The column itself."""
        return self.table.column(self.name)

    @cached_property
    def text(self) -> TextColumn:
        """The same as text."""
        return self.column.as_text()

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """Rows of each level of the text."""
        return self.text.counts()

    @cached_property
    def levels(self) -> list[str]:
        """The levels that occur, the commonest first, ties in the order of the source."""
        used = np.flatnonzero(self.counts)
        ranked = used[np.argsort(-self.counts[used], kind="stable")]
        return [self.text.levels[code] for code in ranked]

    @cached_property
    def present(self) -> int:
        """How many rows have a value."""
        return len(self.table) - self.missing

    @cached_property
    def missing(self) -> int:
        """How many rows have none."""
        return int(self.column.missing.sum())

    def feature(self, kind: str, reason: str, detail: str, how: tuple[str, ...] = ()) -> Feature:
        """Make the feature that the column is taken for.

        Args:
            kind: its name.
            reason: why, unless it was asked for.
            detail: what the column holds, for a person.
            how: what the fit shall know about the whole column.
        """
        return Feature(
            name=self.name,
            kind=kind,
            reason="by option" if self.asked else reason,
            detail=detail,
            missing=self.missing,
            how=how,
        )

    def first_row(self, level: str) -> int:
        """Find the first row with this text."""
        return int(np.flatnonzero(self.text.codes == self.text.levels.index(level))[0])


@final
@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of column. `KINDS` lists them in the order in which a column is offered to them.

    Attributes:
        name: as `--types COLUMN=NAME` says it.
        meaning: what columns of it become, in a few words.
        how: what may stand behind a colon, as the user types it: "a<b<c"; "" for nothing.
        keeps_text: where it is asked for, the column is read as the file writes it.
        recognise: the feature, if the column is of this kind; None if it is of another; text if it
            says nothing and is left out, the reason.
        take: the feature, or the reason to leave it out, where the user says that it is this kind.
        fit: to training rows.
        fitted: the type that `fit` returns, its tag the kind's name.
    """

    name: str
    meaning: str
    how: str = ""
    keeps_text: bool = False
    recognise: Callable[[Sight], Feature | str | None]
    take: Callable[[Sight], Feature | str]
    fit: Callable[[Table, Feature, Fitting], FittedColumn]
    fitted: type[Struct]
