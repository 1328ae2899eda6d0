"""CSV, TSV and their kin, with exact line numbers.

Python's own csv module cuts the records: it counts lines, takes blanks around quoted fields, keeps
the order of rows, needs one block of memory, and never mistakes a ragged file for one column.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import final

from steepest.data.dialect import Dialect, comments_above, find_dialect
from steepest.data.encoding import find_encoding
from steepest.data.lines import Lines, open_text, read_sample
from steepest.data.options import ReadOptions
from steepest.data.plain_lines import PlainLines
from steepest.data.readers.format import Format, check_names
from steepest.data.records import Cells, Piece, Records
from steepest.data.table import Table, parse_number
from steepest.errors import DataError


@final
class DelimitedFile:
    """One CSV or TSV file, its encoding and dialect found out and its header read.

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
        self._encoding = find_encoding(path, options.encoding)
        sample = read_sample(path, self._encoding.name)
        self._skipped, sample = comments_above(sample, options)
        self.dialect: Dialect = find_dialect(sample, options)
        self._is_single = False
        with open_text(path, self._encoding.name) as text:
            lines = Lines(text, path, options.comment)
            lines.skip(self._skipped)
            first = next(self._records(lines), None)
        if first is None:
            raise DataError(f"{path} is empty; a table has a header line and rows below it")
        self.names: tuple[str, ...] = self._column_names(first[1])
        self._is_single = len(self.names) == 1
        self._rows = Records(
            names=self.names,
            pieces=self._pieces,
            options=options,
            source=str(path),
            decimal=self.dialect.decimal,
            notes=self._notes(),
        )

    def blocks(self, rows: int | None, text: Collection[str] | None) -> Iterator[Table]:
        """Yield tables of `rows` rows, the last one shorter; each infers its columns by itself."""
        return self._rows.blocks(rows, text)

    def table(self, text: Collection[str] | None) -> Table:
        """Read the whole file; a column is numbers only where all its text is."""
        return self._rows.table(text)

    def _notes(self) -> tuple[str, ...]:
        told = [self._encoding.note]
        if self._skipped:
            count = "1 line" if self._skipped == 1 else f"{self._skipped} lines"
            told.append(f"{self._path}: {count} above the header left out as comments (#)")
        if self.dialect.decimal == "," and self._options.decimal is None:
            told.append(f"{self._path}: decimal commas are found (1,5 is one and a half)")
        return tuple(note for note in told if note)

    def _pieces(self, sizes: Iterator[int]) -> Iterator[Piece]:
        """Cut the file into pieces of so many records, all of equal length."""
        with open_text(self._path, self._encoding.name) as text:
            lines = Lines(text, self._path, self._options.comment)
            lines.skip(self._skipped)
            records = self._records(lines)
            if self._options.header:
                next(records)
            empty = True
            while (piece := self._piece(lines, records, next(sizes))) is not None:
                empty = False
                yield piece
        if empty:
            raise DataError(f"{self._path} has a header but no rows")

    def _piece(
        self, lines: Lines, records: Iterator[tuple[int, list[str]]], size: int
    ) -> Piece | None:
        plain = PlainLines.of(
            lines.ahead(size),
            lines.count + 1,
            self.dialect.separator,
            self.dialect.quote,
            len(self.names),
            self._options.comment,
        )
        if plain is not None:
            lines.pass_over(len(plain.lines))
            return plain
        block = list(islice(records, size))
        self._check_lengths(block)
        return Cells.of(block) if block else None

    def _records(self, lines: Lines) -> Iterator[tuple[int, list[str]]]:
        """Yield each record that is not blank with the number of its first line."""
        blank: list[int] = []
        try:
            for fields in self.dialect.records(lines):
                start, lines.at_record = lines.start, True
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
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise self._open_quote(lines.start) from None
            if "expected after" in str(error):
                raise DataError(
                    f"{self._path}, line {lines.start}: text follows a closing quote "
                    f"({self.dialect.quote}); write a quote inside of a field twice, or read with "
                    "--quote '' if quotes mean nothing here"
                ) from None
            raise DataError(f"{self._path}, line {lines.start}: {error}") from None

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
        check_names(names, self._path, advice)
        return names


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


FORMAT = Format(
    name="CSV",
    suffixes=(".csv", ".tsv", ".txt", ".tab", ".data"),
    recognises=None,
    open=DelimitedFile,
)
