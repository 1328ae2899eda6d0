"""Lines without quotes: cut at each separator, and their numbers read all at once.

The csv module makes a string of each field, and Python a number of each string. Where nothing is
quoted NumPy reads the numbers of many lines in one go; what it cannot read is left to the csv
module, which finds out why and says where.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

# Stands for missing numbers while NumPy reads; larger than any number that a table may have.
_ABSENT = "1.6180339887498949e308"

Numbers: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Columns of numbers, (columns, rows) with NaN where missing; and whether each is all whole."""


@final
@dataclass(frozen=True)
class PlainLines:
    """Lines of equally many fields, none of them quoted.

    Args:
        lines: each with its end.
        separator: one character.
        numbers: of the lines in their file.
    """

    lines: Sequence[str]
    separator: str
    numbers: Sequence[int]

    @classmethod
    def of(
        cls, lines: Sequence[str], first: int, separator: str, quote: str, width: int, comment: str
    ) -> PlainLines | None:
        """Take lines if each is a record of `width` fields without quotes, else None."""
        if not lines or width < 2 or not _is_plain(separator):
            return None
        between = width - 1
        for line in lines:
            if line.count(separator) != between or (quote and quote in line):
                return None
            if comment and line.startswith(comment):
                return None
        return cls(lines, separator, range(first, first + len(lines)))

    def texts(self, places: Sequence[int]) -> list[tuple[str, ...]]:
        """The fields of the columns at `places`, as they are written."""
        if not places:
            return []
        if len(places) == 1:
            (place,) = places
            behind = self.lines[0].count(self.separator) - place
            if behind < place:
                cut = (line.rsplit(self.separator, behind + 1)[-behind - 1] for line in self.lines)
            else:
                cut = (line.split(self.separator, place + 1)[place] for line in self.lines)
            return [tuple(cut)]
        pick = itemgetter(*places)
        return list(zip(*(pick(line.split(self.separator)) for line in self.lines), strict=True))

    def matrix(
        self, places: Sequence[int], markers: Collection[str], decimal: str
    ) -> Numbers | None:
        """Read the columns at `places` as numbers; None if one of their fields is none.

        Args:
            places: of the columns.
            markers: texts that stand for a missing value.
            decimal: the sign before decimals.
        """
        found = None
        if decimal == ".":
            found = _values(self.lines, self.separator, places)
        for missing in (("",), markers):  # mostly nothing else is missing, and the rest takes time
            if found is None or np.isnan(found).any():  # NaN may be a marker, or be text
                text = self._marked(missing, decimal)
                lines = [] if text is None else text[1:-1].split("\n")
                found = _values(lines, self.separator, places)
        # What is still no number is text, and the csv module may see other lines than NumPy.
        if found is None or len(found) != len(self.lines) or np.isnan(found).any():
            return None
        columns = np.ascontiguousarray(found.T)
        columns[columns == float(_ABSENT)] = np.nan
        return columns, self._whole(columns, places, decimal)

    def _marked(self, markers: Collection[str], decimal: str) -> str | None:
        """The lines, between line ends, with a number of its own for all that is missing."""
        text = "\n" + "".join(self.lines)
        text = text.replace("\r\n", "\n") if "\r" in text else text
        text = text if text.endswith("\n") else text + "\n"
        if "\r" in text or _ABSENT in text or (decimal != "." and "." in text):
            return None
        return self._without(text, markers).replace(decimal, ".")

    def _without(self, text: str, markers: Collection[str]) -> str:
        """Write the same number for all that is missing."""
        separator = self.separator
        for marker in markers:
            if marker and marker not in text:
                continue
            for before, after in ((separator, separator), (separator, "\n"), ("\n", separator)):
                field = f"{before}{marker}{after}"
                for _ in range(2):  # two in a row share a separator
                    marked = text.replace(field, f"{before}{_ABSENT}{after}")
                    if marked is text:
                        break
                    text = marked
        return text

    def _whole(
        self, columns: NDArray[np.float64], places: Sequence[int], decimal: str
    ) -> NDArray[np.bool_]:
        """Which columns are written without a decimal sign or an exponent."""
        with np.errstate(invalid="ignore"):  # infinity less infinity
            fractions = np.nan_to_num(columns - np.floor(columns), nan=0.0) != 0.0
        whole = ~fractions.any(axis=1)
        if whole.any():
            whole &= ~self._columns_with(f"{decimal}eE")[np.asarray(places)]
            whole &= ~np.isinf(columns).any(axis=1)
        return whole

    def _columns_with(self, signs: str) -> NDArray[np.bool_]:
        """Which columns have one of these characters in a field that is a number."""
        text = "".join(self.lines)
        width = self.lines[0].count(self.separator) + 1
        columns = np.zeros(width, np.bool_)
        if any(sign in text for sign in signs):
            table = np.zeros(256, np.uint8)
            table[[ord(self.separator), ord("\n")]] = 1
            table[[ord(sign) for sign in signs]] = 2
            found = table[np.frombuffer(text.encode(), np.uint8)]
            columns[np.cumsum(found == 1)[found == 2] % width] = True
        return columns


def _values(
    lines: Sequence[str], separator: str, places: Sequence[int]
) -> NDArray[np.float64] | None:
    if not lines:
        return None
    try:
        return np.loadtxt(lines, delimiter=separator, comments=None, usecols=places, ndmin=2)
    except (ValueError, OverflowError):
        return None


def _is_plain(separator: str) -> bool:
    return separator.isascii() and (separator == "\t" or not separator.isspace())
