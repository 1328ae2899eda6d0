r"""Find out how a text table is written, from its beginning.

The separator is the one that cuts the header into several names and most lines into as many
fields. Unlike a sniffer that looks for the best consistent reading, this never takes a file with
one ragged line for a file of one column: it settles on the header's separator, and reading then
names the line.

>>> find_dialect("x;y\n1,5;a\n2,25;b\n", ReadOptions())
Dialect(separator=';', quote='"', decimal=',')
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from steepest.data.options import ReadOptions
from steepest.data.table import parse_number

# The csv module's limit holds for the whole process; its default of 131,072 refuses honest text.
csv.field_size_limit(1 << 27)

_CANDIDATES = (",", "\t", ";", "|")
_SAMPLE_RECORDS = 200
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_GROUPED_NUMBER = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """Separator, quote ("" for none) and decimal sign of a text table."""

    separator: str
    quote: str
    decimal: str

    def records(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Cut lines into records of fields; a blank line is a record without fields.

        Text after a closing quote is an error and not, as in Python's lenient reading, part of the
        field: two stray quotes would make one field of all the lines between them. Blanks there
        are taken away.
        """
        taken: list[str] = []

        def noted() -> Iterator[str]:
            for line in lines:
                taken.append(line)
                yield line

        reader = self._reader(noted())
        while True:
            taken.clear()
            try:
                yield next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield self._without_blanks(taken)

    def _reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self.separator,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            skipinitialspace=self.separator != " ",
            strict=True,
        )

    def _without_blanks(self, lines: Sequence[str]) -> list[str]:
        """Read a record again without blanks between a closing quote and what ends the field."""
        quote, separator = re.escape(self.quote), re.escape(self.separator)
        blanks = re.compile(rf"{quote}[ \t]+(?={separator}|\r|\n|$)")
        return next(self._reader([blanks.sub(self.quote, line) for line in lines]))


def comments_above(sample: str, options: ReadOptions) -> tuple[int, str]:
    r"""Count the lines above the header that are comments, and give the sample without them.

    They begin with # and stand before any other line; the last of them is the header, and no
    comment, if it has as many fields as the line below, unless that line looks like a header.

    >>> comments_above("# made by hand\nx,y\n1,2\n", ReadOptions())
    (1, 'x,y\n1,2\n')
    >>> comments_above("#id,y\n1,2\n", ReadOptions())[0]
    0
    """
    if options.comment or not sample.lstrip().startswith("#"):
        return 0, sample
    lines = list(io.StringIO(sample, newline=""))
    count = next(
        (at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0
    )
    if not count:
        return 0, sample
    rest = "".join(lines[count:])
    dialect = find_dialect(rest, options)
    last = max(at for at, line in enumerate(lines[:count]) if line.strip())
    above, below = (next(iter(_sample_records(text, dialect)), []) for text in (lines[last], rest))
    numbers = any(parse_number(field, dialect.decimal) is not None for field in below)
    if len(above) == len(below) and (numbers or not lines[last].startswith("# ")):
        count = last
    return count, "".join(lines[count:])


def find_dialect(sample: str, options: ReadOptions) -> Dialect:
    """Find separator and decimal sign where the options leave them open."""
    separator = options.separator or _find_separator(sample, options.quote)
    decimal = options.decimal or "."
    if options.decimal is None and separator != ",":
        decimal = _find_decimal(_sample_records(sample, Dialect(separator, options.quote, ".")))
    return Dialect(separator, options.quote, decimal)


def _sample_records(sample: str, dialect: Dialect) -> list[list[str]]:
    records: list[list[str]] = []
    try:
        for record in dialect.records(io.StringIO(sample, newline="")):
            if record:
                records.append(record)
            if len(records) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        pass  # reading the file will meet the same fault, and name its line
    return records


def _find_separator(sample: str, quote: str) -> str:
    best, best_score = ",", (0.0, 0.0)
    for candidate in _CANDIDATES:
        widths = [len(record) for record in _sample_records(sample, Dialect(candidate, quote, "."))]
        if not widths:
            continue
        if widths[0] > 1:
            score = (sum(width == widths[0] for width in widths) / len(widths), float(widths[0]))
        elif len(widths) > 1 and min(widths[1:]) > 1:
            # The header is one name and every line below has more fields: ragged from the start.
            score = (0.0, 1.0)
        else:
            continue
        if score > best_score:
            best, best_score = candidate, score
    return best


def _find_decimal(records: list[list[str]]) -> str:
    fields = [field.strip() for record in records for field in record]
    if any(_POINT_NUMBER.fullmatch(field) for field in fields):
        return "."
    commas = [field for field in fields if _COMMA_NUMBER.fullmatch(field)]
    # "1,234" alone may be a thousand with a separator of groups: only "1,5" or "0,25" decides.
    decisive = any(not _GROUPED_NUMBER.fullmatch(field) for field in commas)
    return "," if decisive else "."
