"""Records of text to tables: whole or in blocks, columns of numbers where all their text is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Literal, Protocol, final

import numpy as np
from numpy.typing import NDArray

from steepest.data.options import ReadOptions
from steepest.data.plain_lines import Numbers, PlainLines
from steepest.data.table import Column, NumberColumn, Table, TextColumn, without

_FIELDS_AT_ONCE = 1 << 17
_ATTEMPTS = 3
_BETWEEN = "\1"  # in no text


class Piece(Protocol):
    """Some successive records, their fields still text."""

    @property
    def numbers(self) -> Sequence[int]:
        """The line or row that each record begins in."""
        ...

    def texts(self, places: Sequence[int]) -> Sequence[Sequence[str]]:
        """The fields of the columns at `places`."""
        ...

    def matrix(
        self, places: Sequence[int], markers: Collection[str], decimal: str
    ) -> Numbers | None:
        """These columns as numbers at once, or None where that is not possible."""
        ...


@final
@dataclass(frozen=True)
class Cells:
    """Records that are cut into fields, equally many each, and where each begins."""

    records: Sequence[Sequence[str]]
    numbers: Sequence[int]

    @classmethod
    def of(cls, records: Sequence[tuple[int, Sequence[str]]]) -> Cells:
        """Take records of equal length, each with its number."""
        return cls([fields for _, fields in records], [number for number, _ in records])

    def texts(self, places: Sequence[int]) -> Sequence[Sequence[str]]:
        """The fields of the columns at `places`."""
        if len(places) < 2:
            return [tuple(fields[place] for fields in self.records) for place in places]
        return list(zip(*map(itemgetter(*places), self.records), strict=True))

    def matrix(
        self, places: Sequence[int], markers: Collection[str], decimal: str
    ) -> Numbers | None:
        """These columns as numbers at once, or None where that is not possible."""
        lines = [_BETWEEN.join(fields) for fields in self.records]
        if any("\n" in line or "\r" in line for line in lines):
            return None
        width = len(self.records[0])
        plain = PlainLines.of([f"{line}\n" for line in lines], 1, _BETWEEN, "", width, "")
        return None if plain is None else plain.matrix(places, markers, decimal)


@final
@dataclass(frozen=True, kw_only=True)
class Records:
    """What a reader of text knows: how its records come, and what they are called.

    Args:
        names: of the columns.
        pieces: gives all records in order; its argument says of how many each piece is made, and
            only the last piece has fewer.
        options: what means a missing value.
        source: for messages.
        unit: what the numbers of the records count.
        decimal: the sign before decimals.
        notes: what was decided, for people.
    """

    names: tuple[str, ...]
    pieces: Callable[[Iterator[int]], Iterator[Piece]]
    options: ReadOptions
    source: str
    unit: Literal["line", "row"] = "line"
    decimal: str = "."
    notes: tuple[str, ...] = ()

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Yield tables of `rows` rows, the last one shorter; each infers its columns by itself.

        Columns in `text` (None: all) stay text, others become numbers where all their text is.
        """
        most = self._comfortable_rows()
        rows = rows or most
        block: list[Piece] = []
        size = 0
        for piece in self.pieces(_sizes(rows, most)):
            block.append(piece)
            size += len(piece.numbers)
            if size == rows:
                yield self._built(lambda pieces=tuple(block): pieces, text)
                block, size = [], 0
        if block:
            yield self._built(lambda: block, text)

    def table(self, text: Collection[str] | None) -> Table:
        """Read all; a column is numbers only where all its text is."""
        return self._built(lambda: self.pieces(repeat(self._comfortable_rows())), text)

    def _built(self, pieces: Callable[[], Iterable[Piece]], text: Collection[str] | None) -> Table:
        kept = self.names if text is None else text
        builders = [self._builder(keep_text=name in kept) for name in self.names]
        growing = _Growing(builders, self.options, self.decimal)
        for piece in pieces():
            growing.add(piece)
        # Numbers first, text later on: the text of the first pieces is gone, so read it again.
        torn = [place for place, builder in enumerate(builders) if builder.torn]
        if torn:
            for place in torn:
                builders[place] = self._builder(keep_text=True)
            for piece in pieces():
                for place, texts in zip(torn, piece.texts(torn), strict=True):
                    builders[place].add(texts)
        columns: dict[str, Column] = {
            name: builder.build() for name, builder in zip(self.names, builders, strict=True)
        }
        numbers = np.array(growing.numbers, dtype=np.int64)
        return Table(MappingProxyType(columns), numbers, self.unit, self.source, notes=self.notes)

    def _builder(self, *, keep_text: bool) -> _ColumnBuilder:
        return _ColumnBuilder(self.options, self.decimal, keep_text)

    def _comfortable_rows(self) -> int:
        return max(1, _FIELDS_AT_ONCE // len(self.names))


def _sizes(rows: int, most: int) -> Iterator[int]:
    """Sizes of pieces, at most `most`, that fill blocks of `rows` without rest."""
    while True:
        yield from repeat(most, rows // most)
        if rows % most:
            yield rows % most


@final
class _Growing:
    """All columns while pieces are added: numbers at once where that goes, else one by one."""

    def __init__(self, builders: list[_ColumnBuilder], options: ReadOptions, decimal: str) -> None:
        self.numbers: list[int] = []
        self._builders = builders
        self._options = options
        self._decimal = decimal
        self._markers = options.markers
        self._failures = 0

    def add(self, piece: Piece) -> None:
        self.numbers.extend(piece.numbers)
        numeric = [place for place, builder in enumerate(self._builders) if builder.is_numeric]
        read = set[int]()
        if numeric and self._failures < _ATTEMPTS:
            found = piece.matrix(numeric, self._markers, self._decimal)
            self._failures = self._failures + 1 if found is None else 0
            if found is not None:
                values, whole = found
                values = without(values, self._options.marker_numbers)
                for place, row, is_whole in zip(numeric, values, whole.tolist(), strict=True):
                    self._builders[place].add_numbers(row, is_whole)
                read.update(numeric)
        places = [
            place
            for place, each in enumerate(self._builders)
            if place not in read and not each.torn
        ]
        for place, texts in zip(places, piece.texts(places), strict=True):
            self._builders[place].add(texts)


@final
class _Codes(dict[str, int]):
    """Code of a text as it is written: blanks around it do not count, −1 for what is missing."""

    def __init__(self, markers: Collection[str]) -> None:
        super().__init__(dict.fromkeys(markers, -1))
        self.levels: list[str] = []

    def __missing__(self, text: str) -> int:
        level = text.strip()
        code = self.get(level)
        if code is None:
            code = self[level] = len(self.levels)
            self.levels.append(level)
        self[text] = code
        return code


@final
class _ColumnBuilder:
    """Grows one column piece by piece: numbers while all text is numbers, else text.

    `torn` is set when text follows numbers whose own text is no longer at hand.
    """

    def __init__(self, options: ReadOptions, decimal: str, keep_text: bool) -> None:
        self._markers = options.markers
        self._marker_numbers = options.marker_numbers
        self._decimal = decimal
        self._numbers: list[NDArray[np.float64]] = []
        self._whole = True
        self._codes: list[NDArray[np.int32]] = []
        self._index = _Codes(self._markers)
        self._is_text = keep_text
        self.torn = False

    @property
    def is_numeric(self) -> bool:
        """Whether all so far are numbers, and text that follows would be looked at."""
        return not (self._is_text or self.torn)

    def add_numbers(self, values: NDArray[np.float64], whole: bool) -> None:
        """Append numbers, NaN where missing; `whole` if all are written so."""
        self._numbers.append(values)
        self._whole = self._whole and whole

    def add(self, texts: Sequence[str]) -> None:
        """Append the fields of one piece."""
        if self.torn:
            return
        if not self._is_text:
            parsed = _parse(texts, self._markers, self._decimal)
            if parsed is not None:
                self.add_numbers(without(parsed[0], self._marker_numbers), parsed[1])
                return
            if any(not np.isnan(values).all() for values in self._numbers):
                self.torn = True
                return
            self._is_text = True
            self._codes = [np.full(len(values), -1, np.int32) for values in self._numbers]
        codes = map(self._index.__getitem__, texts)
        self._codes.append(np.fromiter(codes, np.int32, len(texts)))

    def build(self) -> Column:
        """Join the pieces."""
        if self._is_text:
            levels = tuple(self._index.levels)
            return TextColumn(np.concatenate(self._codes), levels, self._decimal)
        return NumberColumn(np.concatenate(self._numbers), self._whole)


def _parse(
    texts: Sequence[str], markers: frozenset[str], decimal: str
) -> tuple[NDArray[np.float64], bool] | None:
    """Read a block of fields as (numbers with NaN, all whole), or None if one is no number."""
    present: Sequence[str] = texts
    if decimal != ".":
        if any("." in text and text.strip() not in markers for text in texts):
            return None
        texts = tuple(text.replace(decimal, ".") for text in texts)
    absent = None
    try:
        values = np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        stripped = [text.strip() for text in texts]
        absent = np.fromiter((text in markers for text in stripped), np.bool_, len(texts))
        present = [text for text in stripped if text not in markers]
        try:
            found = np.fromiter(map(float, present), np.float64, len(present))
        except ValueError:
            return None
        values = np.full(len(texts), np.nan)
        values[~absent] = found
    else:
        if np.isnan(values).any():
            absent = np.fromiter((text.strip() in markers for text in texts), np.bool_, len(texts))
            present = [text for text in texts if text.strip() not in markers]
    unmarked = np.isnan(values) if absent is None else np.isnan(values) & ~absent
    letters = "".join(present)
    if unmarked.any() or "_" in letters:
        return None
    whole = not any(letter in letters for letter in ".,eEnN")
    return values, whole
