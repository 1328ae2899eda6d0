"""Read CSV and TSV in blocks of rows, with exact line numbers.

Python's own csv module cuts the records: it counts lines, takes blanks around quoted fields, keeps
the order of rows, needs one block of memory, and never mistakes a ragged file for one column.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from steepest.data.dialect import Dialect, find_dialect
from steepest.data.options import ReadOptions
from steepest.data.source import Lines, open_text, read_sample
from steepest.data.table import (
    Column,
    NumberColumn,
    Table,
    TextColumn,
    parse_number,
    without,
)
from steepest.errors import DataError

_FIELDS_AT_ONCE = 1 << 17


@dataclass
class _Cells:
    """Records of one block, still text: one tuple of fields per column, one line per record."""

    columns: list[tuple[str, ...]]
    lines: list[int]


class DelimitedFile:
    """One CSV or TSV file, its dialect found out and its header read.

    Attributes:
        names: of the columns.
        dialect: separator, quote and decimal sign.

    Raises:
        DataError: empty, header only, without names or with one name twice, or not text.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        """Read the header."""
        self._path = path
        self._options = options
        self._is_single = False
        sample = read_sample(path, options.encoding)
        self.dialect: Dialect = find_dialect(sample, options)
        with open_text(path, options.encoding) as text:
            first = next(self._records(Lines(text, path)), None)
        if first is None:
            raise DataError(f"{path} is empty; a table has a header line and rows below it")
        self.names: tuple[str, ...] = self._column_names(first[1])
        self._is_single = len(self.names) == 1

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Yield tables of `rows` rows, the last one shorter; each infers its columns by itself.

        Columns in `text` (None: all) stay text, others become numbers where all their text is.
        """
        for cells in self._cells(rows or self._comfortable_rows()):
            columns: dict[str, Column] = {}
            for name, texts in zip(self.names, cells.columns, strict=True):
                builder = self._builder(keep_text=text is None or name in text)
                builder.add(texts)
                columns[name] = builder.build()
            yield self._table(columns, np.array(cells.lines, dtype=np.int64))

    def table(self, text: Collection[str] | None) -> Table:
        """Read the whole file; a column is numbers only where all its text is."""
        builders = {
            name: self._builder(keep_text=text is None or name in text) for name in self.names
        }
        lines: list[NDArray[np.int64]] = []
        for cells in self._cells(self._comfortable_rows()):
            lines.append(np.array(cells.lines, dtype=np.int64))
            for builder, texts in zip(builders.values(), cells.columns, strict=True):
                builder.add(texts)
        self._read_again_as_text(builders)
        columns = {name: builder.build() for name, builder in builders.items()}
        return self._table(columns, np.concatenate(lines))

    def _read_again_as_text(self, builders: dict[str, _ColumnBuilder]) -> None:
        # Numbers first, text later on: the text of the first blocks is gone, so read it again.
        torn = {name for name, builder in builders.items() if builder.torn}
        if not torn:
            return
        for name in torn:
            builders[name] = self._builder(keep_text=True)
        for cells in self._cells(self._comfortable_rows()):
            for name, texts in zip(self.names, cells.columns, strict=True):
                if name in torn:
                    builders[name].add(texts)

    def _builder(self, *, keep_text: bool) -> _ColumnBuilder:
        return _ColumnBuilder(self._options, self.dialect.decimal, keep_text)

    def _table(self, columns: dict[str, Column], lines: NDArray[np.int64]) -> Table:
        return Table(MappingProxyType(columns), lines, "line", str(self._path))

    def _comfortable_rows(self) -> int:
        return max(1, _FIELDS_AT_ONCE // len(self.names))

    def _cells(self, rows: int) -> Iterator[_Cells]:
        """Cut the file into blocks of `rows` records of equal length."""
        with open_text(self._path, self._options.encoding) as text:
            records = self._records(Lines(text, self._path))
            if self._options.header:
                next(records)
            empty = True
            while block := list(islice(records, rows)):
                empty = False
                self._check_lengths(block)
                columns = list(zip(*(fields for _, fields in block), strict=True))
                yield _Cells(columns, [line for line, _ in block])
        if empty:
            raise DataError(f"{self._path} has a header but no rows")

    def _records(self, lines: Lines) -> Iterator[tuple[int, list[str]]]:
        """Yield each record that is not blank with the number of its first line."""
        start = 1
        blank: list[int] = []
        try:
            for fields in self.dialect.records(lines):
                if not fields:
                    blank.append(start)
                elif self._is_single:  # there, a blank line is a missing value, but not at the end
                    is_end = fields == [Lines.SENTINEL]
                    yield from ((line, [""]) for line in blank if not is_end)
                    blank.clear()
                if fields:
                    if fields[-1].endswith(Lines.SENTINEL):
                        if fields != [Lines.SENTINEL]:
                            raise self._open_quote(start)
                        return
                    yield start, fields
                start = lines.count + 1
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise self._open_quote(start) from None
            if "expected after" in str(error):
                raise DataError(
                    f"{self._path}, line {start}: text follows a closing quote "
                    f"({self.dialect.quote}); write a quote inside of a field twice, or read with "
                    "--quote '' if quotes mean nothing here"
                ) from None
            raise DataError(f"{self._path}, line {start}: {error}") from None

    def _open_quote(self, line: int) -> DataError:
        return DataError(
            f"{self._path}, line {line}: a quote ({self.dialect.quote}) is opened and never "
            "closed; close it, or read with quote='' (--quote '') if quotes mean nothing here"
        )

    def _check_lengths(self, block: Sequence[tuple[int, list[str]]]) -> None:
        width = len(self.names)
        for line, fields in block:
            if len(fields) != width:
                model = "the header has" if self._options.header else "the first line has"
                raise DataError(
                    f"{self._path}, line {line}: {_count(len(fields), 'field')} where {model} "
                    f"{width} (separator {self.dialect.separator!r}); mend the line, or name the "
                    "right --separator or --quote"
                )

    def _column_names(self, first: list[str]) -> tuple[str, ...]:
        if not self._options.header:
            return tuple(f"column_{number}" for number in range(1, len(first) + 1))
        names = tuple(field.strip() for field in first)
        advice = ""
        if sum(parse_number(name, self.dialect.decimal) is not None for name in names) > 1:
            advice = "; if the first line is data and no header, say so (--no-header)"
        seen: set[str] = set()
        for number, name in enumerate(names, start=1):
            if not name:
                last = number == len(names) > 1
                unindexed = "is there a separator too many at its end?" if last else ""
                if number == 1:
                    unindexed = "did pandas write its index? (to_csv(index=False) does not)"
                raise DataError(
                    f"{self._path}: column {number} has no name in the header"
                    f"{advice or '; name it'}{' – ' + unindexed if unindexed else ''}"
                )
            if name in seen:
                twice = [str(n) for n, other in enumerate(names, start=1) if other == name]
                raise DataError(
                    f"{self._path}: {len(twice)} columns are called {name!r} "
                    f"(columns {', '.join(twice)}){advice or '; give each its own name'}"
                )
            seen.add(name)
        return names


class _ColumnBuilder:
    """Grows one column block by block: numbers while all text is numbers, else text.

    `torn` is set when text follows numbers whose own text is no longer at hand.
    """

    def __init__(self, options: ReadOptions, decimal: str, keep_text: bool) -> None:
        self._markers = options.markers
        self._marker_numbers = options.marker_numbers
        self._decimal = decimal
        self._numbers: list[NDArray[np.float64]] = []
        self._whole = True
        self._codes: list[NDArray[np.int32]] = []
        self._index: dict[str, int] = dict.fromkeys(self._markers, -1)
        self._is_text = keep_text
        self.torn = False

    def add(self, texts: tuple[str, ...]) -> None:
        """Append the fields of one block."""
        if self.torn:
            return
        if not self._is_text:
            parsed = _parse(texts, self._markers, self._decimal)
            if parsed is not None:
                self._numbers.append(without(parsed[0], self._marker_numbers))
                self._whole = self._whole and parsed[1]
                return
            if any(not np.isnan(values).all() for values in self._numbers):
                self.torn = True
                return
            self._is_text = True
            self._codes = [np.full(len(values), -1, np.int32) for values in self._numbers]
        self._codes.append(self._encode(texts))

    def _encode(self, texts: tuple[str, ...]) -> NDArray[np.int32]:
        index, markers = self._index, len(self._markers)
        code_of = index.setdefault
        codes = (code_of(text.strip(), len(index) - markers) for text in texts)
        return np.fromiter(codes, np.int32, len(texts))

    def build(self) -> Column:
        """Join the blocks."""
        if self._is_text:
            levels = tuple(islice(self._index, len(self._markers), None))
            return TextColumn(np.concatenate(self._codes), levels, self._decimal)
        return NumberColumn(np.concatenate(self._numbers), self._whole)


def _parse(
    texts: tuple[str, ...], markers: frozenset[str], decimal: str
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
