"""How a text table is written: separator, quotes, header, missing markers, decimal sign."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from steepest.data.table import parse_number
from steepest.errors import ConfigurationError

MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
"""Text that stands for a missing value, besides an empty field."""

_SEPARATOR_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    r"""How to read a table; only `missing` and `query` matter for Parquet and data frames.

    Attributes:
        separator: one character, or the word "tab"; None finds it out among , ; tab and |.
        quote: the character around fields that contain separators, "" for none.
        header: the first line names the columns; otherwise they are column_1, column_2 …
        missing: texts that stand for a missing value (an empty field always does).
        decimal: "." or ","; None finds it out (never "," where the separator is one).
        encoding: of a text file that does not begin with a byte-order mark; "" finds it out.
        comment: lines of text that begin with it are no records; "" for none but lines that begin
            with # above the header.
        sheet: of a workbook, or table of a database; "" where there is only one.
        query: SQL whose rows are the table, FROM data; "" for the table as it is.

    Raises:
        ConfigurationError: a value that is not possible.

    >>> ReadOptions(separator="tab").separator
    '\t'
    """

    separator: str | None = None
    quote: str = '"'
    header: bool = True
    missing: tuple[str, ...] = MISSING
    decimal: str | None = None
    encoding: str = ""
    comment: str = ""
    sheet: str = ""
    query: str = ""

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        if self.separator in _SEPARATOR_NAMES:
            object.__setattr__(self, "separator", _SEPARATOR_NAMES[self.separator])
        if self.separator is not None and len(self.separator) != 1:
            raise ConfigurationError(
                f"separator must be one character or 'tab', not {self.separator!r}"
            )
        if self.separator is not None and self.separator in "\r\n":
            raise ConfigurationError("separator cannot be the end of a line")
        if len(self.quote) > 1 or self.quote in {"\r", "\n"}:
            raise ConfigurationError(f"quote must be one character or '', not {self.quote!r}")
        if self.separator is not None and self.separator == self.quote:
            raise ConfigurationError(f"separator and quote are both {self.quote!r}")
        if self.decimal not in {None, ".", ","}:
            raise ConfigurationError(f"decimal must be '.' or ',', not {self.decimal!r}")
        if self.decimal == "," and self.separator == ",":
            raise ConfigurationError("separator and decimal are both ','")
        if self.comment and self.comment[0] in {self.separator, self.quote, "\r", "\n"}:
            raise ConfigurationError(
                f"comment cannot be {self.comment!r}: fields or lines begin or end so"
            )
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            raise ConfigurationError(
                f"no encoding is called {self.encoding!r}; try utf-8, latin-1 or cp1252"
            ) from None

    @property
    def markers(self) -> frozenset[str]:
        """All texts, stripped of blanks, that stand for a missing value."""
        return frozenset({"", *(marker.strip() for marker in self.missing)})

    @property
    def marker_numbers(self) -> tuple[float, ...]:
        """The markers that are numbers: −999 stands for a missing value as "-999.0" too."""
        found = (parse_number(marker, self.decimal or ".") for marker in self.missing)
        return tuple(number for number in found if number is not None)
